"""The keys that all sources over HTTP share: a transport that ignored one would send no key, or ask too fast."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from indexer.feeds import FeedError, fetch
from indexer.feeds.sources import WebSource
from indexer.feeds.transports import TRANSPORTS
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Described
from tests.indexer.feeds.source import Answer, Source

OVER_HTTP = sorted(name for name, transport in TRANSPORTS.items() if issubclass(transport.source, WebSource))
# What a source needs beside its address.
ALSO: dict[str, dict[str, Any]] = {"npi-registry": {"queries": ({"number": "1234567893"},)}}


Ask = Callable[..., None]


@pytest.fixture
def asking(feed: Described, settings: Indexer, source: Source, tmp_path: Path) -> Ask:
    (tmp_path / "people").write_text("198001019804\n")

    def ask(transport: str, **keys: object) -> None:
        kind: Any = TRANSPORTS[transport].source
        made = kind(url=source.url + "/x", **ALSO.get(transport, {}))
        if transport == "hsa":
            made = replace(made, subjects=str(tmp_path / "people"))
        fetch(feed("washington", replace(made, **keys)), settings, tmp_path / "spool", None, lambda _: None)

    return ask


def test_the_transports_over_http_are_known() -> None:
    assert {"http", "socrata", "fhir-bulk"} <= set(OVER_HTTP)


@pytest.mark.parametrize("transport", OVER_HTTP)
def test_the_header_file_is_sent(asking: Ask, source: Source, tmp_path: Path, transport: str) -> None:
    (tmp_path / "headers").write_text("X-Api-Key: k3y\n")
    with pytest.raises(FeedError):  # the server has nothing
        asking(transport, header_file=str(tmp_path / "headers"))
    assert source.asked
    assert {asked.headers.get("x-api-key") for asked in source.asked} == {"k3y"}


@pytest.mark.parametrize("transport", OVER_HTTP)
@pytest.mark.parametrize("key", ["ca_file", "client_cert_file"])
def test_certificates_are_read(asking: Ask, source: Source, key: str, transport: str) -> None:
    with pytest.raises(SettingsError, match=key):
        asking(transport, **{key: "none.pem"})
    assert not source.asked


@pytest.mark.parametrize("transport", OVER_HTTP)
def test_web_pages_are_no_data(asking: Ask, source: Source, transport: str) -> None:
    page = Answer(b"<html>", headers={"Content-Type": "text/html"})
    source.everything = page
    with pytest.raises(FeedError, match="text/html"):
        asking(transport)


@pytest.mark.parametrize("transport", OVER_HTTP)
def test_the_time_for_the_whole_is_kept(asking: Ask, source: Source, transport: str) -> None:
    source.everything = Answer(b"x" * 1000, drip_s=0.01)
    with pytest.raises(FeedError, match=r"within 0\.3 s"):
        asking(transport, max_fetch_s=0.3)
