"""Licence numbers that a spreadsheet has held as numbers: who else may be meant, by the number with zeros before it."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from registry.checks.lists.asking import AskedRow
from registry.records.hidden import hidden
from registry.records.read import ids_by_licence_numbers

# Zeros that a number may have lost.
MOST_ZEROS = 6


def others_meant(connection: sa.Connection, rows: Iterable[AskedRow]) -> Mapping[int, tuple[int, ...]]:
    """Find, for rows whose number may have lost zeros and that say nothing else of who is meant, who has it with zeros.

    `0123` and `123` are different numbers in several registers, so a row that says 123 may be about the holder of 0123.
    Protected people are left out, as if they were not there.

    Returns:
        Row number → ids; only rows that may be about somebody else.
    """
    padded = {row.number: _padded(row) for row in rows}
    found = ids_by_licence_numbers(connection, {each for numbers in padded.values() for each in numbers})
    untold = hidden(connection, {person for ids in found.values() for person in ids})
    meant = {
        row: tuple(sorted({person for each in numbers for person in found[each]} - untold))
        for row, numbers in padded.items()
    }
    return {row: ids for row, ids in meant.items() if ids}


def _padded(row: AskedRow) -> list[str]:
    asked = row.question
    if not row.zeros_lost or asked is None or not asked.licence_number or asked.name or asked.birth_date:
        return []
    return ["0" * zeros + asked.licence_number for zeros in range(1, MOST_ZEROS + 1)]
