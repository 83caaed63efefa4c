"""What is read anew only now and then: every feed, of which a search shows no more than names."""

import time
from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa

from registry.records import read
from registry.records.read import Feed


class FeedsCache:
    """The feeds as a process knows them. Safe for threads: at worst two read at once.

    Args:
        ttl_s: seconds for which they are believed.
        clock: seconds that pass.
    """

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s, self._clock = ttl_s, clock
        self._known: tuple[float, Mapping[str, Feed]] = (float("-inf"), {})

    def get(self, connection: sa.Connection, needed: Iterable[str] = ()) -> Mapping[str, Feed]:
        """Return every feed by id; one that is needed and not known makes all be read at once.

        Raises:
            SQLAlchemyError: SQL can't be asked.
        """
        read_at, known = self._known
        now = self._clock()
        if now - read_at < self._ttl_s and all(one in known for one in needed):
            return known
        known = read.feeds(connection)
        self._known = now, known
        return known
