"""The development identity provider as a Flask app: discovery, keys, login by a click, tokens, UserInfo, logout.

    provider = create_provider(config, settings.service)        # refuses unless service.sandbox
    serve(provider, "127.0.0.1", 9000)

Point the service at it with `login.issuer` and `tokens.issuer` = `config.issuer`, `login.client_secret` = the secret
of a client whose `redirect_uris` hold BASE_URL/login/callback and whose `post_logout_redirect_uris` hold BASE_URL/.
"""

from typing import Any, cast
from urllib.parse import urlencode

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from flask import Flask, Response, jsonify, redirect, render_template, request
from flask import make_response as flask_response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from registry.sandbox.config import NUMBER_SCOPE, ORGANISATION_SCOPE, ProviderConfig, SandboxUser
from registry.sandbox.issued import Issued
from registry.sandbox.oauth import make_oauth_server
from registry.sandbox.signing import ALGORITHM, SigningKeys
from registry.settings import Service

KEYS = "sandbox.keys"


def create_provider(config: ProviderConfig, service: Service) -> Flask:
    """Return the provider as an app; its signing keys are `app.extensions[KEYS]`.

    Raises:
        SettingsError: this is no sandbox, or the issuer is not on this machine.
    """
    config.require_sandbox(service)
    app = Flask(__name__, static_folder=None)
    keys, issued = SigningKeys(), Issued()
    app.extensions[KEYS] = keys
    server = make_oauth_server(app, config, keys, issued)
    views = _Views(config, keys, issued, server)
    for path, view, methods in (
        ("/", views.index, ["GET"]),
        ("/.well-known/openid-configuration", views.discovery, ["GET"]),
        ("/jwks", views.jwks, ["GET"]),
        ("/authorize", views.authorize, ["GET", "POST"]),
        ("/token", views.token, ["POST"]),
        ("/userinfo", views.userinfo, ["GET", "POST"]),
        ("/end-session", views.end_session, ["GET", "POST"]),
    ):
        app.add_url_rule(path, view.__name__, view, methods=methods)
    app.after_request(_forbid_storing)
    return app


class _Views:
    def __init__(
        self, config: ProviderConfig, keys: SigningKeys, issued: Issued, server: AuthorizationServer
    ) -> None:
        self._config = config
        self._keys = keys
        self._issued = issued
        self._server = server
        self._users: dict[str, SandboxUser] = {user.subject: user for user in config.users}
        self._clients = {client.client_id: client for client in config.clients}

    def index(self) -> str:
        return render_template("message.html", message="It lets applications on this machine log people in.")

    def discovery(self) -> Response:
        issuer = self._config.issuer
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            userinfo_endpoint=f"{issuer}/userinfo",
            end_session_endpoint=f"{issuer}/end-session",
            jwks_uri=f"{issuer}/jwks",
            scopes_supported=["openid", "profile", NUMBER_SCOPE, ORGANISATION_SCOPE],
            response_types_supported=["code"],
            grant_types_supported=["authorization_code", "client_credentials"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=[ALGORITHM],
            token_endpoint_auth_methods_supported=["client_secret_basic", "private_key_jwt"],
            token_endpoint_auth_signing_alg_values_supported=["RS256", "ES256"],
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
        )

    def jwks(self) -> Response:
        return jsonify(self._keys.published())

    def authorize(self) -> Response:
        """Show the people to log in as; send the browser back with a code when one is chosen."""
        user = self._users.get(request.form.get("login", ""))
        try:
            grant = self._server.get_consent_grant(end_user=user)  # type: ignore[no-untyped-call]
        except OAuth2Error as error:
            if error.redirect_uri:
                return cast(
                    "Response",
                    self._server.handle_error_response(self._server.create_oauth2_request(None), error),
                )
            return flask_response(
                (render_template("message.html", message=error.description or error.error), 400)
            )
        if request.method == "GET":
            page = render_template("authorize.html", users=self._config.users, action=request.full_path)
            return flask_response(page)
        # Nobody chosen means cancelled: Authlib answers access_denied.
        return cast("Response", self._server.create_authorization_response(grant_user=user, grant=grant))

    def token(self) -> Response:
        return cast("Response", self._server.create_token_response())

    def userinfo(self) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = self._issued.person(token) if scheme.lower() == "bearer" else None
        if known is None:
            return flask_response(("", 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}))
        user, scope = known
        return jsonify(user.claims(scope))

    def end_session(self) -> Response:
        """End nothing, since nobody stays logged in here; send the browser on where its client may send it."""
        client = self._clients.get(request.values.get("client_id", ""))
        target = request.values.get("post_logout_redirect_uri", "")
        if client is None or target not in client.post_logout_redirect_uris:
            return flask_response(render_template("message.html", message="You are logged out."))
        state: Any = request.values.get("state")
        return flask_response(redirect(f"{target}?{urlencode({'state': state})}" if state else target))


def _forbid_storing(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    return response


class _Quiet(WSGIRequestHandler):
    """Logs no requests: their addresses carry codes."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Do nothing."""


def provider_server(provider: Flask, host: str, port: int) -> BaseWSGIServer:
    """Return a server for the provider, listening; `port` 0 takes a free one (`server.server_port`)."""
    return make_server(host, port, provider, threaded=True, request_handler=_Quiet)


def serve(provider: Flask, host: str, port: int) -> None:
    """Serve the provider until interrupted. One process: what it has given out lives in its memory."""
    server = provider_server(provider, host, port)
    try:
        server.serve_forever()
    finally:
        server.server_close()
