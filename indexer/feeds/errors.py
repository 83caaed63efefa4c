"""What can go wrong with a whole feed. Each of them ends the run: nothing of it is kept.

One bad row is no error of the feed: it becomes a `BadRow` and the others go on.
"""

import msgspec

from registry.errors import RegistryError

# What `msgspec` raises for bytes that are no JSON: also for broken text, and for what is nested too deep.
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class FeedError(RegistryError):
    """A feed can't be fetched or read; `detail` names the feed's address or file and what to do."""

    slug = "feed"
    title = "The feed can't be read"


class FeedUnavailableError(FeedError):
    """The source did not give the feed: no such file, no connection, or an error answer."""

    slug = "feed-unavailable"
    title = "The feed can't be fetched"


class FeedTooLargeError(FeedError):
    """The feed is larger than `indexer.max_feed_bytes`."""

    slug = "feed-too-large"
    title = "The feed is larger than allowed"


class FeedChangedError(FeedError):
    """The source changed between two pages, again and again: the pages don't make one snapshot."""

    slug = "feed-changed"
    title = "The feed changed while it was read"


class MalformedFeedError(FeedError):
    """The feed is not of the form that its description promises."""

    slug = "feed-malformed"
    title = "The feed is not of the promised form"


class TruncatedFeedError(MalformedFeedError):
    """The feed ends in the middle; what is missing must not be taken for removed."""

    slug = "feed-truncated"
    title = "The feed ends in the middle"
