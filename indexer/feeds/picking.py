"""Which of the files that lie at a source are taken, in which order, and what each of them is.

One rule for folders, SFTP servers and object storage, so that a feed may move between them by its `[source]` alone.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from indexer.feeds.download import as_stamp
from indexer.feeds.errors import FeedUnavailableError
from indexer.feeds.fetching import Previous
from indexer.feeds.patterns import Patterns, as_patterns, matches
from indexer.feeds.sources import PickedSource
from registry.struct_types import ready

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file at the source.

    Attributes:
        name: its whole path or key, as the source says it.
        size: bytes.
        changed: when it was last changed, in seconds since 1970.
        etag: the source's own mark of its content; "" if it has none.
    """

    name: str
    size: int
    changed: float
    etag: str = ""

    @property
    def last(self) -> str:
        """The name without its folder."""
        return self.name.rpartition("/")[2]

    def is_named(self, patterns: Patterns) -> bool:
        """Tell whether a pattern matches the whole path or the name alone."""
        return matches(self.name, patterns) or matches(self.last, patterns)

    @property
    def id(self) -> str:
        """Tells this file from all others, also from one that is put in its place later."""
        return f"{self.name}@{int(self.changed)}-{self.size}"


@ready
class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """How far a feed of `pick = "each"` has come; kept in `Fetched.etag`.

    Attributes:
        at: order of the newest file taken.
        full: order of the newest complete file taken; "" = none.
        full_stamp: its stamp; "" = none.
        ids: of the files taken or passed since (and with) that complete file.
    """

    at: str
    full: str = ""
    full_stamp: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """What to take in this run.

    Attributes:
        files: in the order to read them; empty = nothing new.
        order: with `each`: where the file stands in the order of all.
        complete: whether it is the whole register; None = as the feed's mode says.
        more: further files wait.
        notes: what was passed over, and why.
    """

    files: tuple[Candidate, ...]
    order: str = ""
    complete: bool | None = None
    more: bool = False
    notes: tuple[str, ...] = ()


