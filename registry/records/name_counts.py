"""How many people bear a name: counted from SQL truth now and then, read by matching and by suggestions.

A rare surname that agrees says more than a common one. Frequencies are a help to weigh and to guess, never a fact about
anyone, so they may be a day old; only names of people who are listed are counted, and only such as several people bear.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from heapq import nlargest, nsmallest
from typing import Literal, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.names import Word
from registry.records import bulk
from registry.records.index_tables import name_count

Kind = Literal["given", "family"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The row that tells how many people there are, and when they were counted.
_EVERYONE = "everyone"
# Completions of a beginning are looked for once; the most asked for are the shortest, which have the most.
_CACHED_BEGINNINGS = 4096


@dataclass(frozen=True, slots=True)
class Counted:
    """A name: its key as typed (`registry.names`), how many people bear it, and how most of them write it."""

    kind: Kind
    key: str
    people: int
    display: str


@dataclass(frozen=True)
class NameCounts:
    """The frequencies of a register as of one moment.

    Attributes:
        people: how many there are in all; 0: they have never been counted.
        counted_at: when.
    """

    people: int = 0
    counted_at: str = ""
    _of: dict[Kind, dict[str, tuple[int, str]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _keys: dict[Kind, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    _least: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 1))

    def __post_init__(self) -> None:
        """Remember what is asked for again and again."""
        object.__setattr__(self, "_starting", lru_cache(_CACHED_BEGINNINGS)(self._find_starting))

    def share(self, kind: Kind, key: str) -> float:
        """Return the part of all people who bear a name: above 0 to 1.

        A name that is not listed is taken for half as common as the rarest that is. Without any count: 0.
        """
        if not self.people:
            return 0.0
        known = self._of[kind].get(key)
        return (known[0] if known else self._least[kind] / 2) / self.people

    def bearers(self, key: str) -> int:
        """Return how many people bear a name of either kind, 0 if it is not listed."""
        return max((of[key][0] for of in self._of.values() if key in of), default=0)

    def display(self, kind: Kind, key: str) -> str:
        """Return a name as most of its bearers write it; the key itself if it is not listed."""
        known = self._of[kind].get(key)
        return known[1] if known else key

    def any_display(self, key: str) -> str:
        """Return a name as most write it, of the kind that more people bear."""
        return max((of[key] for of in self._of.values() if key in of), default=(0, key))[1]

    def written(self, word: Word) -> str:
        """Return a word in the spelling of most of its bearers: the one that was typed, where several have one key."""
        for key in word.typed:
            shown = self.any_display(key)
            if self.bearers(key) and shown.casefold() == word.written:
                return shown
        return next((self.any_display(key) for key in word.typed if self.bearers(key)), word.written.title())

    def starting(self, kind: Kind, start: str, most: int) -> list[tuple[str, int]]:
        """Return (key, people) of the commonest names that begin so."""
        found: list[tuple[str, int]] = self._starting(kind, start, most)  # type: ignore[attr-defined]
        return found

    def _find_starting(self, kind: Kind, start: str, most: int) -> list[tuple[str, int]]:
        keys, of = self._keys[kind], self._of[kind]
        # "{" is ASCII's next after z.
        some = keys[bisect_left(keys, start) : bisect_left(keys, start + "{")]
        return [(key, of[key][0]) for key in nlargest(most, some, key=lambda key: of[key][0])]

    def begun_alike(self, letter: str, most: int) -> list[str]:
        """Return the commonest names of both kinds that begin with a letter."""
        return [key for kind in KINDS for key, _ in self.starting(kind, letter, most)]


class NameCountsCache:
    """The frequencies as a process knows them: read when they were counted anew. Safe for threads."""

    def __init__(self, engine: Engine, ttl_s: float) -> None:
        """Prepare to read. `ttl_s`: seconds between two looks at whether they were counted anew."""
        self._engine = engine
        self._ttl_s = ttl_s
        self._known = NameCounts()
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    def get(self) -> NameCounts:
        """Return the frequencies. One thread at a time looks; the others go on with what is known.

        Raises:
            SQLAlchemyError: SQL can't be asked.
        """
        if time.monotonic() - self._looked_at < self._ttl_s or not self._lock.acquire(
            blocking=self._looked_at == float("-inf")
        ):
            return self._known
        try:
            if time.monotonic() - self._looked_at < self._ttl_s:
                return self._known
            with self._engine.connect() as connection:
                if _head(connection)[1] != self._known.counted_at:
                    self._known = read(connection)
            self._looked_at = time.monotonic()
        finally:
            self._lock.release()
        return self._known


_TABLE = name_count.c


def _head(connection: sa.Connection) -> tuple[int, str]:
    row = connection.execute(
        sa.select(_TABLE.people, _TABLE.display).where(_TABLE.kind == _EVERYONE, _TABLE.key == "")
    ).one_or_none()
    return (row.people, row.display) if row else (0, "")


def read(connection: sa.Connection) -> NameCounts:
    """Read all frequencies; without any the answer is empty (`people` 0)."""
    people, counted_at = _head(connection)
    of: dict[Kind, dict[str, tuple[int, str]]] = {kind: {} for kind in KINDS}
    rows = connection.execute(sa.select(_TABLE.kind, _TABLE.key, _TABLE.people, _TABLE.display))
    for kind, key, count, display in rows:
        if kind in of:
            of[kind][key] = count, display
    return NameCounts(
        people,
        counted_at,
        of,
        {kind: sorted(known) for kind, known in of.items()},
        {kind: min((count for count, _ in known.values()), default=1) for kind, known in of.items()},
    )


def replace_all(
    connection: sa.Connection, counted: Iterable[Counted], people: int, now: datetime, keep: int
) -> int:
    """Put new frequencies in place of the old ones, in the caller's transaction; return how many names are listed.

    Args:
        people: how many there are in all.
        keep: of each kind the commonest so many.
    """
    rows: list[tuple[str, str, int, str]] = []
    every: Sequence[Counted] = list(counted)
    for kind in KINDS:
        theirs = (one for one in every if one.kind == kind)
        rows += [
            (kind, one.key, one.people, one.display)
            for one in nsmallest(keep, theirs, key=lambda one: (-one.people, one.key))
        ]
    connection.execute(sa.delete(name_count))
    head = (_EVERYONE, "", people, now.isoformat())
    bulk.insert_rows(connection, name_count, ("kind", "key", "people", "display"), [head, *rows])
    return len(rows)
