"""Comparing SQL truth with the index in use, exactly and while both change: missing, extra, stale, and their repair.

Ranges of keys are compared by sums that both sides make themselves; only ranges that differ are read. So an index of ten
million documents is compared in flat memory, and one without differences in the time that adding up takes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy.engine import Engine

from indexer.builds import settle
from indexer.differing import Range, Suspects, differing, everything, otherwise_told, suspects
from indexer.judging import Compared, Judge
from indexer.lock import Guard, only_one
from indexer.name_counts import count_anew_if_possible
from indexer.repairing import Repairs
from registry.database import writing
from registry.errors import SearchUnavailableError, SwapError
from registry.records.allocate import advance, current
from registry.records.comparisons import record
from registry.search.port import NO_INDEX, OTHER_MAPPING, IndexEngine
from registry.settings import Index, Settings

__all__ = ["Compared", "compare"]

log = structlog.get_logger()
Progress = Callable[..., None]
# How often a comparison begins anew because another index was put in use meanwhile.
_TRIES = 3


def compare(
    engine: Engine,
    search: IndexEngine,
    settings: Settings,
    progress: Progress,
    *,
    repair: bool = False,
    full: bool = False,
) -> Compared:
    """Compare the index in use with SQL truth, and record how that ended.

    Loads and publishers may go on: what they are about to change is `pending` and no difference.

    Args:
        progress: called with the phase, documents done and their number.
        repair: put what differs in the outbox; it is mended when that has been published.
        full: trust no sums: read every key, and the content of every document too.

    Raises:
        BusyError: another process compares.
        SearchUnavailableError: the engine can't be read, or there is no index for the fields of this version.
        SwapError: other indices were put in use again and again meanwhile.
    """
    with only_one(engine, "compare", settings.indexer) as guard:
        for _ in range(_TRIES):
            began = datetime.now(UTC)
            index = settle(engine, search)
            if index is None:
                raise SearchUnavailableError(NO_INDEX)
            one = _Comparison(engine, search, settings.index, progress, guard, Compared(index, mended=repair))
            try:
                one.run(full=full)
            except SearchUnavailableError:
                # Perhaps it was dropped because two others followed it.
                if search.current_index() == index:
                    raise
            if search.current_index() == index:
                one.record(began)
                count_anew_if_possible(engine, settings.index)
                return one.result
            log.info("another index was put in use while comparing; beginning anew", index=index)
        raise SwapError("Indices were put in use while comparing; compare again when no rebuild is running.")


@dataclass
class _Comparison:
    """One comparison with one index. What is done with an index that goes out of use meanwhile is without effect."""

    engine: Engine
    search: IndexEngine
    settings: Index
    progress: Progress
    guard: Guard
    result: Compared
    _done: int = 0

    def run(self, *, full: bool) -> None:
        """Find, judge and repair."""
        with Repairs() as repairs:
            self._find(Judge(self.engine, self.search, self.settings, self.result, repairs), full=full)
            if self.result.mended:
                self.result.repaired = repairs.queue(self.engine, self.guard)
        self.progress("compare", self.result.expected, self.result.expected)

    def _find(self, judge: Judge, *, full: bool) -> None:
        index, search = self.result.index, self.search
        fit = search.fit(index)
        if fit == "other":
            raise SearchUnavailableError(OTHER_MAPPING)
        search.refresh(index)
        self._look_ahead()
        # An index made for fewer fields may lack those that the sums and the contents need.
        found = everything(self.engine) if full or fit == "fewer" else self._suspects()
        self.result.expected = found.expected
        self._tell("compare", found.settled)
        judge.versions(self._differing(found.ranges))
        if full and fit == "same":
            self._done = 0
            told = otherwise_told(
                self.engine, search, index, self.settings.rebuild_batch, lambda n: self._tell("contents", n)
            )
            judge.contents(told)
        judge.rest()

    def _suspects(self) -> Suspects:
        return suspects(self.engine, self.search, self.result.index, self.settings.compare_buckets)

    def _differing(self, ranges: list[Range]) -> Iterator[int]:
        for keys in ranges:
            yield from differing(
                self.engine, self.search, self.result.index, keys, lambda n: self._tell("compare", n)
            )

    def _tell(self, phase: str, documents: int) -> None:
        self._done += documents
        self.progress(phase, self._done, self.result.expected)

    def _look_ahead(self) -> None:
        """Find out whether the index knows versions that SQL has never drawn."""
        # The index first: whatever it knows of this database was drawn before, or, when a stray document was deleted, is
        # the number to be drawn next.
        known = self.search.extent(self.result.index).last_version
        with self.engine.connect() as connection:
            self.result.ahead = max(0, known - current(connection))
        if not self.result.ahead:
            return
        log.warning(
            "the index knows higher versions than SQL has drawn: was the database restored from an older backup?",
            index=self.result.index,
            ahead=self.result.ahead,
        )
        if self.result.mended:
            with writing(self.engine).begin() as connection:
                advance(connection, known)
                self.guard.still_mine(connection)

    def record(self, began: datetime) -> None:
        """Record how the comparison ended, for `indexer status` and the metrics."""
        found = self.result
        row = {
            "index_name": found.index,
            "started_at": began,
            "finished_at": datetime.now(UTC),
            "expected": found.expected,
            "missing": found.missing,
            "extra": found.extra,
            "stale": found.stale,
            "repaired": found.repaired,
        }
        with writing(self.engine).begin() as connection:
            record(connection, row, self.settings.compare_keep)
            self.guard.still_mine(connection)
        counts = {name: getattr(found, name) for name in ("expected", "missing", "extra", "stale", "pending")}
        tell = log.warning if found.differs else log.info
        tell("index compared", index=found.index, repaired=found.repaired, **counts)
