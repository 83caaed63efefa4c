"""What the index should hold about people, read from SQL as it stands: the one way for publishing, rebuilding and repairing."""

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from registry.errors import RegistryError
from registry.records import indexed
from registry.records.indexed import IndexedPerson
from registry.search.document import Operation, documents, operations


class NoDocumentError(RegistryError):
    """No document can be made of somebody, because what SQL truth holds about the person is damaged."""

    slug = "no-document"
    title = "No document can be made of a person"


def operations_of(
    connection: sa.Connection, ids: Sequence[int], *, fresh: Collection[int] = ()
) -> dict[int, list[Operation]]:
    """Return everything the index must take in about people, deletions included, by practitioner id.

    Args:
        connection: reads SQL truth; what it sees is what is returned.
        ids: practitioners; ids that SQL does not know are left out.
        fresh: those of them of whom no document can stand in the index yet: their deletions are left out.
    """
    with _collector_paused():
        return {
            person.id: documents(person) if person.id in fresh else operations(person)
            for person in indexed.people(connection, ids)
        }


def documents_after(connection: sa.Connection, after: int, limit: int) -> tuple[list[int], list[Operation]]:
    """Return the next `limit` practitioners' ids above `after`, in order, and all their documents, without deletions.

    No ids: there are no more. Keyset paging, so that no cursor must stay open for an hour.

    Raises:
        NoDocumentError: names the person of whom none can be made.
    """
    with _collector_paused():
        people = indexed.people_after(connection, after, limit)
        return [person.id for person in people], [one for person in people for one in _documents(person)]


def _documents(person: IndexedPerson) -> list[Operation]:
    try:
        return documents(person)
    except Exception as error:
        raise NoDocumentError(
            f"No document can be made of practitioner {person.id} ({type(error).__name__}): a fact about the person is damaged. "
            "An index without the person would not be complete, so none is put in use. Put the fact right in the database "
            "and run `indexer rebuild` again; it goes on from here."
        ) from error


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's collector of cycles from looking through a batch again and again while it is made, and after.

    A batch is a hundred thousand objects without a cycle among them; looking took two fifths of the time. Counting them as
    old, which `freeze` and `unfreeze` do without a look, leaves them to the rare collections of everything.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if was_on:
            gc.enable()
