"""Feeds: how an authority's data is described, fetched and split into records."""

from collections.abc import Iterator

from indexer.feeds.descriptor import Authority, FeedDescriptor, feeds_directory, load_feed, load_feeds
from indexer.feeds.errors import (
    FeedChangedError,
    FeedError,
    FeedTooLargeError,
    FeedUnavailableError,
    MalformedFeedError,
    TruncatedFeedError,
)
from indexer.feeds.fetching import Fetched, Previous
from indexer.feeds.formats import FORMATS
from indexer.feeds.rows import BadRow, GoneRow, Parsed, Row, SourceRow, one_by_one
from indexer.feeds.transports import fetch, file_by_file
from registry.settings import Indexer

__all__ = [
    "Authority",
    "BadRow",
    "FeedChangedError",
    "FeedDescriptor",
    "FeedError",
    "FeedTooLargeError",
    "FeedUnavailableError",
    "Fetched",
    "GoneRow",
    "MalformedFeedError",
    "Parsed",
    "Previous",
    "Row",
    "SourceRow",
    "TruncatedFeedError",
    "feeds_directory",
    "fetch",
    "file_by_file",
    "is_complete",
    "load_feed",
    "load_feeds",
    "one_by_one",
    "parse",
]


def parse(feed: FeedDescriptor, fetched: Fetched, settings: Indexer) -> Iterator[Parsed]:
    """Yield the records of a fetched feed, one or a few at a time: memory does not grow with the feed.

    What has been yielded may be kept only once the iterator has ended without an error: a feed that turns out cut
    short is told of at its end.

    Raises:
        TruncatedFeedError: the feed ends in the middle.
        MalformedFeedError: it is not of the promised form, or the whole register without a single record.
    """
    rows = FORMATS[feed.format].parse(fetched.parts, feed.options, settings.max_record_bytes)
    first = next(rows, None)
    if first is None:
        if is_complete(feed, fetched):
            raise MalformedFeedError(
                f"The feed {feed.id} holds no record at all. A register that has become empty is not believed: "
                "see what the source gives, and options in the feed file."
            )
        return
    yield first
    yield from rows


def is_complete(feed: FeedDescriptor, fetched: Fetched) -> bool:
    """Tell whether what was fetched is the whole register, so that what is absent from it is gone."""
    return feed.mode == "snapshot" if fetched.complete is None else fetched.complete
