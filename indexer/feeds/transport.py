"""Fetching a feed: from its source into files, with a stamp and a digest.

A feed is fetched whole before it is read, so that no database transaction waits for a slow authority, and so that
what breaks off on the way is never mistaken for the authority's answer.
"""

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indexer.feeds import bulk, socrata_pages
from indexer.feeds.descriptor import FeedDescriptor
from indexer.feeds.download import Web, as_stamp, body, gunzip, http_date, read_token
from indexer.feeds.errors import FeedUnavailableError
from indexer.feeds.sources import FhirBulkSource, FileSource, HttpSource, SocrataSource
from indexer.feeds.spool import Progress, Spool
from registry.settings import Indexer

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Previous:
    """What the last successful run knew of the feed."""

    etag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A feed as fetched.

    Attributes:
        parts: files in the feed's own order; empty if the source said at once that nothing is new.
        stamp: the feed's own "as of" (RFC 3339, UTC), where it gives one.
        etag: what to send next time, so that an unchanged feed need not be sent again.
        digest: SHA-256 over all bytes, hexadecimal.
        not_modified: the feed holds what the previous run read, byte for byte; there is nothing to parse.
    """

    parts: tuple[Path, ...]
    stamp: str | None
    etag: str
    digest: str
    not_modified: bool


def fetch(
    feed: FeedDescriptor, settings: Indexer, spool: Path, previous: Previous | None, progress: Progress
) -> Fetched:
    """Fetch a feed into the folder `spool` (made if need be; the caller removes it after the run).

    Files that already lie on this machine are read where they are. `progress` is told how many bytes have come so far.

    Raises:
        FeedUnavailableError, FeedTooLargeError, FeedChangedError, TruncatedFeedError: see there.
        SettingsError: a token file can't be read.
    """
    files = Spool(spool, settings.max_feed_bytes, progress)
    source = feed.source
    if isinstance(source, FileSource):
        return _from_files(source, files, previous)
    if isinstance(source, HttpSource):
        return _from_http(source, settings, files, previous)
    if isinstance(source, SocrataSource):
        version = socrata_pages.fetch(source, settings, files, previous.etag if previous else "")
        if version.not_modified and previous:
            return _unchanged(previous)
        return _fetched(files, version.stamp, version.etag, previous)
    assert isinstance(source, FhirBulkSource)
    return _fetched(files, bulk.fetch(source, settings, files), "", previous)


def _fetched(files: Spool, stamp: str | None, etag: str, previous: Previous | None) -> Fetched:
    digest = files.digest.hexdigest()
    same = previous is not None and previous.digest == digest
    return Fetched(tuple(files.parts), stamp, etag, digest, same)


def _unchanged(previous: Previous) -> Fetched:
    return Fetched((), None, previous.etag, previous.digest, not_modified=True)


def _from_files(source: FileSource, files: Spool, previous: Previous | None) -> Fetched:
    paths = _matches(source)
    for path in paths:
        try:
            if path.suffix == ".gz":
                with files.part(path.stem) as part:
                    for data in gunzip(_pieces(path)):
                        part.write(data)
            else:
                files.adopt(path)
        except OSError as error:
            raise FeedUnavailableError(f"{path} can't be read: {error.strerror}.") from error
    newest = max(path.stat().st_mtime for path in paths)
    stamp = as_stamp(datetime.fromtimestamp(newest, UTC)) if source.stamp == "mtime" else None
    return _fetched(files, stamp, "", previous)


def _matches(source: FileSource) -> list[Path]:
    paths = [Path(name) for name in sorted(glob.glob(source.path, recursive=True))]  # noqa: PTH207 - absolute patterns too
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise FeedUnavailableError(
            f"No file matches {source.path} (source.path). Put the authority's file there."
        )
    return (
        paths if source.pick == "all" else [max(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))]
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield data


def _from_http(source: HttpSource, settings: Indexer, files: Spool, previous: Previous | None) -> Fetched:
    headers = {"Authorization": f"Bearer {read_token(source.token_file)}"} if source.token_file else {}
    ask = {"If-None-Match": previous.etag} if previous and previous.etag else {}
    compressed = source.compressed or source.url.endswith(".gz")
    stamp, etag = None, ""
    with Web(settings, source.max_retry_after_s, headers) as web, web.translated(source.url):
        for attempt in web.attempts():
            with attempt, web.get(source.url, ask) as response:
                if previous and response.status_code == 304:  # noqa: PLR2004 - Not Modified
                    return _unchanged(previous)
                with files.part("feed") as part:
                    for data in body(response, compressed=compressed):
                        part.write(data)
                stamp = as_stamp(http_date(response.headers.get("last-modified", "")))
                etag = response.headers.get("etag", "")
    return _fetched(files, stamp, etag, previous)
