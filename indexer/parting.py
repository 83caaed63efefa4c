"""Joins as operators see them: listed, and undone by hand."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from indexer import joins as joining
from indexer import runs
from indexer.load import Counts
from indexer.workshop import Workshop
from registry.database import writing
from registry.errors import BadRequestError, NotFoundError
from registry.identifiers import mask_personal_numbers
from registry.records import tables as t

_JOIN, _RECORD, _PERSON = t.practitioner_join, t.source_record, t.practitioner
_MOST_REASON = 500


def joins(connection: sa.Connection, *, public_id: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Return joins, newest first, as plain values. Keys that may be personal numbers are masked."""
    statement = (
        sa.select(_JOIN, _RECORD.c.feed_id, _RECORD.c.key, _PERSON.c.public_id)
        .join(_RECORD, _RECORD.c.id == _JOIN.c.source_record_id)
        .join(_PERSON, _PERSON.c.id == _JOIN.c.practitioner_id)
        .order_by(_JOIN.c.id.desc())
        .limit(limit)
    )
    if public_id:
        statement = statement.where(_PERSON.c.public_id == public_id)
    return [
        {
            "join": row.id,
            "run": row.run_id,
            "at": row.at,
            "feed": row.feed_id,
            "key": mask_personal_numbers(row.key),
            "practitioner": row.public_id,
            "system": row.system,
            "use": row.use,
            "undoneRun": row.undone_run_id,
            "reason": row.reason,
        }
        for row in connection.execute(statement)
    ]


def unjoin(workshop: Workshop, join_id: int, reason: str) -> list[int]:
    """Undo a join by hand; return the records that moved.

    Raises:
        NotFoundError: no such join.
        BadRequestError: it can't be undone (any more), or there is no reason given.
    """
    if not reason.strip():
        raise BadRequestError("Say why the two are different people (--reason).")
    with writing(workshop.engine).begin() as connection:
        feed_id = connection.scalar(
            sa.select(_RECORD.c.feed_id)
            .join(_JOIN, _JOIN.c.source_record_id == _RECORD.c.id)
            .where(_JOIN.c.id == join_id)
        )
        if feed_id is None:
            raise NotFoundError(f"There is no join {join_id}. `indexer joins` lists them.")
        run_id = runs.start(connection, feed_id, "unjoin")
        moved = joining.undo(
            connection,
            join_id,
            run_id=run_id,
            now=datetime.now(UTC),
            reason=mask_personal_numbers(reason)[:_MOST_REASON],
        )
        runs.close(connection, run_id, "succeeded", Counts(changed=len(moved)))
        return moved
