"""An answer read in several statements: a run that commits in between never pairs facts of before it with facts of after it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.checks.desk import Desk, open_desk
from registry.database import of_one_moment
from registry.verification.question import Question
from tests.support.world import World, licence, person

NOW = datetime.now(UTC)


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    made = open_desk(world.settings)
    yield made
    made.close()


def learn(world: World, days_ago: int, status: str) -> None:
    world.describe_feed(max_age_hours=24 * 30)
    people = {"a": person("Ek", "Liv", licences=[licence("1", status=status)])}
    world.load(people, finished_at=NOW - timedelta(days=days_ago))


@pytest.mark.parametrize(
    "question",
    [
        Question(licence_number="1", on_date=(NOW - timedelta(days=2)).date()),
        Question(licence_number="1", known_at=NOW - timedelta(days=1)),
    ],
    ids=["a past day", "a moment of knowledge"],
)
def test_what_a_run_commits_between_two_statements_is_not_seen(
    world: World, desk: Desk, question: Question
) -> None:
    learn(world, 9, "active")
    before = desk.verify(question).verification
    assert before.answer == "yes"
    committed: list[bool] = []

    def commit_in_between(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # Nothing has been read yet when SQLite has only begun.
        if not committed and not statement.startswith("BEGIN"):
            committed.append(True)
            learn(world, 4, "revoked")

    sa.event.listen(desk.truth, "after_cursor_execute", commit_in_between)
    meanwhile = desk.verify(question).verification
    sa.event.remove(desk.truth, "after_cursor_execute", commit_in_between)
    after = desk.verify(question).verification

    assert committed
    assert after.answer == "no"
    for one in (before, meanwhile):
        [source], [checked] = one.sources, one.licences
        assert (one.answer, checked.verdict.licence.facts.status) == ("yes", "active")
        assert source.feed.last_success_at == NOW - timedelta(days=9)


def test_questions_by_number_about_today_stay_one_statement(desk: Desk) -> None:
    verifier, today = desk.verifier(), desk.today()
    for question, one in (
        (Question(licence_number="1"), True),
        (Question(personal_number="1", licence_number=" "), True),
        (Question(licence_number="1", on_date=today), True),
        (Question(licence_number="1", on_date=today - timedelta(days=1)), False),
        (Question(licence_number="1", known_at=NOW), False),
        (Question(name="Liv Ek", birth_date="1980-01-01", licence_number=" "), False),
    ):
        assert verifier.takes_one_statement(question, desk.now()) is one


def test_a_transaction_of_one_moment_writes_nothing_on_postgresql(desk: Desk) -> None:
    if desk.truth.dialect.name == "sqlite":
        assert of_one_moment(desk.truth) is desk.truth
        return
    with of_one_moment(desk.truth).connect() as connection:
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "repeatable read"
        with pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
            connection.execute(sa.text("DELETE FROM hold"))
    # What is borrowed is given back as it was.
    with desk.truth.connect() as connection:
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "read committed"
        assert connection.scalar(sa.text("SHOW transaction_read_only")) == "off"
