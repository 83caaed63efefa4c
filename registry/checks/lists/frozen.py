"""The day and the rules that all rows of a list are answered for."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from registry.checks.desk import Desk


def frozen(desk: Desk, on_date: date | None, known_at: datetime | None) -> dict[str, str]:
    """Return `day` and `ruleVersion`, to stand in a list's frame.

    The day is today for every row, however long the list takes. The rules are those for the day asked about; with the
    knowledge of an earlier moment they are told by each row only.
    """
    today = desk.today()
    version = "" if known_at else desk.rules.on(on_date or today).version
    return {"day": today.isoformat(), "ruleVersion": version}


def frozen_anew(desk: Desk, frame: Mapping[str, Any]) -> dict[str, str]:
    """Return `frozen` of now for what a list's frame asks about."""
    on_date, known_at = frame["onDate"], frame["knownAt"]
    return frozen(
        desk,
        date.fromisoformat(on_date) if on_date else None,
        datetime.fromisoformat(known_at) if known_at else None,
    )
