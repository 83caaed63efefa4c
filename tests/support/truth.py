"""All of SQL truth as text that two databases can be compared by: everything it says, history included.

Left out is what is no statement: ids and random public ids (names made of the feeds' own keys stand for them), the
moments of the clock, and the nonces of sealed values (they are opened). Runs that left nothing are left out too. Ids
and versions that grow with time are told by their order: of people, records and licences among all, of what hangs on
one of them (its versions, its names) among its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from indexer.payloads import open_payload
from registry.records import tables as t
from registry.sealing import IDENTIFIER, Sealer

# Of these rows the moment or the process is all they tell.
_NOT_TRUTH = {"counter", "lease", "alembic_version"}
# Runs that changed nothing: killed, refused, or after one that was killed when all was done.
_NOTHING_KEPT = ("abandoned", "failed", "unchanged")
# What a row hangs on, by the first of these columns that it has.
_PARENTS = ("licence_id", "source_record_id", "practitioner_id", "run_id")
# Columns that hold an id without a foreign key.
_LOOSE = {"checked_run_id": "feed_run", ("outbox", "practitioner_id"): "practitioner"}
Names = dict[str, dict[int, str]]


def truth(engine: sa.Engine, sealer: Sealer) -> list[str]:
    """Return every statement of SQL truth, one a line, sorted."""
    with engine.connect() as connection:
        names = _names(connection)
        return sorted(
            line for table in t.metadata.sorted_tables for line in _lines(connection, table, names, sealer)
        )


def _names(connection: sa.Connection) -> Names:
    record, run, licence, join = t.source_record, t.feed_run, t.licence, t.practitioner_join
    records = {
        row.id: f"{row.feed_id}/{row.key}"
        for row in connection.execute(sa.select(record.c.id, record.c.feed_id, record.c.key))
    }
    kept = connection.execute(
        sa.select(run.c.id, run.c.feed_id).where(run.c.state.not_in(_NOTHING_KEPT)).order_by(run.c.id)
    ).all()
    places: dict[str, int] = defaultdict(int)
    runs = {}
    for row in kept:
        places[row.feed_id] += 1
        runs[row.id] = f"{row.feed_id}#{places[row.feed_id]}"
    of_people: dict[int, set[str]] = defaultdict(set)
    for row in connection.execute(sa.select(record.c.id, record.c.practitioner_id)):
        of_people[row.practitioner_id].add(records[row.id])
    for row in connection.execute(sa.select(join.c.other_id, join.c.source_record_id)):
        if row.other_id is not None:
            of_people[row.other_id].add(f"once {records[row.source_record_id]}")
    licences = {
        row.id: f"{records[row.source_record_id]}/{row.key}"
        for row in connection.execute(sa.select(licence.c.id, licence.c.source_record_id, licence.c.key))
    }
    people = {number: " + ".join(sorted(found)) for number, found in of_people.items()}
    return {"feed_run": runs, "source_record": records, "practitioner": people, "licence": licences}


def _lines(connection: sa.Connection, table: sa.Table, names: Names, sealer: Sealer) -> Iterator[str]:
    if table.name in _NOT_TRUTH:
        return
    readers = {str(column.name): _reader(table, column, names, sealer) for column in table.columns}
    parent = None if table.name in names else next((name for name in _PARENTS if name in table.c), None)
    statement = sa.select(table)
    if table is t.feed_run:
        statement = statement.where(table.c.state.not_in(_NOTHING_KEPT))
    if "id" in table.c:
        statement = statement.order_by(table.c.id)
    rows = connection.execute(statement).mappings().all()
    orders = {
        name: _Order([(row[parent] if parent else None, row[name]) for row in rows])
        for name in _growing(table)
    }
    ours = names.get(table.name)
    for row in rows:
        told: dict[str, Any] = {name: read(row[name]) for name, read in readers.items() if read}
        told |= {
            f"order of {name}": order.place(row[parent] if parent else None, row[name])
            for name, order in orders.items()
        }
        if ours is not None:
            told["name"] = ours[row["id"]]
        yield f"{table.name} {orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()}"


def _growing(table: sa.Table) -> list[str]:
    """Return the columns whose values only tell an order."""
    return [
        name for name in ("id", "version") if name in table.c and isinstance(table.c[name].type, sa.Integer)
    ]


class _Order:
    """The place of each value among those of its parent."""

    def __init__(self, values: list[tuple[int | None, int]]) -> None:
        own: dict[int | None, set[int]] = defaultdict(set)
        for parent, value in values:
            own[parent].add(value)
        self._places = {
            (parent, value): place
            for parent, found in own.items()
            for place, value in enumerate(sorted(found))
        }

    def place(self, parent: int | None, value: int) -> int:
        """Return the place, from 0."""
        return self._places[parent, value]


def _reader(
    table: sa.Table, column: sa.Column[Any], names: Names, sealer: Sealer
) -> Callable[[Any], Any] | None:
    """Return what tells a column's value, or None for a column that is no statement."""
    if column.name in {"id", "version", "public_id"} and isinstance(column.type, sa.Integer | sa.Text):
        return str if isinstance(column.type, sa.Text) and column.name == "id" else None
    if isinstance(column.type, sa.DateTime):
        return None
    target = next((key.column.table.name for key in column.foreign_keys), None) or _LOOSE.get(
        (table.name, column.name), _LOOSE.get(column.name)
    )
    if target in names:
        known = names[target]
        return lambda value: None if value is None else known[value]
    if isinstance(column.type, sa.LargeBinary):
        return _opened(column.name, sealer)
    return lambda value: value


def _opened(name: str, sealer: Sealer) -> Callable[[Any], Any]:
    def read(value: bytes | None) -> str | None:
        if value is None:
            return None
        if name == "sealed":
            return sealer.open(bytes(value), context=IDENTIFIER).decode()
        if name == "payload":
            return open_payload(sealer, bytes(value)).decode()
        return bytes(value).hex()

    return read
