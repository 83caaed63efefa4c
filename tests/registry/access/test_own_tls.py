"""gunicorn's own TLS: the certificate that a client shows on its connection is the one its token must name."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from registry.settings import ROOT
from tests.registry.access.test_client_certificate import AUTHORITY, CLIENT, THUMBPRINT
from tests.services.workspace import free_port
from tests.support.waiting import until

APP = """
from registry.access.client_certificate import ClientCertificates
from registry.settings import load_settings

certificates = ClientCertificates(load_settings({}).tokens)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [certificates.thumbprint(environ).encode()]
"""


@dataclass
class Server:
    url: str
    folder: Path

    def ask(self, certificate: tuple[str, str] | None = None, **headers: str) -> str:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if certificate:
            context.load_cert_chain(*certificate)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(self.url, verify=context, headers=named, trust_env=False).text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    (folder / "showing.py").write_text(APP)
    (folder / "ca.pem").write_bytes(AUTHORITY.issued.pem)
    certificate, key = AUTHORITY.server().write(folder, "server")
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "2"]
    command += ["--bind", f"127.0.0.1:{port}", "--pythonpath", f"{folder},{ROOT}", "--no-control-socket"]
    command += ["--certfile", str(certificate), "--keyfile", str(key)]
    command += ["--ca-certs", str(folder / "ca.pem"), "--cert-reqs", "1", "showing:app"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    server = Server(f"https://127.0.0.1:{port}/", folder)

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text("utf-8")
        with suppress(httpx.TransportError):
            return server.ask() == ""
        return False

    try:
        until(answers)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=40)


def test_the_certificate_on_the_connection_is_seen(server: Server, tmp_path: Path) -> None:
    certificate, key = CLIENT.write(tmp_path, "client")
    assert server.ask((str(certificate), str(key))) == THUMBPRINT


def test_without_one_there_is_none(server: Server) -> None:
    assert server.ask() == ""
    assert server.ask(Client_Cert=":AAAA:") == ""
