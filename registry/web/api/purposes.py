"""`GET /v1/purposes`: why one may ask, on what legal ground, and what the caller may state."""

import marshmallow as ma
import orjson
from flask import Response

from registry.access.guard import current_caller
from registry.access.purposes import stateable
from registry.web.api.fields import ABOUT_NOBODY, Answer, Bilingual, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.context import context

blueprint = ApiBlueprint("purposes", "Why one may ask.")


class PurposeSchema(Answer):
    """One purpose."""

    resource = ABOUT_NOBODY

    code = ma.fields.String(required=True, metadata=about("What a question states."))
    name = ma.fields.Nested(Bilingual, required=True)
    ground = ma.fields.Nested(
        Bilingual, required=True, metadata=about("The legal ground: why the question may be asked.")
    )
    may_state = ma.fields.Boolean(
        required=True, metadata=about("You may state it for a question about somebody else.")
    )


class PurposesSchema(Answer):
    """All purposes, in the operator's order."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(PurposeSchema), required=True)


EXAMPLE = {
    "items": [
        {
            "code": "recruitment",
            "name": {"sv": "Rekrytering", "en": "Recruitment"},
            "ground": {
                "sv": "Arbetsgivarens kontroll före anställning",
                "en": "The employer's check before employment",
            },
            "mayState": True,
        }
    ]
}


@operation(blueprint, "/purposes", operation_id="listPurposes", answer=PurposesSchema(), example=EXAMPLE)
def list_purposes() -> Response:
    """List the purposes that questions may state, with their legal ground.

    Any valid access token will do.
    """
    access = context().settings.access
    mine = stateable(access, current_caller())
    items = [
        {
            "code": code,
            "name": {"sv": one.sv, "en": one.en},
            "ground": {"sv": one.ground_sv, "en": one.ground_en},
            "mayState": code in mine,
        }
        for code, one in access.purposes.items()
    ]
    return Response(orjson.dumps({"items": items}), mimetype="application/json")
