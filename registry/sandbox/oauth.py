"""The protocol of the development identity provider, on Authlib's server: code with PKCE S256, client credentials."""

import hmac
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, grants
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask
from joserfc.jwk import ECKey, KeySet, RSAKey

from registry.sandbox.config import (
    ORGANISATION_CLAIM,
    ROLES_CLAIM,
    ProviderConfig,
    SandboxClient,
    SandboxUser,
)
from registry.sandbox.issued import Code, Issued
from registry.sandbox.signing import SigningKeys

_BASIC, _ASSERTION = "client_secret_basic", "private_key_jwt"


class Client(ClientMixin):
    """A client as Authlib asks for it."""

    def __init__(self, config: SandboxClient) -> None:
        self.config = config
        self.client_id = config.client_id

    def get_client_id(self) -> str:
        """Return the client's name."""
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        """Return nothing: a login names its address."""
        return ""

    def get_allowed_scope(self, scope: Any) -> str:  # noqa: ANN401 - text or nothing
        """Return what is granted of the scopes asked for; all the client may have when it asks for none."""
        asked = (scope or "").split() or self.config.scopes
        return " ".join(one for one in asked if one in self.config.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Tell whether an address is registered, letter by letter (RFC 9700 section 2.1)."""
        return redirect_uri in self.config.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare the secret."""
        return hmac.compare_digest(client_secret.encode(), self.config.secret.reveal().encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's interface
        """Take a signed assertion from a client with a key, a secret from the others."""
        return method == (_ASSERTION if self.config.public_key else _BASIC)

    def check_response_type(self, response_type: str) -> bool:
        """Allow logins to clients that have somewhere to send people back to."""
        return response_type == "code" and bool(self.config.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        """Allow client credentials to the others."""
        return grant_type == ("authorization_code" if self.config.redirect_uris else "client_credentials")


class _CodeGrant(grants.AuthorizationCodeGrant):
    """Authorization code grant over `Issued`, which `make_oauth_server` puts in."""

    TOKEN_ENDPOINT_AUTH_METHODS = [_BASIC, _ASSERTION]  # noqa: RUF012 - Authlib's interface
    issued: Issued

    def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401 - Authlib's request
        """Remember a code with everything it is bound to."""
        data = request.payload.data
        self.issued.add_code(
            Code(
                code=code,
                client_id=request.client.client_id,
                redirect_uri=request.payload.redirect_uri,
                scope=request.scope,
                nonce=data.get("nonce", ""),
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
                user=request.user,
                issued_at=int(time.time()),
            )
        )

    def query_authorization_code(self, code: str, client: ClientMixin) -> Code | None:
        """Take a code: a second use finds nothing, also when the first one failed."""
        return self.issued.take_code(code, client.get_client_id())

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Do nothing: a code is gone as soon as it is taken."""

    def authenticate_user(self, authorization_code: Code) -> SandboxUser:
        """Return whom a code was issued for."""
        return authorization_code.user


class _ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [_BASIC, _ASSERTION]  # noqa: RUF012 - Authlib's interface


class _S256Required(CodeChallenge):
    """PKCE for every client, and S256 only (RFC 9700; Swedish OIDC profile)."""

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401 - Authlib's interface
        """Refuse a login without."""
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError(
                "PKCE is required: send code_challenge with code_challenge_method=S256."
            )
        super().validate_code_challenge(grant, redirect_uri)


class _AccessTokens(JWTBearerTokenGenerator):
    """Access tokens as RFC 9068 describes them."""

    def __init__(self, config: ProviderConfig, keys: SigningKeys) -> None:
        super().__init__(config.issuer, expires_generator=config.access_token_s)
        self._config = config
        self._keys = keys

    def get_jwks(self) -> KeySet:
        """Return the key that signs."""
        return self._keys.key_set()

    def get_audiences(self, client: Client, user: SandboxUser | None, scope: str) -> str:  # noqa: ARG002 - as above
        """Return the service the tokens are for."""
        return self._config.audience

    def get_extra_claims(
        self,
        client: Client,
        grant_type: str,  # noqa: ARG002 - Authlib's interface
        user: SandboxUser | None,
        scope: str,  # noqa: ARG002 - as above
    ) -> dict[str, Any]:
        """Return the roles and the organisation number, of the user where there is one."""
        whose = user or client.config
        told: dict[str, Any] = {ROLES_CLAIM: list(whose.roles)}
        return told | ({ORGANISATION_CLAIM: whose.organisation} if whose.organisation else {})


class _IdTokens(OpenIDCode):
    """ID tokens with nonce and the Swedish claims."""

    def __init__(self, config: ProviderConfig, keys: SigningKeys) -> None:
        super().__init__(require_nonce=True)
        self._config = config
        self._keys = keys

    def exists_nonce(self, nonce: str, request: Any) -> bool:  # noqa: ANN401, ARG002 - Authlib's interface
        """Take every nonce: it is the client's to check."""
        return False

    def resolve_client_private_key(self, client: Client) -> KeySet:  # noqa: ARG002 - Authlib's interface
        """Return the key that signs."""
        return self._keys.key_set()

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Return the claims that do not depend on the user."""
        expires = int(time.time()) + self._config.id_token_s
        return {"iss": self._config.issuer, "aud": client.client_id, "azp": client.client_id, "exp": expires}

    def generate_user_info(self, user: SandboxUser, scope: str) -> UserInfo:
        """Return what the ID token tells about the user."""
        return UserInfo({"sub": user.subject} if self._config.userinfo_only else user.claims(scope))


class _Assertions(JWTBearerClientAssertion):
    """Client authentication with a signed assertion (RFC 7523)."""

    CLIENT_AUTH_METHOD = _ASSERTION  # type: ignore[misc] # made to be overridden, whatever the stubs say

    def __init__(self, config: ProviderConfig, issued: Issued) -> None:
        super().__init__()
        self._config = config
        self._issued = issued

    def get_audiences(self) -> list[str]:
        """Return whom an assertion may be made for."""
        return [self._config.issuer, f"{self._config.issuer}/token"]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:  # noqa: ARG002 - Authlib's interface
        """Take an assertion once."""
        return self._issued.first_use(jti)

    def resolve_client_public_key(self, client: Client) -> RSAKey | ECKey:
        """Return the key that the client registered."""
        pem = client.config.public_key.encode()
        kind = RSAKey if isinstance(load_pem_public_key(pem), RSAPublicKey) else ECKey
        return kind.import_key(pem)


class _Issuer(IssuerParameter):
    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        """Return the issuer, for `iss` in authorization responses (RFC 9207)."""
        return self._issuer


def make_oauth_server(
    app: Flask, config: ProviderConfig, keys: SigningKeys, issued: Issued
) -> AuthorizationServer:
    """Return Authlib's server for `config`."""
    clients = {client.client_id: Client(client) for client in config.clients}

    def save_token(token: dict[str, Any], request: Any) -> None:  # noqa: ANN401 - Authlib's request
        if request.user:
            issued.add_person(token["access_token"], request.user, token.get("scope", ""))

    server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
    server.register_token_generator("default", _AccessTokens(config, keys))
    grant = type("CodeGrant", (_CodeGrant,), {"issued": issued})
    server.register_grant(grant, [_IdTokens(config, keys), _S256Required(required=True)])
    server.register_grant(_ClientCredentials)
    server.register_client_auth_method(_ASSERTION, _Assertions(config, issued))
    server.register_extension(_Issuer(config.issuer))
    return server
