"""Refusals: their problem types, and the `WWW-Authenticate` header of RFC 6750 that goes with them.

The error handler of the API adds `www_authenticate(error)` to the answer when it is not None.
"""

from typing import Any

from registry.errors import ForbiddenError, RegistryError, UnauthorizedError

REALM = "registry"


class InvalidTokenError(UnauthorizedError):
    """A token was sent, but it is not one that this service takes (RFC 6750 `invalid_token`)."""

    slug = "invalid-token"
    title = "The access token is not valid here"


class LoginNeededError(UnauthorizedError):
    """A page that is shown to people who have logged in only."""

    slug = "login-needed"
    title = "Log in to see this"


class InsufficientScopeError(ForbiddenError):
    """The token is valid but lacks a scope (RFC 6750 `insufficient_scope`).

    Attributes:
        scope: the scopes that the request needs, space-separated.
    """

    slug = "insufficient-scope"
    title = "The credential lacks a scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The request needs the scope {scope}.", scope=scope)
        self.scope = scope


def www_authenticate(error: RegistryError) -> str | None:
    """Return the `WWW-Authenticate` value for `error`, or None where none belongs.

    No error code is told to a request without any credential (RFC 6750 section 3.1).
    """
    match error:
        case LoginNeededError():
            return None
        case InvalidTokenError():
            return _challenge(error="invalid_token", error_description=error.detail or error.title)
        case InsufficientScopeError():
            return _challenge(error="insufficient_scope", scope=error.scope)
        case UnauthorizedError():
            return _challenge()
    return None


def _challenge(**parameters: Any) -> str:  # noqa: ANN401 - quoted as text
    """Return a Bearer challenge; RFC 6750 allows no quotes, backslashes or non-ASCII characters in the values."""
    parts = [f'realm="{REALM}"']
    for name, value in parameters.items():
        text = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in str(value))
        parts.append(f'{name}="{text}"')
    return "Bearer " + ", ".join(parts)
