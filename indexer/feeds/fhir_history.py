"""A FHIR server's Practitioners through their history: all of them once, then what has happened since.

A history names every version, the newest first, and deletions. Of each record only the newest version counts, whichever
page it stands on: while pages are read, later changes push the older ones along.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

import msgspec

from indexer.feeds.download import where
from indexer.feeds.errors import FeedChangedError, TruncatedFeedError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.fhir_bundle import Version, versions
from indexer.feeds.fhir_ndjson import BUNDLE, RESOURCE
from indexer.feeds.fhir_pages import Pages, PagesChangedError, State, open_pages, told
from indexer.feeds.fhir_search import search
from indexer.feeds.fhir_sources import FhirHistorySource


def fetch(source: FhirHistorySource, fetching: Fetching) -> Fetched:
    """Read all Practitioners by a search the first time, then what the history tells since; the stamp is the server's.

    Raises:
        FeedChangedError, TruncatedFeedError, FeedUnavailableError, MalformedFeedError: see `fhir_search`.
    """
    known = State.read(fetching, source)
    with open_pages(source, fetching) as pages:
        if known is None:
            moment = search(pages, source, fetching)
        else:
            moment = _history(pages, source, fetching, known.since(source.overlap_s))
    return told(fetching, State.after(source, moment, known), changes=known is not None)


def _history(pages: Pages, source: FhirHistorySource, fetching: Fetching, since: str) -> datetime | None:
    """Write the newest version of each record that has changed into one part, in the order of their ids."""
    newest: dict[str, tuple[Version, int]] = {}
    # The file has no name: nobody else can open it, and it goes with the process.
    with tempfile.TemporaryFile() as versions_file:
        try:
            for version in _versions(pages, source, since):
                # What has no id is not one record with the others: each will be told of as a bad row.
                key = version.key or f" {versions_file.tell()}"
                known = newest.get(key)
                if known is None or version.is_newer_than(known[0]):
                    newest[key] = _kept(version, versions_file, fetching)
        except PagesChangedError as error:
            raise FeedChangedError(
                f"{where(source.url)} threw the rest of the history away while it was read. Pull again later."
            ) from error
        with fetching.files.part("history.ndjson") as part:
            for key, (version, start) in sorted(newest.items()):
                versions_file.seek(start)
                part.write(deletion(key) if version.deleted else versions_file.readline())
    return pages.moment


def _versions(pages: Pages, source: FhirHistorySource, since: str) -> Iterator[Version]:
    entries, total = 0, 0
    for bundle in pages.ask("history", {"_since": since}):
        total = total or bundle.total or 0
        entries += len(bundle.entry or ())
        yield from versions(bundle, "history", where(source.url))
    if source.check_total and entries < total:
        raise TruncatedFeedError(
            f"{where(source.url)} counts {total} versions but gave {entries}. If it counts more than it means to give, "
            "set source.check_total = false."
        )


def _kept(version: Version, file: BinaryIO, fetching: Fetching) -> tuple[Version, int]:
    """Put a version's content aside; only where it lies stays in memory."""
    start = file.tell()
    fetching.files.check_size(start + len(version.line))
    if not version.deleted:
        file.write(version.line + b"\n")
    return replace(version, line=b""), start


def deletion(key: str) -> bytes:
    """Return the line that tells of a deletion, as Bulk Data writes it too."""
    entry = {"request": {"method": "DELETE", "url": f"{RESOURCE}/{key}"}}
    return msgspec.json.encode({"resourceType": BUNDLE, "type": "history", "entry": [entry]}) + b"\n"
