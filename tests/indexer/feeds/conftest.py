from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, Fetched, Previous, fetch, load_feed
from indexer.feeds.sources import Source as FeedSource
from registry.settings import CONFIG, Indexer, load_settings
from tests.indexer.feeds.source import Source, running


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
