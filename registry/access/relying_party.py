"""Our side of OpenID Connect: authorization code flow with PKCE S256, state and nonce (Core 1.0, RFC 9700).

Requests are put together with Authlib; tokens are checked by our own reader, which takes no token that names no key and
keeps keys as `Remote` tells. The provider's tokens are dropped as soon as they have been read.
"""

import hmac
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request

from registry.access.caller import Caller
from registry.access.challenges import InvalidTokenError
from registry.access.claims import (
    check_claims,
    organisation_claim,
    personal_number_claim,
    set_claim,
    subject_claim,
    text_claim,
)
from registry.access.client_proof import client_proof
from registry.access.fetching import as_object, get_text, post_form, unavailable
from registry.access.flows import Flow
from registry.access.jws import TokenReader
from registry.access.provider import Metadata, Provider
from registry.errors import RegistryError
from registry.settings import Settings

log = structlog.get_logger()


class LoginFailedError(RegistryError):
    """A login did not come to a good end; `detail` tells the person what to do."""

    slug = "login-failed"
    status = 400
    title = "The login did not succeed"


class RelyingParty:
    """Logs people in at one provider.

    Args:
        settings: all settings; `[login]` names the provider.
        digest: keyed digest for a `sub` that is a personal identity number.
        clock: seconds since 1970.

    Raises:
        SettingsError: no way for us to prove who we are to the provider is set, or two are.
    """

    def __init__(
        self, settings: Settings, *, digest: Callable[[str], bytes], clock: Callable[[], float] = time.time
    ) -> None:
        self._login = settings.login
        self._digest = digest
        self._clock = clock
        self._prove = client_proof(settings.login)
        self.provider = Provider(settings.login.issuer, settings.tokens, allow_http=settings.service.sandbox)
        # Of ID tokens and signed UserInfo answers; an access token must not pass as one (RFC 8725 section 3.12).
        self._reader = TokenReader(
            self.provider.keys,
            algorithms=settings.tokens.algorithms,
            types={"", "jwt"},
            max_length=settings.tokens.max_length,
        )

    def authorization_url(self, flow: Flow, redirect_uri: str) -> str:
        """Return where to send the person's browser to log in.

        Raises:
            IdentityProviderUnavailableError: the provider's addresses can't be had.
        """
        endpoint = self._endpoint("authorization_endpoint")
        return str(
            prepare_grant_uri(
                endpoint,
                client_id=self._login.client_id,
                response_type="code",
                redirect_uri=redirect_uri,
                scope=list(self._login.scopes),
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=flow.challenge,
                code_challenge_method="S256",
            )
        )

    def check_issuer(self, issuer: str | None) -> None:
        """Check the `iss` of an authorization response, against mix-up of providers (RFC 9207).

        Raises:
            LoginFailedError: it is another provider's, or missing though the provider promises it.
        """
        promised = self.provider.metadata().authorization_response_iss_parameter_supported
        if (issuer is None and promised) or (issuer is not None and issuer != self._login.issuer):
            raise LoginFailedError("The answer did not come from the identity provider. Log in again.")

    def finish(self, flow: Flow, code: str, redirect_uri: str) -> Caller:
        """Redeem a code; return who has logged in, without scopes.

        Raises:
            LoginFailedError: the provider refuses the code, or its answer is not to be trusted.
            IdentityProviderUnavailableError: the provider can't be reached.
        """
        tokens = self._redeem(flow, code, redirect_uri)
        try:
            claims = self._id_claims(tokens.get("id_token"), flow.nonce)
            claims = self._with_userinfo(claims, tokens.get("access_token"))
            return self._caller(claims)
        except InvalidTokenError as error:
            log.warning("login_token_refused", reason=error.detail)
            raise LoginFailedError(
                "The identity provider's answer can't be trusted. Log in again."
            ) from error

    def _caller(self, claims: dict[str, Any]) -> Caller:
        return Caller(
            issuer=self._login.issuer,
            subject=subject_claim(claims, self._digest),
            client_id=self._login.client_id,
            organisation=organisation_claim(claims, self._login.organisation_claim, self._digest),
            roles=set_claim(claims, self._login.roles_claim),
            personal_number=personal_number_claim(claims, self._login.personal_identity_number_claim),
            name=text_claim(claims, "name"),
        )

    def logout_url(self, return_to: str) -> str:
        """Return where to end the provider's own session, "" if it offers that nowhere.

        The ID token is not sent along as a hint: it may hold the personal identity number, and this is a URL.
        """
        endpoint = self.provider.metadata().end_session_endpoint
        if not endpoint:
            return ""
        separator = "&" if urlsplit(endpoint).query else "?"
        return (
            f"{endpoint}{separator}client_id={quote(self._login.client_id, safe='')}"
            f"&post_logout_redirect_uri={quote(return_to, safe='')}"
        )

    def _endpoint(self, name: str) -> str:
        metadata: Metadata = self.provider.metadata()
        url: str = getattr(metadata, name)
        if not url:
            raise unavailable(self._login.issuer, f"the discovery document names no {name}")
        return url

    def _redeem(self, flow: Flow, code: str, redirect_uri: str) -> dict[str, Any]:
        url = self._endpoint("token_endpoint")
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=flow.verifier
        )
        headers, body = self._prove(url, {}, body)
        status, answer = post_form(url, body, timeout_s=self.provider.timeout_s, headers=headers)
        if status != httpx.codes.OK:
            log.warning("login_code_refused", status=status, error=str(answer.get("error"))[:50])
            raise LoginFailedError("The identity provider did not accept the login. Log in again.")
        return answer

    def _id_claims(self, id_token: object, nonce: str) -> dict[str, Any]:
        """Check an ID token (OpenID Connect Core 1.0 section 3.1.3.7) and return its claims."""
        if not isinstance(id_token, str):
            raise InvalidTokenError("There is no ID token.")
        claims = self._reader.claims(id_token)
        essential = {"iss": self._login.issuer, "aud": self._login.client_id, "sub": None, "nonce": None}
        check_claims(claims, now=self._clock(), leeway_s=self._login.leeway_s, essential=essential)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._login.client_id) != self._login.client_id:
            raise InvalidTokenError("The ID token was made for another client (azp).")
        if not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
            raise InvalidTokenError("The ID token belongs to another login (nonce).")
        return claims

    def _with_userinfo(self, claims: dict[str, Any], access_token: object) -> dict[str, Any]:
        """Add what the provider tells at its UserInfo endpoint only, if the ID token lacks something we ask for."""
        asked = {
            self._login.personal_identity_number_claim,
            self._login.organisation_claim,
            self._login.roles_claim,
        }
        url = self.provider.metadata().userinfo_endpoint
        if not url or not isinstance(access_token, str) or asked <= claims.keys():
            return claims
        body, media_type = get_text(url, timeout_s=self.provider.timeout_s, token=access_token)
        if media_type == "application/jwt":
            told = self._reader.claims(body.decode("ascii", "replace"))
            if told.get("iss") != self._login.issuer or not _holds(told.get("aud"), self._login.client_id):
                raise InvalidTokenError("The UserInfo answer was made for another client.")
        else:
            told = as_object(url, body)
        # Core 1.0 section 5.3.2: else one person's claims could be passed off as another's.
        if told.get("sub") != claims["sub"]:
            raise InvalidTokenError("The UserInfo answer is about another person.")
        return {**told, **claims}


def _holds(audience: object, client_id: str) -> bool:
    return client_id in audience if isinstance(audience, list) else audience == client_id
