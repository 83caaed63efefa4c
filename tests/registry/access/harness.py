"""Real servers for these tests: the development identity provider and a small app, over HTTP on free ports."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import sqlalchemy as sa
from flask import Blueprint, Flask, render_template_string
from werkzeug.serving import make_server

from registry.access.dpop import DpopProofs
from registry.access.guard import any_caller, current_caller, public, requires_login, requires_scope
from registry.access.install import AccessParts, install_access
from registry.access.keys import KeyCache
from registry.access.providers import Providers
from registry.access.signed_in import optional_caller
from registry.access.tables import metadata
from registry.access.token_issuer import TokenIssuer
from registry.access.tokens import AccessTokens
from registry.database import open_database
from registry.errors import RegistryError
from registry.sandbox.config import (
    NUMBER_SCOPE,
    ORGANISATION_CLAIM,
    ORGANISATION_SCOPE,
    ProviderConfig,
    SandboxClient,
    SandboxUser,
)
from registry.sandbox.provider import KEYS, create_provider
from registry.sandbox.signing import SigningKeys
from registry.sealing import Sealer, new_key
from registry.settings import Settings, load_settings

Environ = dict[str, Any]
AUDIENCE = "urn:registry:api"
# Synthetic numbers: day serials 980-999 are never given to a person (Skatteverket's test range).
NURSE_NUMBER = "198507099805"
EMPLOYER = SandboxUser(
    "employer-1",
    "Ebba Exempel",
    "Recruiter at a municipality",
    roles=("employer",),
    organisation="2120000142",
    organisation_name="Exempelkommunen",
)
NURSE = SandboxUser("nurse-1", "Nils Påhitt", "Nurse", roles=("staff",), personal_number=NURSE_NUMBER)
ADMINISTRATOR = SandboxUser("admin-1", "Ada Prov", "Administrator", roles=("administrator", "unheard-of"))
LOGIN_SCOPES = ("openid", "profile", NUMBER_SCOPE, ORGANISATION_SCOPE)


class Switch:
    """A WSGI app in front of another that can go down, counts what is asked for, and can answer in its place.

    `instead` holds by path: status, media type and body.
    """

    def __init__(self) -> None:
        self.instead: dict[str, tuple[str, str, bytes]] = {}
        self.app: Callable[..., Iterable[bytes]] | None = None
        self.down = False
        self.asked: Counter[str] = Counter()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked[environ["PATH_INFO"]] += 1
        if self.down or self.app is None:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"down"]
        if environ["PATH_INFO"] in self.instead:
            status, media_type, body = self.instead[environ["PATH_INFO"]]
            start_response(status, [("Content-Type", media_type)])
            return [body]
        return self.app(environ, start_response)


@contextmanager
def running(switch: Switch) -> Iterator[str]:
    """Serve on a free port; give the address."""
    server = make_server("127.0.0.1", 0, switch, threaded=True)
    server.log = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Idp:
    """The running provider."""

    config: ProviderConfig
    switch: Switch
    app: Flask

    @property
    def issuer(self) -> str:
        return self.config.issuer

    @property
    def keys(self) -> SigningKeys:
        keys: SigningKeys = self.app.extensions[KEYS]
        return keys

    def client(self, client_id: str) -> SandboxClient:
        return next(client for client in self.config.clients if client.client_id == client_id)

    def claims(self, **changes: object) -> dict[str, Any]:
        """Return the claims of a good access token, changed; a value of None takes a claim away."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "system-1",
            "client_id": "system-1",
            "jti": f"token-{now}",
            "iat": now,
            "exp": now + 300,
            "scope": "registry:search registry:verify",
            ORGANISATION_CLAIM: "2120000142",
            "roles": ["system"],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes: object) -> str:
        """Return an access token signed by the provider."""
        return self.keys.sign(self.claims(**changes))

    def ask_token(self, client: SandboxClient, scope: str = "") -> httpx.Response:
        return httpx.post(
            f"{self.issuer}/token",
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(client.client_id, client.secret.reveal()),
        )


