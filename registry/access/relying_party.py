"""Our side of OpenID Connect: authorization code flow with PKCE S256, state and nonce (Core 1.0, RFC 9700).

Requests are put together with Authlib; tokens are checked by our own reader, which takes no token that names no key and
keeps keys as `Remote` tells. The provider's tokens are dropped as soon as they have been read.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
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
from registry.access.jws import TokenReader, read_compact
from registry.access.provider import Metadata
from registry.access.providers import Trusted
from registry.access.session_store import Login
from registry.errors import RegistryError
from registry.settings import Settings
from registry.settings_access import given_roles, speaks_for

log = structlog.get_logger()
# The hash that belongs to a signature algorithm (OpenID Connect Core 1.0 section 3.1.3.6; for Ed25519 RFC 8032's own).
_HASHES = {"256": "sha256", "384": "sha384", "512": "sha512"}
_ED25519 = frozenset({"EdDSA", "Ed25519"})
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Two minutes are recommended (section 4); a clock tolerance and a queue at the provider are allowed for.
_LOGOUT_TOKEN_MAX_S = 600


class LoginFailedError(RegistryError):
    """A login did not come to a good end; `detail` tells the person what to do."""

    slug = "login-failed"
    status = 400
    title = "The login did not succeed"


class RelyingParty:
    """Logs people in at one provider.

    Args:
        trusted: the provider.
        settings: all settings.
        digest: keyed digest for a `sub` that is a personal identity number.
        clock: seconds since 1970.

    Raises:
        SettingsError: no way for us to prove who we are to the provider is set, or two are.
    """

    def __init__(
        self,
        trusted: Trusted,
        settings: Settings,
        *,
        digest: Callable[[str], bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.trusted = trusted
        self._told = trusted.settings
        self._limits = settings.login
        self._digest = digest
        self._clock = clock
        self._prove = client_proof(
            trusted.settings, f"providers.{trusted.name}" if settings.providers else "login"
        )
        self.provider = trusted.provider
        # Of ID tokens and signed UserInfo answers; an access token must not pass as one (RFC 8725 section 3.12).
        self._reader = TokenReader(
            self.provider.keys,
            algorithms=self._told.algorithms,
            types={"", "jwt"},
            max_length=settings.tokens.max_length,
        )

        self._logout_reader = TokenReader(
            self.provider.keys,
            algorithms=self._told.algorithms,
            types={"logout+jwt", "", "jwt"},
            max_length=settings.tokens.max_length,
        )

    def authorization_url(self, flow: Flow, redirect_uri: str, acr: Sequence[str] = ()) -> str:
        """Return where to send the person's browser to log in.

        Args:
            flow: the started login.
            redirect_uri: where the provider is to send it back to.
            acr: levels of assurance of which one is needed: the person logs in anew, also where the provider knows them still.

        Raises:
            IdentityProviderUnavailableError: the provider's addresses can't be had.
        """
        endpoint = self._endpoint("authorization_endpoint")
        asked = {"acr_values": " ".join(acr or self._told.acr_values)} if acr or self._told.acr_values else {}
        if acr:
            asked["prompt"] = "login"
        return str(
            prepare_grant_uri(
                endpoint,
                client_id=self._told.client_id,
                response_type="code",
                redirect_uri=redirect_uri,
                scope=list(self._told.scopes),
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=flow.challenge,
                code_challenge_method="S256",
                **asked,
            )
        )

    def check_issuer(self, issuer: str | None) -> None:
        """Check the `iss` of an authorization response, against mix-up of providers (RFC 9207).

        Raises:
            LoginFailedError: it is another provider's, or missing though the provider promises it.
        """
        promised = self.provider.metadata().authorization_response_iss_parameter_supported
        if (issuer is None and promised) or (issuer is not None and issuer != self._told.issuer):
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
            _check_access_token(claims, tokens)
            claims = self._with_userinfo(claims, tokens.get("access_token"))
            return self._caller(claims)
        except InvalidTokenError as error:
            log.warning("login_token_refused", reason=error.detail)
            raise LoginFailedError(
                "The identity provider's answer can't be trusted. Log in again."
            ) from error

    def _caller(self, claims: dict[str, Any]) -> Caller:
        told = self._told
        organisation = organisation_claim(claims, told.organisation_claim, self._digest)
        if not speaks_for(told, organisation):
            raise InvalidTokenError("The provider may not speak for the organisation that it names.")
        return Caller(
            issuer=told.issuer,
            subject=subject_claim(claims, self._digest),
            client_id=told.client_id,
            organisation=organisation,
            roles=given_roles(told, set_claim(claims, told.roles_claim), self.trusted.sensitive),
            personal_number=personal_number_claim(claims, told.personal_number_claim),
            name=text_claim(claims, told.name_claim),
            hsa_id=text_claim(claims, told.hsa_id_claim) if told.hsa_id_claim else "",
            acr=text_claim(claims, "acr"),
            sid=text_claim(claims, "sid"),
        )

    def logged_out(self, token: str) -> tuple[Login, str, float]:
        """Return whom a logout token ends the sessions of, its `jti`, and until when it holds (seconds since 1970).

        OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6.

        Raises:
            InvalidTokenError: says what is wrong with it.
            IdentityProviderUnavailableError: the provider's keys can't be had.
        """
        claims = self._logout_reader.claims(token)
        essential = {"iss": self._told.issuer, "aud": self._told.client_id, "jti": None}
        check_claims(claims, now=self._clock(), leeway_s=self._limits.leeway_s, essential=essential)
        if claims["exp"] - claims["iat"] > _LOGOUT_TOKEN_MAX_S:
            raise InvalidTokenError("The logout token holds for too long.")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise InvalidTokenError("The token is no logout token (events).")
        # An ID token has one: it must not pass for a logout token.
        if "nonce" in claims:
            raise InvalidTokenError("The token is no logout token (nonce).")
        subject = subject_claim(claims, self._digest) if isinstance(claims.get("sub"), str) else ""
        sid = text_claim(claims, "sid")
        if not subject and not sid:
            raise InvalidTokenError("The logout token names neither a person nor a session.")
        return Login(self._told.issuer, subject, sid), text_claim(claims, "jti"), float(claims["exp"])

    def logout_url(self, return_to: str) -> str:
        """Return where to end the provider's own session, "" if it offers that nowhere.

        The ID token is not sent along as a hint: it may hold the personal identity number, and this is a URL.
        """
        endpoint = self.provider.metadata().end_session_endpoint
        if not endpoint:
            return ""
        separator = "&" if urlsplit(endpoint).query else "?"
        return (
            f"{endpoint}{separator}client_id={quote(self._told.client_id, safe='')}"
            f"&post_logout_redirect_uri={quote(return_to, safe='')}"
        )

    def _endpoint(self, name: str) -> str:
        metadata: Metadata = self.provider.metadata()
        url: str = getattr(metadata, name)
        if not url:
            raise unavailable(self._told.issuer, f"the discovery document names no {name}")
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
        essential = {"iss": self._told.issuer, "aud": self._told.client_id, "sub": None, "nonce": None}
        check_claims(claims, now=self._clock(), leeway_s=self._limits.leeway_s, essential=essential)
        if claims["exp"] - claims["iat"] > self._limits.id_token_max_s:
            raise InvalidTokenError("The ID token holds for longer than it may (login.id_token_max_s).")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._told.client_id) != self._told.client_id:
            raise InvalidTokenError("The ID token was made for another client (azp).")
        if not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
            raise InvalidTokenError("The ID token belongs to another login (nonce).")
        return claims

    def _with_userinfo(self, claims: dict[str, Any], access_token: object) -> dict[str, Any]:
        """Add what the provider tells at its UserInfo endpoint only, if the ID token lacks something we ask for."""
        asked = {
            self._told.personal_number_claim,
            self._told.organisation_claim,
            self._told.roles_claim,
            self._told.hsa_id_claim,
        } - {""}
        url = self.provider.metadata().userinfo_endpoint
        if not url or not isinstance(access_token, str) or asked <= claims.keys():
            return claims
        body, media_type = get_text(url, timeout_s=self.provider.timeout_s, token=access_token)
        if media_type == "application/jwt":
            told = self._reader.claims(body.decode("ascii", "replace"))
            if told.get("iss") != self._told.issuer or not _holds(told.get("aud"), self._told.client_id):
                raise InvalidTokenError("The UserInfo answer was made for another client.")
        elif self._told.userinfo_signed:
            raise InvalidTokenError("The UserInfo answer is not signed.")
        else:
            told = as_object(url, body)
        # Core 1.0 section 5.3.2: else one person's claims could be passed off as another's.
        if told.get("sub") != claims["sub"]:
            raise InvalidTokenError("The UserInfo answer is about another person.")
        return {**told, **claims}


def _holds(audience: object, client_id: str) -> bool:
    return client_id in audience if isinstance(audience, list) else audience == client_id


def _check_access_token(claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> None:
    """Check that the access token is the one that the ID token came with, where it says so (`at_hash`)."""
    if "at_hash" not in claims:
        return
    access_token, id_token = tokens.get("access_token"), str(tokens["id_token"])
    algorithm = read_compact(id_token, max_length=len(id_token)).headers()["alg"]
    name = "sha512" if algorithm in _ED25519 else _HASHES.get(algorithm[-3:], "sha256")
    digest = hashlib.new(name, str(access_token).encode("utf-8", "surrogatepass")).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    told = claims["at_hash"]
    if not isinstance(told, str) or not hmac.compare_digest(
        told.encode("utf-8", "surrogatepass"), half.encode()
    ):
        raise InvalidTokenError("The access token is not the one that the ID token came with (at_hash).")
