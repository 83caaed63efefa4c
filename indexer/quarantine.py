"""Rows that a run could not load: what is wrong with each, without a word about the person that is not needed."""

from dataclasses import dataclass, field

import orjson
import sqlalchemy as sa

from indexer.feeds.rows import BadRow, echo
from indexer.normalize.errors import BadRecordError
from registry.identifiers import mask_personal_numbers
from registry.records import bulk
from registry.records import tables as t

UNREADABLE, CONFLICT, TEST_PERSON = "unreadable", "conflict", "test-person"


@dataclass
class Quarantine:
    """The rows of one run, in the order in which they were met."""

    rows: list[tuple[str, BadRow]] = field(default_factory=list)

    def add(self, row: BadRow, kind: str) -> None:
        """Put one row aside."""
        self.rows.append((kind, row))

    def unreadable(self, row: int, key: str, error: BadRecordError, payload: bytes) -> None:
        """Put a record aside that no facts could be read from."""
        self.add(BadRow(row, key, error.field, error.reason, _echo(payload, error.field)), UNREADABLE)

    def write(self, connection: sa.Connection, feed_id: str, run_id: int, most: int | None = None) -> None:
        """Keep the rows (the first `most` of them) with their run."""
        bulk.insert_rows(
            connection,
            t.quarantined_record,
            ("feed_id", "run_id", "row_number", "key", "kind", "field", "reason", "echo"),
            [
                (
                    feed_id,
                    run_id,
                    row.row,
                    mask_personal_numbers(row.key),
                    kind,
                    row.field,
                    row.reason,
                    mask_personal_numbers(row.echo)[:200],
                )
                for kind, row in self.rows[:most]
            ],
        )


def _echo(payload: bytes, field_name: str) -> str:
    """Return the one field that is wrong: enough to see why, and nothing else about the person."""
    try:
        record = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    value = record.get(field_name) if isinstance(record, dict) else None
    return "" if value is None else echo(str(value))
