"""One issuer of access tokens: which of its tokens hold (RFC 9068, RFC 8725), and whom they speak for."""

from collections.abc import Callable, Mapping
from typing import Any

from registry.access.caller import Caller
from registry.access.challenges import InvalidTokenError
from registry.access.claims import (
    check_claims,
    organisation_claim,
    personal_number_claim,
    scope_claim,
    set_claim,
    subject_claim,
    text_claim,
)
from registry.access.confirmation import Confirmation
from registry.access.jws import Signature, TokenReader
from registry.access.keys import KeyCache
from registry.settings import ProviderSettings, Tokens
from registry.settings_access import given_roles, speaks_for


class TokenIssuer:
    """Reads the tokens of one issuer.

    Args:
        settings: its table, with audience and algorithms filled in (`registry.access.providers`).
        keys: its keys.
        tokens: section `[tokens]`, for limits and the scopes that count in bound tokens only.
        digest: keyed digest for a personal identity number.
        sensitive: roles that it gives only if its table names them.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        keys: KeyCache,
        tokens: Tokens,
        *,
        digest: Callable[[str], bytes],
        sensitive: frozenset[str] = frozenset(),
    ) -> None:
        self.settings = settings
        self._sensitive = sensitive
        self._tokens = tokens
        self._digest = digest
        self._bound_scopes = frozenset(tokens.bound_scopes)
        self._reader = TokenReader(
            keys, algorithms=settings.algorithms, types={"at+jwt"}, max_length=tokens.max_length
        )

    def claims(self, token: str, *, now: int) -> tuple[dict[str, Any], Signature]:
        """Return the claims of a token that holds now, and what it is signed with.

        Raises:
            InvalidTokenError: says what is wrong with the token.
            IdentityProviderUnavailableError: the issuer's keys can't be had.
        """
        claims, signature = self._reader.signed(token)
        self.check(claims, now=now, needed=("sub", "client_id", "jti"))
        return claims, signature

    def still_holds(self, signature: Signature) -> bool:
        """Tell whether the issuer publishes the very key still."""
        return self._reader.still_holds(signature)

    def check(self, claims: dict[str, Any], *, now: int, needed: tuple[str, ...]) -> None:
        """Check the claims an access token must have (RFC 9068 section 2.2), and `needed`, whatever they say.

        Raises:
            InvalidTokenError: says which is wrong.
        """
        essential: dict[str, str | None] = {"iss": self.settings.issuer, "aud": self.settings.audience}
        essential.update(dict.fromkeys(needed))
        check_claims(claims, now=now, leeway_s=self._tokens.leeway_s, essential=essential)

    def caller(self, claims: Mapping[str, Any], confirmed: Confirmation) -> Caller:
        """Return whom checked claims speak for, if the sender holds the key that `confirmed` names.

        Raises:
            InvalidTokenError: the issuer may not speak for the organisation that it names.
        """
        told = self.settings
        organisation = organisation_claim(claims, told.organisation_claim, self._digest)
        if not speaks_for(told, organisation):
            raise InvalidTokenError("The token's issuer may not speak for the organisation that it names.")
        scopes = scope_claim(claims)
        withheld = frozenset[str]() if confirmed.key else scopes & self._bound_scopes
        number = personal_number_claim(claims, told.personal_number_claim)
        return Caller(
            issuer=told.issuer,
            subject=subject_claim(claims, self._digest),
            client_id=text_claim(claims, "client_id"),
            organisation=organisation,
            roles=given_roles(told, set_claim(claims, told.roles_claim), self._sensitive),
            scopes=scopes - withheld,
            hsa_id=text_claim(claims, told.hsa_id_claim) if told.hsa_id_claim else "",
            acr=text_claim(claims, "acr"),
            personal_number_digest=self._digest(number.reveal()).hex() if number else "",
            confirmed_key=confirmed.key,
            withheld=withheld,
        )
