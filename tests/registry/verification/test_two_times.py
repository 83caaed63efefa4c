"""Both times of a question, through the real loader: a day in the world, and a moment of knowledge.

Each story is what the registry learnt and when; below it what it answers about a day, with the knowledge of a moment (None: of
now, long after). A complaint about a past answer becomes a row here.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.errors import BadRequestError
from registry.records import tables as t
from registry.records.facts import LicenceFacts, PersonFacts, RestrictionFacts, RestrictionKind
from registry.verification.question import Question
from registry.verification.ruleset import REMARKS
from tests.registry.verification.conftest import NUMBER, Desk, of
from tests.support.world import licence, person

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALWAYS_FRESH = 24 * 365 * 20


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def known(**facts: object) -> LicenceFacts:
    """An active nurse's licence issued in 2010 unless told otherwise."""
    given = {"key": "SJ", "issued": "2010-06-01", "raw_status": str(facts.get("status", "active")), **facts}
    return licence("1", **given)


def limit(
    kind: RestrictionKind, valid_from: str | None = None, valid_to: str | None = None
) -> tuple[RestrictionFacts, ...]:
    return (RestrictionFacts(kind=kind, code=kind, valid_from=valid_from, valid_to=valid_to),)


REVOKED = known(status="revoked", restrictions=limit("revoked", "2024-11-15"))
UNDATED = known(status="revoked", restrictions=limit("revoked"))
PROBATION = known(status="restricted", restrictions=limit("probation", "2021-03-01", "2023-02-28"))
FIRST_TERM = known(valid_from="2019-01-01", valid_to="2023-12-31")
SECOND_TERM = known(valid_from="2024-01-01", valid_to="2028-12-31")
DEAD = {"deceased": True, "deceased_date": "2024-05-01"}


@dataclass
class Story:
    """What was learnt: the day, and the licence (None: the record is gone; "undo": the last run was rolled back; with facts of
    the person). `asked`: day, moment of knowledge, answer and reason codes but for the usual remarks.
    """

    name: str
    learnt: list[tuple[str, object]]
    asked: list[tuple[str, str | None, str]]
    promise: int = ALWAYS_FRESH


