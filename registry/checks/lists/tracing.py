"""The access log's line of who decided what about a staff list: confirmed its columns, cancelled, resumed or deleted it."""

from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.log import event_values
from registry.access.tables import access_event
from registry.checks.desk import Desk
from registry.checks.purpose import purpose_for

if TYPE_CHECKING:
    from registry.checks.lists.handling import StaffList

Did = Literal["confirm", "cancel", "resume", "delete"]


def trace(
    desk: Desk, connection: sa.Connection, caller: Caller, found: "StaffList", *, did: Did, request_id: str
) -> None:
    """Write the event in the transaction of what was done. It names nobody: no person is shown."""
    values = event_values(
        desk.settings.access,
        caller,
        purpose=purpose_for(desk, caller, found.purpose),
        action="evidence",
        question={"list": found.id, "did": did},
        answer=f"{found.done} of {found.rows} rows",
        request_id=request_id,
    )
    connection.execute(access_event.insert().values(values))
