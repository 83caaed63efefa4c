"""Login at one of the providers, its way back, and both logouts: `/login`, `/login/callback`, `/logout`, `/logout/backchannel`.

    <a href="{{ url_for('login.start', next=request.full_path) }}">
    <form method="post" action="{{ url_for('login.logout') }}">, with `csrf_token()` in it

With several providers `/login` is answered by the page `LoginViews.choice`, which the pages put there; each link of it names one
(`/login?provider=NAME`). Errors leave as `RegistryError`s (LoginFailedError, IdentityProviderUnavailableError, StaleFormError), for the pages'
error handler to show. Logout sends the browser on to the provider: a Content-Security-Policy with `form-action` must
also name `LoginViews.logout_origin(caller)`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import structlog
from flask import Blueprint, Response, after_this_request, g, redirect, request, url_for
from flask import make_response as flask_response
from sqlalchemy.exc import SQLAlchemyError

from registry.access.caller import Caller
from registry.access.challenges import InvalidTokenError
from registry.access.csrf import check_csrf
from registry.access.flows import Flow, Flows
from registry.access.guard import public
from registry.access.jws import unverified_issuer
from registry.access.providers import Trusted
from registry.access.rates import Rates
from registry.access.relying_party import LoginFailedError, RelyingParty
from registry.access.session_store import Login, SessionStore
from registry.access.sessions import SessionsUnavailableError
from registry.access.signed_in import forget, optional_caller, remember
from registry.errors import BadRequestError, IdentityProviderUnavailableError, NotFoundError
from registry.identifiers import holds_personal_number
from registry.settings import Settings

log = structlog.get_logger()
# Where an app keeps its `LoginViews`.
LOGIN = "registry.login"
# Started logins ride in cookies, several at once, and servers bound the header line.
_MAX_NEXT = 500
# RFC 6749 section 4.1.2.1 and OpenID Connect Core 1.0 section 3.1.2.6. The provider's own text is not shown: it comes
# in a URL, which anyone can write.
_TOLD = {
    "access_denied": "The login was cancelled, or the identity provider does not let you in.",
    "login_required": "The identity provider asks you to log in again.",
    "temporarily_unavailable": "The identity provider is busy. Try again in a while.",
}
_AGAIN = "Log in again."


def safe_next(path: str | None) -> str:
    """Return where to go after a login: a path on this site, `/` instead of anything else.

    A path that may hold a personal identity number is not taken either, nor one that would log in or out.
    """
    path = path or "/"
    if not path.isprintable() or "\\" in path or len(path) > _MAX_NEXT:
        return "/"
    # Two slashes would begin a host name; browsers read a backslash as a slash.
    if not path.startswith("/") or path.startswith("//"):
        return "/"
    if path.startswith(("/login", "/logout")) or holds_personal_number(path):
        return "/"
    return path


class LoginViews:
    """The views.

    Args:
        settings: all settings.
        parties: our side of the protocol at each provider, by its name, in the order in which they are offered; none when no
            provider is configured: the addresses then are unknown.
        flows: the started logins.
        store: the sessions that a logout at a provider ends.
        rates: counts logins that do not succeed; logouts are never counted.

    Attributes:
        choice: makes the page on which a person chooses a provider, from the providers and the path to go to afterwards.
    """

    def __init__(
        self,
        settings: Settings,
        parties: Mapping[str, RelyingParty],
        flows: Flows,
        store: SessionStore,
        rates: Rates,
    ) -> None:
        self._parties = parties
        self._parties_by_issuer = {party.provider.issuer: party for party in parties.values()}
        self._store = store
        self._rates = rates
        self._max_length = settings.tokens.max_length
        self._leeway_s = settings.login.leeway_s
        self._flows = flows
        self._scope_acr = settings.access.scope_acr
        base = settings.service.base_url.rstrip("/")
        self._redirect_uri = f"{base}/login/callback"
        self._home = f"{base}/"
        self.choice: Callable[[Sequence[Trusted], str], Response] | None = None

    def blueprint(self) -> Blueprint:
        """Return the blueprint `login`."""
        blueprint = Blueprint("login", __name__)
        public(blueprint, why="nobody is logged in before the login")
        blueprint.add_url_rule("/login", "start", self.start, methods=["GET"])
        blueprint.add_url_rule("/login/callback", "callback", self.callback, methods=["GET"])
        blueprint.add_url_rule("/logout", "logout", self.logout, methods=["POST"])
        blueprint.add_url_rule("/logout/backchannel", "backchannel", self.backchannel, methods=["POST"])
        blueprint.after_request(_keep_private)
        return blueprint

    def login_url(self, path: str) -> str:
        """Return where to log in and come back to `path`; "" when no provider is configured."""
        return url_for("login.start", next=safe_next(path)) if self._parties else ""

    def stronger_url(self, caller: Caller, path: str) -> str:
        """Return where to log in anew, at the same provider, for what `caller` lacks the level of assurance for; "" if nowhere."""
        party = self._party_of(caller)
        if party is None or "registry_login_for" not in g:
            return ""
        asked = {"next": safe_next(path), "provider": party.trusted.name, "for": g.registry_login_for}
        return f"{url_for('login.start')}?{urlencode(asked)}"

    def logout_origin(self, caller: Caller) -> str:
        """Return the origin (`https://host`) that logout leads to, for `form-action`; "" when there is none."""
        party = self._party_of(caller)
        if party is None:
            return ""
        try:
            endpoint = party.provider.metadata().end_session_endpoint
        except IdentityProviderUnavailableError:
            endpoint = party.provider.issuer
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    def _party_of(self, caller: Caller) -> RelyingParty | None:
        return self._parties_by_issuer.get(caller.issuer)

    def _chosen(self) -> RelyingParty | None:
        """Return the provider that the address names, or the one there is; None where a person has to choose."""
        if not self._parties:
            raise NotFoundError("No identity provider is configured for logins (login.issuer).")
        name = request.args.get("provider")
        if name is not None and name not in self._parties:
            raise NotFoundError("There is no identity provider of that name. Log in from the start page.")
        if name is not None or len(self._parties) == 1:
            return self._parties[name or next(iter(self._parties))]
        return None

    def start(self) -> Response:
        """Send the browser to the provider, or show which ones there are."""
        party, path = self._chosen(), safe_next(request.args.get("next"))
        if party is None:
            return self._ask_for_one(path)
        flow = self._flows.start(path, party.trusted.name)
        acr = self._scope_acr.get(request.args.get("for", ""), ())
        response = flask_response(redirect(party.authorization_url(flow, self._redirect_uri, acr)))
        self._flows.keep(flow, request.cookies, response)
        return response

    def _ask_for_one(self, path: str) -> Response:
        if self.choice is None:
            raise NotFoundError("Name one of the identity providers (`provider`).")
        return self.choice([party.trusted for party in self._parties.values()], path)

    def callback(self) -> Response:
        """Take the provider's answer, and begin a session if it holds."""
        if not self._parties:
            raise NotFoundError("No identity provider is configured for logins (login.issuer).")
        state = request.args.get("state", "")
        flow = self._flows.find(state, request.cookies)
        if flow is None:
            if optional_caller() is not None:  # the button pressed twice, or the page called up again
                return flask_response(redirect("/"))
            self._rates.refused()
            raise LoginFailedError(f"The login took too long, or it was begun in another browser. {_AGAIN}")
        self._rates.before_login()

        @after_this_request
        def use_once(response: Response) -> Response:
            self._flows.forget(state, request.cookies, response)
            return response

        party = self._parties.get(flow.provider)
        if party is None:
            raise LoginFailedError(f"The identity provider is not trusted any more. {_AGAIN}")
        try:
            self._log_in(party, flow)
        except LoginFailedError:
            self._rates.refused()
            raise
        return flask_response(redirect(flow.next))

    def _log_in(self, party: RelyingParty, flow: Flow) -> None:
        party.check_issuer(request.args.get("iss"))
        error, code = request.args.get("error"), request.args.get("code")
        if error or not code:
            log.warning("login_refused_by_provider", error=str(error)[:50])
            raise LoginFailedError(
                _TOLD.get(error or "", f"The identity provider refused the login. {_AGAIN}")
            )
        caller = party.finish(flow, code, self._redirect_uri)
        remember(caller)
        log.info("login", issuer=caller.issuer, subject=caller.subject, organisation=caller.organisation)

    def logout(self) -> Response:
        """End the session here, then at the provider if it offers that."""
        caller = optional_caller()
        if caller is None:
            return flask_response(redirect("/", 303))
        check_csrf()
        forget()
        log.info("logout", issuer=caller.issuer, subject=caller.subject)
        party, url = self._party_of(caller), ""
        # The session here has ended, whatever becomes of the provider's.
        with suppress(IdentityProviderUnavailableError):
            url = party.logout_url(self._home) if party else ""
        return flask_response(redirect(url or "/", 303))

    def backchannel(self) -> Response:
        """Take a provider's word that somebody has logged out there: their sessions here end at once, on all workers.

        OpenID Connect Back-Channel Logout 1.0: called by the provider, without any cookie. The token is all there is to believe.
        """
        try:
            login, jti, until = self._logged_out(request.form.get("logout_token", ""))
        except InvalidTokenError as error:
            log.warning("logout_token_refused", reason=error.detail)
            raise BadRequestError(error.detail) from None
        ended = self._end_once(login, jti, until)
        log.info("logout_at_provider", issuer=login.issuer, subject=login.subject, sessions=ended)
        return Response(status=200)

    def _logged_out(self, token: str) -> tuple[Login, str, float]:
        issuer = unverified_issuer(token, max_length=self._max_length)
        party = self._parties_by_issuer.get(issuer) if isinstance(issuer, str) else None
        if party is None:
            raise InvalidTokenError("No identity provider of ours has issued the token.")
        return party.logged_out(token)

    def _end_once(self, login: Login, jti: str, until: float) -> int:
        digest = hashlib.sha256(f"logout-token\0{login.issuer}\0{jti}".encode()).digest()
        try:
            ended = self._store.end_once(login, digest, until + self._leeway_s)
        except SQLAlchemyError as error:
            # 503 makes the provider try again; the error's text would hold values.
            log.error("logout_not_done", reason=type(error).__name__)  # noqa: TRY400 - see above
            raise SessionsUnavailableError from None
        if ended is None:
            raise BadRequestError("The logout token was used before.")
        return ended


def _keep_private(response: Response) -> Response:
    """Keep answers that carry codes and cookies out of caches, and their addresses out of `Referer`."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
