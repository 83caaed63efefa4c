"""What an index must pass before a rebuild puts it in use. Each check that fails names itself."""

import sqlalchemy as sa
import structlog

from indexer.differing import bucket_width, read_back
from indexer.expected import last_key, sums
from indexer.projection import operations_of
from indexer.sending import RebuildError
from registry.records import tables as t
from registry.records.expected import count as expected_count
from registry.search.document import document_id
from registry.search.port import IndexEngine
from registry.settings import Index

log = structlog.get_logger()


def check_mapping(search: IndexEngine, index: str) -> None:
    """Make sure that the index has exactly the fields of this version's mapping.

    Raises:
        RebuildError: it has not.
    """
    if search.fit(index) != "same":
        raise _failed("mapping", index, "its fields are not those of config/search/mapping.json")


def check_count(search: IndexEngine, index: str, connection: sa.Connection) -> int:
    """Make sure that the index holds as many documents as SQL wants, and return how many.

    Raises:
        RebuildError: it holds more or fewer.
    """
    wanted, held = expected_count(connection), search.count(index)
    if held != wanted:
        raise _failed("count", index, f"it holds {held} documents, SQL has {wanted}")
    return held


def check_versions(search: IndexEngine, index: str, connection: sa.Connection, settings: Index) -> None:
    """Make sure that keys and versions of all documents are those of SQL, by sums over ranges of keys.

    Raises:
        RebuildError: in some range they are not.
    """
    width = bucket_width(last_key(connection), settings.compare_buckets)
    wanted, held = sums(connection, width), search.buckets(width, index)
    if differing := [
        number for number in wanted.keys() | held.keys() if wanted.get(number) != held.get(number)
    ]:
        raise _failed(
            "versions", index, f"in {len(differing)} of {len(wanted)} ranges of keys it differs from SQL"
        )


def check_sample(
    search: IndexEngine, index: str, connection: sa.Connection, people: int, *, published: bool = False
) -> None:
    """Read the documents of people drawn by lot back from the index and compare them with what SQL makes of them.

    A document that must not be there (of a protected person, of a licence that is gone) counts as well as one that must.

    Args:
        people: how many, at most.
        published: publishers write to the index too, so that a document of another version says nothing.

    Raises:
        RebuildError: one differs.
    """
    person = t.practitioner.c.id
    drawn = list(connection.scalars(sa.select(person).order_by(sa.func.random()).limit(people)))
    found = operations_of(connection, drawn)
    everything = [operation for each in found.values() for operation in each]
    for operation, have in read_back(search, index, everything):
        wanted = None if operation.body is None else operation.stored
        if have == wanted or (published and (not have or have.get("version") != operation.version)):
            continue
        # Which fields, not what they hold: this ends in logs.
        names = {
            name
            for name in {**(have or {}), **(wanted or {})}
            if (have or {}).get(name) != (wanted or {}).get(name)
        }
        raise _failed(
            "sample",
            index,
            f"document {document_id(operation.key)} differs from SQL in {', '.join(sorted(names))}",
        )


def _failed(check: str, index: str, what: str) -> RebuildError:
    log.error("rebuild: a check failed", check=check, index=index, reason=what)
    return RebuildError(f"The {check} check failed for {index}: {what}. The index in use was left as it is.")
