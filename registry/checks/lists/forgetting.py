"""Forgetting whoever has become protected since a list was run: what told of them tells of nobody, for good."""

from collections import Counter
from collections.abc import Collection
from threading import Event

import msgspec
import sqlalchemy as sa

from registry.checks.desk import Desk
from registry.checks.lists import sealed
from registry.checks.lists.ending import counts_text
from registry.checks.lists.handling import OPEN
from registry.checks.lists.results import TOLD_OF_NOBODY, Values
from registry.checks.lists.tables import staff_list, staff_list_row
from registry.database import writing
from registry.records import bulk
from registry.records.hidden import all_protected, protected

_CHUNK = 1000
# Rows up to which a list's people are looked up one by one.
_FEW = 1000
_row = staff_list_row.c


class Sweep:
    """Lets lists that have ended forget whoever has become protected, without waiting until somebody opens them.

    Each list is looked at once for the same protected people: what was done is remembered in this process alone, so another one
    looks again, and changes nothing. Safe to end after any list.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._swept: dict[str, int] = {}

    def run(self, stop: Event) -> int:
        """Look at every list that has ended; return how many rows were changed. `stop` ends it after the list under way."""
        with self._desk.truth.connect() as truth:
            known = hash(all_protected(truth))
        with self._desk.access.connect() as connection:
            ended = sa.select(staff_list.c.id, staff_list.c.rows).where(staff_list.c.state.not_in(OPEN))
            lists = {row.id: row.rows for row in connection.execute(ended)}
        self._swept = {each: seen for each, seen in self._swept.items() if each in lists}
        changed = 0
        for list_id, rows in lists.items():
            if stop.is_set():
                break
            if self._swept.get(list_id) != known:
                changed += forget_protected(self._desk, list_id, rows)
                self._swept[list_id] = known
        return changed


def forget_protected(desk: Desk, list_id: str, size: int) -> int:
    """Make rows about people who are protected now rows about nobody; return how many rows were changed.

    Args:
        desk: of either database.
        list_id: a list that has ended.
        size: how many rows it has.

    Only who is known to be protected is forgotten: somebody who is not in the register at all may come back with the rest of
    it. Of a row that tells of several the others stay.
    """
    people, several = _about(desk, list_id, size)
    rows = sorted(people)
    if not rows:
        return 0
    with writing(desk.access).begin() as connection:
        lock = sa.select(staff_list.c.counts).where(staff_list.c.id == list_id).with_for_update()
        counts = Counter(msgspec.json.decode(connection.scalar(lock) or b"{}", type=dict[str, int]))
        for start in range(0, len(rows), _CHUNK):
            some = (_row.list_id == list_id) & _row.row.in_(rows[start : start + _CHUNK])
            for each in connection.execute(sa.select(staff_list_row).where(some)).all():
                kept = sealed.open_detail(desk.sealer, list_id, each.detail)
                values, detail = _forgotten(kept, several & frozenset(kept.get("ids", ())))
                values["detail"] = sealed.seal_detail(desk.sealer, list_id, detail)
                this = (_row.list_id == list_id) & (_row.row == each.row)
                connection.execute(sa.update(staff_list_row).where(this).values(values))
                if "result" in values:
                    counts[each.result] -= 1
                    counts[values["result"]] += 1
        this_list = staff_list.c.id == list_id
        connection.execute(sa.update(staff_list).where(this_list).values(counts=counts_text(counts)))
    return len(rows)


def _forgotten(kept: Values, gone: Collection[int]) -> tuple[Values, Values]:
    """Return the columns and the detail of a row that must not tell of `gone` any more."""
    left = [each for each in kept.get("ids", ()) if each not in gone]
    if left and gone:
        # It stays a row of several, even with one left: that one was never said to be whom the row means.
        return {"practitioner_id": left[0] if len(left) == 1 else None}, {**kept, "ids": left}
    plain = {name: kept[name] for name in TOLD_OF_NOBODY if name in kept}
    return {"result": "notFound", "practitioner_id": None}, plain


def _about(desk: Desk, list_id: str, size: int) -> tuple[set[int], frozenset[int]]:
    """Return the rows that tell of people who are protected, and these people.

    Few rows are looked up by the people in them; of a large list those who are protected are far fewer than its people.
    """
    mine = _row.list_id == list_id
    with desk.access.connect() as connection:
        # Of several: told only by the sealed detail.
        ambiguous = mine & (_row.result == "ambiguous") & _row.practitioner_id.is_(None)
        several = {
            row: sealed.open_detail(desk.sealer, list_id, detail).get("ids", [])
            for row, detail in connection.execute(sa.select(_row.row, _row.detail).where(ambiguous))
        }
        about: list[tuple[int, int]] = []
        if size <= _FEW:
            one = sa.select(_row.row, _row.practitioner_id).where(mine & _row.practitioner_id.is_not(None))
            about = [(row, person) for row, person in connection.execute(one)]
    with desk.truth.connect() as truth:
        if size <= _FEW:
            people = {person for _, person in about}.union(*several.values())
            gone = protected(truth, people)
        else:
            gone = all_protected(truth)
    if not gone:
        return set(), gone
    rows = {row for row, people_of in several.items() if not gone.isdisjoint(people_of)}
    rows.update(row for row, person in about if person in gone)
    if size > _FEW:
        with desk.access.connect() as connection:
            told = mine & _row.practitioner_id.in_(bulk.ids(connection, sorted(gone)))
            rows.update(connection.scalars(sa.select(_row.row).where(told)))
    return rows, gone
