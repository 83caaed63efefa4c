"""The identity providers we trust, by name and by issuer: tables `[providers.<name>]`, or the single one of `[tokens]` and `[login]`.

Each has one `Provider`: one discovery document and one set of keys, for its logins and its tokens alike.

    providers = Providers(settings)
    providers.of_issuer(claims["iss"])      # None for a stranger
    providers.for_login()                   # those that the login page offers, in the order of the settings
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from registry.access.provider import Provider
from registry.settings import ProviderSettings, Settings

DEFAULT = "default"
# The one provider there is gives every role; of several each says which.
ANY_ROLE = "*"
ADMINISTRATION = "registry:admin"
# Scopes of those who run the registry: a role that gives one is given by a provider only if its table names the role.
_OF_OURS = frozenset({ADMINISTRATION, "registry:reports", "registry:corrections", "registry:oversight"})


@dataclass(frozen=True, slots=True)
class Trusted:
    """One provider.

    Attributes:
        name: its short name in the settings; in addresses of ours, never in a decision.
        settings: its table, with what it leaves to `[tokens]` filled in (audience, algorithms).
        provider: its discovery document and keys.
        sensitive: the roles that it gives only if its table names them.
    """

    name: str
    settings: ProviderSettings
    provider: Provider
    sensitive: frozenset[str] = frozenset()

    @property
    def issuer(self) -> str:
        """Its issuer identifier."""
        return self.settings.issuer


class Providers:
    """All of them; nothing is fetched before it is needed.

    Args:
        settings: all settings.
        clock: monotonic seconds.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        tables = settings.providers or single_provider(settings)
        self._all = tuple(
            Trusted(name, table, _provider(table, settings, clock), sensitive_roles(settings))
            for name, given in tables.items()
            for table in [_whole(given, settings)]
        )

    def __iter__(self) -> Iterator[Trusted]:
        return iter(self._all)

    def named(self, name: str) -> Trusted | None:
        """Return the provider of this name."""
        return next((trusted for trusted in self._all if trusted.name == name), None)

    def of_issuer(self, issuer: object) -> Trusted | None:
        """Return the provider with exactly this issuer identifier (RFC 7519: compared character by character)."""
        return next((trusted for trusted in self._all if trusted.issuer == issuer), None)

    def for_login(self) -> tuple[Trusted, ...]:
        """Return the providers that people may log in at."""
        return tuple(trusted for trusted in self._all if trusted.settings.login)

    def for_tokens(self) -> tuple[Trusted, ...]:
        """Return the providers whose access tokens are taken."""
        return tuple(trusted for trusted in self._all if trusted.settings.tokens)


def sensitive_roles(settings: Settings) -> frozenset[str]:
    """Return the roles that give administration, or another scope which systems need a bound token for (`tokens.bound_scopes`)."""
    bound = _OF_OURS.union(settings.tokens.bound_scopes)
    return frozenset(
        role for role, scopes in settings.access.role_scopes.items() if bound.intersection(scopes)
    )


def login_offered(settings: Settings) -> bool:
    """Tell whether people can log in at all."""
    return bool(settings.login.issuer) or any(table.login for table in settings.providers.values())


def single_provider(settings: Settings) -> dict[str, ProviderSettings]:
    """Return what `[tokens]` and `[login]` say as tables: one named "default", or two where they differ."""
    login, tokens = settings.login, settings.tokens
    same = (tokens.issuer, tokens.roles_claim, tokens.organisation_claim) == (
        login.issuer,
        login.roles_claim,
        login.organisation_claim,
    )
    tables: dict[str, ProviderSettings] = {}
    if login.issuer:
        tables[DEFAULT] = ProviderSettings(
            issuer=login.issuer,
            login=True,
            tokens=same,
            jwks_uri=tokens.jwks_uri if same else "",
            client_id=login.client_id,
            client_secret=login.client_secret,
            private_key_file=login.private_key_file,
            roles_claim=login.roles_claim,
            organisation_claim=login.organisation_claim,
            personal_number_claim=login.personal_identity_number_claim,
            scopes=login.scopes,
            roles=(ANY_ROLE,),
        )
    if tokens.issuer and not same:
        tables[f"{DEFAULT}-tokens" if tables else DEFAULT] = ProviderSettings(
            issuer=tokens.issuer,
            tokens=True,
            jwks_uri=tokens.jwks_uri,
            roles_claim=tokens.roles_claim,
            organisation_claim=tokens.organisation_claim,
            roles=(ANY_ROLE,),
        )
    return tables


def _whole(table: ProviderSettings, settings: Settings) -> ProviderSettings:
    return replace(
        table,
        audience=table.audience or settings.tokens.audience,
        algorithms=table.algorithms or settings.tokens.algorithms,
    )


def _provider(table: ProviderSettings, settings: Settings, clock: Callable[[], float]) -> Provider:
    return Provider(
        table.issuer,
        settings.tokens,
        jwks_uri=table.jwks_uri,
        allow_http=settings.service.sandbox,
        clock=clock,
    )