STORIES = [
    Story(
        "a backdated revocation",
        [("2020-02-01", known()), ("2025-09-10", REVOKED)],
        [
            ("2024-12-01", None, "no revoked"),
            ("2024-12-01", "2025-01-01", "yes valid"),
            ("2024-12-01", "2025-09-09T23:59", "yes valid"),
            ("2024-12-01", "2025-09-10", "no revoked"),
            ("2024-11-14", None, "yes restriction-later"),
            ("2024-11-15", None, "no revoked"),
            ("2025-09-10", None, "no revoked status-revoked"),
            ("2025-09-09", "2025-09-09T12:00", "yes valid"),
        ],
    ),
    Story(
        "a backdated revocation that has been lifted since",
        [("2020-02-01", known()), ("2025-09-10", REVOKED), ("2026-01-10", known())],
        [
            ("2024-12-01", None, "no revoked"),
            ("2025-10-01", None, "no revoked status-revoked"),
            ("2026-02-01", None, "yes valid"),
            ("2024-10-01", None, "yes valid"),
        ],
    ),
    Story(
        "a revocation whose status came with its last day",
        [("2020-02-01", known()), ("2024-06-01", known(status="revoked", valid_to="2024-03-01"))],
        [
            ("2024-04-01", None, "no status-revoked ended"),
            ("2024-04-01", "2024-05-01", "yes valid"),
            ("2024-03-01", None, "yes valid"),
        ],
    ),
    Story(
        "a run that was rolled back",
        [("2020-02-01", known()), ("2024-03-01", known(status="revoked")), ("2024-03-03", "undo")],
        [
            ("2024-03-02", None, "yes valid"),
            ("2024-03-02", "2024-03-02T12:00", "no status-revoked"),
            ("2024-03-02", "2024-03-04", "yes valid"),
            ("2024-02-01", None, "yes valid"),
            ("2024-03-04", None, "yes valid"),
        ],
    ),
    Story(
        "a licence that was renewed in time",
        [("2020-02-01", FIRST_TERM), ("2023-12-20", SECOND_TERM)],
        [
            ("2023-12-31", None, "yes valid"),
            ("2023-12-25", None, "yes valid"),
            ("2024-01-01", None, "yes valid"),
            ("2024-01-05", "2023-12-19", "refused"),
            ("2023-12-19", "2023-12-19T12:00", "yes valid"),
            ("2023-12-25", "2023-12-25T12:00", "ask earlier-period"),
        ],
    ),
    Story(
        "a licence that was renewed late, without a first day",
        [("2020-02-01", known(valid_to="2024-05-31")), ("2024-06-10", known(valid_to="2026-12-31"))],
        [
            ("2024-05-31", None, "yes valid"),
            ("2024-06-05", None, "ask learnt-later"),
            ("2024-06-05", "2024-06-06", "no ended"),
            ("2024-06-10", None, "yes valid"),
        ],
    ),
    Story(
        "a licence that was renewed late, with its first day",
        [("2020-02-01", FIRST_TERM), ("2024-01-10", SECOND_TERM)],
        [
            ("2024-01-05", None, "yes valid"),
            ("2024-01-05", "2024-01-06", "no ended"),
        ],
    ),
    Story(
        "a licence that lapsed and was given anew",
        [
            ("2020-02-01", FIRST_TERM),
            ("2024-01-03", known(status="lapsed", valid_from="2019-01-01", valid_to="2023-12-31")),
            ("2024-06-03", known(valid_from="2024-06-01")),
        ],
        [
            ("2024-03-01", None, "no ended lapsed"),
            ("2024-06-02", None, "ask learnt-later"),
            ("2024-06-02", "2024-06-02T20:00", "no ended lapsed"),
            ("2024-06-03", None, "yes valid"),
        ],
    ),
    Story(
        "a lapse that ended under the same first day as ever",
        [("2020-02-01", known()), ("2024-01-03", known(status="lapsed")), ("2024-06-03", known())],
        [("2024-03-01", None, "no lapsed"), ("2024-06-02", None, "no lapsed"), ("2023-06-01", None, "yes valid")],
    ),
    Story(
        "a record that is gone and comes back",
        [("2020-02-01", known()), ("2024-02-01", None), ("2024-05-01", known())],
        [
            ("2023-06-01", None, "yes valid"),
            ("2024-03-01", None, "ask record-gone"),
            ("2024-03-01", "2024-03-02", "ask record-gone"),
            ("2024-06-01", None, "yes valid"),
        ],
    ),
    Story(
        "a restriction with dates",
        [("2020-02-01", known()), ("2021-03-05", PROBATION), ("2023-03-02", known())],
        [
            ("2021-03-02", None, "ask probation"),
            ("2021-03-02", "2021-03-04", "yes valid"),
            ("2022-01-01", None, "ask probation restricted"),
            ("2021-02-28", None, "yes valid"),
            ("2023-03-01", None, "ask restricted"),
            ("2023-03-02", None, "yes valid"),
        ],
    ),
    Story(
        "a revocation that was lifted, and years later a new one",
        [
            ("2015-02-01", known(restrictions=limit("revoked", "2015-01-01"))),
            ("2019-03-01", known()),
            ("2022-05-01", known(restrictions=limit("revoked", "2022-04-01"))),
        ],
        [
            ("2016-06-01", None, "no revoked"),
            ("2016-06-01", "2020-01-01", "no revoked"),
            ("2020-06-01", None, "yes restriction-later"),
            ("2022-04-15", None, "no revoked"),
        ],
    ),
    Story(
        "a probation, and years later a new one",
        [
            ("2015-02-01", known(restrictions=limit("probation", "2015-01-01", "2018-01-01"))),
            ("2018-01-05", known()),
            ("2022-05-01", known(restrictions=limit("probation", "2022-04-01", "2025-04-01"))),
        ],
        [("2016-06-01", None, "ask probation"), ("2020-06-01", None, "yes restriction-later")],
    ),
    Story(
        "another revocation in the place of one: dated anew or a new one",
        [
            ("2015-02-01", known(restrictions=limit("revoked", "2015-01-01"))),
            ("2022-05-01", known(restrictions=limit("revoked", "2022-04-01"))),
        ],
        [("2016-06-01", None, "ask restriction-perhaps"), ("2016-06-01", "2020-01-01", "no revoked")],
    ),
    Story(
        "a restriction without dates",
        [("2020-02-01", known()), ("2024-04-01", UNDATED), ("2025-01-01", known())],
        [
            ("2024-03-31", None, "ask restriction-perhaps"),
            ("2024-03-31", "2024-03-31T20:00", "yes valid"),
            ("2024-06-01", None, "no revoked status-revoked"),
            ("2025-02-01", None, "yes valid"),
        ],
    ),
    Story(
        "deceased later, on a known day",
        [("2020-02-01", known()), ("2024-05-10", (known(status="deceased"), DEAD))],
        [
            ("2024-04-30", None, "yes valid"),
            ("2024-05-01", None, "no deceased"),
            ("2024-05-05", "2024-05-06", "yes valid"),
            ("2024-05-11", None, "no deceased status-deceased"),
            ("2024-05-05", "2024-05-12", "no deceased"),
        ],
    ),
    Story(
        "deceased later, on an unknown day",
        [("2020-02-01", known()), ("2024-05-10", (known(status="deceased"), {"deceased": True}))],
        [
            ("2024-04-30", None, "ask deceased-perhaps"),
            ("2024-04-30", "2024-05-01", "yes valid"),
            ("2026-11-22", None, "no deceased status-deceased"),
        ],
    ),
    Story(
        "deceased, with a licence that had lapsed before: when it was learnt can't be told",
        [("2020-02-01", known(status="lapsed")), ("2024-05-10", (known(status="lapsed"), {"deceased": True}))],
        [("2024-04-30", "2024-05-01", "no lapsed deceased-perhaps")],
    ),
    Story(
        "before the registry's first knowledge of the feed",
        [("2020-02-01", known()), ("2021-02-01", known(status="revoked"))],
        [
            ("2020-01-31", None, "ask learnt-later status-revoked before-first-knowledge"),
            ("2019-06-01", "2019-06-01T12:00", "ask not-known-then before-first-knowledge"),
            ("2009-06-01", None, "ask before-rules not-begun learnt-later status-revoked before-first-knowledge"),
            ("2020-02-01", None, "yes valid"),
        ],
    ),
    Story(
        "dated facts prove a day before the first knowledge",
        [("2020-02-01", known(issued="2015-01-01", restrictions=limit("revoked", "2018-01-01"), status="revoked"))],
        [
            ("2014-12-31", None, "no not-begun learnt-later status-revoked before-first-knowledge"),
            ("2018-06-01", None, "no revoked learnt-later status-revoked before-first-knowledge"),
            ("2016-01-01", None, "ask learnt-later status-revoked before-first-knowledge"),
        ],
    ),
    Story(
        "before the registry's first knowledge of the person",
        [("2020-02-01", "others"), ("2021-01-01", known())],
        [
            ("2020-06-01", None, "ask learnt-later"),
            ("2020-06-01", "2020-06-01T12:00", "ask not-known-then"),
            ("2021-01-01", None, "yes valid"),
        ],
    ),
    Story(
        "a feed that was not read for a month",
        [("2024-01-01", known()), ("2024-02-01", known(status="revoked")), ("2024-02-02", known(status="revoked"))],
        [
            ("2024-01-02", None, "yes valid"),
            ("2024-01-20", None, "ask feed-stale"),
            ("2024-01-02", "2024-01-02T12:00", "yes valid"),
            ("2024-01-20", "2024-01-20T12:00", "ask feed-stale"),
            ("2024-02-01", None, "no status-revoked"),
        ],
        promise=48,
    ),
    Story(
        "a feed that said the same again in between",
        [("2024-01-01", known()), ("2024-01-19", known()), ("2024-02-01", known(status="revoked"))],
        [
            ("2024-01-10", None, "yes valid"),
            ("2024-01-20", None, "yes valid"),
            ("2024-01-22", None, "ask feed-stale"),
            ("2024-01-10", "2024-01-10T12:00", "ask feed-stale"),
        ],
        promise=48,
    ),
    Story(
        "a profession that the vocabulary learnt later",
        [("2020-02-01", known(profession="unknown", raw_profession="HK")), ("2021-02-01", known(raw_profession="HK"))],
        [
            ("2020-06-01", None, "yes valid"),
            ("2020-06-01", "2020-06-01T12:00", "ask profession-unknown"),
        ],
    ),
]  # fmt: skip


