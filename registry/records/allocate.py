"""The one counter that ids and versions are drawn from.

Drawing locks the counter's row until the transaction ends, so loads commit in the order of their numbers: who
reads everything above a number it has seen can't miss a later commit with a lower one (failure F3 of queues that are
polled by a serial id).
"""

from collections.abc import Iterable

import sqlalchemy as sa

from registry.records import bulk
from registry.records.tables import counter, practitioner

NAME = "registry"


def allocate(connection: sa.Connection, count: int) -> range:
    """Draw `count` new numbers inside the caller's write transaction."""
    end = connection.scalar(
        sa.update(counter)
        .where(counter.c.name == NAME)
        .values(next_value=counter.c.next_value + count)
        .returning(counter.c.next_value)
    )
    if end is None:  # the first use of this database
        end = _begin(connection, count)
    return range(end - count, end)


def _begin(connection: sa.Connection, count: int) -> int:
    """Make the counter, and draw from it. Of two writers who find none, the second waits for the first and goes on from it."""
    statement = bulk.insert_or_update(
        connection,
        counter,
        {"name": NAME, "next_value": count + 1},
        {"next_value": counter.c.next_value + count},
    )
    end: int = connection.execute(statement.returning(counter.c.next_value)).scalar_one()
    return end


def renew(connection: sa.Connection, people: Iterable[int]) -> None:
    """Give every practitioner a new version, above all that were drawn before."""
    ids = sorted(people)
    if ids:
        versions = allocate(connection, len(ids))
        bulk.update_rows(connection, practitioner, ("version",), list(zip(ids, versions, strict=True)))


def current(connection: sa.Connection) -> int:
    """Return the next number that will be drawn; everything committed so far is below it."""
    return connection.scalar(sa.select(counter.c.next_value).where(counter.c.name == NAME)) or 1


def advance(connection: sa.Connection, past: int) -> None:
    """Make sure that no number up to `past` will be drawn, inside the caller's write transaction."""
    allocate(connection, 0)  # makes the counter, and locks it
    connection.execute(
        sa.update(counter)
        .where((counter.c.name == NAME) & (counter.c.next_value <= past))
        .values(next_value=past + 1)
    )
