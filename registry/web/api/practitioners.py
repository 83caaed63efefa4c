"""`GET /v1/practitioners/{id}`: everything the registry may show about one person."""

import re
from typing import Any

import marshmallow as ma
import sqlalchemy as sa
from flask import g

from registry.access.guard import current_caller
from registry.access.log import record_access
from registry.errors import NotFoundError
from registry.records.read import Practitioner, id_by_public_id, practitioners
from registry.records.read import feeds as read_feeds
from registry.web.api import present
from registry.web.api.asking import check_query_purpose, loggable_question
from registry.web.api.fields import Answer, CamelCase, Text, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.schemas import IdentifierSchema, LicenceSchema, LinkSchema, NameSchema, partial_date
from registry.web.context import Context, context

blueprint = ApiBlueprint("practitioners", "Facts about one person.")
# What ids look like (indexer.people.new_public_id); anything else is no id and no value for a database.
_PUBLIC_ID = re.compile(r"[A-Za-z0-9]{1,64}\Z")
# No practitioner has it; read in place of none, so that no hit costs the same statements as a hit.
_NOBODY = -1


class PractitionerQuerySchema(CamelCase):
    """Why a person's record is read."""

    purpose = Text(
        max_length=50, load_default="lookup", metadata=about("Why you ask; written to the access log.")
    )


class PractitionerSchema(Answer):
    """A person with all names, public identifiers and licences."""

    resource = "practitioner"

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True, metadata=about("The name to show; empty if no source gives one."))
    names = ma.fields.List(ma.fields.Nested(NameSchema), required=True)
    birth_date = partial_date("Born.")
    deceased = ma.fields.Boolean(required=True)
    deceased_date = partial_date("Died.")
    identifiers = ma.fields.List(ma.fields.Nested(IdentifierSchema), required=True)
    licences = ma.fields.List(ma.fields.Nested(LicenceSchema), required=True)
    links = ma.fields.Nested(LinkSchema, required=True)


QUERY = PractitionerQuerySchema()
ID = {"in": "path", "name": "id", "description": "The `id` of a search answer or verification."}
EXAMPLE = {
    "id": "Zk3v9QhTb1aXw7RmPq5LdA",
    "name": "Anna Lindqvist",
    "names": [{"use": "official", "text": "Anna Lindqvist"}, {"use": "former", "text": "Anna Berg"}],
    "birthDate": "1980-05-03",
    "deceased": False,
    "deceasedDate": None,
    "identifiers": [],
    "licences": [
        {
            "number": "123456",
            "profession": {
                "code": "registered-nurse",
                "name": {"sv": "Sjuksköterska", "en": "Registered nurse"},
            },
            "rawProfession": {"code": "SJ", "text": ""},
            "status": {"code": "active", "name": {"sv": "Gällande", "en": "Active"}},
            "rawStatus": "",
            "authority": {
                "id": "socialstyrelsen",
                "name": {"sv": "Socialstyrelsen", "en": "The National Board of Health and Welfare"},
            },
            "jurisdiction": "SE",
            "issued": "2005-06-14",
            "validFrom": "2005-06-14",
            "validTo": None,
            "specialties": [],
            "restrictions": [],
            "feed": "hosp",
            "gone": False,
            "held": False,
            "knownSince": "2026-11-22T02:58:40Z",
        }
    ],
    "links": {"self": "/v1/practitioners/Zk3v9QhTb1aXw7RmPq5LdA"},
}


@operation(
    blueprint,
    "/practitioners/<id>",
    operation_id="getPractitioner",
    scope="registry:read",
    query=QUERY,
    answer=PractitionerSchema(),
    example=EXAMPLE,
    problems=("not-found", "access-log-unavailable", "purpose-not-allowed"),
    parameters=(ID,),
    needs=("practitioner.id",),
)
def read_practitioner(asked: dict[str, str], id: str) -> present.Values:  # noqa: A002 - its name in the API
    """Read one person's names, identifiers and licences.

    A person with a protected identity is answered like one who does not exist. No personal identity number is shown.
    When two records turn out to be about one person, the id of the one leads to the other: the answer's `id` is the
    one to keep.
    """
    ours = context()
    check_query_purpose(asked["purpose"], ours.settings.access, QUERY)
    with ours.truth.connect() as connection:
        person = read_person(connection, id)
        feeds = read_feeds(connection)
    shown = logged_person(person, asked["purpose"], {"id": id}, ours)
    return present.practitioner(shown, feeds, ours.vocabulary)


def read_person(connection: sa.Connection, public_id: str) -> Practitioner | None:
    """Read whoever an id leads to, with the same statements for a hit and for none."""
    number = id_by_public_id(connection, public_id) if _PUBLIC_ID.match(public_id) else None
    return practitioners(connection, [_NOBODY if number is None else number]).get(number or _NOBODY)


def logged_person(
    person: Practitioner | None, purpose: str, question: dict[str, Any], ours: Context
) -> Practitioner:
    """Write the access event, then give the person back.

    Raises:
        NotFoundError: there is none, or none that may be shown.
    """
    shown = person is not None and person.listed
    record_access(
        ours.access,
        ours.settings.access,
        current_caller(),
        purpose=purpose,
        action="read",
        question=loggable_question(question),
        answer="found" if shown else "not found",
        # Also of a person who is not shown for protection: they may see that someone asked.
        practitioner_ids=[] if person is None else [person.id],
        request_id=g.request_id,
    )
    if person is None or not person.listed:
        raise NotFoundError
    return person
