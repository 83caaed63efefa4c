"""The transports: how a feed comes from its source into files, with a stamp and a digest.

A feed is fetched whole before it is read, so that no database transaction waits for a slow authority, and so that
what breaks off on the way is never mistaken for the authority's answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.feeds import (
    bulk,
    fhir_history,
    fhir_search,
    from_files,
    from_http,
    from_objects,
    hsa_query,
    npi_registry,
    socrata_pages,
)
from indexer.feeds.fetching import Fetched, Fetching, Previous, conceal_for_now
from indexer.feeds.fhir_sources import FhirHistorySource, FhirSearchSource
from indexer.feeds.hsa_service import HsaSource
from indexer.feeds.npi_registry_source import NpiRegistrySource
from indexer.feeds.sources import (
    FhirBulkSource,
    FileSource,
    HttpSource,
    ObjectSource,
    PickedSource,
    SftpSource,
    SocrataSource,
    Source,
)
from indexer.feeds.spool import Progress, Spool
from registry.settings import Indexer

if TYPE_CHECKING:
    from indexer.feeds.descriptor import FeedDescriptor


@dataclass(frozen=True)
class Transport:
    """One way of fetching.

    Attributes:
        source: the `[source]` of its feed files.
        fetch: fetches into `Fetching.files`. Raises FeedError (FeedUnavailableError, ...) or SettingsError.
    """

    source: type[Source]
    fetch: Callable[[Any, Fetching], Fetched]


def _sftp(source: SftpSource, fetching: Fetching) -> Fetched:
    from indexer.feeds import from_sftp  # its client takes a while to import

    return from_sftp.fetch(source, fetching)


TRANSPORTS: dict[str, Transport] = {
    "file": Transport(FileSource, from_files.fetch),
    "sftp": Transport(SftpSource, _sftp),
    "objects": Transport(ObjectSource, from_objects.fetch),
    "http": Transport(HttpSource, from_http.fetch),
    "socrata": Transport(SocrataSource, socrata_pages.fetch),
    "fhir-bulk": Transport(FhirBulkSource, bulk.fetch),
    "fhir-search": Transport(FhirSearchSource, fhir_search.fetch),
    "fhir-history": Transport(FhirHistorySource, fhir_history.fetch),
    "hsa": Transport(HsaSource, hsa_query.fetch),
    "npi-registry": Transport(NpiRegistrySource, npi_registry.fetch),
}


def file_by_file(feed: "FeedDescriptor") -> bool:
    """Tell whether a feed is a row of files that are taken once each, in order: what was taken is never taken again."""
    return isinstance(feed.source, PickedSource) and feed.source.pick == "each"


def fetch(
    feed: "FeedDescriptor",
    settings: Indexer,
    spool: Path,
    previous: Previous | None,
    progress: Progress,
    *,
    subjects: Callable[[], Iterable[str]] = tuple,
    conceal: Callable[[bytes], str] = conceal_for_now,
) -> Fetched:
    """Fetch a feed into the folder `spool` (made if need be; the caller removes it after the run).

    Files that already lie on this machine are read where they are. `progress` is told how many bytes have come so far.

    Raises:
        FeedUnavailableError, FeedTooLargeError, FeedChangedError, TruncatedFeedError: see there.
        SettingsError: a token file can't be read.
    """
    files = Spool(spool, settings.max_feed_bytes, progress)
    if previous and previous.undone and not file_by_file(feed):
        # What "new since then" would be about has been rolled back: take everything.
        previous = None
    transport = next(t for t in TRANSPORTS.values() if t.source is type(feed.source))
    return transport.fetch(
        feed.source, Fetching(feed.id, settings, files, previous, subjects, conceal, feed.mode != "snapshot")
    )
