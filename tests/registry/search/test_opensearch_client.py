"""How the client finds the cluster, trusts it and shows who it is."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.errors import SearchUnavailableError, SettingsError
from registry.search import SearchQuery
from registry.search.opensearch import OpenSearchEngine
from registry.search.opensearch_client import open_client
from registry.settings import OpenSearchSettings, load_settings
from tests.indexer.feeds.certificates import Authority, authority
from tests.registry.search.people import TODAY, limits


def settings_with(**changes: object) -> OpenSearchSettings:
    return msgspec.structs.replace(load_settings({}).search.opensearch, **changes)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        subject = self.connection.getpeercert()
        data = json.dumps({"seen": subject and dict(part[0] for part in subject["subject"])}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Keep quiet about clients that are refused."""


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path / "ours")


@pytest.fixture
def url(ours: Authority) -> Iterator[str]:
    """A server that speaks TLS, asks for a certificate of our authority, and tells whom it sees."""
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ours.server(asks_for_clients=True)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def seen_by(url: str, **changes: object) -> Any:  # noqa: ANN401 - JSON
    client = open_client(settings_with(urls=(url,), timeout_s=5.0, retries=0, **changes), indexer=False)
    try:
        return client.transport.perform_request("GET", "/")["seen"]
    finally:
        client.close()


def test_a_client_certificate_is_shown_to_a_cluster_that_asks(ours: Authority, url: str) -> None:
    certificate, key = ours.issue("registry-service")
    both = certificate.with_name("both.pem")
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    for files in ((certificate, key), (both, "")):
        seen = seen_by(
            url,
            ca_file=str(ours.ca),
            client_certificate_file=str(files[0]),
            client_key_file=str(files[1]),
        )
        assert seen == {"commonName": "registry-service"}


@pytest.mark.parametrize("lacking", ["our certificate", "their authority"])
def test_without_certificate_or_trust_search_is_unavailable(
    ours: Authority, url: str, tmp_path: Path, lacking: str
) -> None:
    certificate, key = ours.issue("registry-service")
    files = {"client_certificate_file": str(certificate), "client_key_file": str(key)}
    ca = ours.ca
    if lacking == "our certificate":
        files = {}
    else:
        ca = authority(tmp_path / "other").ca
    made = limits(tmp_path, engine="opensearch")
    told = settings_with(urls=(url,), ca_file=str(ca), retries=0, timeout_s=5.0, **files)
    engine = OpenSearchEngine(msgspec.structs.replace(made, opensearch=told))
    with pytest.raises(SearchUnavailableError):
        engine.search(SearchQuery(text="Eva"), TODAY)
    assert not engine.health().ok
    engine.close()


@pytest.mark.parametrize("urls", [(), ("search-1:9200",), ("https://one:9200", "http://two:9200")])
def test_addresses_that_can_not_be_used_stop_the_start(urls: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="urls"):
        open_client(settings_with(urls=urls), indexer=False)


def test_files_that_can_not_be_used_stop_the_start_and_never_ask_at_a_terminal(
    ours: Authority, tmp_path: Path
) -> None:
    certificate, key = ours.issue("one")
    other = ours.issue("other")[1]
    sealed = ours.issue("sealed", b"a passphrase")
    (empty := tmp_path / "empty.pem").write_text("")
    gone = tmp_path / "gone.pem"
    cases: list[tuple[str, dict[str, Path]]] = [
        ("ca_file", {"ca_file": gone}),
        ("ca_file", {"ca_file": empty}),
        ("client_certificate_file", {"client_certificate_file": gone, "client_key_file": key}),
        ("client_certificate_file", {"client_certificate_file": certificate, "client_key_file": gone}),
        ("client_certificate_file", {"client_certificate_file": certificate}),
        ("client_certificate_file", {"client_certificate_file": certificate, "client_key_file": other}),
        (
            "client_certificate_file",
            {"client_certificate_file": sealed[0], "client_key_file": sealed[1]},
        ),
    ]
    for name, files in cases:
        told = {each: str(path) for each, path in files.items()}
        with pytest.raises(SettingsError, match=name):
            open_client(settings_with(urls=("https://127.0.0.1:9",), **told), indexer=False)


def test_a_client_certificate_without_tls_is_no_protection_and_stops_the_start(ours: Authority) -> None:
    certificate, key = ours.issue("one")
    files = {"client_certificate_file": str(certificate), "client_key_file": str(key)}
    with pytest.raises(SettingsError, match="https"):
        open_client(settings_with(urls=("http://127.0.0.1:9",), **files), indexer=False)


def test_a_key_without_its_certificate_stops_the_start(ours: Authority) -> None:
    key = ours.issue("one")[1]
    with pytest.raises(SettingsError, match="client_key_file"):
        open_client(settings_with(urls=("https://127.0.0.1:9",), client_key_file=str(key)), indexer=False)


def test_user_and_password_may_stand_in_files(tmp_path: Path) -> None:
    for name, content in (("user", "registry-service\n"), ("password", " p@ss \n")):
        (tmp_path / name).write_text(content)
    settings = load_settings(
        {
            "REGISTRY_SEARCH__OPENSEARCH__USERNAME": f"file:{tmp_path / 'user'}",
            "REGISTRY_SEARCH__OPENSEARCH__PASSWORD": f"file:{tmp_path / 'password'}",
        }
    ).search.opensearch
    assert (settings.username.reveal(), settings.password.reveal()) == ("registry-service", "p@ss")
    assert "registry-service" not in repr(settings)


def test_a_client_connects_at_its_first_request_so_that_processes_may_fork_before(tmp_path: Path) -> None:
    engine = OpenSearchEngine(limits(tmp_path, engine="opensearch"))
    assert "_client" not in vars(engine)
    engine.close()


@pytest.mark.parametrize("copies", ["2", "all", "0-", "-1", "0-some", "1-2-3"])
def test_copies_that_follow_the_nodes_are_written_as_the_cluster_reads_them(copies: str) -> None:
    with pytest.raises(SettingsError, match="auto_expand_replicas"):
        load_settings({"REGISTRY_SEARCH__OPENSEARCH__AUTO_EXPAND_REPLICAS": copies})
