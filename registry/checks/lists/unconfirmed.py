"""A list that waits for its columns: its first rows to look at, and the first of all, which may be a person and no header."""

import sqlalchemy as sa

from registry.access.caller import Caller
from registry.checks.desk import Desk
from registry.checks.lists import handling, sealed
from registry.checks.lists.ending import numbers_text
from registry.checks.lists.reading import Row
from registry.checks.lists.tables import staff_list, staff_list_part
from registry.database import writing
from registry.identifiers import mask_personal_numbers


def sample(desk: Desk, caller: Caller, list_id: str, rows: int) -> list[Row]:
    """Return the first rows of a list, what may be a personal identity number masked.

    Raises:
        NotFoundError: there is none of the caller's organisation.
    """
    handling.read(desk, caller, list_id)
    with desk.access.connect() as connection:
        found = connection.scalar(sa.select(staff_list_part.c.rows).where(_first_part(list_id)))
    if found is None:
        return []
    return [
        (number, [mask_personal_numbers(cell) for cell in cells])
        for number, cells in sealed.open_rows(desk.sealer, list_id, found)[:rows]
    ]


def keep_first(desk: Desk, caller: Caller, list_id: str) -> bool:
    """Put the row that was taken for the header (`Sent.first`) before the others; tell whether there was one.

    What the headers said is taken away: it is about a person.

    Raises:
        NotFoundError: there is no such list of the caller's organisation.
    """
    handling.read(desk, caller, list_id)
    with writing(desk.access).begin() as connection:
        mine = (staff_list.c.id == list_id) & (staff_list.c.state == "mapping")
        found = connection.execute(
            sa.select(staff_list.c.frame, staff_list.c.rows).where(mine).with_for_update()
        ).first()
        frame = sealed.open_frame(desk.sealer, list_id, found.frame) if found else {}
        if found is None or not frame["first"]:
            return False
        kept = connection.scalars(sa.select(staff_list_part.c.rows).where(_first_part(list_id))).one()
        rows = [sealed.row_of(frame["first"]), *sealed.open_rows(desk.sealer, list_id, kept)]
        frame = {**frame, "first": None, "headers": [""] * len(frame["headers"]), "unknown": []}
        values = {"frame": sealed.seal_frame(desk.sealer, list_id, frame), "rows": found.rows + 1}
        connection.execute(sa.update(staff_list).where(mine).values(values))
        part = {
            "rows": sealed.seal_rows(desk.sealer, list_id, rows),
            "numbers": numbers_text(number for number, _ in rows),
        }
        connection.execute(sa.update(staff_list_part).where(_first_part(list_id)).values(part))
    return True


def _first_part(list_id: str) -> sa.ColumnElement[bool]:
    return (staff_list_part.c.list_id == list_id) & (staff_list_part.c.number == 0)
