"""The sandbox authorities for tests, and the real pull from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from indexer.feeds.descriptor import FeedDescriptor, load_feeds
from indexer.pull import Puller, Report
from indexer.sandbox.faults import Faults
from indexer.sandbox.feedfiles import write_feed_files
from indexer.sandbox.plan import Plan
from indexer.sandbox.server import running
from registry.vocabulary import load_vocabulary
from tests.support.world import World


@dataclass
class Authorities:
    """Three authorities on this machine and the feed files that point at them."""

    url: str
    feeds: dict[str, FeedDescriptor]
    faults: Faults = field(default_factory=Faults)

    def next_day(self) -> None:
        """Let a day pass in every register."""
        httpx.post(f"{self.url}/_sandbox/day").raise_for_status()

    def pull(self, world: World, *feeds: str, full: bool = False, reread: bool = False) -> dict[str, Report]:
        """Pull the feeds named, or all."""
        puller = Puller(
            engine=world.engine,
            sealer=world.sealer,
            vocabulary=load_vocabulary(),
            settings=world.settings.indexer,
            full=full,
            reread=reread,
        )
        return {feed: puller.pull(self.feeds[feed]) for feed in feeds or self.feeds}


@contextmanager
def authorities(folder: Path, size: int = 200, seed: int = 1) -> Iterator[Authorities]:
    """Serve `size` synthetic people for the length of the block."""
    faults = Faults()
    registers = folder / "registers"
    registers.mkdir()
    with running(Plan(size, seed), registers, faults=faults, retry_after_s=0) as url:
        write_feed_files(folder / "feeds", url)
        yield Authorities(url, load_feeds(folder / "feeds"), faults)
