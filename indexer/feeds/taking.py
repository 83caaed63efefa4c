"""Taking the picked files of a source into the spool: the same for folders, SFTP servers and object storage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.members import extract, safe_name
from indexer.feeds.picking import Candidate, Picker, Taken, taken_of
from indexer.feeds.sources import PickedSource, Unpack
from indexer.feeds.unpack import Inflow

# A listing younger than this against a file's time of change proves nothing: it may change again within its second.
_YOUNG_S = 60


@dataclass(frozen=True)
class Shelf:
    """A source of files, as one listing shows it.

    Attributes:
        files: everything that lies where `source.path` looks.
        bring: carries one file into an `Inflow`, whole or not at all.
        now: the source's clock, seconds since 1970.
        here: the path of a file that lies on this machine and needs no carrying; None = it must be carried.
        remembers: whether the listing alone tells that nothing has changed.
    """

    files: Sequence[Candidate]
    bring: Callable[[Candidate, Inflow], None]
    now: float
    here: Callable[[Candidate], Path] | None = None
    remembers: bool = True


def take(source: PickedSource, fetching: Fetching, shelf: Shelf) -> Fetched:
    """Take what is to be taken in this run.

    Raises:
        FeedError: see `Picker`, `extract` and `Inflow`.
    """
    picker = Picker(source, shelf.files, now=shelf.now, deltas=fetching.deltas)
    if source.pick == "each":
        return _take_next(source, fetching, shelf, picker)
    pick = picker.pick(None)
    state = _state(source, shelf, pick.files)
    if fetching.previous and state and fetching.previous.etag == state:
        return fetching.unchanged()
    members = [name for file in pick.files for name in _unpack(source, fetching, shelf, file)]
    stamp = picker.stamp(pick.files, members)
    return fetching.fetched(stamp, state, name=pick.files[-1].last if len(pick.files) == 1 else "")


def _take_next(source: PickedSource, fetching: Fetching, shelf: Shelf, picker: Picker) -> Fetched:
    taken = taken_of(fetching.previous)
    notes: list[str] = []
    while True:
        pick = picker.pick(taken)
        notes += pick.notes
        if not pick.files:
            return _nothing_new(fetching, picker.after(taken, pick, None), notes)
        (file,) = pick.files
        members = _unpack(source, fetching, shelf, file)
        stamp = picker.stamp(pick.files, members)
        late = stamp and taken and datetime.fromisoformat(stamp) < _moment(taken.full_stamp)
        taken = picker.after(taken, pick, stamp)
        if late and picker.is_delta(file):
            # Only the members' names tell this: the file itself came after the complete one.
            notes.append(f"{file.last!r} is of {stamp}, before the last complete file, and was passed over.")
            fetching.files.start_again()
            continue
        return fetching.fetched(
            stamp, _encoded(taken), complete=pick.complete, name=file.last, more=pick.more, notes=tuple(notes)
        )


def _nothing_new(fetching: Fetching, taken: Taken, notes: list[str]) -> Fetched:
    return fetching.unchanged(_encoded(taken), tuple(notes))


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp or "0001-01-01T00:00:00Z")


def _encoded(taken: Taken) -> str:
    return msgspec.json.encode(taken).decode()


def _state(source: PickedSource, shelf: Shelf, files: Sequence[Candidate]) -> str:
    """Return what tells that exactly these files, read in this way, have been taken; "" if nothing can tell."""
    young = any(not file.etag and shelf.now - file.changed < _YOUNG_S for file in files)
    if not shelf.remembers or young:
        return ""
    return msgspec.json.encode(
        {
            "read": [source.members, source.unpack],
            "files": [[file.name, file.size, file.changed, file.etag] for file in files],
        }
    ).decode()


def _unpack(source: PickedSource, fetching: Fetching, shelf: Shelf, file: Candidate) -> list[str]:
    """Put one file into the spool; return the names of its members, if it has any."""
    files, settings = fetching.files, fetching.settings
    kind = packing(source.unpack, file.last)
    if kind == "zip":
        if shelf.here:
            return extract(shelf.here(file), source.members, files, settings.max_expansion_ratio)
        with files.scratch() as scratch:
            shelf.bring(file, Inflow(scratch, max_bytes=files.max_bytes))
            return extract(scratch.path, source.members, files, settings.max_expansion_ratio)
    if kind == "no" and shelf.here:
        files.adopt(shelf.here(file))
        return []
    name = safe_name(file.last)
    with files.part(name.removesuffix(".gz") if kind == "gzip" else name) as part:
        shelf.bring(
            file,
            Inflow(
                part, gzip=kind == "gzip", max_bytes=files.max_bytes, max_ratio=settings.max_expansion_ratio
            ),
        )
    return []


def packing(unpack: Unpack, name: str) -> Literal["no", "gzip", "zip"]:
    """Tell how a file is packed."""
    if unpack != "auto":
        return unpack
    if name.lower().endswith(".zip"):
        return "zip"
    return "gzip" if name.lower().endswith(".gz") else "no"
