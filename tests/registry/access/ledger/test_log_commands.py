"""`registry log ...` as an operator, an auditor and a witness run it; and sealing beside other work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from registry.access.ledger.follow import Following, sealing_beside
from registry.access.ledger.keys import KeyRing, signing_key
from registry.access.tables import (
    access_event,
    access_event_subject,
    access_ledger_head,
    access_ledger_leaf,
)
from registry.cli import main
from registry.settings import ROOT, load_settings
from tests.registry.access.ledger.house import KEY_TEXT, OTHER_KEY_TEXT, RING, Log
from tests.support.world import KEYS, World, make_settings

PATIENCE_S = 60.0


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": f"sqlite:///{tmp_path / 'registry.db'}",
        "REGISTRY_SEARCH__TANTIVY__PATH": str(tmp_path / "index"),
        "REGISTRY_LEDGER__SIGNING_KEY": KEY_TEXT,
        "REGISTRY_LEDGER__EVERY_S": "0.05",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return values


@pytest.fixture
def house(environ: dict[str, str], tmp_path: Path) -> Iterator[Log]:
    world = World(make_settings(tmp_path))
    yield Log(world.access_engine)
    world.close()


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["log", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def told(*words: str, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(run(*words, code=code).stdout)


def until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def has_sealed(house: Log, count: int) -> bool:
    return bool(house.scalar("SELECT count(*) FROM access_ledger_leaf") == count)


def test_sealing_and_verifying(house: Log) -> None:
    assert "0 events sealed" in run("seal").stdout
    house.write(3)
    assert "3 events sealed" in run("seal").stdout
    house.write(1)
    text = run("verify").stdout
    assert "3 events under 1 heads; 1 not sealed yet." in text
    assert "The log holds." in text
    report = told("verify", "--json")
    assert (report["holds"], report["notSealedYet"], report["findings"]) == (True, 1, [])


def test_verifying_a_changed_log_names_the_event_and_fails(house: Log) -> None:
    house.write(3)
    run("seal")
    house.tamper("UPDATE access_event SET answer = 'no' WHERE id = 2")
    assert "Event 2 is not what was sealed" in run("verify", code=1).stdout
    assert "The log does NOT hold." in run("verify", code=1).stdout
    (finding,) = told("verify", "--json", code=1)["findings"]
    assert (finding["kind"], finding["eventId"], finding["head"]) == ("event-changed", 2, 1)


def test_many_findings_are_summed_up(house: Log) -> None:
    house.write_many(120)
    run("seal")
    house.tamper("UPDATE access_event SET answer = 'yes'")
    assert "and 20 findings more" in run("verify", code=1).stdout


def test_a_witness_keeps_heads_and_an_auditor_needs_no_private_key(
    house: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing is sealed yet" in run("heads").stdout
    for _ in range(3):
        house.write(2)
        run("seal")
    heads, keys, proof = (tmp_path / name for name in ("heads.json", "keys.json", "proof.json"))
    heads.write_text(run("heads", "--json", "--after", "1").stdout, "utf-8")
    keys.write_text(run("keys").stdout, "utf-8")
    proof.write_text(run("prove", "3").stdout, "utf-8")
    assert [one["number"] for one in json.loads(heads.read_text("utf-8"))["heads"]] == [2, 3]
    assert len(run("heads", "--limit", "2").stdout.splitlines()) == 2

    monkeypatch.delenv("REGISTRY_LEDGER__SIGNING_KEY")
    assert "is not trusted" in run("verify", code=1).stdout
    assert "2 of 2 heads kept elsewhere" in run("verify", "--heads", str(heads), "--keys", str(keys)).stdout
    # A proof needs no database at all.
    monkeypatch.setenv("REGISTRY_DATABASE__URL", f"sqlite:///{tmp_path}/none/nothing.db")
    options = ("verify", "--proof", str(proof), "--keys", str(keys), "--heads", str(heads))
    assert "The proof holds: head 3" in run(*options).stdout
    assert told(*options, "--json")["event"]["id"] == 3
    assert not (tmp_path / "none").exists()
    proof.write_text(proof.read_text("utf-8").replace("yes", "no"), "utf-8")
    assert "does not hold" in run(*options, code=1).stderr


def test_heads_are_proven_to_follow_each_other(house: Log, tmp_path: Path) -> None:
    for _ in range(2):
        house.write(2)
        run("seal")
    proof = tmp_path / "proof.json"
    proof.write_text(run("consistency", "1").stdout, "utf-8")
    told_of = told("verify", "--proof", str(proof), "--json")
    assert (told_of["older"]["number"], told_of["head"]["number"], told_of["event"]) == (1, 2, None)
    assert "There is no head 9" in run("consistency", "1", "9", code=1).stderr


def test_a_new_key_is_one_that_the_settings_take(environ: dict[str, str]) -> None:
    made = told("new-key", "--json")
    settings = load_settings(environ | {"REGISTRY_LEDGER__SIGNING_KEY": made["REGISTRY_LEDGER__SIGNING_KEY"]})
    assert KeyRing([signing_key(settings.ledger.signing_key)]).public().keys[0].kid == made["kid"]
    assert "REGISTRY_LEDGER__SIGNING_KEY=" in run("new-key").stdout
    assert [one["kid"] for one in told("keys")["keys"]] == list(RING.keys)


@pytest.mark.parametrize("value", ["", "nonsense"])
def test_without_a_key_sealing_says_what_to_do(
    value: str, house: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_LEDGER__SIGNING_KEY", value)
    assert "registry log new-key" in run("seal", code=1).stderr
    assert house.scalar("SELECT count(*) FROM access_ledger_head") == 0


def test_a_database_that_can_not_be_read_is_told_in_a_line(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "registry-access.db").write_bytes(b"no database" * 500)
    assert "can't be read to its end (DatabaseError)" in run("verify", code=1).stderr


def test_following_seals_what_comes_and_ends_when_told(house: Log, environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "registry.cli", "log", "seal", "--follow"],
        cwd=ROOT,
        env={**os.environ, **environ},
    )
    try:
        for count in (2, 5):
            house.write(count - int(house.scalar("SELECT count(*) FROM access_event")))
            until(partial(has_sealed, house, count))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    assert house.verify().holds


def test_work_with_a_key_seals_beside_itself(house: Log, environ: dict[str, str]) -> None:
    with sealing_beside(load_settings(environ)):
        house.write(2)
        until(partial(has_sealed, house, 2))
        house.write(1)
    assert has_sealed(house, 3), "the last ones are sealed at the end"
    assert house.verify().holds


def test_work_without_a_key_says_that_nothing_is_sealed(
    house: Log, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with sealing_beside(load_settings(environ | {"REGISTRY_LEDGER__SIGNING_KEY": ""})):
        house.write(1)
    assert "ledger.signing_key is not set" in "".join(capsys.readouterr())
    assert has_sealed(house, 0)


def test_what_hinders_sealing_is_logged_and_tried_again(
    house: Log, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    following = Following(house.engine, load_settings(environ))
    house.write(1)
    assert following.once() == 1
    house.write(1)
    stranger = Following(
        house.engine, load_settings(environ | {"REGISTRY_LEDGER__SIGNING_KEY": OTHER_KEY_TEXT})
    )
    assert stranger.once() == 0
    assert "which is not trusted" in "".join(capsys.readouterr())
    with house.behind() as connection:
        connection.exec_driver_sql("ALTER TABLE access_ledger_leaf RENAME TO elsewhere")
    assert following.once() == 0
    assert "OperationalError" in "".join(capsys.readouterr())
    with house.behind() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO access_ledger_leaf")
    assert following.once() == 1


def cut_back(house: Log, to: int) -> None:
    """Set the log back to its first head, as a restored backup would, behind every trigger."""
    with house.engine.connect() as connection:
        triggers = (
            connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            .scalars()
            .all()
        )
        for name in triggers:
            connection.execute(sa.text(f'DROP TRIGGER "{name}"'))
        connection.execute(access_ledger_head.delete().where(access_ledger_head.c.number > to))
        size = connection.scalar(sa.select(sa.func.max(access_ledger_head.c.size)))
        kept = sa.select(access_ledger_leaf.c.event_id).where(access_ledger_leaf.c.position < size)
        connection.execute(access_event_subject.delete().where(access_event_subject.c.event_id.not_in(kept)))
        connection.execute(access_event.delete().where(access_event.c.id.not_in(kept)))
        connection.execute(access_ledger_leaf.delete().where(access_ledger_leaf.c.position >= size))
        connection.commit()


def test_a_log_that_is_cut_back_is_betrayed_by_the_file_of_who_seals(
    house: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "head.json"
    house.write(3)
    assert "Nothing kept elsewhere was compared" in run("verify").output
    monkeypatch.setenv("REGISTRY_LEDGER__STATE_FILE", str(file))
    assert "3 events sealed" in run("seal").output
    house.write(2)
    assert "2 events sealed" in run("seal").output
    assert "1 of 1 heads kept elsewhere are in the log as they were." in run("verify").output
    before = file.read_bytes()
    cut_back(house, 1)
    assert "Head 2, which ledger.state_file keeps" in run("seal", code=1).output
    assert "The log does NOT hold." in run("verify", code=1).output
    house.write(4)
    assert "is not in the log" in run("seal", code=1).output, "nothing is built on it"
    assert file.read_bytes() == before
    monkeypatch.setenv("REGISTRY_LEDGER__STATE_FILE", "")
    assert "The log holds." in run("verify").output, "which is why it is kept elsewhere"


def test_following_says_that_it_does_not_seal_on_a_log_that_was_cut_back(
    house: Log, environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings({**environ, "REGISTRY_LEDGER__STATE_FILE": str(tmp_path / "head.json")})
    following = Following(house.engine, settings)
    for _ in range(2):
        house.write(2)
        assert following.once() == 2
    cut_back(house, 1)
    house.write(1)
    assert following.once() == 0
    assert "access_log_not_sealed" in "".join(capsys.readouterr())


def test_a_file_that_can_not_be_read_or_written_is_told(
    house: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write(1)
    monkeypatch.setenv("REGISTRY_LEDGER__STATE_FILE", str(tmp_path / "nowhere" / "head.json"))
    assert "can't be written" in run("seal", code=1).output
    (tmp_path / "junk").write_text("junk", encoding="utf-8")
    monkeypatch.setenv("REGISTRY_LEDGER__STATE_FILE", str(tmp_path / "junk"))
    assert run("seal", code=1).output.startswith("Error: ")
    monkeypatch.setenv("REGISTRY_LEDGER__STATE_FILE", str(tmp_path))
    assert "can't be read" in run("verify", code=1).output
