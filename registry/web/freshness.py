"""How far the search index lags behind SQL truth, cheap enough to tell with every answer."""

from datetime import datetime

import sqlalchemy as sa

from registry.records.read import as_utc
from registry.records.tables import outbox


def oldest_pending_at(connection: sa.Connection) -> datetime | None:
    """Return when the oldest change that is not in the index yet was made (UTC); None = nothing waits.

    Rows are made in the order of their ids, so the first that waits is the oldest; unlike a count, finding it does not
    read the whole outbox after a large pull.
    """
    waiting = sa.select(outbox.c.created_at).where(~outbox.c.dead).order_by(outbox.c.id).limit(1)
    oldest = connection.scalar(waiting)
    return as_utc(oldest) if oldest else None
