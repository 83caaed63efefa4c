"""Refusals and faults as a page: what happened and what to do now, in the reader's language."""

from flask import Response, g, request

from registry.access.guard import current_caller
from registry.errors import UnauthorizedError
from registry.web.pages.render import current_language, page
from registry.web.problem_types import ProblemType

_UNAUTHORIZED = 401
# What is too large there is a file, not what somebody wrote.
_UPLOAD = "pages.send_list"


def error_page(kind: ProblemType, _detail: str) -> Response:
    """Return the page for a problem. Its `detail` is English for programmers; the reader gets the page's own words."""
    lang = current_language()
    slug = "list-too-large" if kind.slug == "body-too-large" and request.endpoint == _UPLOAD else kind.slug
    by_slug, by_status = f"problem.{slug}", f"error.{kind.status}"
    key = by_slug if by_slug in lang.texts else by_status if by_status in lang.texts else "error.500"
    return page(
        "error.html",
        status=kind.status,
        heading=lang.text(key),
        text=lang.text(f"{key}-text"),
        remedy=lang.known(f"{key}-remedy", ""),
        log_in=kind.status == _UNAUTHORIZED and not _known(),
        request_id=g.get("request_id", ""),
    )


def _known() -> bool:
    try:
        current_caller()
    except UnauthorizedError:
        return False
    return True
