"""Files that someone else puts on this machine."""

import glob
import time
from pathlib import Path

from indexer.feeds.errors import FeedUnavailableError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.patterns import as_patterns
from indexer.feeds.picking import Candidate
from indexer.feeds.sources import FileSource
from indexer.feeds.taking import Shelf, take
from indexer.feeds.unpack import Inflow

_CHUNK = 1 << 20


def fetch(source: FileSource, fetching: Fetching) -> Fetched:
    """Take the files that match; those that need no unpacking are read where they are.

    Raises:
        FeedUnavailableError: none matches, or one can't be read.
    """
    try:
        shelf = Shelf(
            files=_listing(source),
            bring=_bring,
            now=time.time(),
            here=lambda file: Path(file.name),
            remembers=False,
        )
        return take(source, fetching, shelf)
    except OSError as error:
        raise FeedUnavailableError(
            f"{error.filename or source.path} can't be read: {error.strerror}."
        ) from error


def _listing(source: FileSource) -> list[Candidate]:
    patterns = as_patterns(source.path)
    if source.done_suffix:
        patterns = (*patterns, *(pattern + source.done_suffix for pattern in patterns))
    names = {name for pattern in patterns for name in glob.glob(pattern, recursive=True)}  # noqa: PTH207 - absolute patterns too
    return [
        Candidate(str(path), status.st_size, status.st_mtime)
        for path in map(Path, sorted(names))
        if path.is_file() and (status := path.stat())
    ]


def _bring(file: Candidate, inflow: Inflow) -> None:
    with Path(file.name).open("rb") as opened:
        while data := opened.read(_CHUNK):
            inflow.write(data)
    inflow.finish()