@contextmanager
def running_idp(base_url: str = "http://127.0.0.1:1", **changes: object) -> Iterator[Idp]:
    """Start the development identity provider with three people and three clients."""
    switch = Switch()
    with running(switch) as issuer:
        pages = SandboxClient(
            "registry",
            redirect_uris=(f"{base_url}/login/callback",),
            post_logout_redirect_uris=(f"{base_url}/",),
            scopes=LOGIN_SCOPES,
        )
        system = SandboxClient(
            "system-1", scopes=("registry:search", "registry:verify"), organisation="2120000142"
        )
        config = ProviderConfig(issuer, AUDIENCE, (EMPLOYER, NURSE, ADMINISTRATOR), (pages, system))
        config = replace(config, **changes)  # type: ignore[arg-type]
        app = create_provider(config, load_settings({"REGISTRY_SERVICE__SANDBOX": "true"}).service)
        switch.app = app.wsgi_app
        yield Idp(config, switch, app)


def settings_for(idp: Idp | None, database: str, **environ: str) -> Settings:
    """Settings of a service that trusts `idp` for tokens and logins."""
    issuer = idp.issuer if idp else ""
    secret = idp.client("registry").secret.reveal() if idp else ""
    return load_settings(
        {
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_DATABASE__URL": database,
            "REGISTRY_DATABASE__ACCESS_URL": database,
            "REGISTRY_PRIVACY__DIGEST_KEY": new_key(),
            "REGISTRY_PRIVACY__SEALING_KEY": new_key(),
            "REGISTRY_TOKENS__ISSUER": issuer,
            "REGISTRY_TOKENS__AUDIENCE": AUDIENCE,
            "REGISTRY_LOGIN__ISSUER": issuer,
            "REGISTRY_LOGIN__CLIENT_SECRET": secret,
            **environ,
        }
    )


def tokens_with(
    settings: Settings, keys: KeyCache, *, clock: Callable[[], float] = time.time
) -> AccessTokens:
    """Return access tokens of the one issuer of `settings`, whose keys the test has in hand."""
    digest = Sealer(settings.privacy).digest
    (trusted,) = Providers(settings).for_tokens()
    issuer = TokenIssuer(trusted.settings, keys, settings.tokens, digest=digest)
    proofs = DpopProofs(
        settings.tokens, base_url="http://127.0.0.1", digest=digest, use_once=lambda *_: True, clock=clock
    )
    return AccessTokens(settings.tokens, [issuer], proofs, clock=clock)


@dataclass
class App:
    """A small app with everything of the room installed."""

    flask: Flask
    settings: Settings
    engine: sa.Engine
    sealer: Sealer
    access: AccessParts


def make_app(settings: Settings, clock: Callable[[], float] = time.time) -> App:
    """Make the app; its database has its tables."""
    engine = open_database(settings.access_database_url, settings.database, service=True)
    metadata.create_all(engine)
    sealer = Sealer(settings.privacy)
    app = Flask(__name__, static_folder=None)
    access = install_access(app, settings, engine=engine, sealer=sealer, clock=clock)
    app.register_blueprint(_front())
    app.register_blueprint(_pages())
    app.register_error_handler(
        RegistryError, lambda error: ({"type": error.slug, "detail": error.detail}, error.status)
    )
    return App(app, settings, engine, sealer, access)


def _front() -> Blueprint:
    front = Blueprint("front", __name__)
    public(front, why="the start page shows no records")

    @front.get("/")
    def start() -> str:
        return f"Hello {optional_caller().name}" if optional_caller() else "Hello stranger"  # type: ignore[union-attr]

    return front


def _pages() -> Blueprint:
    pages = Blueprint("pages", __name__, url_prefix="/pages")
    requires_login(pages)

    @pages.get("/who")
    @any_caller
    def who() -> dict[str, Any]:
        caller = current_caller()
        number = caller.personal_number
        return {
            "subject": caller.subject,
            "name": caller.name,
            "organisation": caller.organisation,
            "roles": sorted(caller.roles),
            "scopes": sorted(caller.scopes),
            "number": number.reveal() if number else "",
        }

    @pages.get("/search")
    @requires_scope("registry:search")
    def search() -> str:
        return "found"

    @pages.route("/form", methods=["GET", "POST"])
    @any_caller
    def form() -> str:
        return render_template_string("{{ csrf_token() }}")

    return pages


def sign_in(browser: httpx.Client, url: str, subject: str) -> httpx.Response:
    """Go to a page, choose a person on the provider's page, and come back."""
    choice = browser.get(url)
    assert "not for real use" in choice.text, choice.text
    return browser.post(choice.url, data={"login": subject})
