from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stamina
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, Fetched, Previous, fetch, load_feed
from indexer.feeds.sources import SftpSource
from indexer.feeds.sources import Source as FeedSource
from registry.settings import CONFIG, Indexer, load_settings
from tests.indexer.feeds.source import Source, running

if TYPE_CHECKING:
    from tests.indexer.feeds.sftp_server import Sftp


@pytest.fixture
def settings() -> Indexer:
    return replace(load_settings({}).indexer, retries=2, read_timeout_s=5.0, connect_timeout_s=5.0)


@pytest.fixture
def source() -> Iterator[Source]:
    """A server on this machine; attempts follow each other without their pauses."""
    with stamina.set_testing(testing=True, attempts=100, cap=True), running() as server:
        yield server


Described = Callable[..., FeedDescriptor]


@pytest.fixture
def feed() -> Described:
    """Give a shipped feed with another source or other options."""

    def described(name: str, source: FeedSource | None = None, **options: object) -> FeedDescriptor:
        shipped = load_feed(CONFIG / "feeds" / f"{name}.toml")
        changed = replace(shipped.options, **options)
        return replace(shipped, options=changed, source=source or shipped.source)

    return described


Fetch = Callable[..., Fetched]


@pytest.fixture
def fetched(feed: Described, settings: Indexer, tmp_path: Path) -> Fetch:
    """Fetch from a source into a fresh spool."""
    runs = iter(range(100))

    def fetch_from(
        source: FeedSource, previous: Previous | None = None, settings: Indexer = settings
    ) -> Fetched:
        described = feed("washington", source)
        return fetch(described, settings, tmp_path / f"spool-{next(runs)}", previous, lambda _: None)

    return fetch_from


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator["Sftp"]:
    """An SFTP server with a folder `/out`, and attempts without their pauses."""
    from tests.indexer.feeds.sftp_server import OURS, serving

    (folder := tmp_path / "served" / "out").mkdir(parents=True)
    with stamina.set_testing(testing=True, attempts=100, cap=True), serving(folder.parent, OURS) as running:
        yield running


@pytest.fixture
def sftp_source(sftp: "Sftp", tmp_path: Path) -> SftpSource:
    """A source at this server that is right in all."""
    from tests.indexer.feeds.sftp_server import OURS, USER

    OURS.write_private_key(str(tmp_path / "id"))
    return SftpSource(
        host="127.0.0.1",
        port=sftp.port,
        username=USER,
        host_key=sftp.host_key,
        key_file=str(tmp_path / "id"),
        path="/out/*.csv",
    )
