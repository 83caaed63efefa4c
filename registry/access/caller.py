"""Who asks: one value for a system with a bearer token and for a person with a session."""

from dataclasses import dataclass, field

from registry.settings import Secret


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone an identity provider vouches for.

    Attributes:
        issuer: the identity provider that vouches.
        subject: `sub`, unique at that issuer; a keyed digest where the provider uses a personal identity number.
        client_id: the client the caller came through.
        organisation: organisation number the caller acts for, "" when the provider tells none.
        roles: roles the provider tells, unknown ones included.
        scopes: what the caller may do.
        personal_number: the caller's own personal identity number, 12 digits; only from a login.
        name: for the page's greeting only, never for a decision.
        hsa_id: the person's HSA-id, "" when the provider tells none.
        acr: how surely the provider knows the person (level of assurance), "" when it does not tell.
        personal_number_digest: keyed digest (hex) of the personal identity number that a token tells, "" for none.
        confirmed_key: the key that the credential is bound to and that its sender has proved to hold: `jkt:` (RFC 9449) or
            `x5t#S256:` (RFC 8705) and a thumbprint; "" for a credential that whoever holds it may use.
        withheld: scopes of the credential that count only if it is bound to a key, which it is not; or of a login that takes a
            higher level of assurance.
        sid: the provider's own session that a login came from (OpenID Connect Front-Channel Logout 1.0 section 3), "" when it
            does not tell.
    """

    issuer: str
    subject: str
    client_id: str = ""
    organisation: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    personal_number: Secret | None = field(default=None, repr=False, compare=False)
    name: str = field(default="", repr=False, compare=False)
    hsa_id: str = ""
    acr: str = ""
    personal_number_digest: str = ""
    confirmed_key: str = ""
    withheld: frozenset[str] = frozenset()
    sid: str = field(default="", repr=False, compare=False)

    def may(self, scope: str) -> bool:
        """Tell whether the caller has `scope`."""
        return scope in self.scopes
