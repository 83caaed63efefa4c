"""A real Keycloak with two realms as two issuers: fixture `keycloak`, one server for the whole run.

    def test_a_login(keycloak: Keycloak) -> None:
        keycloak.issuer("staff")                         # or "partner"
        keycloak.password("staff", "employer-1")         # people: tests/services/realms/*.json
        keycloak.private_key("staff", "registry")        # PEM of our own client, which proves itself with private_key_jwt
        keycloak.token("staff", "system-1", "registry:verify")          # client credentials, as a bearer token
        keycloak.change_client("staff", "registry", attributes={"backchannel.logout.url": url})

| realm | people (role, organisation, personal number, HSA-id) | signs | roles / organisation / HSA-id in |
|---|---|---|---|
| staff | employer-1 (all), nurse-1 (staff, a number only), admin-1 (administrator) | RS256 | `roles`, oidc.se's `orgNumber`, `employeeHsaId` |
| partner | partner-1 (employer) | ES256 | `groups`, `organization_number`, `hsa_id` |

Clients of each realm: `registry` (code flow with PKCE S256, private_key_jwt, signed UserInfo; redirect addresses are any path
on 127.0.0.1, on any port), and the systems `system-1` (plain bearer tokens), `system-dpop` (DPoP) and `system-certificate`
(bound to the certificate `client_certificate` that it shows at `tls_token_endpoint`).

One server serves all processes that share the tests: it takes 600 MB and half a minute, and tests change nothing in it but
what they change back. It ends with the last of its users (tests.services.sharing).
"""

import contextlib
import os
import secrets
import signal
import ssl
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.services.account import Account
from tests.services.assemble import services_folder
from tests.services.certificates import Authority
from tests.services.java import find_java
from tests.services.keycloak_files import (
    NAME,
    REALMS,
    Secrets,
    is_assembled,
    lay_out,
    write_realm,
)
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.sharing import Told
from tests.services.started import Started
from tests.services.workspace import ServerProcess, Workspace, free_port

_ADMIN = "admin"
_PORT_TAKEN = ("already bound", "Address already in use", "BindException")
_PORT_TRIES = 3
_SECONDS = 30.0


