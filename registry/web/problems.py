"""Errors as answers: RFC 9457 problem details for programs, the pages' own error page for people.

One shape for every refusal, also for those that Flask, werkzeug and marshmallow raise. Nothing that a library says is
passed on: its words may hold SQL, paths or a personal identity number.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from registry.access.challenges import www_authenticate
from registry.errors import BadRequestError, NotFoundError, RegistryError
from registry.identifiers import mask_personal_numbers
from registry.logs import frames
from registry.settings import Settings
from registry.web.context import context
from registry.web.problem_types import PROBLEM_TYPES, ProblemType

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
# Paths that answer programs; everything else is a page.
PROGRAM_PATHS = ("/v1/", "/problems/", "/livez", "/readyz")
# The pages put their own renderer here: (problem type, detail) -> answer.
ERROR_PAGE = "registry-error-page"
# Refusals that a log tells, and those among them of somebody who brought nothing that could have been refused.
_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOT_TRIED = frozenset({"unauthorized", "login-needed"})
# Refusals that are counted for the privacy officer.
_COUNTED = _REFUSALS | {HTTPStatus.TOO_MANY_REQUESTS}
_COUNTED_TOO = frozenset({"login-failed", "consent-code-refused"})
ErrorPage = Callable[[ProblemType, str], Response]


class InvalidQueryError(BadRequestError):
    """A query parameter is wrong; `errors` names each as {parameter, detail}."""

    slug = "invalid-query"
    title = "A query parameter is wrong"


class InvalidJsonError(BadRequestError):
    """The body can't be read as one JSON object."""

    slug = "invalid-json"
    title = "The body is not JSON"


class MethodNotAllowedError(RegistryError):
    """The resource does not take this HTTP method."""

    slug = "method-not-allowed"
    status = 405
    title = "The method is not allowed here"


class BodyTooLargeError(RegistryError):
    """The body is larger than `web.max_body_bytes`."""

    slug = "body-too-large"
    status = 413
    title = "The body is too large"


class UnsupportedMediaTypeError(RegistryError):
    """The body is not `application/json`."""

    slug = "unsupported-media-type"
    status = 415
    title = "The body has the wrong media type"


class DatabaseUnavailableError(RegistryError):
    """A database does not answer in time."""

    slug = "database-unavailable"
    status = 503
    title = "The registry's database does not answer"


def type_uri(settings: Settings, slug: str) -> str:
    """Return the problem `type` URI, which is also where it is documented."""
    return f"{settings.service.base_url.rstrip('/')}/problems/{slug}"


