"""The records of whoever is logged in: those that hold their own personal identity number."""

from registry.access.guard import current_caller
from registry.records import read
from registry.records.read import Practitioner
from registry.web.context import context


def own_people() -> list[Practitioner]:
    """Read them, protected ones included; none where the login gave no number."""
    number, shared = current_caller().personal_number, context()
    if number is None:
        return []
    with shared.truth.connect() as connection:
        ids = read.ids_by_personal_number(connection, shared.sealer, number.reveal())
        return list(read.practitioners(connection, ids).values())