@dataclass(frozen=True)
class Keycloak:
    """A running Keycloak, as one of its users sees it."""

    port: int
    tls_port: int
    folder: str
    admin_password: str
    realms: dict[str, dict[str, dict[str, str]]]

    def issuer(self, realm: str) -> str:
        """The issuer identifier of a realm."""
        return f"http://127.0.0.1:{self.port}/realms/{realm}"

    def token_endpoint(self, realm: str) -> str:
        return f"{self.issuer(realm)}/protocol/openid-connect/token"

    def tls_token_endpoint(self, realm: str) -> str:
        """The same over TLS, where a client may show its certificate."""
        return f"https://127.0.0.1:{self.tls_port}/realms/{realm}/protocol/openid-connect/token"

    def password(self, realm: str, username: str) -> str:
        return self._secrets(realm).passwords[username]

    def client_secret(self, realm: str, client_id: str) -> str:
        return self._secrets(realm).client_secrets[client_id]

    def private_key(self, realm: str, client_id: str) -> str:
        """The private key (PEM) of a client that proves itself with private_key_jwt."""
        return self._secrets(realm).private_keys[client_id]

    @property
    def client_certificate(self) -> tuple[Path, Path]:
        """Files with the certificate of `system-certificate` and its key."""
        return Path(self.folder, "client.pem"), Path(self.folder, "client-key.pem")

    def tls(self, *, with_certificate: bool = True) -> ssl.SSLContext:
        """How to speak to it over TLS, showing the client certificate or none."""
        context = ssl.create_default_context(cafile=str(Path(self.folder, "ca.pem")))
        if with_certificate:
            context.load_cert_chain(*self.client_certificate)
        return context

    def ask_token(
        self, realm: str, client_id: str, scope: str = "", *, proof: str = "", with_certificate: bool = False
    ) -> httpx.Response:
        """Ask for a token by client credentials; `proof` is a DPoP proof for `token_endpoint`."""
        url = self.tls_token_endpoint(realm) if with_certificate else self.token_endpoint(realm)
        return httpx.post(
            url,
            data={"grant_type": "client_credentials"} | ({"scope": scope} if scope else {}),
            auth=(client_id, self.client_secret(realm, client_id)),
            headers={"DPoP": proof} if proof else {},
            verify=self.tls() if with_certificate else False,
            timeout=_SECONDS,
            trust_env=False,
        )

    def token(self, realm: str, client_id: str, scope: str = "", **how: Any) -> str:  # noqa: ANN401 - see ask_token
        """Return an access token; arguments as `ask_token`."""
        answer = self.ask_token(realm, client_id, scope, **how)
        assert answer.status_code == httpx.codes.OK, answer.text
        return str(answer.json()["access_token"])

    @contextlib.contextmanager
    def admin(self, realm: str) -> Iterator[httpx.Client]:
        """Give a client of the realm's administration (`/clients`, `/users`, `/keys`, `/components` ...)."""
        form = {"grant_type": "password", "client_id": "admin-cli", "username": _ADMIN}
        told = httpx.post(
            self.token_endpoint("master"),
            data={**form, "password": self.admin_password},
            timeout=_SECONDS,
            trust_env=False,
        )
        told.raise_for_status()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/admin/realms/{realm}",
            headers={"Authorization": f"Bearer {told.json()['access_token']}"},
            timeout=_SECONDS,
            trust_env=False,
        ) as client:
            yield client

    @contextlib.contextmanager
    def changed_client(self, realm: str, client_id: str, **changes: Any) -> Iterator[None]:  # noqa: ANN401 - JSON
        """Change a client for the length of a test; `attributes` are added to those it has."""
        before = self.change_client(realm, client_id, **changes)
        try:
            yield
        finally:
            # An attribute is taken away by writing nothing into it.
            added = dict.fromkeys(changes.get("attributes", {}), "")
            self.change_client(realm, client_id, **{**before, "attributes": added | before["attributes"]})

    def change_client(self, realm: str, client_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Change a client for good; return it as it was."""
        with self.admin(realm) as admin:
            (client,) = admin.get("/clients", params={"clientId": client_id}).raise_for_status().json()
            before: dict[str, Any] = {**client, "attributes": dict(client["attributes"])}
            changes["attributes"] = client["attributes"] | changes.get("attributes", {})
            admin.put(f"/clients/{client['id']}", json={**client, **changes}).raise_for_status()
        return before

    def _secrets(self, realm: str) -> Secrets:
        return Secrets(**self.realms[realm])


class KeycloakServer(Started):
    """A Keycloak on free ports of 127.0.0.1, gone with all that it holds at the end.

    Raises `ServiceMissingError` if the server or Java is not there, `ServiceStartError` if it does not start.
    """

    def __init__(self, *, heap: str = "512m", start_seconds: float = 300.0) -> None:
        if not is_assembled():
            raise ServiceMissingError(
                NAME, reason=f"it is not in {services_folder()}", remedy="run `make services` (needs Maven)"
            )
        self._java = find_java(NAME)
        self._account = Account("the caller")
        self._heap = heap
        self._start_seconds = start_seconds
        self._workspace: Workspace | None = None
        self._process: ServerProcess | None = None
        self._keycloak: Keycloak | None = None

    @property
    def told(self) -> Told:
        """What `Keycloak(**told)` is made of, in any process."""
        assert self._keycloak is not None, "the server was not started"
        return asdict(self._keycloak)

    def start(self) -> None:
        """Start the server."""
        workspace = self._workspace = Workspace("keycloak", self._account)
        home = workspace.path / "keycloak"
        lay_out(home)
        imported = home / "data" / "import"
        imported.mkdir(parents=True)
        realms = {realm: asdict(write_realm(realm, imported)) for realm in REALMS}
        authority = Authority()
        (workspace.path / "ca.pem").write_bytes(authority.issued.pem)
        authority.server().write(workspace.path, "server")
        authority.client().write(workspace.path, "client")
        for tries_left in reversed(range(_PORT_TRIES)):
            self._keycloak = Keycloak(
                free_port(), free_port(), str(workspace.path), secrets.token_urlsafe(18), realms
            )
            try:
                self._run(workspace, home, self._keycloak)
                break
            except ServiceStartError as error:
                # Between our look and the server's start another program took the port.
                if not (tries_left and any(word in str(error) for word in _PORT_TAKEN)):
                    raise

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def _run(self, workspace: Workspace, home: Path, keycloak: Keycloak) -> None:
        folder = workspace.path
        options = {
            "http-host": "127.0.0.1",
            "http-port": keycloak.port,
            "https-port": keycloak.tls_port,
            "https-certificate-file": folder / "server.pem",
            "https-certificate-key-file": folder / "server-key.pem",
            "https-client-auth": "request",
            "truststore-paths": folder / "ca.pem",
            # One issuer identifier, however a request came in.
            "hostname": f"http://127.0.0.1:{keycloak.port}",
        }
        log = folder / "server.log"
        log.unlink(missing_ok=True)
        self._process = ServerProcess(
            [
                home / "bin" / "kc.sh",
                "start-dev",
                *(f"--{name}={value}" for name, value in options.items()),
                "--import-realm",
            ],
            workspace=workspace,
            account=self._account,
            environment={
                "PATH": os.defpath,
                "LC_ALL": "C.UTF-8",
                "HOME": str(folder),
                "JAVA_HOME": str(self._java.home),
                "JAVA_OPTS_KC_HEAP": f"-Xms64m -Xmx{self._heap}",
                "JAVA_OPTS_APPEND": f"-XX:TieredStopAtLevel=1 -Djava.io.tmpdir={folder}",
                "KC_BOOTSTRAP_ADMIN_USERNAME": _ADMIN,
                "KC_BOOTSTRAP_ADMIN_PASSWORD": keycloak.admin_password,
            },
            log=log,
            last_signal=signal.SIGKILL,  # it keeps nothing
        )
        self._process.wait_until(lambda: _healthy(keycloak), seconds=self._start_seconds)


def _healthy(keycloak: Keycloak) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return all(
            httpx.get(
                f"{keycloak.issuer(realm)}/.well-known/openid-configuration", trust_env=False
            ).is_success
            for realm in REALMS
        )
    return False


@contextlib.contextmanager
def running_keycloak() -> Iterator[Told]:
    """Start one; give what `Keycloak` is made of."""
    with KeycloakServer() as server:
        yield server.told
