"""Asking in tests: a check with what does not matter filled in, and what the access database then holds."""

from typing import Any

import msgspec
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.log import NOBODY
from registry.access.tables import access_event, access_event_subject
from registry.checks.desk import Desk
from registry.checks.one import Checked, check
from registry.checks.tables import check_evidence
from registry.settings import Settings
from registry.verification.question import Question


def ask(desk: Desk, caller: Caller, licence_number: str = "RN-100.1", **rest: Any) -> Checked:  # noqa: ANN401 - as `check` takes it
    """Check a licence number."""
    given = {"purpose": "recruitment", "request_id": "r-1", **rest}
    question = given.pop("question", Question(licence_number=licence_number))
    return check(desk, caller, question, **given)


def events(desk: Desk, caller: Caller) -> list[sa.Row[Any]]:
    """Return the access log of a caller."""
    with desk.access.connect() as connection:
        query = sa.select(access_event).where(access_event.c.subject == caller.subject)
        return list(connection.execute(query.order_by(access_event.c.id)))


def subjects(desk: Desk, event_id: int) -> set[int]:
    """Return whom an event showed."""
    with desk.access.connect() as connection:
        one = access_event_subject.c
        return set(connection.scalars(sa.select(one.practitioner_id).where(one.event_id == event_id))) - {
            NOBODY
        }


def kept(desk: Desk, caller: Caller) -> list[sa.Row[Any]]:
    """Return the evidence of a caller as it stands in the table."""
    with desk.access.connect() as connection:
        query = sa.select(check_evidence).where(check_evidence.c.subject == caller.subject)
        return list(connection.execute(query.order_by(check_evidence.c.event_id)))


def with_checks(settings: Settings, **changes: Any) -> Settings:  # noqa: ANN401 - settings of any type
    """Return settings with other values in `[checks]`."""
    return msgspec.structs.replace(settings, checks=msgspec.structs.replace(settings.checks, **changes))
