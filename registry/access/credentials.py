"""What a request brings to show who sends it: the header `Authorization`, a DPoP proof, a client certificate."""

import re
from collections.abc import Callable
from typing import Literal

from flask import Request

from registry.access.caller import Caller
from registry.access.client_certificate import ClientCertificates
from registry.access.confirmation import Presented
from registry.access.tokens import AccessTokens
from registry.errors import UnauthorizedError

# RFC 6750 section 2.1 (b64token): nobody is asked about anything else.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SCHEMES: dict[str, Literal["bearer", "dpop"]] = {"bearer": "bearer", "dpop": "dpop"}


def access_token(header: str | None) -> tuple[Literal["bearer", "dpop"], str]:
    """Return scheme and token of an `Authorization` header (RFC 6750 section 2.1; the only way a token is taken).

    Raises:
        UnauthorizedError: there is no header, or it holds something else than one token.
    """
    name, _, token = (header or "").strip().partition(" ")
    scheme, token = _SCHEMES.get(name.lower()), token.strip()
    if scheme is None or not token or not _TOKEN.fullmatch(token):
        raise UnauthorizedError("Send an access token in the header Authorization: Bearer.")
    return scheme, token


def bearer_token(header: str | None) -> str:
    """Return the token of an `Authorization: Bearer` header; raises as `access_token`."""
    scheme, token = access_token(header)
    if scheme != "bearer":
        raise UnauthorizedError("Send an access token in the header Authorization: Bearer.")
    return token


def caller_by_token(tokens: AccessTokens, certificates: ClientCertificates) -> Callable[[Request], Caller]:
    """Return the function that tells whom a request's access token speaks for; raises as `AccessTokens.caller`."""

    def caller(request: Request) -> Caller:
        scheme, token = access_token(request.headers.get("Authorization"))
        return tokens.caller(
            Presented(
                token,
                scheme,
                method=request.method,
                path=request.path,
                # WSGI joins headers of one name with a comma, which stands in no proof: two are refused as none.
                proof=request.headers.get("DPoP", ""),
                certificate=certificates.thumbprint(request.environ),
            )
        )

    return caller
