"""What a leaf is: an access event and the people it showed, as one line of canonical JSON (RFC 8785).

The people belong to the leaf, so that taking a person from an event is found as well as changing the event. Each leaf has
a random `nonce`, so that whoever gets a proof can't find out by trying what the events beside it say, whose hashes are in it.
A value that could not be written as JSON (which the service never writes) goes in as Python tells it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from re import compile as pattern
from typing import Any

import orjson
import sqlalchemy as sa

from registry.access.ledger.hashing import leaf_hash
from registry.access.tables import access_event, access_event_subject, access_ledger_leaf
from registry.records import bulk

NONCE_BYTES = 16
_EVENT, _SHOWN, _LEAF = access_event.c, access_event_subject.c, access_ledger_leaf.c
_ENTRIES = sa.select(_LEAF.position, _LEAF.event_id, _LEAF.hash, _LEAF.nonce).order_by(_LEAF.position)
# As the service's SQLite writes them. Anything else goes in as it is, so that no two values are one.
_SQLITE_TIME = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}")
# `infinity`, years before the first and after 9999 are no times for Python; they go in as PostgreSQL spells them.
_POSTGRESQL_AT: sa.ColumnElement[Any] = sa.literal_column(
    "CASE WHEN access_event.at >= TIMESTAMPTZ '0001-01-01 00:00:00+00' "
    "AND access_event.at < TIMESTAMPTZ '10000-01-01 00:00:00+00' "
    """THEN to_char(access_event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') """
    "ELSE CAST(access_event.at AS text) END",
    sa.Text(),
)
# In the order in which `encode` takes them. A new column of the event needs a new version of heads.
COLUMNS = (
    "id",
    "at",
    "issuer",
    "subject",
    "client_id",
    "organisation",
    "purpose",
    "action",
    "question",
    "answer",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry of the ledger beside what it stands for.

    Attributes:
        position: 0 for the first of the log.
        stored: the hash in the ledger.
        data: the event as it is now, encoded; None if it is not there.
        at: when it was written, as `instant` tells it; "" if it is not there.
    """

    position: int
    event_id: int
    stored: bytes
    data: bytes | None
    at: str = ""

    @property
    def fits(self) -> bool:
        """Whether the event is what was sealed."""
        return self.data is not None and leaf_hash(self.data) == self.stored


def encode(nonce: bytes, event: Sequence[Any], people: Sequence[int]) -> bytes:
    """Return the bytes of a leaf: JSON with sorted names and no spaces, UTF-8.

    Args:
        nonce: of this leaf.
        event: values of `COLUMNS`; `at` as the database's driver gives it.
        people: ids of the practitioners shown, rising.
    """
    id_, at, issuer, subject, client, organisation, purpose, action, question, answer, request = event
    value = {
        "action": action,
        "answer": answer,
        "at": instant(at),
        "client_id": client,
        "id": id_,
        "issuer": issuer,
        "nonce": nonce.hex(),
        "organisation": organisation,
        "people": people,
        "purpose": purpose,
        "question": question,
        "request_id": request,
        "subject": subject,
    }
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps({"unreadable": ascii(value)})


def instant(at: Any) -> Any:  # noqa: ANN401 - a value that somebody may have changed
    """Return a time as `2026-11-22T21:46:21.000000Z`."""
    if isinstance(at, datetime):
        return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    if isinstance(at, str) and _SQLITE_TIME.fullmatch(at):
        return f"{at[:10]}T{at[11:]}Z"
    return at


@contextmanager
def as_it_is(connection: sa.Connection) -> Iterator[None]:
    """Let SQLite give text that is no UTF-8 any more, so that a changed byte becomes a changed event, not an error."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    before = driver.text_factory
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before


def column(connection: sa.Connection, name: str) -> sa.ColumnElement[Any]:
    """Return a column of the event to be read as it is: times as text, as not every one is a time that Python knows."""
    if name != "at":
        return _EVENT[name]
    return sa.type_coerce(_EVENT.at, sa.Text) if connection.dialect.name == "sqlite" else _POSTGRESQL_AT


def _event_columns(connection: sa.Connection) -> list[sa.ColumnElement[Any]]:
    return [column(connection, name) for name in COLUMNS]


def covered(above: int, size: int) -> sa.Exists:
    """Return whether an event above the id `above` is in one of the first `size` leaves.

    What stands beyond has no head over it: whoever put it there must not be able to keep an event from being sealed. The
    bound stands on both sides, so that no plan walks through the ledger from its beginning.
    """
    return sa.exists().where(
        _LEAF.event_id == _EVENT.id, _LEAF.event_id > above, _LEAF.position >= 0, _LEAF.position < size
    )


def unsealed(
    connection: sa.Connection, above: int, limit: int, *, size: int
) -> list[tuple[int, Sequence[Any], list[int]]]:
    """Return events that are in no leaf, the lowest ids first: id, values of `COLUMNS` and people.

    Args:
        connection: to the access database.
        above: an id up to which there is none.
        limit: at most so many.
        size: leaves that the last head covers.
    """
    events = connection.execute(
        sa.select(*_event_columns(connection))
        .where(_EVENT.id > above, ~covered(above, size))
        .order_by(_EVENT.id)
        .limit(limit)
    ).all()
    people = _people(connection, [event[0] for event in events])
    return [(event[0], event, people.get(event[0], [])) for event in events]


def sealed(connection: sa.Connection, first: int, last: int) -> list[Leaf]:
    """Return the entries of the ledger from position `first` to before `last`, with the events as they are now."""
    return _read(connection, _ENTRIES.where(_LEAF.position >= first, _LEAF.position < last))


def all_sealed(connection: sa.Connection, part: int) -> Iterator[Leaf]:
    """Give every entry of the ledger, `part` at a time: as many reads as there are entries, wherever they stand."""
    after = -1
    while found := _read(connection, _ENTRIES.where(_LEAF.position > after).limit(part)):
        yield from found
        after = found[-1].position


def _read(connection: sa.Connection, query: sa.Select[Any]) -> list[Leaf]:
    rows = connection.execute(query).all()
    # By their ids, not by a join: its plan would depend on statistics that a fast growing table does not have.
    ids = [row.event_id for row in rows if isinstance(row.event_id, int)]
    found = connection.execute(
        sa.select(*_event_columns(connection)).where(_EVENT.id.in_(bulk.ids(connection, ids)))
    )
    events = {event[0]: event for event in found}
    people = _people(connection, ids)
    nobody: list[int] = []
    leaves = []
    for position, event_id, stored, nonce in rows:
        event = events.get(event_id)
        data = None if event is None else encode(raw(nonce), event, people.get(event_id, nobody))
        at = "" if event is None else str(instant(event[1]))
        leaves.append(Leaf(position, event_id, raw(stored), data, at))
    return leaves


def hashes(connection: sa.Connection, size: int, chunk: int) -> Iterator[tuple[int, bytes]]:
    """Give positions and hashes of the first `size` leaves, as they stand in the ledger."""
    for first in range(0, size, chunk):
        query = (
            sa.select(_LEAF.position, _LEAF.hash)
            .where(_LEAF.position >= first, _LEAF.position < min(first + chunk, size))
            .order_by(_LEAF.position)
        )
        for position, stored in connection.execute(query).all():
            yield position, raw(stored)


def raw(value: Any) -> bytes:  # noqa: ANN401 - SQLite keeps whatever somebody has put there
    """Return bytes that the database gives, whatever kind of value it has made of them."""
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode("utf-8", "replace")


def _people(connection: sa.Connection, event_ids: Sequence[int]) -> Mapping[int, list[int]]:
    query = (
        sa.select(_SHOWN.event_id, _SHOWN.practitioner_id)
        .where(_SHOWN.event_id.in_(bulk.ids(connection, event_ids)))
        .order_by(_SHOWN.event_id, _SHOWN.practitioner_id)
    )
    found: dict[int, list[int]] = {}
    for event_id, person in connection.execute(query):
        found.setdefault(event_id, []).append(person)
    return found