def problem_body(
    settings: Settings, kind: ProblemType, *, detail: str, instance: str, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the members of a problem details object; `extra` members come last."""
    return {
        "type": type_uri(settings, kind.slug),
        "title": kind.title,
        "status": kind.status,
        "detail": detail or kind.meaning_en,
        "instance": instance,
        **extra,
    }


def register(app: Flask, settings: Settings) -> None:
    """Answer every error of `app` as a problem, or as a page where a person asks for a page."""

    def answer(error: Exception) -> Response:
        known = _as_registry_error(error, settings)
        kind = PROBLEM_TYPES.get(known.slug, PROBLEM_TYPES["internal"])
        if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log_failure(error, kind)
        elif kind.status in _REFUSALS and kind.slug not in _NOT_TRIED:
            _log_refusal(known, kind)
        _count_refusal(known, kind)
        response = (_page(kind, known) if _wants_page() else None) or _problem(settings, kind, known)
        _add_headers(response, known, error, settings)
        return response

    app.register_error_handler(Exception, answer)


def _as_registry_error(error: Exception, settings: Settings) -> RegistryError:
    """Translate what libraries raise into our errors; what is not known becomes `internal`."""
    match error:
        case RegistryError():
            return error
        case RequestEntityTooLarge():
            return _too_large(settings)
        case HTTPException():
            return _from_http(error)
        case OperationalError() | InterfaceError() | PoolTimeoutError():
            return DatabaseUnavailableError()
        case DBAPIError(connection_invalidated=True):
            return DatabaseUnavailableError()
    return RegistryError()


def _too_large(settings: Settings) -> BodyTooLargeError:
    limit = request.max_content_length or settings.web.max_body_bytes
    if (request.content_length or limit + 1) <= limit:
        parts = settings.web.max_form_parts
        return BodyTooLargeError(f"The form may have {parts} parts at most.", maxBytes=limit)
    return BodyTooLargeError(f"The body may hold {limit} bytes at most.", maxBytes=limit)


def _from_http(error: HTTPException) -> RegistryError:
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    match code:
        case HTTPStatus.NOT_FOUND:
            return NotFoundError()
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return MethodNotAllowedError()
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return UnsupportedMediaTypeError()
    return RegistryError() if code >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequestError()


def _wants_page() -> bool:
    if request.path.startswith(PROGRAM_PATHS) or ERROR_PAGE not in current_app.extensions:
        return False
    best = request.accept_mimetypes.best_match(["application/json", MEDIA_TYPE, "text/html"])
    return best == "text/html"


def _page(kind: ProblemType, error: RegistryError) -> Response | None:
    """Return the pages' error page; None when rendering fails too, so that there is an answer even then."""
    render: ErrorPage = current_app.extensions[ERROR_PAGE]
    try:
        response = render(kind, error.detail)
    except Exception as failure:  # noqa: BLE001 - whatever is wrong with the page, the problem itself is told
        _log_failure(failure, PROBLEM_TYPES["internal"])
        return None
    response.status_code = kind.status
    return response


def _problem(settings: Settings, kind: ProblemType, error: RegistryError) -> Response:
    body = problem_body(
        settings,
        kind,
        # Whatever a client wrote into a name or a path is not sent back where it may be a personal identity number.
        detail=mask_personal_numbers(error.detail),
        instance=mask_personal_numbers(request.path),
        extra=error.extra if kind.slug == error.slug else {},
    )
    return Response(orjson.dumps(body), status=kind.status, content_type=MEDIA_TYPE)


def _add_headers(response: Response, error: RegistryError, original: Exception, settings: Settings) -> None:
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(settings.web.retry_after_s)
    if (wait := getattr(error, "retry_after_s", None)) is not None:
        response.headers["Retry-After"] = str(wait)
    if challenge := www_authenticate(error):
        response.headers["WWW-Authenticate"] = challenge
    if isinstance(original, MethodNotAllowed) and original.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(original.valid_methods))


def _log_refusal(error: RegistryError, kind: ProblemType) -> None:
    """Log who was refused what and why, for whoever looks for attempts (OWASP ASVS 5.0 items 16.3.1 and 16.3.2)."""
    caller = g.get("registry_caller")
    log.warning(
        "request refused",
        problem=kind.slug,
        reason=error.detail or kind.title,
        endpoint=request.endpoint,
        method=request.method,
        remote=request.remote_addr,
        issuer=getattr(caller, "issuer", None),
        subject=getattr(caller, "subject", None),
        client_id=getattr(caller, "client_id", None),
        organisation=getattr(caller, "organisation", None),
        request_id=g.get("request_id"),
    )


def is_counted(kind: ProblemType) -> bool:
    """Tell whether problems of a kind refuse somebody who tried something (`registry.access.refusals`)."""
    return (kind.status in _COUNTED or kind.slug in _COUNTED_TOO) and kind.slug not in _NOT_TRIED


def _count_refusal(error: RegistryError, kind: ProblemType) -> None:
    """Count a refusal by who it was; a proof that lacks a nonce which nobody can know beforehand is none."""
    if is_counted(kind) and getattr(error, "code", "") != "use_dpop_nonce":
        context().refusals.add(kind.slug, g.get("registry_caller"), issuer=getattr(error, "issuer", ""))


def _log_failure(error: BaseException, kind: ProblemType) -> None:
    """Log where it went wrong, never what was said: messages of libraries repeat data."""
    # Flask wraps what an error handler or an answer's last steps raise.
    error = getattr(error, "original_exception", None) or error
    cause = error.__cause__ or (error.orig if isinstance(error, DBAPIError) else None)
    log.error(
        "request failed",
        problem=kind.slug,
        error=type(error).__name__,
        cause=type(cause).__name__ if cause else None,
        database=isinstance(error, SQLAlchemyError) or None,
        endpoint=request.endpoint,
        request_id=g.get("request_id"),
        trace=frames(error),
    )
