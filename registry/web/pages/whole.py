"""Pages show people whole or not at all, by the policy of who may see what.

A page is made from people as they are read, for roles that are shown everything it can show. Who is shown less is refused the page,
and not shown a page that tells more than the API would: `GET /v1/...` gives them what they may see.
"""

from collections.abc import Mapping

import marshmallow as ma
from flask import current_app, request

from registry.access.guard import stated_scopes
from registry.access.policy import Member, NotShownError, Shape
from registry.web.api.batch_schemas import BatchResultsSchema, BatchSchema
from registry.web.api.feed_run_schemas import ReceiptSchema
from registry.web.api.history import HistorySchema
from registry.web.api.oversight_schemas import OversightSchema
from registry.web.api.practitioners import PractitionerSchema
from registry.web.api.search_schemas import SearchAnswerSchema
from registry.web.api.shown import audience, shape_of
from registry.web.api.subject_request_schemas import CorrectionSchema, ReportSchema
from registry.web.api.suggestions import SuggestionsSchema
from registry.web.api.verification_past_schemas import ReverificationSchema


def _several(*schemas: ma.Schema) -> Shape:
    return Shape("Pages", {type(one).__name__: Member(inside=shape_of(one)) for one in schemas})


# What pages show, by the scope they need: what the API shows for the same scope. One's own record is one's own.
_SHOWN: Mapping[str, Shape | None] = {
    "registry:search": _several(SearchAnswerSchema(), SuggestionsSchema()),
    "registry:read": _several(PractitionerSchema(), HistorySchema()),
    "registry:verify": _several(ReverificationSchema(), BatchSchema(), BatchResultsSchema()),
    "registry:admin": _several(ReceiptSchema()),
    "registry:oversight": _several(OversightSchema()),
    "registry:reports": _several(ReportSchema()),
    "registry:corrections": _several(CorrectionSchema()),
    "registry:self": None,
}


def whole_or_not() -> None:
    """Refuse a page that shows more than the role of whoever is logged in is shown.

    A page may state any purpose, so the least that the role is shown for any counts.

    Raises:
        NotShownError: it does.
    """
    for scope in stated_scopes(current_app, request.endpoint or "", request.method) or ():
        shape = _SHOWN[scope]
        if shape and not audience().sees_all(shape):
            raise NotShownError(
                f"Pages show people whole, and your role is not shown all that {scope} is for."
            )
