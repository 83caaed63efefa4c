"""What the development identity provider is given: its address, its clients and its people."""

import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from registry.errors import SettingsError
from registry.settings import Secret, Service

# Scopes and claims of the Swedish OIDC profile 1.0.
NUMBER_SCOPE = "https://id.oidc.se/scope/naturalPersonNumber"
ORGANISATION_SCOPE = "https://id.oidc.se/scope/naturalPersonOrgId"
NUMBER_CLAIM = "https://id.oidc.se/claim/personalIdentityNumber"
ORGANISATION_CLAIM = "https://id.oidc.se/claim/orgNumber"
ORGANISATION_NAME_CLAIM = "https://id.oidc.se/claim/orgName"
ROLES_CLAIM = "roles"


@dataclass(frozen=True)
class SandboxUser:
    """A made-up person one can log in as with a click.

    Attributes:
        subject: `sub`, unique among the users.
        name, description: shown on the login page.
        roles: value of the claim `roles`.
        organisation, organisation_name: organisation number (10 digits) and name, "" for none.
        personal_number: 12 digits from a test range, "" for none.
    """

    subject: str
    name: str
    description: str = ""
    roles: tuple[str, ...] = ()
    organisation: str = ""
    organisation_name: str = ""
    personal_number: str = field(default="", repr=False)

    def get_user_id(self) -> str:
        """Return `sub`, as Authlib asks for it."""
        return self.subject

    def claims(self, scope: str) -> dict[str, Any]:
        """Return what the provider tells about the user for the scopes of a login."""
        scopes = scope.split()
        claims: dict[str, Any] = {"sub": self.subject, ROLES_CLAIM: list(self.roles)}
        if "profile" in scopes:
            claims["name"] = self.name
        if NUMBER_SCOPE in scopes and self.personal_number:
            claims[NUMBER_CLAIM] = self.personal_number
        if ORGANISATION_SCOPE in scopes and self.organisation:
            claims |= {
                ORGANISATION_CLAIM: self.organisation,
                ORGANISATION_NAME_CLAIM: self.organisation_name,
            }
        return claims


@dataclass(frozen=True)
class SandboxClient:
    """A client of the provider.

    Attributes:
        client_id: its name.
        secret: for client_secret_basic; made at random unless given.
        public_key: PEM of an RSA or P-256 key, for private_key_jwt instead of a secret; "" for none.
        redirect_uris: where people may be sent back to; a client with some may log people in.
        post_logout_redirect_uris: where people may be sent after a logout.
        scopes: what it may ask for.
        organisation: organisation number its access tokens carry, "" for none.
        roles: roles its access tokens carry.
    """

    client_id: str
    secret: Secret = field(default_factory=lambda: Secret(secrets.token_urlsafe(24)))
    public_key: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    organisation: str = ""
    roles: tuple[str, ...] = ("system",)


@dataclass(frozen=True)
class ProviderConfig:
    """The whole provider.

    Attributes:
        issuer: its address without a trailing slash, on this machine only.
        audience: `aud` of the access tokens (`tokens.audience` of the service).
        users, clients: who can log in, and through what.
        access_token_s, id_token_s: how long tokens are valid, in seconds (Swedish OIDC profile: ID token at most 300).
        userinfo_only: tell claims at the UserInfo endpoint only, as some real providers do.
    """

    issuer: str
    audience: str
    users: tuple[SandboxUser, ...]
    clients: tuple[SandboxClient, ...]
    access_token_s: int = 3600
    id_token_s: int = 300
    userinfo_only: bool = False

    def require_sandbox(self, service: Service) -> None:
        """Refuse to be used for anything real.

        Raises:
            SettingsError: `service.sandbox` is off, or the issuer is not on this machine.
        """
        if not service.sandbox:
            raise SettingsError(
                "The development identity provider lets everyone in, so it runs only with service.sandbox = true. "
                "Name a real provider in login.issuer and tokens.issuer instead."
            )
        host = urlsplit(self.issuer).hostname or ""
        if host != "localhost" and not _is_loopback(host):
            raise SettingsError(
                f"The development identity provider is to be reached from this machine only, not as {host!r}; "
                "use http://127.0.0.1:PORT."
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
