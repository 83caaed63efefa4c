"""`registry recompute`: evidence worked out again by the operator, told in the access log, silent about the protected."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from registry import cli_recompute
from registry.access.caller import Caller
from registry.access.tables import access_event
from registry.checks.desk import Desk, open_desk
from registry.checks.one import check
from registry.cli import main
from registry.records.facts import LicenceFacts
from registry.settings import Settings
from registry.verification.question import Question
from tests.registry.checks.asking import subjects
from tests.support.world import World, licence, person

Command = Callable[..., Result]
REVOKED = licence("1", status="revoked")


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    made = open_desk(world.settings)
    yield made
    made.close()


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command over this registry."""

    def settings() -> Settings:
        return world.settings

    monkeypatch.setattr(cli_recompute, "load_settings", settings)
    return lambda *arguments: CliRunner().invoke(main, ["recompute", *arguments])


def learn(world: World, days_ago: int, one: LicenceFacts, **facts: Any) -> None:  # noqa: ANN401 - of a person
    """Let the registry have learnt what holds of Liv Ek."""
    world.describe_feed(max_age_hours=24 * 30)
    people = {"a": person("Ek", "Liv", licences=[one], **facts), "b": person("Alm", "Bo")}
    world.load(people, finished_at=datetime.now(UTC) - timedelta(days=days_ago))


def ask(desk: Desk, caller: Caller, days_ago: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Check licence 1 some days ago; return the evidence's id."""
    then = datetime.now(UTC) - timedelta(days=days_ago)
    with monkeypatch.context() as patch:
        patch.setattr(Desk, "now", lambda _: then)
        question = Question(licence_number="1")
        return check(desk, caller, question, purpose="recruitment", request_id="r-1").id


def opened(desk: Desk) -> list[sa.Row[Any]]:
    with desk.access.connect() as connection:
        query = sa.select(access_event).where(access_event.c.action == "evidence")
        return list(connection.execute(query.order_by(access_event.c.id)))


def test_old_evidence_says_the_same_whatever_was_learnt_since(
    world: World, desk: Desk, caller: Caller, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(world, 9, licence("1"))
    evidence = ask(desk, caller, 5, monkeypatch)
    learn(world, 2, REVOKED)
    told = command(evidence, "--lang", "en")
    assert told.exit_code == 0, told.output
    assert "was yes, recomputed yes" in told.output
    assert "Nothing differs." in told.output
    (event,) = opened(desk)
    assert (event.issuer, event.client_id, event.organisation) == (
        "registry-command",
        "registry recompute",
        "",
    )
    assert (event.purpose, event.answer) == ("recruitment", "recomputed")
    assert json.loads(event.question) == {"id": evidence, "recompute": True}
    assert len(subjects(desk, event.id)) == 1


def test_what_differs_is_told_in_words_and_for_programs(
    world: World, desk: Desk, caller: Caller, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(world, 9, licence("1"))
    evidence = ask(desk, caller, 5, monkeypatch)
    # Somebody has changed history: a run that is dated before the answer, which could not know it.
    learn(world, 7, REVOKED)
    assert "Svaret: ja → nej" in command(evidence).output
    told = json.loads(command(evidence, "--json").output)
    assert (told["id"], told["verdict"], told["recomputed"]) == (evidence, "yes", "no")
    assert ("licence.status", "active", "revoked") in {
        (one["field"], one["before"], one["after"]) for one in told["changes"]
    }


def test_of_a_person_who_is_protected_now_nothing_is_printed(
    world: World, desk: Desk, caller: Caller, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(world, 9, licence("1"))
    evidence = ask(desk, caller, 5, monkeypatch)
    learn(world, 2, licence("1"), protected=True)
    unknown = "ver_" + "a" * 22
    answers = {one: command(one) for one in (evidence, unknown, "ver_short")}
    assert {told.exit_code for told in answers.values()} == {1}
    assert len({told.output for told in answers.values()}) == 1
    assert "no such evidence" in answers[evidence].output
    assert [event.answer for event in opened(desk)] == ["not recomputed"] * 3
    # The person may see who looked.
    assert [len(subjects(desk, event.id)) for event in opened(desk)] == [1, 0, 0]


def test_nothing_is_printed_that_is_not_written_down(
    world: World, desk: Desk, caller: Caller, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(world, 9, licence("1"))
    evidence = ask(desk, caller, 5, monkeypatch)
    with desk.access.begin() as connection:
        connection.execute(sa.text("ALTER TABLE access_event RENAME TO somewhere_else"))
    told = command(evidence)
    assert told.exit_code == 1
    assert "recomputed" not in told.output
