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
    """

    issuer: str
    subject: str
    client_id: str = ""
    organisation: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    personal_number: Secret | None = field(default=None, repr=False, compare=False)
    name: str = field(default="", repr=False, compare=False)

    def may(self, scope: str) -> bool:
        """Tell whether the caller has `scope`."""
        return scope in self.scopes
