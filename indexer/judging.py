"""Deciding whether a document that seems to differ does, while loads and publishers go on.

A publisher forgets a change only when the index has confirmed it. So of a person with nothing in the outbox the index
holds exactly what SQL says, and it does so still when, after the index was read, SQL says the same as before. If what was
read in between is something else, no change under way can explain it. Everything else is looked at again, and counts as
pending, not as a difference, if it does not come to rest.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal, TypeVar

from sqlalchemy.engine import Engine

from indexer.differing import STORED_AT_ONCE
from indexer.expected import State, snapshot, states
from indexer.repairing import Repairs
from registry.search.document import document_id
from registry.search.port import IndexEngine
from registry.settings import Index

T = TypeVar("T")
Kind = Literal["missing", "extra", "stale"]
_EXAMPLES = 20
# Documents judged at a time, and how many of those under way are remembered to be looked at again.
_AT_ONCE, _REMEMBERED = 2000, 20_000


@dataclass
class Compared:
    """How an index and SQL truth compare.

    Attributes:
        index: the one that was in use.
        expected: documents that it should hold.
        missing: of these, those that it does not hold.
        extra: documents that it should not hold.
        stale: documents of another version than SQL's, older or newer; with `full`, of other content too.
        pending: documents that differ, but of whom a change waits in the outbox or was made at this moment.
        repaired: differences that were put in the outbox.
        ahead: by how much the index knows higher versions than SQL has ever drawn: the database was restored from an
            older backup. Unless that is repaired, the index takes new changes for old ones and ignores them.
        mended: whether a repair was asked for, so that all that differs is in the outbox now.
        examples: some documents of each kind.
    """

    index: str = ""
    expected: int = 0
    missing: int = 0
    extra: int = 0
    stale: int = 0
    pending: int = 0
    repaired: int = 0
    ahead: int = 0
    mended: bool = False
    examples: dict[Kind, list[str]] = field(default_factory=lambda: {"missing": [], "extra": [], "stale": []})

    @property
    def found(self) -> int:
        """How many documents differ."""
        return self.missing + self.extra + self.stale

    @property
    def differs(self) -> bool:
        """Whether SQL and index said different things, repaired or not."""
        return bool(self.found or self.ahead)

    def note(self, kind: Kind, key: int) -> None:
        """Count one difference."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(document_id(key))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return {**asdict(self), "differs": self.differs}


@dataclass
class Judge:
    """Decides about documents of one index, counts what differs and notes what would mend it."""

    engine: Engine
    search: IndexEngine
    settings: Index
    result: Compared
    repairs: Repairs
    _under_way: list[int] = field(default_factory=list)

    def versions(self, keys: Iterable[int]) -> None:
        """Judge documents whose versions seem to differ."""
        for some in _chunks(keys, _AT_ONCE):
            undecided = self._look(some)
            room = _REMEMBERED - len(self._under_way)
            self._under_way += undecided[:room]
            # More are on their way than are worth waiting for.
            self.result.pending += len(undecided[room:])

    def contents(self, documents: Iterable[tuple[int, int]]) -> None:
        """Judge documents (key, version) whose contents seem to differ; what has changed since is not looked at again."""
        for some in _chunks(documents, _AT_ONCE):
            with snapshot(self.engine) as connection:
                now = states(connection, [key for key, _ in some])
            self._settle(
                {
                    key: ("stale", state, version)
                    for key, version in some
                    if (state := now[key]).wanted and state.version == version and not state.waiting
                }
            )

    def rest(self) -> None:
        """Look again at what was under way, until it comes to rest or patience ends; the remainder is pending."""
        for _ in range(self.settings.compare_rounds):
            if not self._under_way:
                return
            time.sleep(self.settings.compare_pause_s)
            again, self._under_way = self._under_way, []
            for some in _chunks(again, _AT_ONCE):
                self._under_way += self._look(some)
        self.result.pending += len(self._under_way)

    def _look(self, keys: Sequence[int]) -> list[int]:
        """Look at documents once more, on both sides, and return those about which nothing can be said yet."""
        with snapshot(self.engine) as connection:
            before = states(connection, keys)
        self.search.refresh(self.result.index)
        held: dict[int, int] = {}
        for some in _chunks(keys, STORED_AT_ONCE):
            found = self.search.stored(some, self.result.index)
            held.update({key: int(document["version"]) for key, document in found.items()})
        with snapshot(self.engine) as connection:
            after = states(connection, keys)
        undecided: list[int] = []
        certain: dict[int, tuple[Kind, State, int]] = {}
        for key in keys:
            have, state = held.get(key), after[key]
            kind = _kind(state, have)
            if kind is None:
                continue
            if state.waiting or state != before[key]:
                undecided.append(key)
            else:
                certain[key] = kind, state, have or 0
        self._settle(certain)
        return undecided

    def _settle(self, certain: dict[int, tuple[Kind, State, int]]) -> None:
        """Count what differs for certain, and note what mends it."""
        for key, (kind, state, have) in certain.items():
            self.result.note(kind, key)
            if state.practitioner_id is None:
                self.repairs.unknown(key)
            else:
                # In place of what is missing there may be a deletion with a higher version, which nobody can see.
                renewed = kind == "missing" or have > state.version
                self.repairs.person(state.practitioner_id, renewed=renewed)


def _kind(state: State, have: int | None) -> Kind | None:
    if not state.wanted:
        return None if have is None else "extra"
    if have is None:
        return "missing"
    return None if have == state.version else "stale"


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk
