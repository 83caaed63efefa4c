"""Putting what differs in the outbox, once all of it is known: what waits there can't be told to differ any more."""

from collections.abc import Iterator
from datetime import UTC, datetime
from struct import Struct
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

from sqlalchemy.engine import Engine

from indexer.lock import Guard
from registry.database import writing
from registry.records.comparisons import Repair, queue

# What it is about, and its id or key. Kept in a file when they are many: an index that was lost lacks everybody.
_RECORD = Struct("<Bq")
_UNKNOWN, _PERSON, _RENEWED = range(3)
_IN_MEMORY = 4 * 2**20
_AT_ONCE = 5000


class Repairs:
    """What shall be published again; a context manager."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def unknown(self, key: int) -> None:
        """Note a document that SQL knows nothing of."""
        self._file.write(_RECORD.pack(_UNKNOWN, key))

    def person(self, practitioner_id: int, *, renewed: bool) -> None:
        """Note a person whose documents differ (`registry.records.comparisons.Repair`)."""
        self._file.write(_RECORD.pack(_RENEWED if renewed else _PERSON, practitioner_id))

    def queue(self, engine: Engine, guard: Guard) -> int:
        """Put everything in the outbox, part by part; return how many documents that was about.

        Raises:
            LostLeaseError: another process compares meanwhile; what was put there does no harm.
        """
        self._file.seek(0)
        documents = 0
        for repair, count in self._parts():
            with writing(engine).begin() as connection:
                queue(connection, repair, datetime.now(UTC))
                guard.still_mine(connection)
            documents += count
        return documents

    def _parts(self) -> Iterator[tuple[Repair, int]]:
        while part := self._file.read(_RECORD.size * _AT_ONCE):
            repair = Repair()
            for kind, number in _RECORD.iter_unpack(part):
                (repair.unknown if kind == _UNKNOWN else repair.people).add(number)
                if kind == _RENEWED:
                    repair.renewed.add(number)
            yield repair, len(part) // _RECORD.size
