"""How long the access log has waited to be sealed: what monitoring asks, so it must cost the same however long the log is."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.ledger import heads, leaves
from registry.access.tables import access_event, access_ledger_head

_EVENT, _HEAD = access_event.c, access_ledger_head.c
# Heads that are looked at for one that can be read; who puts more than these in is seen by `verify`.
_HEADS = 100


def unsealed_for(engine: Engine, now: datetime) -> float:
    """Return for how many seconds the oldest event that is in no head yet has waited; 0 if none waits.

    Says nothing of whether what is sealed still holds, which `verify` is for. An event whose time is none has waited since
    1970, so that it is looked at.

    Raises:
        SQLAlchemyError: the access database does not answer.
    """
    with engine.connect() as connection:
        above, size = _sealed(connection)
        oldest = connection.execute(
            sa.select(leaves.column(connection, "at"))
            .where(_EVENT.id > above, ~leaves.covered(above, size))
            .order_by(_EVENT.id)
            .limit(1)
        ).one_or_none()
    if oldest is None:
        return 0.0
    try:
        written = datetime.fromisoformat(str(leaves.instant(oldest[0])))
    except ValueError:
        return now.timestamp()
    return max(0.0, (now - (written if written.tzinfo else written.replace(tzinfo=UTC))).total_seconds())


def _sealed(connection: sa.Connection) -> tuple[int, int]:
    """Return where the search may begin, and how many leaves the newest head that can be read covers."""
    highest = connection.scalar(sa.select(sa.func.max(_EVENT.id))) or 0
    rows = connection.execute(
        sa.select(_HEAD.number, _HEAD.signed, _HEAD.settled_id).order_by(_HEAD.number.desc()).limit(_HEADS)
    )
    for row in rows:
        try:
            head = heads.read(row.signed).head
        except ValueError:
            continue
        if head.number == row.number:
            # What is not there yet can't be sealed: such a note was changed.
            return (row.settled_id if row.settled_id <= highest else 0), head.size
    return 0, 0
