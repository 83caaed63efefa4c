"""Deleting what is kept no longer, and the commands of an operator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from registry import cli_checks
from registry.access.caller import Caller
from registry.access.tables import access_event
from registry.checks import idempotency, past, unusual
from registry.checks.desk import Desk
from registry.checks.purge import Purged, purge
from registry.checks.tables import check_evidence, check_quota, check_unusual, idempotency_key
from registry.cli import main
from registry.errors import NotFoundError
from registry.settings import Settings
from tests.registry.checks.asking import ask, events, kept
from tests.support.world import World

Command = Callable[..., Result]


def _count(desk: Desk, table: sa.Table) -> int:
    with desk.access.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _later(desk: Desk, **later: float) -> Purged:
    return purge(desk.access, desk.settings.checks, datetime.now(UTC) + timedelta(**later))


def test_evidence_goes_after_its_time_and_the_access_log_stays(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller)
    days = desk.settings.checks.evidence_keep_days
    assert _later(desk, days=days - 1).evidence == 0
    assert past.fetch(desk, caller, checked.id, request_id="r").kept.id == checked.id
    logged = _count(desk, access_event)
    assert _later(desk, days=days + 1).evidence >= 1
    with pytest.raises(NotFoundError):
        past.fetch(desk, caller, checked.id, request_id="r")
    assert kept(desk, caller) == []
    assert _count(desk, access_event) == logged + 1, "the log of the fetch was added, nothing was deleted"
    assert [event.action for event in events(desk, caller)] == ["verify", "evidence", "evidence"]


def test_many_parts_are_deleted_one_after_the_other(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.checks.purge._PART", 2)
    for _ in range(5):
        ask(desk, caller)
    assert _later(desk, days=2000).evidence >= 5
    assert _count(desk, check_evidence) == 0


def test_keys_counts_and_old_rows_go_too(desk: Desk, caller: Caller) -> None:
    idempotency.claim(
        desk.access,
        desk.settings.checks,
        desk.sealer,
        caller,
        operation="verify",
        key="k",
        body={},
        now=desk.now(),
    )
    ask(desk, caller, "no-such")
    _notice_something(desk, caller)
    assert _later(desk, hours=1) == Purged(0, 0, 0, 0, 0, 0, 0, 0)
    gone = _later(desk, days=desk.settings.checks.unusual.keep_days + 1)
    assert (gone.keys, gone.unusual) == (1, 1)
    assert gone.quotas >= 2
    for table in (idempotency_key, check_quota, check_unusual):
        assert _count(desk, table) == 0


def _notice_something(desk: Desk, caller: Caller) -> None:
    low = msgspec.structs.replace(desk.settings.checks.unusual, not_found=1)
    assert unusual.notice(desk.access, low, caller, datetime.now(UTC).timestamp()) == ["not-found"]


@pytest.fixture
def command(known: World, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command over this registry."""

    def settings() -> Settings:
        return known.settings

    monkeypatch.setattr(cli_checks, "load_settings", settings)
    return lambda *arguments: CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_an_officer_lists_and_closes_what_was_noticed(desk: Desk, caller: Caller, command: Command) -> None:
    assert "Nobody" in command("unusual-checks").output
    ask(desk, caller, "no-such")
    _notice_something(desk, caller)
    told = command("unusual-checks")
    assert told.exit_code == 0
    assert "not-found: 1 (bound 1)" in told.output
    assert caller.organisation in told.output
    number = told.output.split()[0]
    assert "closed" in command("unusual-checks", "--close", number).output
    again = command("unusual-checks", "--close", number)
    assert (again.exit_code, "no open row" in again.output) == (1, True)
    assert '"kind": "not-found"' in command("unusual-checks", "--json").output
    _later(desk, days=400)


def test_purging_says_what_it_deleted(desk: Desk, caller: Caller, command: Command) -> None:
    _later(desk, days=5000)
    done = command("purge-evidence")
    assert (done.exit_code, done.output[:8]) == (0, "Deleted:")
    ask(desk, caller)
    old = datetime.now(UTC) - timedelta(days=desk.settings.checks.evidence_keep_days + 1)
    with desk.access.execution_options(registry_write=True).begin() as connection:
        connection.execute(check_evidence.update().values(created_at=old))
    assert "Deleted: 1 pieces of evidence" in command("purge-evidence").output
