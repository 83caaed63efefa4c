"""Up to which id every event is sealed that will ever be: where the search for unsealed ones may begin.

PostgreSQL gives ids in the order in which they are asked for and shows rows in the order of commits, so an event may come to
light long after higher ids were sealed. What is sealed is therefore chosen by what is not in the ledger yet, never by "above
the last id". Only how far back one must look is decided here, and that only moves past an id when nobody can add it any more:
each head notes the highest id of its moment and which transactions ran then; when all of them have ended, a seal that looks
from below has found whatever they left, and the next may begin there. Transactions count, not their numbers (`xmin`):
a number is only given at the first write, after the id was drawn.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from registry.access.tables import access_event, access_ledger_head

# Heads that are looked at for one whose transactions have all ended; older ones tell nothing that these don't.
_HEADS = 100
# Every transaction of this database but our own: virtual ones run in a session, prepared ones have a number only. `pg_locks` and
# these columns of `pg_stat_activity` need no privilege.
_RUNNING = sa.text(
    """SELECT DISTINCT coalesce(held.virtualxid, held.transactionid::text)
    FROM pg_locks AS held LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
    WHERE held.locktype IN ('virtualxid', 'transactionid') AND held.mode = 'ExclusiveLock' AND held.granted
      AND held.pid IS DISTINCT FROM pg_backend_pid()
      AND (session.datid IS NULL OR session.datid = (SELECT oid FROM pg_database WHERE datname = current_database()))"""
)


@dataclass(frozen=True, slots=True)
class Horizon:
    """What a seal needs to know before it looks for events.

    Attributes:
        begin: there is no unsealed event up to this id, and none will come.
        then: what the next seal may begin with when this one has sealed all it found.
        seen: the highest id of this moment.
        running: the transactions that may still add lower ones.
    """

    begin: int
    then: int
    seen: int
    running: str


def look(connection: sa.Connection) -> Horizon:
    """Look before unsealed events are read, by later statements that see what is committed then (READ COMMITTED).

    The order matters: the highest id first, then who runs. Whoever drew a lower id before is then either still running,
    and noted, or has ended, and is seen by what is read next.
    """
    head = access_ledger_head.c
    seen = connection.scalar(sa.select(sa.func.max(access_event.c.id))) or 0
    running: set[str] = set()
    if connection.dialect.name == "postgresql":
        running = set(connection.scalars(_RUNNING))
    last = connection.execute(
        sa.select(head.seen_id, head.settled_id, head.running).order_by(head.number.desc()).limit(_HEADS)
    ).all()
    begin = last[0].settled_id if last else 0
    if (
        begin > seen
    ):  # nobody has sealed what is not there yet: the note was changed, so the search begins anew
        begin = 0
    ended = (min(row.seen_id, seen) for row in last if running.isdisjoint(row.running.split()))
    then = seen if connection.dialect.name == "sqlite" else max(begin, next(ended, 0))
    return Horizon(begin, then, seen, " ".join(sorted(running)))
