"""Migrating a database that holds a register: every row stays, on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from registry import migrate
from registry.database import open_database, writing
from registry.records import read
from registry.records import tables as t
from registry.settings import Settings
from tests.conftest import FRESH
from tests.support.world import make_settings

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FACTS = '{"key":"SJ","profession":"registered-nurse","status":"active"}'
# Rows of every table as 0001 has them, parents first. Run 3 changed licence 30, run 4 found record 21 gone; licence 32 has
# lost its open version, as no database should.
ROWS: dict[str, list[dict[str, Any]]] = {
    "counter": [{"name": "registry", "next_value": 100}],
    "authority": [{"id": "a", "name_sv": "M", "name_en": "A"}],
    "feed": [
        {"id": "f", "authority_id": "a", "name_sv": "K", "name_en": "F", "format": "x", "max_age_hours": 48}
        | {"completeness": "full_history", "mode": "snapshot", "silence_sv": "T", "silence_en": "S"}
    ],
    "feed_run": [
        {"id": run, "feed_id": "f", "started_at": THEN, "finished_at": THEN, "state": "succeeded"}
        | {"records_read": run, "stamp": "2026-01-02T00:00:00Z"}
        for run in (2, 3, 4)
    ],
    "practitioner": [
        {"id": 10, "public_id": "p10", "birth_date": "1980-05-03", "version": 10},
        {"id": 11, "public_id": "p11", "deceased": True, "protected": True, "version": 11},
    ],
    "source_record": [
        {"id": 20, "feed_id": "f", "key": "k20", "practitioner_id": 10, "digest": b"d", "run_id": 2},
        {"id": 21, "feed_id": "f", "key": "k21", "practitioner_id": 11, "digest": b"e", "run_id": 2}
        | {"gone_run_id": 4},
    ],
    "source_record_version": [
        {"id": 1, "source_record_id": 20, "run_id": 2, "digest": b"d", "payload": b"sealed"}
    ],
    "practitioner_name": [
        {"id": 1, "practitioner_id": 10, "source_record_id": 20, "use": "official", "text": "Liv Ek"}
    ],
    "identifier": [
        {"id": 1, "practitioner_id": 10, "source_record_id": 20, "system": "s", "use": "official"}
        | {"digest": b"1", "sealed": b"2"}
    ],
    "licence": [
        {"id": number, "practitioner_id": person, "source_record_id": record, "key": key, "feed_id": "f"}
        | {"authority_id": "a", "profession": "registered-nurse", "status": "active", "gone_run_id": gone}
        for number, person, record, key, gone in (
            (30, 10, 20, "SJ", None),
            (31, 11, 21, "SJ", 4),
            (32, 10, 20, "BM", None),
        )
    ],
    "specialty": [{"id": 1, "licence_id": 30, "code": "33"}],
    "restriction": [{"id": 1, "licence_id": 30, "kind": "probation"}],
    "licence_version": [
        {"id": 1, "licence_id": 30, "known_from_run_id": 2, "known_to_run_id": 3, "facts": FACTS},
        {"id": 2, "licence_id": 30, "known_from_run_id": 3, "facts": FACTS},
        {"id": 3, "licence_id": 31, "known_from_run_id": 2, "known_to_run_id": 4, "facts": FACTS},
        {"id": 4, "licence_id": 31, "known_from_run_id": 4, "gone": True, "facts": FACTS},
    ],
    "outbox": [{"id": 1, "practitioner_id": 10, "created_at": THEN}],
    "quarantined_record": [{"id": 1, "feed_id": "f", "run_id": 2, "row_number": 7, "reason": "no date"}],
}


@pytest.fixture(params=["sqlite", *FRESH])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Settings, sa.Engine]]:
    """A database of revision 0001 with rows in every table."""
    url = None
    if request.param in FRESH:
        fresh: Callable[[], str] = request.getfixturevalue(FRESH[request.param])
        url = fresh()
    settings = make_settings(tmp_path, url)
    migrate.upgrade(settings, "0001")
    engine = open_database(settings.database.url, settings.database, service=False)
    tables = reflected(engine)
    assert ROWS.keys() == {name for name in tables if not name.startswith(("alembic", "access", "web_"))} - {
        "login_flow"
    }
    with writing(engine).begin() as connection:
        for name, rows in ROWS.items():
            for row in rows:
                connection.execute(sa.insert(tables[name]).values(row))
    yield settings, engine
    engine.dispose()


def reflected(engine: sa.Engine) -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    return dict(metadata.tables)


def contents(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables of 0001, with the columns that it was given."""
    found = {}
    tables = reflected(engine)
    with engine.connect() as connection:
        for name, rows in ROWS.items():
            key = next(iter(tables[name].primary_key.columns))
            kept = connection.execute(sa.select(tables[name]).order_by(key)).mappings().all()
            found[name] = [
                {column: _plain(row[column]) for column in given}
                for given, row in zip(rows, kept, strict=True)
            ]
    return found


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return read.as_utc(value)
    return bytes(value) if isinstance(value, memoryview) else value


