"""Forms: proof that a form came from our own page (OWASP ASVS 5.0 item 3.5.1).

A template puts `<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">` into every POST form. The guard
checks it for blueprints under a login. Each call gives another text for the same secret, so that compressed pages
do not give it away (BREACH).
"""

import base64
import binascii
import hmac
import secrets

from flask import request, session

from registry.errors import ForbiddenError

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
_KEY = "csrf"
_BYTES = 32


class StaleFormError(ForbiddenError):
    """A form without the proof, or with that of a session that has ended."""

    slug = "stale-form"
    title = "The form is out of date"


def begin_csrf() -> bytes:
    """Give the session its secret. At login, so that pages opened at the same time don't each make their own."""
    secret = secrets.token_bytes(_BYTES)
    session[_KEY] = secret.hex()
    return secret


def csrf_token() -> str:
    """Return the proof for a form of this session; begins a session for a visitor who has none."""
    secret = _secret() or begin_csrf()
    mask = secrets.token_bytes(_BYTES)
    return base64.urlsafe_b64encode(mask + _xor(mask, secret)).decode()


def check_csrf() -> None:
    """Check the proof of the current request (form field `csrf_token` or header `X-CSRF-Token`).

    Raises:
        StaleFormError: it is missing or another session's.
    """
    secret = _secret()
    sent = request.headers.get(HEADER) or request.form.get(FIELD, "")
    try:
        masked = base64.b64decode(sent, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        masked = b""
    known = secret is not None and len(masked) == 2 * _BYTES
    if not known or not hmac.compare_digest(_xor(masked[:_BYTES], masked[_BYTES:]), secret or b""):
        raise StaleFormError("Open the page again and send the form once more.")


def _secret() -> bytes | None:
    text = session.get(_KEY)
    return bytes.fromhex(text) if isinstance(text, str) else None


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
