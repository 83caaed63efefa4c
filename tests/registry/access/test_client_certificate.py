"""Whose word on a client's certificate is taken: a named proxy's, and our own TLS; and how that word is read."""

import base64
import socket
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes

from registry.access.client_certificate import ClientCertificates
from registry.errors import SettingsError
from registry.settings import load_settings
from tests.services.certificates import Authority

AUTHORITY = Authority()
CLIENT = AUTHORITY.client()
THUMBPRINT = base64.urlsafe_b64encode(CLIENT.certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
HEADER = f":{base64.b64encode(CLIENT.der).decode()}:"


def _reading(
    header: str = "Client-Cert", proxies: str = '["10.0.0.7", "10.1.0.0/16", "fd00::/8"]'
) -> ClientCertificates:
    settings = load_settings(
        {"REGISTRY_TOKENS__CERTIFICATE_HEADER": header, "REGISTRY_TOKENS__CERTIFICATE_PROXIES": proxies}
    )
    return ClientCertificates(settings.tokens)


def _environ(value: str, peer: str = "10.0.0.7", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - WSGI's
    return {"HTTP_CLIENT_CERT": value, "REMOTE_ADDR": peer, **more}


@pytest.mark.parametrize("peer", ["10.0.0.7", "10.1.255.1", "fd00::1", "::ffff:10.0.0.7"])
def test_a_proxy_of_ours_is_believed(peer: str) -> None:
    assert _reading().thumbprint(_environ(HEADER, peer)) == THUMBPRINT


@pytest.mark.parametrize(
    "peer", ["10.0.0.8", "10.2.0.1", "127.0.0.1", "fe80::1", "", "proxy", "10.0.0.7, 10.0.0.7"]
)
def test_anybody_else_is_not(peer: str) -> None:
    assert _reading().thumbprint(_environ(HEADER, peer)) == ""


def test_whom_the_peer_speaks_for_does_not_count() -> None:
    """`X-Forwarded-For` changes `REMOTE_ADDR`; the address of the connection itself is kept beside it."""
    spoken_for = {"werkzeug.proxy_fix.orig": {"REMOTE_ADDR": "192.0.2.1"}}
    assert _reading().thumbprint(_environ(HEADER, "10.0.0.7", **spoken_for)) == ""
    through = {"werkzeug.proxy_fix.orig": {"REMOTE_ADDR": "10.0.0.7"}}
    assert _reading().thumbprint(_environ(HEADER, "192.0.2.1", **through)) == THUMBPRINT


def test_a_unix_socket_is_believed_if_it_is_named() -> None:
    assert _reading(proxies='["unix"]').thumbprint(_environ(HEADER, "")) == THUMBPRINT
    assert _reading(proxies='["unix"]').thumbprint(_environ(HEADER, "10.0.0.7")) == ""


def test_another_header_is_not_looked_at() -> None:
    assert _reading("X-Client-Cert").thumbprint(_environ(HEADER)) == ""
    assert _reading("", "[]").thumbprint(_environ(HEADER)) == ""


def test_the_escaped_pem_text_of_nginx_is_read() -> None:
    assert _reading().thumbprint(_environ(quote(CLIENT.pem.decode()))) == THUMBPRINT


@pytest.mark.parametrize(
    "value",
    [
        "",
        ":",
        "::",
        ":not base64:",
        base64.b64encode(CLIENT.der).decode(),
        f"{HEADER}, {HEADER}",
        f"{HEADER};q=1",
        HEADER.replace(":", '"'),
        quote(CLIENT.pem.decode() * 2),
        quote("-----BEGIN CERTIFICATE-----\nnothing"),
        f":{'A' * 20_000}:",
    ],
)
def test_what_is_not_one_certificate_is_none(value: str) -> None:
    assert _reading().thumbprint(_environ(value)) == ""


@pytest.mark.parametrize(
    ("header", "proxies", "key"),
    [("Client-Cert", "[]", "certificate_proxies"), ("Client-Cert", '["proxy.example"]', "proxy.example")],
)
def test_a_setting_that_would_trust_nobody_or_anybody_is_an_error(
    header: str, proxies: str, key: str
) -> None:
    with pytest.raises(SettingsError, match=key):
        _reading(header, proxies)


def _handshake(folder: Path, *, shows: bool) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Return the server's and the client's end of a TLS connection."""
    (folder / "ca.pem").write_bytes(AUTHORITY.issued.pem)
    of_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    of_server.verify_mode = ssl.CERT_OPTIONAL
    of_server.load_cert_chain(*AUTHORITY.server().write(folder, "server"))
    of_client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    of_client.maximum_version = ssl.TLSVersion.TLSv1_2  # whose handshake ends with the certificate seen
    if shows:
        of_client.load_cert_chain(*CLIENT.write(folder, "client"))
    one, other = socket.socketpair()
    met: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: met.append(of_server.wrap_socket(one, server_side=True)))
    thread.start()
    client = of_client.wrap_socket(other, server_hostname="127.0.0.1")
    thread.join()
    return met[0], client


@pytest.mark.parametrize("shows", [True, False])
def test_the_certificate_of_our_own_tls_counts(shows: bool, tmp_path: Path) -> None:
    server, client = _handshake(tmp_path, shows=shows)
    with server, client:
        found = _reading("", "[]").thumbprint({"gunicorn.socket": server, "REMOTE_ADDR": "192.0.2.1"})
    assert found == (THUMBPRINT if shows else "")


def test_a_strangers_header_does_not_stand_in_for_our_own_tls(tmp_path: Path) -> None:
    server, client = _handshake(tmp_path, shows=False)
    with server, client:
        assert _reading().thumbprint(_environ(HEADER, "192.0.2.1", **{"gunicorn.socket": server})) == ""
