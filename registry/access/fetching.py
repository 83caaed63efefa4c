"""Asking an identity provider for a small JSON document, with bounds on time and size."""

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from registry.errors import IdentityProviderUnavailableError

log = structlog.get_logger()
# A discovery document or key set is a few kB; more is not one.
MAX_DOCUMENT_BYTES = 512 * 1024


def get_json(url: str, *, timeout_s: float, token: str = "") -> dict[str, Any]:
    """Fetch a JSON object.

    Args:
        url: absolute address; redirects are not followed.
        timeout_s: for the connection, for each wait, and for the whole answer.
        token: sent as a bearer token when given.

    Raises:
        IdentityProviderUnavailableError: for every failure; the address stays in the log.
    """
    return as_object(url, get_text(url, timeout_s=timeout_s, token=token)[0])


def get_text(url: str, *, timeout_s: float, token: str = "") -> tuple[bytes, str]:
    """Fetch a document; return its bytes and its media type. Arguments and errors as `get_json`."""
    headers = {"Accept": "application/json"}
    if token:
        headers = {"Accept": "application/json, application/jwt", "Authorization": f"Bearer {token}"}
    answer = _send("GET", url, timeout_s=timeout_s, headers=headers)
    if answer.status != httpx.codes.OK:
        raise unavailable(url, f"status {answer.status}")
    return answer.body, answer.media_type


def post_form(
    url: str, body: str, *, timeout_s: float, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Send a form; return the status below 500 and the JSON object of the answer. Errors as `get_json`.

    A refusal (400 and above) need not be JSON: its object is empty then.
    """
    form = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **headers}
    answer = _send("POST", url, timeout_s=timeout_s, headers=form, content=body)
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise unavailable(url, f"status {answer.status}")
    if answer.status >= httpx.codes.BAD_REQUEST and answer.media_type != "application/json":
        return answer.status, {}
    return answer.status, as_object(url, answer.body)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    media_type: str
    body: bytes


def _send(method: str, url: str, *, timeout_s: float, headers: dict[str, str], content: str = "") -> _Answer:
    deadline = time.monotonic() + timeout_s
    try:
        with httpx.stream(method, url, headers=headers, content=content, timeout=timeout_s) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise unavailable(url, "answer too large")
                # httpx times each wait; a provider that drips bytes would hold a worker for ever.
                if time.monotonic() > deadline:
                    raise unavailable(url, "answer too slow")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return _Answer(response.status_code, media_type, bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unavailable(url, type(error).__name__) from error


def as_object(url: str, body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        IdentityProviderUnavailableError: the body is none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unavailable(url, "not JSON") from error
    if not isinstance(document, dict):
        raise unavailable(url, "not a JSON object")
    return document


def unavailable(url: str, reason: str) -> IdentityProviderUnavailableError:
    """Log why the provider failed; return the error that says no more than that it did."""
    log.warning("identity_provider_failed", url=url.partition("?")[0], reason=reason)
    return IdentityProviderUnavailableError(
        "The identity provider can't be reached at the moment. Try again."
    )
