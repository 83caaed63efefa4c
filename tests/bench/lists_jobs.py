"""Jobs about staff lists, each in a process of its own: a list of people who are in the registry, checked by one worker."""

import random
import time
from collections.abc import Sequence
from typing import Literal

import msgspec
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.checks.desk import Desk, open_desk
from registry.checks.lists import handling
from registry.checks.lists.fields import FIELDS
from registry.checks.lists.handling import Sent
from registry.checks.lists.reading import Row
from registry.checks.lists.worker import Worker
from registry.records import tables as t
from registry.settings import load_settings
from tests.bench.processes import BenchError

Kind = Literal["number", "name"]
_SEED = 20260101
_CALLER = Caller("bench", "bench", organisation="5560000001")


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A list that one worker has checked.

    Attributes:
        seconds: on the clock.
        processor_s: of the worker's own processor time.
        found: rows that found somebody.
    """

    kind: str
    rows: int
    seconds: float
    processor_s: float
    found: int


def check(by: Kind, rows: int) -> Checked:
    """Send a list and check it; measured from the claim to the last commit."""
    desk = open_desk(load_settings())
    try:
        asked = draw(desk, by, rows)
        # What a worker does once in its life is not the list's: models, counts of names, connections.
        _send(desk, asked[:50])
        Worker(desk).run(once=True)
        sent = _send(desk, asked)
        began, used = time.perf_counter(), time.process_time()
        Worker(desk).run(once=True)
        seconds, processor_s = time.perf_counter() - began, time.process_time() - used
        done = handling.read(desk, _CALLER, sent)
        if done.state != "done" or done.done != rows:
            raise BenchError(f"The list is {done.state}, {done.done} of {rows} rows.")
        found = sum(number for result, number in done.counts.items() if result.startswith("found"))
    finally:
        desk.close()
    return Checked(kind=by, rows=rows, seconds=seconds, processor_s=processor_s, found=found)


def _send(desk: Desk, rows: Sequence[Row]) -> str:
    columns = {field: place for place, field in enumerate(FIELDS)}
    sent = Sent(purpose="employment", headers=FIELDS, columns=columns, rows=rows)
    return handling.send(desk, _CALLER, sent, "bench").id


def draw(desk: Desk, kind: Kind, count: int) -> list[Row]:
    """Draw rows about people without a protected identity, at random, always the same way."""
    person, name, licence = t.practitioner.c, t.practitioner_name.c, t.licence.c
    if kind == "number":
        query = sa.select(licence.number).join(t.practitioner, person.id == licence.practitioner_id)
        query = query.where((licence.number != "") & ~person.protected)
    else:
        query = sa.select(name.given, name.family, person.birth_date)
        query = query.join(t.practitioner, person.id == name.practitioner_id).where(
            (name.use == "official")
            & ~person.protected
            & (sa.func.length(person.birth_date) == len("1980-05-03"))
        )
    with desk.truth.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET statement_timeout = 0"))
        found = list(connection.execute(query))
    random.Random(_SEED).shuffle(found)
    rows = []
    for number in range(1, count + 1):
        each = found[number % len(found)]
        cells = dict.fromkeys(FIELDS, "") | {"reference": str(number)}
        if kind == "number":
            cells["licenceNumber"] = each.number
        else:
            cells |= {
                "givenName": (each.given.split() or [""])[0],
                "familyName": each.family,
                "birthDate": each.birth_date,
            }
        rows.append((number, [cells[field] for field in FIELDS]))
    return rows


class Drawn(msgspec.Struct, frozen=True):
    """Rows for a list that is sent over HTTP."""

    rows: list[list[str]]


def draw_rows(rows: int) -> Drawn:
    """Draw a list as an employer has it: half by number, half by name and birth date."""
    desk = open_desk(load_settings())
    try:
        half = rows // 2
        drawn = [*draw(desk, "number", half), *draw(desk, "name", rows - half)]
    finally:
        desk.close()
    return Drawn([cells for _, cells in drawn])
