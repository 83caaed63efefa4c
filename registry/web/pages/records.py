"""One practitioner's page."""

import re

from flask import Response, request

from registry.access.guard import requires_scope
from registry.access.log import loggable
from registry.errors import NotFoundError
from registry.records import read
from registry.records.read import Practitioner
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import FormError
from registry.web.pages.common import (
    Today,
    evidence,
    known_feeds,
    log_access,
    purpose_options,
    purposes,
    viewer,
)
from registry.web.pages.render import page

# What ids look like; anything else is none, and no value for a database.
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
# No practitioner has it.
_NOBODY = -1


@pages.get("/practitioners/<public_id>")
@requires_scope("registry:read")
def practitioner(public_id: str) -> Response:
    """Show one practitioner with the answer for each licence today.

    Somebody with a protected identity is answered exactly as somebody who is not there: 404. The id of somebody whose
    records were joined to another's shows the person who has them now.
    """
    purpose = request.args.get("purpose", "")
    if purpose not in purposes():
        errors = [FormError("purpose", "wrong.purpose")] if purpose else []
        return page("purpose.html", purposes=purpose_options(), errors=errors)
    person = _read(public_id)
    shown = person is not None and person.listed
    # Also about a person who is not shown for protection: they may see that someone asked.
    ids = [] if person is None else [person.id]
    log_access("read", purpose, {"id": loggable(public_id)}, "found" if shown else "not found", ids)
    if person is None or not person.listed:
        raise NotFoundError
    view = viewer(known_feeds())
    today = Today(view)
    return page(
        "practitioner.html",
        person=view.person(person),
        licences=today.licences(person),
        today=today.written(),
        evidence=evidence(purpose, today.rule_version, view),
    )


def _read(public_id: str) -> Practitioner | None:
    with context().truth.connect() as connection:
        found = read.id_by_public_id(connection, public_id) if _PUBLIC_ID.match(public_id) else None
        # The same statements for a hit and for none, so that time tells nothing.
        return next(
            iter(read.practitioners(connection, [_NOBODY if found is None else found]).values()), None
        )
