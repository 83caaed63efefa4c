"""Bearer access tokens of systems: RFC 6750, RFC 9068 and the best current practice of RFC 8725."""

import time
from collections.abc import Callable

from registry.access.caller import Caller
from registry.access.challenges import InvalidTokenError
from registry.access.claims import (
    check_claims,
    organisation_claim,
    scope_claim,
    set_claim,
    subject_claim,
    text_claim,
)
from registry.access.jws import TokenReader
from registry.access.keys import KeyCache
from registry.access.provider import Provider
from registry.errors import UnauthorizedError
from registry.settings import Settings, Tokens


class AccessTokens:
    """Turns an access token into a caller.

    Args:
        settings: section `[tokens]`.
        keys: the issuer's keys.
        digest: keyed digest for a `sub` that is a personal identity number.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: Tokens,
        keys: KeyCache,
        *,
        digest: Callable[[str], bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._digest = digest
        self._clock = clock
        self._reader = TokenReader(
            keys, algorithms=settings.algorithms, types={"at+jwt"}, max_length=settings.max_length
        )

    @classmethod
    def from_settings(cls, settings: Settings, *, digest: Callable[[str], bytes]) -> "AccessTokens":
        """Make one for the issuer of the settings."""
        provider = Provider(
            settings.tokens.issuer,
            settings.tokens,
            jwks_uri=settings.tokens.jwks_uri,
            allow_http=settings.service.sandbox,
        )
        return cls(settings.tokens, provider.keys, digest=digest)

    def caller(self, token: str) -> Caller:
        """Return whom `token` speaks for.

        Raises:
            InvalidTokenError: says what is wrong with the token.
            IdentityProviderUnavailableError: the issuer's keys can't be had.
        """
        if not self._settings.issuer:
            raise InvalidTokenError("No issuer of access tokens is configured (tokens.issuer).")
        claims = self._reader.claims(token)
        # RFC 9068 section 2.2: the claims an access token must have.
        check_claims(
            claims,
            now=self._clock(),
            leeway_s=self._settings.leeway_s,
            essential={
                "iss": self._settings.issuer,
                "aud": self._settings.audience,
                "sub": None,
                "client_id": None,
                "jti": None,
            },
        )
        return Caller(
            issuer=self._settings.issuer,
            subject=subject_claim(claims, self._digest),
            client_id=text_claim(claims, "client_id"),
            organisation=organisation_claim(claims, self._settings.organisation_claim),
            roles=set_claim(claims, self._settings.roles_claim),
            scopes=scope_claim(claims),
        )


def bearer_token(header: str | None) -> str:
    """Return the token of an `Authorization` header (RFC 6750 section 2.1; the only way a token is taken).

    Raises:
        UnauthorizedError: there is no header, or it holds something else than one bearer token.
    """
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or any(c in token for c in " ,"):
        raise UnauthorizedError("Send an access token in the header Authorization: Bearer.")
    return token
