"""A FHIR server's Practitioners through its search, all pages, or those that changed since the last pull.

Nothing in FHIR makes the pages of a search one snapshot. So what tells of a change between two pages is heeded: a
count that changes, a resource that comes twice, pages that the server has thrown away. Then all is read again.
"""

from datetime import datetime

from indexer.feeds.download import where
from indexer.feeds.errors import FeedChangedError, TruncatedFeedError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.fhir_bundle import versions
from indexer.feeds.fhir_pages import Pages, PagesChangedError, State, open_pages, told
from indexer.feeds.fhir_sources import FhirPagedSource, FhirSearchSource

_READINGS = 3


def fetch(source: FhirSearchSource, fetching: Fetching) -> Fetched:
    """Read all Practitioners into the spool, or only what has changed; the stamp is the server's time.

    Raises:
        FeedChangedError: the register changed under us at every reading.
        TruncatedFeedError: the pages hold another number of resources than the server counts.
        FeedUnavailableError, MalformedFeedError: an error answer, also one with status 200 or among the records.
    """
    known = State.read(fetching, source) if source.changes_only else None
    with open_pages(source, fetching) as pages:
        moment = search(pages, source, fetching, known.since(source.overlap_s) if known else "")
    return told(fetching, State.after(source, moment, known), changes=known is not None)


def search(pages: Pages, source: FhirPagedSource, fetching: Fetching, since: str = "") -> datetime | None:
    """Write what the search gives into one part, one resource a line; return the server's time."""
    query = {"_lastUpdated": f"ge{since}"} if since else {}
    for _ in range(_READINGS):
        try:
            _read(pages, source, fetching, query)
        except PagesChangedError:
            fetching.files.start_again()
            continue
        return pages.moment
    raise FeedChangedError(
        f"{where(source.url)} changed between two pages, or gave a resource twice, at each of {_READINGS} readings. "
        "Pull again later; if it is always so, ask for a fixed order: ?_sort=_id in source.url."
    )


def _read(pages: Pages, source: FhirPagedSource, fetching: Fetching, query: dict[str, str]) -> None:
    keys: set[int] = set()
    matches, total = 0, None
    with fetching.files.part("practitioner.ndjson") as part:
        for bundle in pages.ask("searchset", query):
            if total is not None and bundle.total is not None and bundle.total != total:
                raise PagesChangedError
            total = bundle.total if bundle.total is not None else total
            for version in versions(bundle, "searchset", where(source.url)):
                matches += 1
                # Half the memory of the texts; two ids with one hash would only make it be read again.
                key = hash(version.key)
                if version.key and key in keys:
                    raise PagesChangedError
                keys.add(key)
                part.write(version.line + b"\n")
    if source.check_total and total is not None and matches != total:
        raise TruncatedFeedError(
            f"{where(source.url)} counts {total} resources but gave {matches}. If it only estimates the number, ask for "
            "it exactly (?_total=accurate in source.url) or set source.check_total = false."
        )
