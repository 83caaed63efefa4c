"""Refusals and faults as a page: what happened and what to do now, in the reader's language."""

from flask import Response, g, request

from registry.access.guard import current_caller
from registry.errors import UnauthorizedError
from registry.web.pages.login import login_url, stronger_login
from registry.web.pages.render import current_language, page
from registry.web.problem_types import ProblemType

_UNAUTHORIZED = 401
# What is too large there is a file, not what somebody wrote.
_UPLOAD = "pages.send_list"
_FAILED, _WEAK = "login-failed", "stronger-login-needed"


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
        log_in=_log_in_url(kind),
        request_id=g.get("request_id", ""),
    )


def _log_in_url(kind: ProblemType) -> str:
    """Return where the reader can log in, where that may help; "" where it does not."""
    path = request.full_path.removesuffix("?") if request.method == "GET" else "/"
    try:
        caller = current_caller()
    except UnauthorizedError:
        helps = kind.status == _UNAUTHORIZED or kind.slug == _FAILED
        return login_url(path if kind.slug != _FAILED else "/") if helps else ""
    return stronger_login(caller, path) if kind.slug == _WEAK else ""
