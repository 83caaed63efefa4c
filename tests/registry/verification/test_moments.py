"""What an answer about the past tells beside itself: where it is known from, what waited, and which moments can be asked about."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.errors import BadRequestError
from registry.records import tables as t
from registry.verification.question import Question
from registry.verification.ruleset import REMARKS
from tests.registry.verification.conftest import NUMBER, Desk
from tests.registry.verification.test_two_times import NOW, STORIES, at, tell
from tests.support.world import licence, person


def test_what_waited_then_is_told_of_that_time_and_not_of_now(desk: Desk) -> None:
    crowd = {f"c{n}": person("Ek", f"Liv{n}", licences=[licence(f"C-{n}")]) for n in range(40)}
    desk.world.load(crowd)
    before = datetime.now(UTC)
    desk.world.load(dict(list(crowd.items())[:20]))
    held = datetime.now(UTC)
    desk.world.load(crowd)
    after = datetime.now(UTC)

    def codes(moment: datetime | None) -> list[str]:
        found = desk.ask(Question(licence_number="C-39", known_at=moment)).verification
        return [reason.code for reason in found.reasons if reason.code not in REMARKS]

    assert [codes(moment) for moment in (before, held, after, None)] == [
        ["valid"],
        ["change-held"],
        ["valid"],
        ["valid"],
    ]
    sources = desk.ask(Question(licence_number="C-39", known_at=held)).verification.sources
    assert [(source.feed.held, source.fresh) for source in sources] == [(True, True)]


def test_where_each_licence_is_known_from(desk: Desk) -> None:
    tell(desk, STORIES[0])
    with writing(desk.world.engine).begin() as connection:
        runs = list(connection.scalars(sa.select(t.feed_run.c.id).order_by(t.feed_run.c.id)))
        for run, stamp in zip(runs, ("2020-01-31T00:00:00Z", "2025-09-09T00:00:00Z"), strict=True):
            connection.execute(sa.update(t.feed_run).where(t.feed_run.c.id == run).values(stamp=stamp))

    def provenance(**fields: object) -> tuple[object, ...]:
        [one] = desk.ask(Question(personal_number=NUMBER, **fields), NOW).verification.licences  # type: ignore[arg-type]
        told = one.provenance
        return told.feed_id, told.run_id, told.stamp, told.known_since, told.known_to, told.learnt_at

    first, second = at("2020-02-01"), at("2025-09-10")
    of_now = ("test", runs[1], "2025-09-09T00:00:00Z", second, None, second)
    assert provenance() == of_now
    assert provenance(known_at=NOW) == of_now
    # What stood then, and that a later word dates it.
    day = date(2024, 12, 1)
    assert provenance(on_date=day) == ("test", runs[0], "2020-01-31T00:00:00Z", first, second, second)
    then = at("2025-01-01")
    assert provenance(on_date=day, known_at=then) == (
        "test",
        runs[0],
        "2020-01-31T00:00:00Z",
        first,
        None,
        first,
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"known_at": NOW + timedelta(seconds=1)}, "may not be after now"),
        ({"known_at": NOW.replace(tzinfo=None)}, "needs its offset"),
        # The first and last moments of the calendar can't be told in another zone.
        ({"known_at": datetime.fromisoformat("0001-01-01T00:00:00+14:00")}, "the year 1900 or later"),
        ({"known_at": datetime.fromisoformat("9999-12-31T23:59:59-14:00")}, "may not be after now"),
        (
            {"known_at": at("2025-01-01"), "on_date": date(2025, 1, 2)},
            "may not be after the moment of knowledge",
        ),
        ({"on_date": date(2026, 11, 23)}, "may not be after today"),
    ],
)
def test_a_moment_that_nothing_can_be_known_of_is_refused(
    desk: Desk, fields: dict[str, object], told: str
) -> None:
    with pytest.raises(BadRequestError, match=told):
        desk.ask(Question(personal_number=NUMBER, **fields), NOW)  # type: ignore[arg-type]


def test_without_a_day_the_last_day_of_the_knowledge_is_meant(desk: Desk) -> None:
    tell(desk, STORIES[0])
    # 23:30 in UTC is the next day where the service is.
    found = desk.ask(Question(personal_number=NUMBER, known_at=at("2025-01-01T23:30")), NOW).verification
    assert (found.on_date, found.answer, found.checked_at) == (date(2025, 1, 2), "yes", NOW)


def test_nobody_found_is_told_where_the_knowledge_begins_too(desk: Desk) -> None:
    tell(desk, STORIES[0])
    found = desk.ask(Question(licence_number="404", on_date=date(2019, 1, 1)), NOW).verification
    assert [reason.code for reason in found.reasons] == ["not-found", "past-date", "before-first-knowledge"]
    assert "Testregistret (2020-02-01)" in found.reasons[-1].sv
    assert "The test register (2020-02-01)" in found.reasons[-1].en
