"""What the commands work with, opened when first needed."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.engine import Engine

from indexer.feeds.descriptor import FeedDescriptor, load_feeds
from indexer.workshop import Workshop
from registry.database import open_database
from registry.errors import BadRequestError
from registry.migrate import require_current
from registry.sealing import Sealer
from registry.search import open_engine
from registry.search.port import IndexEngine
from registry.settings import Settings, load_settings
from registry.vocabulary import load_vocabulary


@dataclass(frozen=True)
class House:
    """What the commands work with, opened when first needed."""

    settings: Settings

    @cached_property
    def engine(self) -> Engine:
        """SQL truth, checked to be at the schema this version needs."""
        require_current(self.settings)
        return open_database(self.settings.database.url, self.settings.database, service=False)

    @cached_property
    def search(self) -> IndexEngine:
        """The search engine, with the indexer's patience."""
        return open_engine(self.settings.search, indexer=True)

    @cached_property
    def feeds(self) -> dict[str, FeedDescriptor]:
        """Feeds by id, from config/feeds or the folder that REGISTRY_FEEDS_DIR names."""
        return load_feeds()

    @property
    def workshop(self) -> Workshop:
        """The truth, opened for changes outside a pull."""
        return Workshop(self.engine, Sealer(self.settings.privacy), load_vocabulary(), self.settings.indexer)

    def feed(self, feed_id: str) -> FeedDescriptor:
        """Return one feed.

        Raises:
            BadRequestError: no feed file has this id.
        """
        if feed_id not in self.feeds:
            raise BadRequestError(f"No such feed: {feed_id}. Feeds: {', '.join(self.feeds)}.")
        return self.feeds[feed_id]


def open_house() -> House:
    """Return the house that the environment describes."""
    return House(load_settings())
