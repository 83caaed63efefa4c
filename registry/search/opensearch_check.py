"""Whether the index in use is one that this version can search and write: each is looked at once, not at every search."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from registry.errors import SearchUnavailableError
from registry.search.mapping import Difference
from registry.search.port import FEWER_FIELDS, NO_INDEX, OTHER_MAPPING

_log = structlog.get_logger(__name__)
# How long it is believed, where nothing tells, that the alias names the index it named before.
_READ_AGAIN_S, _WRITE_AGAIN_S = 1.0, 10.0
# How long what was refused is refused unseen, and how often that is said in the log.
_REFUSED_S, _LOGGED_S = 5.0, 60.0


@dataclass(frozen=True, slots=True)
class _Refused:
    index: str
    problem: str
    looked_at: float
    logged_at: float


class IndexCheck:
    """What is known of the index in use. Threads may share it: at worst they look twice."""

    def __init__(
        self, current: Callable[[], str | None], difference: Callable[[str], Difference | None]
    ) -> None:
        """Take what tells the index in use, and how an index differs from this version's mapping."""
        self._current = current
        self._difference = difference
        self._readable: str | None = None
        self._read_at = self._written_at = float("-inf")
        self._refused: _Refused | None = None

    def require_readable(self, index: str | None = None) -> None:
        """Make sure that the answer came from an index in which searches of this version find what they should.

        Args:
            index: the index that a hit came from. None if there were no hits: then the alias is asked, at most once
                a second. Asked for fields that it has not got, an index finds nobody, which must not look like "no".

        Raises:
            SearchUnavailableError: it is made for other fields, or there is none.
        """
        now = time.monotonic()
        if index is None:
            if self._readable and now - self._read_at < _READ_AGAIN_S:
                return
            index = self._current()
        problem = self.problem(index)
        if problem:
            raise SearchUnavailableError(problem)
        self._read_at = now

    def problem(self, index: str | None) -> str:
        """Say what keeps searches of this version from an index; "" if nothing does."""
        if index is None:
            return NO_INDEX
        if index == self._readable:
            return ""
        now = time.monotonic()
        refused = self._refused if self._refused and self._refused.index == index else None
        if refused and now - refused.looked_at < _REFUSED_S:
            return refused.problem
        told = self._difference(index)
        if told is None:
            return NO_INDEX
        if told.readable:
            self._readable, self._refused = index, None
            return ""
        problem = FEWER_FIELDS if told.fit == "fewer" else OTHER_MAPPING
        is_new = refused is None or now - refused.logged_at > _LOGGED_S
        self._refused = _Refused(index, problem, now, now if is_new or refused is None else refused.logged_at)
        if is_new:
            _log.error(
                "the search index does not fit this version", index=index, why=told.explained, do=problem
            )
        return problem

    def write_problem(self) -> str:
        """Say what keeps this version from writing to the index in use; "" if nothing does.

        A later version's index takes our documents, but they would lack its fields. Asked at most every ten seconds: who
        upgrades ends the indexers of the earlier version first.

        Raises:
            SearchUnavailableError: that can't be told now.
        """
        now = time.monotonic()
        if now - self._written_at < _WRITE_AGAIN_S:
            return ""
        index = self._current()
        told = self._difference(index) if index else None
        if index is None or told is None:
            return NO_INDEX
        if told.fit != "same":
            problem = FEWER_FIELDS if told.fit == "fewer" else OTHER_MAPPING
            _log.error(
                "the search index does not fit this version", index=index, why=told.explained, do=problem
            )
            return problem
        self._written_at = now
        return ""
