"""Four defects found in the nearest open-source system by running it; none of them may be possible here.

Each test does what showed the defect there: re-send, send unchanged, send late, let a date pass.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.publish import publish
from registry.records import read
from registry.records import tables as t
from registry.records.facts import PersonFacts, RestrictionFacts
from registry.search import IndexEngine, SearchQuery
from registry.verification.question import Question
from tests.registry.verification.conftest import BORN, NUMBER, Desk, of
from tests.support.facts_feed import FactsFeed
from tests.support.world import World, licence, person


@pytest.fixture
def desk(house: World, index: IndexEngine) -> Iterator[Desk]:
    return Desk(house, index)  # type: ignore[return-value]


def nurse(**rest: object) -> PersonFacts:
    return person(
        "Andersson", "Anna", birth_date=BORN, identifiers=(of(NUMBER),), licences=[licence("1001", **rest)]
    )


def answer(desk: Desk, on: date | None = None) -> str:
    question = Question(personal_number=NUMBER, profession="registered-nurse", on_date=on)
    return desk.ask(question, datetime.now(UTC)).verification.answer


def versions(world: World) -> int:
    return world.count(t.licence_version)


@pytest.mark.parametrize("told_as", ["status", "restriction"])
def test_1_a_licence_sent_again_does_not_erase_a_suspension(desk: Desk, tmp_path: Path, told_as: str) -> None:
    board = FactsFeed(desk.world, tmp_path, id="board")
    state = FactsFeed(desk.world, tmp_path, id="state")
    state.pull({"s1": nurse()})
    assert answer(desk) == "yes"
    suspended = (
        nurse(status="suspended")
        if told_as == "status"
        else nurse(restrictions=(RestrictionFacts(kind="suspended"),))
    )
    board.pull({"b1": suspended})
    assert answer(desk) != "yes"

    # The state sends the identical licence again, then one that differs in a detail, then nothing of it.
    state.pull(full=True)
    assert answer(desk) != "yes"
    state.pull({"s1": nurse(issued="2001-02-03")})
    assert answer(desk) != "yes"
    state.pull({"s2": person("Berg", "Bo", licences=[licence("2002")])})
    assert answer(desk) != "yes"
    with desk.world.engine.connect() as connection:
        (anna,) = read.practitioners(
            connection, read.ids_by_personal_number(connection, desk.world.sealer, NUMBER)
        ).values()
    told = next(one.facts for one in anna.licences if one.feed_id == "board")
    assert told.status == "suspended" or told.restrictions


def test_2_an_unchanged_upload_writes_no_history(house: World, tmp_path: Path) -> None:
    feed = FactsFeed(house, tmp_path)
    people = {str(n): person("Ek", f"Liv{n}", licences=[licence(str(n))]) for n in range(20)}
    feed.pull(people)
    before = versions(house), house.count(t.source_record_version), house.count(t.outbox)

    feed.pull(full=True)
    feed.pull(dict(reversed(people.items())))  # the same records in another order: other bytes
    feed.pull(reread=True)

    assert (versions(house), house.count(t.source_record_version), house.count(t.outbox)) == before


def test_3_an_older_file_that_arrives_later_changes_nothing_and_says_so(house: World, tmp_path: Path) -> None:
    feed = FactsFeed(house, tmp_path)
    feed.pull({"a": nurse(status="lapsed")}, day=10)
    late = feed.pull({"a": nurse(valid_to="2025-01-01")}, day=9)

    assert late.state == "failed"
    assert "older than the" in late.error
    assert (versions(house), late.counts.changed) == (1, 0)
    with house.engine.connect() as connection:
        assert connection.scalars(sa.select(t.licence.c.status)).all() == ["lapsed"]


def test_4_a_date_that_passes_shows_everywhere_without_an_event(desk: Desk, tmp_path: Path) -> None:
    FactsFeed(desk.world, tmp_path).pull({"a": nurse(valid_to="2026-03-31")})
    publish(desk.world.engine, desk.engine, desk.world.settings, lambda _phase, _amount: None)
    desk.engine.refresh()
    last, next_day = date(2026, 3, 31), date(2026, 4, 1)

    def found(status: str, today: date) -> int:
        return desk.engine.search(SearchQuery(text="Anna Andersson", status=(status,)), today).total

    assert (found("active", last), found("lapsed", last)) == (1, 0)
    assert (found("active", next_day), found("lapsed", next_day)) == (0, 1)
    facets = desk.engine.search(SearchQuery(text="Anna Andersson"), next_day).facets
    assert "active" not in str(facets)
