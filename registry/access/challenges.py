"""Refusals: their problem types, and the `WWW-Authenticate` header of RFC 6750 and RFC 9449 that goes with them.

The error handler of the API adds `www_authenticate(error)` to the answer when it is not None.
"""

from registry.errors import ForbiddenError, RegistryError, UnauthorizedError

REALM = "registry"


class InvalidTokenError(UnauthorizedError):
    """A token was sent, but it is not one that this service takes (RFC 6750 `invalid_token`).

    Attributes:
        issuer: the configured issuer that it was held against, "" where none was; whoever sent it need not be that issuer's.
    """

    slug = "invalid-token"
    title = "The access token is not valid here"
    issuer = ""


class InvalidProofError(InvalidTokenError):
    """A DPoP proof that does not hold, is used a second time, or lacks our nonce.

    Attributes:
        code: the `error` of RFC 9449 section 7.1.
        algorithms: those that a proof may be signed with, space-separated.
    """

    def __init__(self, detail: str, *, algorithms: str = "", code: str = "invalid_dpop_proof") -> None:
        super().__init__(detail)
        self.code = code
        self.algorithms = algorithms

    def parameters(self) -> dict[str, str]:
        """Return what the challenge says."""
        told = {"error": self.code, "error_description": self.detail or self.title}
        return told | ({"algs": self.algorithms} if self.algorithms else {})


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


class BoundTokenNeededError(InsufficientScopeError):
    """The token has the scope, but anyone who holds a copy of it could use it, and the request reads too much for that.

    Attributes:
        algorithms: those that a DPoP proof may be signed with, space-separated.
    """

    def __init__(self, scope: str, *, algorithms: str = "") -> None:
        super().__init__(scope)
        self.detail = (
            "The request needs an access token that is bound to the client's own key, by DPoP (RFC 9449) or by "
            "certificate (RFC 8705)."
        )
        self.algorithms = algorithms

    def parameters(self) -> dict[str, str]:
        """Return what the challenge says."""
        told = {"error": "insufficient_scope", "scope": self.scope}
        return told | ({"algs": self.algorithms} if self.algorithms else {})


class StrongerLoginNeededError(InsufficientScopeError):
    """The person may do this, but the provider does not know surely enough who they are (`access.scope_acr`)."""

    slug = "stronger-login-needed"
    title = "Log in with a stronger method"

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.detail = "This needs a login with a stronger method, such as an e-identification."


def www_authenticate(error: RegistryError) -> str | None:
    """Return the `WWW-Authenticate` value for `error`, or None where none belongs.

    No error code is told to a request without any credential (RFC 6750 section 3.1).
    """
    match error:
        case LoginNeededError() | StrongerLoginNeededError():
            return None
        case InvalidProofError() | BoundTokenNeededError():
            return _challenge("DPoP", **error.parameters())
        case InvalidTokenError():
            return _challenge(error="invalid_token", error_description=error.detail or error.title)
        case InsufficientScopeError():
            return _challenge(error="insufficient_scope", scope=error.scope)
        case UnauthorizedError():
            return _challenge()
    return None


def _challenge(scheme: str = "Bearer", **parameters: str) -> str:
    """Return a challenge; RFC 6750 allows no quotes, backslashes or non-ASCII characters in the values."""
    parts = [f'realm="{REALM}"']
    for name, value in parameters.items():
        text = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in value)
        parts.append(f'{name}="{text}"')
    return f"{scheme} " + ", ".join(parts)