def test_a_filled_database_is_migrated_without_losing_a_row(filled: tuple[Settings, sa.Engine]) -> None:
    settings, engine = filled
    migrate.upgrade(settings)

    assert contents(engine) == ROWS
    assert migrate.check(settings) == []
    migrate.require_current(settings)
    with engine.connect() as connection:
        licences = connection.execute(sa.select(t.licence.c.id, t.licence.c.run_id))
        runs = {row.id: row.run_id for row in licences}
        kinds = set(connection.scalars(sa.select(t.feed_run.c.kind)))
        unread = set(connection.scalars(sa.select(t.source_record.c.fingerprint)))
        people = read.practitioners(connection, [10, 11])
        feed = read.feeds(connection)["f"]
    assert runs == {30: 3, 31: 4, 32: 2}
    assert (kinds, unread) == ({"pull"}, {None})
    assert [licence.known_since for licence in people[10].licences] == [THEN, THEN]
    assert (people[10].merged_into_id, people[11].listed, feed.held) == (None, False, False)


def test_the_migrated_tables_still_refuse_rows_that_point_at_nothing(
    filled: tuple[Settings, sa.Engine],
) -> None:
    settings, engine = filled
    migrate.upgrade(settings)
    wrong = (
        sa.update(t.licence).values(run_id=999),
        sa.update(t.licence).values(run_id=None),
        sa.update(t.feed_run).values(of_run_id=999),
        sa.update(t.practitioner).values(merged_into_id=999),
        sa.update(t.source_record).values(held_run_id=999),
        sa.delete(t.licence),
        sa.insert(t.held_change).values(feed_id="f", run_id=999, source_record_id=20, kind="change"),
    )
    for statement in wrong:
        with pytest.raises(IntegrityError), writing(engine).begin() as connection:
            connection.execute(statement)


def test_a_migrated_database_can_be_taken_back_and_migrated_again(
    filled: tuple[Settings, sa.Engine],
) -> None:
    settings, engine = filled
    migrate.upgrade(settings)
    migrate.downgrade(settings, "0001")
    assert contents(engine) == ROWS
    assert "run_id" not in reflected(engine)["licence"].columns
    assert "held_change" not in reflected(engine)

    migrate.upgrade(settings)
    assert contents(engine) == ROWS
    assert migrate.check(settings) == []


def test_rows_that_point_at_nothing_stop_the_migration_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    migrate.upgrade(settings, "0001")
    engine = open_database(settings.database.url, settings.database, service=False)
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("INSERT INTO restriction (licence_id, kind) VALUES (999, 'revoked')")

    with pytest.raises(migrate.MigrationError, match="restriction"):
        migrate.upgrade(settings)
    assert "run_id" not in reflected(engine)["licence"].columns
    engine.dispose()
