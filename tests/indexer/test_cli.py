"""The `indexer` and `registry` commands as an operator meets them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from indexer.cli import main as indexer
from indexer.cli_changes import HELD
from registry import cli
from registry.records import tables as t
from tests.support.authorities import Authorities, authorities
from tests.support.world import KEYS, World, make_settings

Run = Callable[..., Result]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": f"sqlite:///{tmp_path / 'registry.db'}",
        "REGISTRY_SEARCH__TANTIVY__PATH": str(tmp_path / "index"),
        "REGISTRY_FEEDS_DIR": str(tmp_path / "feeds"),
    }


@pytest.fixture
def run(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str, expect: int = 0) -> Result:
        group = {"indexer": indexer, "registry": cli.main}[arguments[0]]
        result = CliRunner().invoke(group, arguments[1:])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        return result

    return command


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Authorities]:
    with authorities(tmp_path) as found:
        yield found


def test_the_usual_round_from_an_empty_machine_to_a_compared_index(run: Run, served: Authorities) -> None:
    run("registry", "migrate")
    assert run("indexer", "feeds").output.count("\n") == 3
    pulled = json.loads(run("indexer", "pull", "--all", "--json").stdout)
    published = json.loads(run("indexer", "publish", "--json").stdout)
    compared = json.loads(run("indexer", "compare", "--json").stdout)
    rebuilt = json.loads(run("indexer", "rebuild", "--json").stdout)
    status = json.loads(run("indexer", "status", "--json").stdout)

    assert {report["state"] for report in pulled} == {"succeeded"}
    assert published["failed"] == 0
    assert compared["expected"] == rebuilt["documents"] == status["index"]["documents"] > 0
    assert (compared["missing"], compared["extra"], compared["stale"]) == (0, 0, 0)
    assert status["outbox"] == {"waiting": 0, "oldestSeconds": None, "deadLetters": 0}
    assert all(feed["fresh"] for feed in status["feeds"])


def test_output_for_people_says_what_happened(run: Run, served: Authorities) -> None:
    run("registry", "migrate")
    first = run("indexer", "pull", "hosp").output
    second = run("indexer", "pull", "hosp").output
    reread = run("indexer", "pull", "hosp", "--reread").output
    quarantine = run("indexer", "status", "hosp").output
    status = run("indexer", "status").output

    assert "added, 0 changed" in first
    assert "has not changed since the last pull" in second
    assert "0 changed" in reread
    assert quarantine.startswith("row ")
    assert "hosp" in status
    assert "fresh" in status


def test_a_feed_that_fails_gives_exit_code_1_and_says_why(run: Run, served: Authorities) -> None:
    run("registry", "migrate")
    served.faults.set("hosp", "truncated")

    assert "failed, nothing was changed" in run("indexer", "pull", "hosp", expect=1).output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("indexer", "pull"), "Name a feed or use --all"),
        (("indexer", "pull", "nobody"), "No such feed: nobody"),
        (("indexer", "compare"), "indexer rebuild"),
    ],
)
def test_a_wrong_command_says_what_to_do(
    run: Run, served: Authorities, arguments: tuple[str, ...], says: str
) -> None:
    run("registry", "migrate")

    assert says in run(*arguments, expect=1).output


def test_commands_refuse_a_database_that_is_not_migrated(run: Run, served: Authorities) -> None:
    assert "Run `registry migrate`" in run("indexer", "pull", "--all", expect=1).output


def test_a_held_run_is_looked_at_and_approved(run: Run, served: Authorities, tmp_path: Path) -> None:
    run("registry", "migrate")
    run("indexer", "pull", "washington")
    world = World(make_settings(tmp_path))
    with world.engine.begin() as connection:
        # As if the last good file had held twice as many.
        rows = connection.execute(sa.select(t.source_record)).mappings().all()
        extra = [
            {
                **row,
                "id": row["id"] + 10**6,
                "key": f"old-{row['key']}",
                "fingerprint": row["fingerprint"] ^ 1,
            }
            for row in rows
        ]
        connection.execute(sa.insert(t.source_record), extra)
    world.close()

    dry = run("indexer", "pull", "washington", "--full", "--dry-run", expect=HELD).output
    held = run("indexer", "pull", "washington", "--full", expect=HELD).output
    (report,) = json.loads(run("indexer", "runs", "washington", "--limit", "1", "--json").stdout)
    number = str(report["id"])

    assert dry.startswith("Dry run, nothing was changed.")
    assert f"{len(extra)} removals" in held
    assert f"indexer approve {number}" in held
    assert f"indexer approve {number}" in run("indexer", "status", "--check", expect=1).output
    assert "held" in run("indexer", "receipt", number).output
    assert f"{len(extra)} removed" in run("indexer", "approve", number, "--dry-run").output
    assert f"{len(extra)} removed" in run("indexer", "approve", number).output
    assert "Nothing waits" in run("indexer", "approve", number, expect=1).output

    assert f"indexer rollback {number}" in run("indexer", "rollback", "1", expect=1).output


def test_a_run_is_rolled_back_and_its_file_refused(run: Run, served: Authorities) -> None:
    run("registry", "migrate")
    (report,) = json.loads(run("indexer", "pull", "washington", "--json").stdout)
    number = str(report["run"])
    assert "rolled back" in run("indexer", "rollback", number, "--dry-run").output
    back = json.loads(run("indexer", "rollback", number, "--json").stdout)

    assert back["counts"]["removed"] == report["counts"]["added"]
    assert "0 differ" in run("indexer", "renormalize", "--all").output
    assert "has been rolled back" in run("indexer", "pull", "washington", expect=1).output


def test_a_receipt_lists_what_was_not_taken_in(run: Run, served: Authorities) -> None:
    run("registry", "migrate")
    (report,) = json.loads(run("indexer", "pull", "hosp", "--json").stdout)
    number = str(report["run"])
    receipt = json.loads(run("indexer", "receipt", number, "--json").stdout)
    lines = run("indexer", "receipt", number, "--errors", "ndjson").output.splitlines()
    table = run("indexer", "receipt", number, "--errors", "table").output.splitlines()
    csv = run("indexer", "receipt", number, "--errors", "csv").output.splitlines()

    assert receipt["run"]["counts"]["quarantined"] == report["counts"]["quarantined"] > 0
    assert len(lines) == len(table) - 1 == len(csv) - 1 == report["counts"]["quarantined"]
    assert {"row", "key", "kind", "reason"} <= json.loads(lines[0]).keys()
    assert any(example["kind"] == "added" for example in receipt["examples"])
    assert "There is no run 999999" in run("indexer", "receipt", "999999", expect=1).output


def test_joins_are_listed_and_undone(run: Run, served: Authorities) -> None:
    run("registry", "migrate")
    assert "No record has been joined" in run("indexer", "joins").output
    run("indexer", "pull", "hosp")
    assert "There is no join 1" in run("indexer", "unjoin", "1", "--reason", "two people", expect=1).output


def test_a_compare_that_finds_a_difference_gives_exit_code_1(
    run: Run, served: Authorities, tmp_path: Path
) -> None:
    run("registry", "migrate")
    run("indexer", "pull", "washington")
    run("indexer", "publish")
    world = World(make_settings(tmp_path))
    with world.engine.begin() as connection:
        connection.execute(sa.update(t.practitioner).values(protected=True))

    assert "extra" in run("indexer", "compare", expect=1).output
    world.close()


def test_keys_are_new_each_time_and_fit_the_settings(run: Run) -> None:
    first = json.loads(run("registry", "keys", "--json").stdout)
    second = json.loads(run("registry", "keys", "--json").stdout)

    assert first.keys() == KEYS.keys()
    assert not set(first.values()) & set(second.values())


def test_settings_are_shown_without_secrets(run: Run) -> None:
    shown = run("registry", "settings").output

    assert "privacy.digest_key = '(set)'" in shown
    assert not any(value in shown for value in KEYS.values())


def test_the_schema_check_is_clean(run: Run) -> None:
    assert "schema" in run("registry", "migrate", "--check").output


def test_the_sandboxes_refuse_to_run_for_real(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REGISTRY_SERVICE__SANDBOX", "false")
    provider = tmp_path / "provider.json"
    provider.write_text('{"users": [], "clients": []}')

    assert "service.sandbox = true" in run("indexer", "sandbox", expect=1).output
    assert "service.sandbox = true" in run("registry", "sandbox", "--file", str(provider), expect=1).output
    assert "can't be read" in run("registry", "sandbox", "--file", str(tmp_path / "none"), expect=1).output
    provider.write_text('{"users": [{"nobody": 1}], "clients": []}')
    assert "provider.json" in run("registry", "sandbox", "--file", str(provider), expect=1).output


def test_help_tells_a_stranger_where_to_begin(run: Run) -> None:
    for group in ("indexer", "registry"):
        assert "indexer pull --all" in run(group, "--help").output
