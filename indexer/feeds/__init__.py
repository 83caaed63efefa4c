"""Feeds: how an authority's data is described, fetched and split into records."""

from collections.abc import Iterator

from indexer.feeds import fhir_ndjson, hosp_xml, socrata_rows
from indexer.feeds.descriptor import Authority, FeedDescriptor, feeds_directory, load_feed, load_feeds
from indexer.feeds.errors import (
    FeedChangedError,
    FeedError,
    FeedTooLargeError,
    FeedUnavailableError,
    MalformedFeedError,
    TruncatedFeedError,
)
from indexer.feeds.options import HospOptions, SocrataOptions
from indexer.feeds.rows import BadRow, SourceRow
from indexer.feeds.transport import Fetched, Previous, fetch
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
    "MalformedFeedError",
    "Previous",
    "SourceRow",
    "TruncatedFeedError",
    "feeds_directory",
    "fetch",
    "load_feed",
    "load_feeds",
    "parse",
]


def parse(feed: FeedDescriptor, fetched: Fetched, settings: Indexer) -> Iterator[SourceRow | BadRow]:
    """Yield the records of a fetched feed, one at a time: memory does not grow with the feed.

    What has been yielded may be kept only once the iterator has ended without an error: a feed that turns out cut
    short is told of at its end.

    Raises:
        TruncatedFeedError: the feed ends in the middle.
        MalformedFeedError: it is not of the promised form, or a snapshot without a single record.
    """
    rows = _rows(feed, fetched, settings.max_record_bytes)
    first = next(rows, None)
    if first is None:
        if feed.mode == "snapshot":
            raise MalformedFeedError(
                f"The feed {feed.id} holds no record at all. A register that has become empty is not believed: "
                "see what the source gives, and options in the feed file."
            )
        return
    yield first
    yield from rows


def _rows(feed: FeedDescriptor, fetched: Fetched, max_record_bytes: int) -> Iterator[SourceRow | BadRow]:
    if isinstance(feed.options, HospOptions):
        return hosp_xml.parse(fetched.parts, feed.options, max_record_bytes)
    if isinstance(feed.options, SocrataOptions):
        return socrata_rows.parse(fetched.parts, feed.options, max_record_bytes)
    return fhir_ndjson.parse(fetched.parts, max_record_bytes)