class Picker:
    """Chooses among what one listing of a source showed.

    Args:
        source: what the feed file says.
        listing: everything that was found there.
        now: the time, in seconds since 1970, by the clock that `Candidate.changed` is of.
        deltas: whether files are deltas where `source.delta` does not say (the feed's mode).
    """

    def __init__(
        self, source: PickedSource, listing: Iterable[Candidate], *, now: float, deltas: bool = False
    ) -> None:
        self._source = source
        self._deltas = deltas
        listing = list(listing)
        names = {candidate.name for candidate in listing}
        found = [candidate for candidate in listing if _is_meant(candidate, source)]
        if not found:
            raise FeedUnavailableError(
                f"No file matches {' or '.join(as_patterns(source.path))} (source.path). "
                "Put the authority's file there."
            )
        self._ordered = sorted(found, key=lambda candidate: (self.order(candidate), candidate.name))
        self._waiting = {
            candidate.name
            for candidate in found
            if (source.settle_s and now - candidate.changed < source.settle_s)
            or (source.done_suffix and candidate.name + source.done_suffix not in names)
        }

    def pick(self, taken: Taken | None) -> Pick:
        """Choose; `taken` is how far the feed has come (only with `each`).

        Raises:
            FeedUnavailableError: what is needed is not there, or still being written.
        """
        if self._source.pick == "each":
            return self._each(taken)
        if self._source.pick == "newest":
            newest = max(self._ready(), key=lambda candidate: (self._newness(candidate), candidate.name))
            return Pick((newest,))
        if self._waiting:
            raise FeedUnavailableError(
                f"{_listed(self._waiting)} may still be being written, and all files make one export. Pull again later "
                "(see source.settle_s and source.done_suffix)."
            )
        return Pick(tuple(sorted(self._ordered, key=lambda candidate: candidate.name)))

    def order(self, candidate: Candidate) -> str:
        """Return where a file stands in the order of all; such texts sort as the files do."""
        if self._source.stamp == "name":
            return stamp_of_name(self._source.stamp_pattern, candidate.last)
        if self._source.stamp == "none":
            return candidate.name
        return f"{int(candidate.changed * 1000):020d}"

    def stamp(self, files: Sequence[Candidate], members: Sequence[str] = ()) -> str | None:
        """Return the stamp of what was read; `members` are the names in its zip files."""
        if self._source.stamp == "none":
            return None
        if self._source.stamp == "mtime":
            newest = max(candidate.changed for candidate in files)
            return as_stamp(datetime.fromtimestamp(newest, UTC))
        names = members if self._source.stamp == "member" and members else [file.last for file in files]
        return max(stamp_of_name(self._source.stamp_pattern, name) for name in names)

    def is_delta(self, candidate: Candidate) -> bool:
        """Tell whether a file holds only what changed."""
        if self._source.delta:
            return candidate.is_named(self._source.delta)
        return self._deltas

    def after(self, taken: Taken | None, pick: Pick, stamp: str | None) -> Taken:
        """Return how far the feed has come with this pick taken."""
        known = taken or Taken(at="")
        ids = {*known.ids, *(candidate.id for candidate in self._late(taken))}
        at, full, full_stamp = known.at, known.full, known.full_stamp
        for file in pick.files:
            ids.add(file.id)
            at = max(at, pick.order)
            if not self.is_delta(file):
                full, full_stamp = pick.order, stamp or ""
        # Of what is gone, or older than the last complete file, nothing need be known any more.
        here = {candidate.id for candidate in self._ordered if self.order(candidate) >= full}
        return Taken(at=at, full=full, full_stamp=full_stamp, ids=tuple(sorted(ids & here)))

    def _ready(self) -> list[Candidate]:
        ready = [candidate for candidate in self._ordered if candidate.name not in self._waiting]
        if not ready:
            raise FeedUnavailableError(
                f"{_listed(self._waiting)} may still be being written. Pull again later "
                "(see source.settle_s and source.done_suffix)."
            )
        return ready

    def _newness(self, candidate: Candidate) -> tuple[str, float]:
        return (self.order(candidate) if self._source.stamp == "name" else "", candidate.changed)

    def _late(self, taken: Taken | None) -> list[Candidate]:
        """Return the files that came after newer ones had been taken."""
        if taken is None:
            return []
        return [
            candidate
            for candidate in self._ordered
            if taken.full <= self.order(candidate) < taken.at and candidate.id not in taken.ids
        ]

    def _each(self, taken: Taken | None) -> Pick:
        if taken is None:
            return self._first()
        late = _listed(candidate.name for candidate in self._late(taken))
        note = (
            f"{late} came after newer files had been taken and was passed over: what is older must not undo what is "
            "newer. The next complete file mends what may be missing."
        )
        new = [
            candidate
            for candidate in self._ordered
            if candidate.id not in taken.ids and self.order(candidate) >= taken.at
        ]
        return self._next(new, (note,) if late else ())

    def _first(self) -> Pick:
        complete = [candidate for candidate in self._ready() if not self.is_delta(candidate)]
        if complete:
            start = self.order(complete[-1])
            new = [candidate for candidate in self._ordered if self.order(candidate) >= start]
            # Of one date the complete file comes first.
            new.sort(key=lambda candidate: (self.order(candidate), candidate is not complete[-1]))
            return self._next(new[new.index(complete[-1]) :], ())
        if self._source.delta and "*" not in as_patterns(self._source.delta):
            raise FeedUnavailableError(
                f"{_listed(candidate.name for candidate in self._ordered)}: only deltas (source.delta), and a register "
                'can\'t begin with one. Put the newest complete file there; if there is none ever, write delta = "*".'
            )
        return self._next(self._ordered, ())

    def _next(self, new: Sequence[Candidate], notes: tuple[str, ...]) -> Pick:
        """Take the first; those behind one that still waits, wait with it."""
        ready = []
        for candidate in new:
            if candidate.name in self._waiting:
                break
            ready.append(candidate)
        if not ready:
            return Pick((), notes=notes)
        first = ready[0]
        complete = not self.is_delta(first) if self._source.delta else None
        return Pick((first,), self.order(first), complete, len(ready) > 1, notes)


def taken_of(previous: Previous | None) -> Taken | None:
    """Read how far the feed has come; None on a first pull."""
    if previous is None:
        return None
    try:
        return msgspec.json.decode(previous.etag, type=Taken)
    except msgspec.DecodeError:
        return None  # another way of picking was set then


def stamp_of_name(patterns: Patterns, name: str) -> str:
    """Read the authority's date in a name (RFC 3339, UTC).

    Raises:
        FeedUnavailableError: there is none: such a file can't be put in order.
    """
    for pattern in as_patterns(patterns):
        if found := re.search(pattern, name):
            groups = {key: value for key, value in found.groupdict().items() if value}
            try:
                moment = _moment(groups)
            except (ValueError, KeyError):
                continue
            return as_stamp(moment) or ""
    raise FeedUnavailableError(
        f"{name!r} holds no date as source.stamp_pattern describes. Mend the pattern, or leave the file out with "
        "source.path or source.ignore."
    )


def _moment(groups: dict[str, str]) -> datetime:
    year = int(groups["year"])
    month = groups["month"]
    number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
    return datetime(
        year + 2000 if year < 100 else year,  # noqa: PLR2004 - two digits
        number,
        int(groups["day"]),
        int(groups.get("hour", 0)),
        int(groups.get("minute", 0)),
        tzinfo=UTC,
    )


def _is_meant(candidate: Candidate, source: PickedSource) -> bool:
    marker = bool(source.done_suffix) and candidate.name.endswith(source.done_suffix)
    return not marker and not candidate.last.startswith(".") and not candidate.is_named(source.ignore)


def _listed(names: Iterable[str]) -> str:
    """Name some files in a message; a name is not ours, so that control characters are shown, not sent."""
    ordered = sorted(name.rpartition("/")[2] for name in names)
    rest = len(ordered) - _LISTED
    return ", ".join(repr(name) for name in ordered[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
