"""Access tokens of systems: RFC 6750, RFC 9068, RFC 9449, RFC 8705, and the best current practice of RFC 8725."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from registry.access.caller import Caller
from registry.access.challenges import InvalidTokenError
from registry.access.confirmation import Confirmation, Presented, confirmation
from registry.access.dpop import DpopProofs, UseOnce
from registry.access.introspection import Introspection
from registry.access.jws import Signature, unverified_issuer
from registry.access.providers import Providers
from registry.access.token_issuer import TokenIssuer
from registry.settings import Settings, Tokens

# Tokens that are known, by their digest; with more callers than this each token is read anew.
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class _Known:
    """What a token that was read and checked stands for.

    Attributes:
        caller: whom it speaks for, once its sender has shown the key it is bound to.
        since, until: seconds since 1970, from which and before which its `exp`, `nbf` and `iat` let it count.
    """

    caller: Caller
    confirmed: Confirmation
    issuer: TokenIssuer
    signature: Signature
    since: float
    until: float


class AccessTokens:
    """Turns an access token into a caller. Safe to use from many threads.

    A token is read once. Whenever it comes again, it is only asked what may have changed since: whether its time is now,
    whether the issuer publishes its very key still, and whether its sender holds the key it is bound to.

    Args:
        settings: section `[tokens]`.
        issuers: whose tokens are taken.
        proofs: checks DPoP proofs.
        opaque: the issuer of tokens that are no JWT, and how to ask it; None: such tokens are refused.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: Tokens,
        issuers: Sequence[TokenIssuer],
        proofs: DpopProofs,
        *,
        opaque: tuple[TokenIssuer, Introspection] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._issuers = {issuer.settings.issuer: issuer for issuer in issuers}
        self._opaque = opaque
        self._clock = clock
        self.proofs = proofs
        self._known: dict[bytes, _Known] = {}

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        digest: Callable[[str], bytes],
        providers: Providers | None = None,
        use_once: UseOnce | None = None,
        clock: Callable[[], float] = time.time,
    ) -> "AccessTokens":
        """Make one for the issuers of the settings.

        Args:
            settings: all settings.
            digest: keyed digest for a `sub` that is a personal identity number.
            providers: the providers of the settings, if they are made already.
            use_once: notes a DPoP proof as used; None refuses every proof.
            clock: seconds since 1970.
        """
        proofs = DpopProofs(
            settings.tokens,
            base_url=settings.service.base_url,
            digest=digest,
            use_once=use_once or (lambda _digest, _until: False),
            clock=clock,
        )
        issuers, opaque = [], None
        for trusted in (providers or Providers(settings)).for_tokens():
            issuer = TokenIssuer(
                trusted.settings,
                trusted.provider.keys,
                settings.tokens,
                digest=digest,
                sensitive=trusted.sensitive,
            )
            issuers.append(issuer)
            if trusted.settings.introspection:
                opaque = issuer, Introspection(trusted, settings.tokens, clock=clock)
        return cls(settings.tokens, issuers, proofs, opaque=opaque, clock=clock)

    def caller(self, sent: Presented | str) -> Caller:
        """Return whom a token speaks for.

        Args:
            sent: the token and what came with it; a bare token is one with nothing beside it.

        Raises:
            InvalidTokenError: says what is wrong with the token, or with the proof that came with it.
            IdentityProviderUnavailableError: the issuer's keys, or its word on the token, can't be had.
            sqlalchemy.exc.SQLAlchemyError: it can't be noted that a DPoP proof has been used.
        """
        if isinstance(sent, str):
            sent = Presented(sent)
        if not self._issuers:
            raise InvalidTokenError("No issuer of access tokens is configured (tokens.issuer).")
        if self._opaque is not None and sent.token.count(".") != 2:  # noqa: PLR2004 - three parts make a JWT
            caller, confirmed = self._introspected(sent.token, *self._opaque)
        else:
            known = self._read(sent.token)
            caller, confirmed = known.caller, known.confirmed
        confirmed.check(sent, self.proofs)
        return caller

    def _read(self, token: str) -> _Known:
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(digest)
        now = int(self._clock())
        if known and known.since <= now < known.until and known.issuer.still_holds(known.signature):
            return known
        issuer = self._issuer_of(token)
        try:
            claims, signature = issuer.claims(token, now=now)
            confirmed = confirmation(claims)
        except InvalidTokenError as error:
            error.issuer = issuer.settings.issuer
            raise
        since, until = _time_of(claims, self._settings.leeway_s)
        known = _Known(issuer.caller(claims, confirmed), confirmed, issuer, signature, since, until)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[digest] = known
        return known

    def _issuer_of(self, token: str) -> TokenIssuer:
        """Return the issuer that a token claims to be from; its own keys decide whether that is so (RFC 8725 section 3.8)."""
        if len(self._issuers) == 1:
            return next(iter(self._issuers.values()))
        told = unverified_issuer(token, max_length=self._settings.max_length)
        issuer = self._issuers.get(told) if isinstance(told, str) else None
        if issuer is None:
            raise InvalidTokenError("The token's claim iss is not accepted here.")
        return issuer

    def _introspected(
        self, token: str, issuer: TokenIssuer, introspection: Introspection
    ) -> tuple[Caller, Confirmation]:
        claims, now = introspection.claims(token), int(self._clock())
        # All but `active` is optional in RFC 7662. Whose it is and for whom must be told; when it was made need not.
        claims.setdefault("iss", issuer.settings.issuer)
        claims.setdefault("iat", now)
        issuer.check(claims, now=now, needed=("sub", "client_id"))
        confirmed = confirmation(claims)
        return issuer.caller(claims, confirmed), confirmed


def _time_of(claims: dict[str, Any], leeway_s: int) -> tuple[float, float]:
    """Return from when until when a token counts that has been checked (RFC 7519 section 4.1)."""
    begins = [claims[name] for name in ("iat", "nbf") if name in claims]
    return max(begins) - leeway_s, claims["exp"] + leeway_s
