"""Taking changes out of the outbox, so that no two publishers work on the same ones at the same time."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.lock import BusyError, only_one
from registry.database import writing
from registry.records import outbox

# SQLite: how long to wait for another publisher's batch to end, and how often to look, in seconds.
_LONGEST_TURN_S, _LOOK_S = 60.0, 0.02


@dataclass(frozen=True)
class Claim:
    """Changes that are ours until the block of `claimed` ends."""

    entries: list[outbox.Entry]
    _settling: AbstractContextManager[sa.Connection]

    def settling(self) -> AbstractContextManager[sa.Connection]:
        """Open the transaction in which is written what became of them; to be called once."""
        return self._settling


@contextmanager
def claimed(engine: Engine, limit: int, after: int) -> Iterator[Claim]:
    """Take up to `limit` changes that are due, with ids above `after`, for the length of the block.

    PostgreSQL: their rows are locked by a transaction that stays open while they are sent, so that publishers on any
    number of machines share the work, and a dead one's rows are free again at once. SQLite has one lock for all who
    write, which must not be held while an engine is waited for: there publishers take turns by a file lock, and the
    database is written to for a moment at the end.

    Raises:
        BusyError: SQLite: another publisher's batch does not end.
    """
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            yield Claim(outbox.claim(connection, limit, _now(), after=after), nullcontext(connection))
        return
    with _turn(engine):
        with engine.connect() as connection:
            entries = outbox.claim(connection, limit, _now(), after=after)
        yield Claim(entries, writing(engine).begin())


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Wait until no other process or thread publishes to this SQLite database, and keep them out."""
    deadline = time.monotonic() + _LONGEST_TURN_S
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(only_one(engine, "publish"))
                break
            except BusyError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_LOOK_S)
        yield


def _now() -> datetime:
    return datetime.now(UTC)
