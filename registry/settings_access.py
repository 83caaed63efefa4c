"""Settings of whom we trust to say who asks; section `[tokens]` and tables `[providers.<name>]`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Literal

import msgspec

from registry.errors import SettingsError
from registry.identifiers import names_natural_person, organisation_digits
from registry.settings_base import Secret, Section

NonNegative = Annotated[float, msgspec.Meta(ge=0)]
# Never "none" and never a symmetric one: whoever can check such a token can make one.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
ProviderName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
ORGANISATION_CLAIM = "https://id.oidc.se/claim/orgNumber"
PERSONAL_NUMBER_CLAIM = "https://id.oidc.se/claim/personalIdentityNumber"
LOGIN_SCOPES = (
    "openid",
    "profile",
    "https://id.oidc.se/scope/naturalPersonNumber",
    "https://id.oidc.se/scope/naturalPersonOrgId",
)


class Tokens(Section, frozen=True):
    """Section `[tokens]`."""

    issuer: str
    audience: str
    max_length: int
    jwks_uri: str
    algorithms: tuple[Algorithm, ...]
    leeway_s: Annotated[int, msgspec.Meta(ge=0, le=60)]
    jwks_ttl_s: int
    jwks_cooldown_s: int
    jwks_max_stale_s: int
    timeout_s: float
    organisation_claim: str
    roles_claim: str
    bound_scopes: tuple[str, ...]
    bound_bulk: bool
    bound_in_sandbox: bool
    certificate_header: str
    certificate_proxies: tuple[str, ...]
    dpop_algorithms: tuple[Algorithm, ...]
    dpop_window_s: Annotated[int, msgspec.Meta(ge=1, le=300)]
    dpop_nonce_s: Annotated[int, msgspec.Meta(ge=0, le=3600)]
    dpop_max_length: Annotated[int, msgspec.Meta(ge=500)]
    introspection_ttl_s: NonNegative
    introspection_remembered: Annotated[int, msgspec.Meta(ge=1)]
    introspection_cooldown_s: NonNegative
    introspection_in_flight: Annotated[int, msgspec.Meta(ge=1)]


class Rates(Section, frozen=True):
    """Section `[rates]`: requests a minute; 0 = not counted."""

    caller_per_minute: Annotated[int, msgspec.Meta(ge=0)]
    organisation_per_minute: Annotated[int, msgspec.Meta(ge=0)]
    refused_per_minute: Annotated[int, msgspec.Meta(ge=0)]


class ProviderSettings(Section, frozen=True):
    """Table `[providers.<name>]`: one identity provider and what it is trusted for.

    Attributes:
        issuer: its issuer identifier, exactly as its tokens and its discovery document say it.
        login: people may log in there.
        tokens: its access tokens are taken.
        audience: the `aud` of its access tokens; "" as `tokens.audience`.
        jwks_uri: where its keys are; "" as its discovery document says.
        algorithms: accepted for its tokens; none named: as `tokens.algorithms`.
        introspection: tokens that are no JWT are asked about there (RFC 7662); of one provider at most.
        introspection_uri: where; "" as its discovery document says.
        client_id, client_secret, private_key_file: who we are there, and one of two proofs.
        roles_claim, organisation_claim, personal_number_claim, hsa_id_claim, name_claim: where its tokens tell what; "" nowhere.
        organisations: organisation numbers it may speak for; none named: any.
        roles: roles it may give; "*" = any; none named: any that gives no administration.
        userinfo_signed: take claims from UserInfo only as a signed JWT.
        scopes: asked for at login.
        acr_values: levels of assurance asked for at login, best first; none named: whatever it gives.
        label_sv, label_en: its name on the login page.
    """

    issuer: str
    login: bool = False
    tokens: bool = False
    audience: str = ""
    jwks_uri: str = ""
    algorithms: tuple[Algorithm, ...] = ()
    introspection: bool = False
    introspection_uri: str = ""
    client_id: str = "registry"
    client_secret: Secret = Secret("")
    private_key_file: str = ""
    roles_claim: str = "roles"
    organisation_claim: str = ORGANISATION_CLAIM
    personal_number_claim: str = PERSONAL_NUMBER_CLAIM
    hsa_id_claim: str = ""
    name_claim: str = "name"
    organisations: tuple[Annotated[str, msgspec.Meta(pattern=r"^[0-9]{10}$")], ...] = ()
    roles: tuple[str, ...] = ()
    userinfo_signed: bool = False
    scopes: tuple[str, ...] = LOGIN_SCOPES
    acr_values: tuple[str, ...] = ()
    label_sv: str = ""
    label_en: str = ""


def check_providers(providers: Mapping[str, ProviderSettings], *, single: str) -> None:
    """Check what the tables `[providers.<name>]` say together.

    Args:
        providers: the tables by name.
        single: the issuer that `[tokens]` or `[login]` name, "" for none.

    Raises:
        SettingsError: says which two settings are at odds.
    """
    if providers and single:
        raise SettingsError(
            "Settings tokens.issuer and login.issuer name the one provider there is; with tables [providers.<name>] "
            "leave both empty and name every provider there."
        )
    issuers: dict[str, str] = {}
    for name, provider in providers.items():
        if not provider.issuer:
            raise SettingsError(
                f"Setting providers.{name}.issuer is empty; write the provider's issuer identifier."
            )
        if provider.issuer in issuers:
            raise SettingsError(
                f"Settings providers.{issuers[provider.issuer]} and providers.{name} name the same issuer; "
                "write one table for it."
            )
        issuers[provider.issuer] = name
        check_organisations(f"providers.{name}.organisations", provider.organisations)
        if provider.introspection and not provider.tokens:
            raise SettingsError(
                f"Setting providers.{name}.introspection needs providers.{name}.tokens = true."
            )
    if len(asked := [name for name, provider in providers.items() if provider.introspection]) > 1:
        raise SettingsError(
            f"Settings providers.{asked[0]}.introspection and providers.{asked[1]}.introspection are both true. An opaque "
            "token does not tell whose it is, and must not be shown to a provider that did not issue it."
        )


def check_organisations(key: str, organisations: Iterable[str]) -> None:
    """Check that settings name organisations as those of callers are kept (`registry.access.claims`).

    Raises:
        SettingsError: one is written otherwise, or is a sole trader's own personal identity number, which stands in no file.
    """
    for organisation in organisations:
        digits = organisation_digits(organisation)
        if digits and names_natural_person(digits):
            raise SettingsError(
                f"Setting {key} names a sole trader by their personal identity number, which must not stand in settings. Write the "
                'digest that the access log shows for them ("[personal number] " and 24 letters) where settings take any name.'
            )
        if digits and digits != organisation:
            raise SettingsError(f"Setting {key} must name an organisation by its ten digits: write {digits}.")


def speaks_for(provider: ProviderSettings, organisation: str) -> bool:
    """Tell whether a provider may say that somebody acts for an organisation; for none ("") everyone may."""
    return not organisation or not provider.organisations or organisation in provider.organisations


def given_roles(
    provider: ProviderSettings, told: Collection[str], sensitive: Collection[str]
) -> frozenset[str]:
    """Return those of the roles a provider tells that it may give.

    Args:
        provider: its table.
        told: the roles as it tells them.
        sensitive: roles that a provider gives only if its table names them (`sensitive_roles`).
    """
    if "*" in provider.roles:
        return frozenset(told)
    if provider.roles:
        return frozenset(told) & frozenset(provider.roles)
    return frozenset(told) - frozenset(sensitive)


def addresses(providers: Mapping[str, ProviderSettings]) -> list[tuple[str, str]]:
    """Return each setting that is an address, with the address ("" for none)."""
    return [
        (f"providers.{name}.{key}", getattr(provider, key))
        for name, provider in providers.items()
        for key in ("issuer", "jwks_uri", "introspection_uri")
    ]
