"""Who the server is, and who we are, by certificates: against a real TLS server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import FeedUnavailableError
from indexer.feeds.sources import HttpSource
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.certificates import Authority, authority
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.source import Answer, Source, running

BODY = b"<register/>"


@pytest.fixture
def own(tmp_path: Path) -> Authority:
    return authority(tmp_path / "ours")


@pytest.fixture
def closed(own: Authority) -> Iterator[Source]:
    """A server that lets nobody in without a certificate of our authority."""
    with running(own.server(asks_for_clients=True)) as server:
        server.gives("/feed", Answer(BODY))
        yield server


@pytest.fixture
def quick(settings: Indexer) -> Indexer:
    return replace(settings, retries=0)


def asking(server: Source, own: Authority) -> HttpSource:
    cert, key = own.issue("registry")
    return HttpSource(
        url=server.url + "/feed", ca_file=str(own.ca), client_cert_file=str(cert), client_key_file=str(key)
    )


def test_with_our_certificate_we_are_let_in(fetched: Fetch, closed: Source, own: Authority) -> None:
    assert fetched(asking(closed, own)).parts[0].read_bytes() == BODY


def test_the_key_may_stand_with_the_certificate(fetched: Fetch, closed: Source, own: Authority) -> None:
    source = asking(closed, own)
    cert, key = Path(source.client_cert_file), Path(source.client_key_file)
    cert.write_bytes(cert.read_bytes() + key.read_bytes())
    key.unlink()
    source = replace(source, client_key_file="")
    assert fetched(source).parts[0].read_bytes() == BODY


def test_without_a_certificate_we_are_not(
    fetched: Fetch, closed: Source, own: Authority, quick: Indexer
) -> None:
    source = replace(asking(closed, own), client_cert_file="", client_key_file="")
    with pytest.raises(FeedUnavailableError, match="can't be reached or broke off"):
        fetched(source, settings=quick)
    assert not closed.asked


def test_a_certificate_of_another_authority_does_not_help(
    fetched: Fetch, closed: Source, own: Authority, quick: Indexer, tmp_path: Path
) -> None:
    other = asking(closed, authority(tmp_path / "other"))
    with pytest.raises(FeedUnavailableError, match="can't be reached or broke off"):
        fetched(replace(other, ca_file=str(own.ca)), settings=quick)


def test_a_server_that_our_authority_does_not_vouch_for_is_not_asked(
    fetched: Fetch, closed: Source, own: Authority, quick: Indexer, tmp_path: Path
) -> None:
    others = str(authority(tmp_path / "other").ca)
    for ca_file in (others, ""):  # "" = the authorities of the system
        with pytest.raises(FeedUnavailableError, match="ConnectError"):
            fetched(replace(asking(closed, own), ca_file=ca_file), settings=quick)
    assert not closed.asked


def test_our_certificate_is_not_shown_to_another_server(
    fetched: Fetch, closed: Source, own: Authority, quick: Indexer
) -> None:
    with running(own.server(asks_for_clients=True)) as other:
        closed.gives("/feed", Answer(status=302, headers={"Location": other.url + "/feed"}))
        with pytest.raises(FeedUnavailableError, match="our certificate is not shown there"):
            fetched(asking(closed, own), settings=quick)
        assert not other.asked


@pytest.mark.parametrize("key", ["ca_file", "client_cert_file", "client_key_file"])
@pytest.mark.parametrize("text", [None, b"no PEM"])
def test_files_that_hold_no_certificate_are_told_of(
    fetched: Fetch, closed: Source, own: Authority, key: str, text: bytes | None
) -> None:
    path = own.folder / "wrong.pem"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(SettingsError, match=rf"source\.{key.replace('key', 'cert')} .* can't be"):
        fetched(replace(asking(closed, own), **{key: str(path)}))


def test_a_key_with_a_password_is_told_of_and_nobody_is_asked_for_it(
    fetched: Fetch, closed: Source, own: Authority
) -> None:
    _, key = own.issue("locked", password=b"s3cret")
    with pytest.raises(SettingsError, match="the key without a password"):
        fetched(replace(asking(closed, own), client_key_file=str(key)))


def test_a_key_of_another_certificate_is_told_of(fetched: Fetch, closed: Source, own: Authority) -> None:
    _, key = own.issue("another")
    with pytest.raises(SettingsError, match="can't be used"):
        fetched(replace(asking(closed, own), client_key_file=str(key)))
