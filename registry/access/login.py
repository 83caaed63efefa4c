"""Login, its way back, and logout, for the pages: `/login`, `/login/callback`, `/logout`.

    <a href="{{ url_for('login.start', next=request.full_path) }}">
    <form method="post" action="{{ url_for('login.logout') }}">, with `csrf_token()` in it

Errors leave as `RegistryError`s (LoginFailedError, IdentityProviderUnavailableError, StaleFormError), for the pages'
error handler to show. Logout sends the browser on to the provider: a Content-Security-Policy with `form-action` must
also name `LoginViews.provider_origin()`.
"""

from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, after_this_request, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.csrf import check_csrf
from registry.access.flows import Flow, Flows
from registry.access.guard import public
from registry.access.relying_party import LoginFailedError, RelyingParty
from registry.access.signed_in import forget, optional_caller, remember
from registry.errors import IdentityProviderUnavailableError, NotFoundError
from registry.identifiers import holds_personal_number
from registry.settings import Settings

log = structlog.get_logger()
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
    """The three views.

    Args:
        settings: all settings.
        party: our side of the protocol; None when no provider is configured: the addresses then are unknown.
        flows: the started logins.
    """

    def __init__(self, settings: Settings, party: RelyingParty | None, flows: Flows) -> None:
        self._configured = party
        self._flows = flows
        base = settings.service.base_url.rstrip("/")
        self._redirect_uri = f"{base}/login/callback"
        self._home = f"{base}/"

    def blueprint(self) -> Blueprint:
        """Return the blueprint `login`."""
        blueprint = Blueprint("login", __name__)
        public(blueprint, why="nobody is logged in before the login")
        blueprint.add_url_rule("/login", "start", self.start, methods=["GET"])
        blueprint.add_url_rule("/login/callback", "callback", self.callback, methods=["GET"])
        blueprint.add_url_rule("/logout", "logout", self.logout, methods=["POST"])
        blueprint.after_request(_keep_private)
        return blueprint

    def login_url(self, path: str) -> str:
        """Return where to log in and come back to `path`; "" when no provider is configured."""
        return url_for("login.start", next=safe_next(path)) if self._configured else ""

    def provider_origin(self) -> str:
        """Return the origin (`https://host`) that logout leads to, for `form-action`; "" when there is none.

        Raises:
            IdentityProviderUnavailableError: the provider's addresses can't be had.
        """
        if self._configured is None:
            return ""
        parts = urlsplit(self._configured.provider.metadata().end_session_endpoint)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    @property
    def _party(self) -> RelyingParty:
        if self._configured is None:
            raise NotFoundError("No identity provider is configured for logins (login.issuer).")
        return self._configured

    def start(self) -> Response:
        """Send the browser to the provider."""
        flow = self._flows.start(safe_next(request.args.get("next")))
        response = flask_response(redirect(self._party.authorization_url(flow, self._redirect_uri)))
        self._flows.keep(flow, request.cookies, response)
        return response

    def callback(self) -> Response:
        """Take the provider's answer, and begin a session if it holds."""
        party, state = self._party, request.args.get("state", "")
        flow = self._flows.find(state, request.cookies)
        if flow is None:
            if optional_caller() is not None:  # the button pressed twice, or the page called up again
                return flask_response(redirect("/"))
            raise LoginFailedError(f"The login took too long, or it was begun in another browser. {_AGAIN}")

        @after_this_request
        def use_once(response: Response) -> Response:
            self._flows.forget(state, response)
            return response

        self._log_in(party, flow)
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
        try:
            url = self._party.logout_url(self._home)
        except IdentityProviderUnavailableError:
            url = ""  # the session here has ended all the same
        return flask_response(redirect(url or "/", 303))


def _keep_private(response: Response) -> Response:
    """Keep answers that carry codes and cookies out of caches, and their addresses out of `Referer`."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
