"""What was put in, times that are none, and notes that were changed: named, and nothing stops at them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from registry.access.ledger.errors import LedgerError
from registry.access.ledger.follow import Following
from registry.access.ledger.heads import read_kept
from registry.access.ledger.lag import unsealed_for
from registry.database import writing
from registry.settings import Secret
from tests.registry.access.ledger.house import KEY_TEXT, TABLES, Log
from tests.support.world import make_settings


@pytest.fixture
def sealed(log: Log) -> Log:
    """Three heads: events 1 to 3, 4 to 6, 7 to 9, each about two people."""
    for _ in range(3):
        log.write(3)
        assert log.seal() == 3
    return log


@pytest.mark.parametrize("at", ["infinity", "-infinity", "12026-01-01", "0044-03-15 BC"])
def test_a_time_that_is_none_hinders_neither_sealing_nor_verifying(at: str, log: Log) -> None:
    log.write(2)
    log.tamper(f"UPDATE access_event SET at = '{at}' WHERE id = 1")
    assert unsealed_for(log.engine, datetime.now(UTC)) >= 0
    assert log.seal() == 2
    log.tamper("UPDATE access_event SET at = '2026-01-01 00:00:00.000000' WHERE id = 1")
    assert log.found() == [("event-changed", 1, 1)]


def test_one_character_of_a_time_is_found_on_sqlite(small_log: Log) -> None:
    small_log.write(1)
    small_log.seal()
    small_log.tamper("UPDATE access_event SET at = substr(at, 1, 10) || '?' || substr(at, 12)")
    assert small_log.found() == [("event-changed", 1, 1)]


def test_an_event_put_in_with_an_earlier_time_and_sealed_is_named(sealed: Log) -> None:
    columns = "issuer, subject, purpose, action, request_id"
    sealed.tamper(
        f"INSERT INTO access_event (at, {columns}) SELECT '2020-01-01 00:00:00.000000', {columns} FROM access_event WHERE id = 5"
    )
    sealed.write(1)
    assert sealed.seal() == 2
    assert sealed.found() == [("event-backdated", 10, 4)]


def test_an_event_that_is_younger_than_its_head_is_named(log: Log) -> None:
    log.write(2)
    log.tamper("UPDATE access_event SET at = '2999-01-01 00:00:00.000000' WHERE id = 1")
    log.seal()
    assert log.found() == [("event-backdated", 1, 1)]


def test_entries_that_were_put_in_are_named_and_hide_no_event(sealed: Log) -> None:
    sealed.tamper(
        "INSERT INTO access_ledger_leaf (position, event_id, nonce, hash) "
        "SELECT 9000000000000, 10, nonce, hash FROM access_ledger_leaf WHERE position = 0"
    )
    sealed.write(1)
    report = sealed.verify()
    assert [(one.kind, one.position) for one in report.findings] == [("entry-surplus", 9000000000000)]
    assert report.not_sealed_yet == 1
    assert unsealed_for(sealed.engine, datetime.now(UTC) + timedelta(minutes=5)) > 200


def test_a_note_of_where_unsealed_events_begin_is_not_believed(sealed: Log) -> None:
    sealed.tamper("UPDATE access_ledger_head SET settled_id = 9000000 WHERE number = 3")
    sealed.write(1)
    assert sealed.found() == [("head-changed", None, 3)]
    assert unsealed_for(sealed.engine, datetime.now(UTC) + timedelta(minutes=5)) > 200
    assert sealed.seal() == 1


def test_a_row_can_not_be_replaced_on_sqlite(small_log: Log) -> None:
    small_log.write(1)
    small_log.seal()
    for table in TABLES:
        with (
            pytest.raises(DBAPIError, match="append-only"),
            writing(small_log.engine).begin() as connection,
        ):
            connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    assert small_log.verify().holds


def test_an_entry_in_the_way_of_sealing_is_logged_not_the_end_of_it(
    sealed: Log, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sealed.tamper(
        "INSERT INTO access_ledger_leaf (position, event_id, nonce, hash) "
        "SELECT 9, 99, nonce, hash FROM access_ledger_leaf WHERE position = 0"
    )
    sealed.write(1)
    settings = make_settings(tmp_path)
    ledger = msgspec.structs.replace(settings.ledger, signing_key=Secret(KEY_TEXT))
    assert Following(sealed.engine, msgspec.structs.replace(settings, ledger=ledger)).once() == 0
    assert "IntegrityError" in "".join(capsys.readouterr())


def test_no_head_is_nothing_to_compare_with() -> None:
    with pytest.raises(LedgerError, match="nothing could be compared"):
        read_kept(b"")
