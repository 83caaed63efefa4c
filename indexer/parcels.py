"""What is to be sent about changes from the outbox: everything the index must take in, as SQL has it now."""

import traceback
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.expected import snapshot, states
from indexer.projection import operations_of
from registry.records import bulk, outbox
from registry.records import tables as t
from registry.records.allocate import current
from registry.records.outbox import Entry
from registry.search.document import Operation, document_id, person_key


@dataclass
class Parcel:
    """Everything to send about one person, or the deletion of one stray document, and whose rows that settles.

    Attributes:
        document: id to name when no document could be made.
        covered: dead letters about the same person: what is sent says everything about the person, so it says that too.
        error: why no document could be made; "" if all were.
    """

    entries: list[Entry]
    document: str
    operations: list[Operation] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)
    error: str = ""


def read_parcels(engine: Engine, entries: Sequence[Entry]) -> list[Parcel]:
    """Read what to send for claimed changes.

    All as of one moment after they were claimed: each document holds what belongs to its version, and at least the
    change that is claimed. What changes later waits in rows of its own, with a higher version.
    """
    if not entries:
        return []
    with snapshot(engine) as connection:
        by_person, strays = _by_person(connection, entries)
        parcels = _people(connection, by_person)
        # Every id and version drawn from now on is at least this: a document made later wins.
        version = current(connection) if strays else 0
    for key, of_key in strays.items():
        parcels.append(Parcel(of_key, document_id(key), [Operation(key, version, None)]))
    return parcels


def _by_person(
    connection: sa.Connection, entries: Sequence[Entry]
) -> tuple[dict[int, list[Entry]], dict[int, list[Entry]]]:
    """Group changes by whom they are about; those of documents that still nobody knows, by the document's key."""
    keys = {entry.document_key for entry in entries if entry.document_key is not None}
    known = states(connection, keys) if keys else {}
    by_person: dict[int, list[Entry]] = defaultdict(list)
    strays: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.document_key is None:
            by_person[entry.practitioner_id].append(entry)
        elif owner := known[entry.document_key].practitioner_id:
            # SQL has come to know the document since: its person tells what becomes of it.
            by_person[owner].append(entry)
        else:
            strays[entry.document_key].append(entry)
    return by_person, strays


def _people(connection: sa.Connection, by_person: dict[int, list[Entry]]) -> list[Parcel]:
    ids = list(by_person)
    fresh = _still_as_made(
        connection,
        [person for person, rows in by_person.items() if all(row.fresh and not row.attempts for row in rows)],
    )
    dead = outbox.dead_letters_of(connection, by_person.keys() - fresh)
    made, errors = _operations(connection, ids, fresh)
    return [
        Parcel(
            rows,
            document_id(person_key(person)),
            made.get(person, []),
            dead.get(person, []),
            errors.get(person, ""),
        )
        for person, rows in by_person.items()
    ]


def _still_as_made(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return those of the people whom nothing has changed since they were made: their first version is their id.

    For anyone else an earlier try, whose end nobody knows, may have brought documents that must be deleted.
    """
    if not ids:
        return set()
    person = t.practitioner.c
    same = sa.select(person.id).where(
        person.id.in_(bulk.ids(connection, ids)) & (person.version == person.id)
    )
    return set(connection.scalars(same))


def _operations(
    connection: sa.Connection, ids: Sequence[int], fresh: Collection[int]
) -> tuple[dict[int, list[Operation]], dict[int, str]]:
    """Make documents; who can't be made one of does not stop the others. Return operations and errors by person."""
    try:
        return operations_of(connection, ids, fresh=fresh), {}
    except sa.exc.SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 - damaged facts may break anything; told with the person below
        if len(ids) == 1:
            return {}, {ids[0]: _reason(error)}
    made: dict[int, list[Operation]] = {}
    errors: dict[int, str] = {}
    middle = len(ids) // 2
    for part in (ids[:middle], ids[middle:]):
        more, worse = _operations(connection, part, fresh)
        made |= more
        errors |= worse
    return made, errors


def _reason(error: Exception) -> str:
    """Tell what went wrong by kind and place: the text may hold facts about the person."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"no document can be made: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    )
