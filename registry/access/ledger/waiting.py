"""What stands in log and ledger beside what the heads cover: left over entries, and events that wait."""

from datetime import datetime

import sqlalchemy as sa

from registry.access.ledger import leaves
from registry.access.ledger.findings import Findings
from registry.access.tables import access_event, access_ledger_leaf

_EVENT, _LEAF = access_event.c, access_ledger_leaf.c


def look_beyond(connection: sa.Connection, findings: Findings, size: int) -> None:
    """Name entries that no head covers.

    Args:
        connection: to the access database, in a snapshot: what is sealed meanwhile would seem to be left over.
        findings: where they are noted.
        size: leaves that the last head covers.
    """
    surplus, first = connection.execute(
        sa.select(sa.func.count(), sa.func.min(_LEAF.position)).where(
            (_LEAF.position >= size) | (_LEAF.position < 0)
        )
    ).one()
    if surplus:
        findings.add(
            "entry-surplus",
            f"No head covers {surplus} entries of the ledger, from {first} on: heads were removed, or entries were put in.",
            position=first,
        )


def look_at_waiting(
    connection: sa.Connection, findings: Findings, *, size: int, settled: int, overdue: datetime
) -> tuple[int, str | None]:
    """Count the events that no head covers; return how many, and when the oldest was written.

    Args:
        connection: see above.
        findings: where events that were put in, or wait too long, are noted.
        size: leaves that the last head covers.
        settled: up to this id every event was sealed.
        overdue: events written before this moment must be sealed.
    """
    late = _EVENT.id <= settled
    lowest_id = -(2**63)
    count, first, added, lowest = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.min(leaves.column(connection, "at")),
            sa.func.count().filter(late),
            sa.func.min(_EVENT.id).filter(late),
        ).where(~leaves.covered(lowest_id, size))
    ).one()
    if not count:
        return 0, None
    if added:
        findings.add(
            "event-added",
            f"{added} events are not sealed though all up to their ids were, the first is event {lowest}: they were put in "
            "afterwards, or their entries were removed.",
            event_id=lowest,
        )
    since, bound = str(leaves.instant(first)), str(leaves.instant(overdue))
    if since < bound:
        findings.add(
            "overdue",
            f"{count} events are not sealed yet, the oldest since {since}: either nothing seals (see docs/access-log.md), or "
            "the newest heads were removed, or events were put in afterwards.",
        )
    return int(count), since
