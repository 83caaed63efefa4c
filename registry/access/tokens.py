"""Bearer access tokens of systems: RFC 6750, RFC 9068 and the best current practice of RFC 8725."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

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
from registry.access.jws import Signature, TokenReader
from registry.access.keys import KeyCache
from registry.access.provider import Provider
from registry.errors import UnauthorizedError
from registry.settings import Settings, Tokens

# Tokens that are known, by their digest; with more callers than this each token is read anew.
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class _Known:
    """What a token that was read and checked stands for.

    Attributes:
        since, until: seconds since 1970, from which and before which its `exp`, `nbf` and `iat` let it count.
    """

    caller: Caller
    signature: Signature
    since: float
    until: float


class AccessTokens:
    """Turns an access token into a caller. Safe to use from many threads.

    A token is read once. Whenever it comes again, it is only asked what may have changed since: whether its time is now, and
    whether the issuer publishes its very key still.

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
        self._known: dict[bytes, _Known] = {}

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
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(digest)
        now = int(self._clock())
        if known and known.since <= now < known.until and self._reader.still_holds(known.signature):
            return known.caller
        claims, signature = self._reader.signed(token)
        # RFC 9068 section 2.2: the claims an access token must have.
        check_claims(
            claims,
            now=now,
            leeway_s=self._settings.leeway_s,
            essential={
                "iss": self._settings.issuer,
                "aud": self._settings.audience,
                "sub": None,
                "client_id": None,
                "jti": None,
            },
        )
        caller = self._caller(claims)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        since, until = _time_of(claims, self._settings.leeway_s)
        self._known[digest] = _Known(caller, signature, since, until)
        return caller

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        return Caller(
            issuer=self._settings.issuer,
            subject=subject_claim(claims, self._digest),
            client_id=text_claim(claims, "client_id"),
            organisation=organisation_claim(claims, self._settings.organisation_claim),
            roles=set_claim(claims, self._settings.roles_claim),
            scopes=scope_claim(claims),
        )


def _time_of(claims: Mapping[str, Any], leeway_s: int) -> tuple[float, float]:
    """Return from when until when a token counts that has been checked (RFC 7519 section 4.1)."""
    begins = [claims[name] for name in ("iat", "nbf") if name in claims]
    return max(begins) - leeway_s, claims["exp"] + leeway_s


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