def tell(desk: Desk, story: Story) -> None:
    """Let the registry learn a story."""
    other = person("Ek", "Bo", licences=[licence("77", key="BM")])
    desk.world.describe_feed(max_age_hours=story.promise)
    for day, what in story.learnt:
        if what == "undo":
            undo(desk, other, at(day))
            continue
        people = {"b": other}
        if isinstance(what, tuple | LicenceFacts):
            facts, of_person = what if isinstance(what, tuple) else (what, {})
            people["a"] = person("Alm", "Liv", licences=[facts], identifiers=(of(NUMBER),), **of_person)
        desk.world.load(people, finished_at=at(day))


def undo(desk: Desk, other: PersonFacts, when: datetime) -> None:
    """What a rollback leaves behind: the facts of before, brought by a run of its own, and the wrong run marked."""
    right = person("Alm", "Liv", licences=[known()], identifiers=(of(NUMBER),))
    desk.world.load({"b": other, "a": right}, finished_at=when)
    run = t.feed_run
    with writing(desk.world.engine).begin() as connection:
        bad, back = connection.scalars(sa.select(run.c.id).order_by(run.c.id)).all()[-2:]
        connection.execute(sa.update(run).where(run.c.id == bad).values(undone_run_id=back))
        connection.execute(sa.update(run).where(run.c.id == back).values(kind="rollback", of_run_id=bad))


def said(desk: Desk, on: str, moment: str | None) -> str:
    question = Question(
        personal_number=NUMBER, on_date=date.fromisoformat(on), known_at=at(moment) if moment else None
    )
    try:
        found = desk.ask(question, NOW).verification
    except BadRequestError:
        return "refused"
    assert found.on_date == question.on_date
    assert found.known_at == (question.known_at or NOW)
    codes = [reason.code for reason in found.reasons]
    assert ("past-date" in codes) == (on < str(found.known_at.date()))
    assert ("known-at" in codes) == (moment is not None)
    usual = {"past-date", "known-at"}
    assert [code for code in codes if code in REMARKS] == codes[
        len(codes) - sum(c in REMARKS for c in codes) :
    ]
    return " ".join([found.answer, *(code for code in codes if code not in usual)])


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_both_times(desk: Desk, story: Story) -> None:
    tell(desk, story)
    assert [(on, moment, said(desk, on, moment)) for on, moment, _ in story.asked] == story.asked


def test_there_are_cases_enough() -> None:
    assert sum(len(story.asked) for story in STORIES) >= 60
