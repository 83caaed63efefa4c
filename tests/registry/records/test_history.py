"""What was known when, and what held on a day as known then: both times of a licence, through the real loader."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import read
from registry.records import tables as t
from registry.records.facts import LicenceFacts, RestrictionFacts, RestrictionKind
from registry.records.history import HeldLicence, LicenceVersion, held_on, known_at, licence_history
from registry.records.rows import ByKeys
from tests.support.world import World, licence, person


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def limit(
    kind: RestrictionKind, code: str, valid_from: str | None, valid_to: str | None = None
) -> RestrictionFacts:
    return RestrictionFacts(kind=kind, code=code, valid_from=valid_from, valid_to=valid_to)


def nurse(**facts: object) -> LicenceFacts:
    begun = {"key": "SJ", "issued": "2020-01-15", "valid_from": "2020-01-15"}
    return licence("SJ-1", **{**begun, **facts})


# The life of a licence: when the registry learnt it, and what the authority said then.
LIFE = [
    ("2020-02-01", "issued", nurse()),
    (
        "2021-03-05",
        "on probation",
        nurse(status="restricted", restrictions=(limit("probation", "002", "2021-03-01", "2023-02-28"),)),
    ),
    ("2023-03-02", "probation over", nurse()),
    ("2024-01-03", "lapsed", nurse(status="lapsed", valid_to="2023-12-31")),
    ("2024-06-03", "reinstated", nurse(valid_from="2024-06-01")),
    (
        "2025-02-04",
        "revoked",
        nurse(
            status="revoked",
            valid_from="2024-06-01",
            restrictions=(limit("revoked", "001", "2025-02-01"),),
        ),
    ),
    (
        "2025-09-10",
        "the revocation was earlier",
        nurse(
            status="revoked",
            valid_from="2024-06-01",
            restrictions=(limit("revoked", "001", "2024-11-15"),),
        ),
    ),
]
LEARNT = [learnt for learnt, _, _ in LIFE]
NB, ACTIVE, LIMITED, LAPSED = "not-begun ?", "in-force active", "in-force restricted", "ended lapsed"
PROBATION, REVOKED = "in-force restricted +probation", "in-force revoked +revoked"
UNSEEN = "in-force ?"
# What held on a day (rows), as known before anything was, and then after each event of LIFE (columns).
PAIRS = {
    "2019-12-31": ["", NB, NB, NB, NB, NB, NB, NB],
    "2020-01-20": ["", UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN],
    "2020-06-01": ["", ACTIVE, ACTIVE, ACTIVE, ACTIVE, ACTIVE, ACTIVE, ACTIVE],
    "2021-06-01": ["", ACTIVE, PROBATION, PROBATION, PROBATION, PROBATION, PROBATION, PROBATION],
    "2023-06-01": ["", ACTIVE, LIMITED, ACTIVE, ACTIVE, ACTIVE, ACTIVE, ACTIVE],
    "2024-03-01": ["", ACTIVE, LIMITED, ACTIVE, LAPSED, LAPSED, LAPSED, LAPSED],
    "2024-08-01": ["", ACTIVE, LIMITED, ACTIVE, LAPSED, ACTIVE, ACTIVE, ACTIVE],
    "2024-12-01": ["", ACTIVE, LIMITED, ACTIVE, LAPSED, ACTIVE, ACTIVE, f"{ACTIVE} +revoked"],
    "2025-03-01": ["", ACTIVE, LIMITED, ACTIVE, LAPSED, ACTIVE, REVOKED, REVOKED],
    "2025-10-01": ["", ACTIVE, LIMITED, ACTIVE, LAPSED, ACTIVE, REVOKED, REVOKED],
}


def told(held: list[HeldLicence]) -> str:
    """One licence in one line: its term, its status, its restrictions (`?` = perhaps)."""
    if not held:
        return ""
    [one] = held
    restrictions = [f"+{each.facts.kind}{'' if each.certain else '?'}" for each in one.restrictions]
    return " ".join([one.term, one.status or "?", *restrictions])


def live(world: World) -> list[LicenceVersion]:
    """Let the registry learn the life of the licence, and read its history."""
    for learnt, _, facts in LIFE:
        world.load({"a": person("Ek", "Liv", licences=[facts])}, finished_at=at(learnt))
    with world.engine.connect() as connection:
        return licence_history(connection, only_person(connection))


def only_person(connection: sa.Connection) -> int:
    [number] = connection.scalars(sa.select(t.practitioner.c.id))
    return int(number)


def test_every_pair_of_a_day_and_a_moment_of_knowledge(world: World) -> None:
    versions = live(world)
    moments = [at("2020-01-01"), *(at(learnt) + timedelta(days=1) for learnt in LEARNT)]
    found = {
        day: [told(held_on(versions, date.fromisoformat(day), known)) for known in moments] for day in PAIRS
    }
    assert found == PAIRS
    # Without a moment: as known now, which is after the last event.
    assert {day: told(held_on(versions, date.fromisoformat(day))) for day in PAIRS} == {
        day: cells[-1] for day, cells in PAIRS.items()
    }


def test_history_tells_every_version_from_when_to_when(world: World) -> None:
    versions = live(world)
    assert [v.facts for v in versions] == [facts for _, _, facts in LIFE]
    assert [v.known_from for v in versions] == [at(learnt) for learnt in LEARNT]
    assert [v.known_to for v in versions] == [*(at(learnt) for learnt in LEARNT[1:]), None]
    assert {(v.feed_id, v.authority_id, v.gone, v.undone) for v in versions} == {
        ("test", "test-authority", False, False)
    }
    assert [v.run_id for v in versions] == sorted(v.run_id for v in versions)


def test_what_was_known_at_a_moment_and_the_moment_itself_belongs_to_the_new(world: World) -> None:
    live(world)
    second = timedelta(seconds=1)
    with world.engine.connect() as connection:
        number = only_person(connection)
        assert known_at(connection, number, at(LEARNT[0]) - second) == []
        for place, learnt in enumerate(LEARNT):
            [here] = known_at(connection, number, at(learnt))
            assert (here.facts, here.known_since, here.gone) == (LIFE[place][2], at(learnt), False)
            if place:
                [before] = known_at(connection, number, at(learnt) - second)
                assert before.facts == LIFE[place - 1][2]
        [now] = known_at(connection, number, datetime.now(UTC))
        [current] = read.practitioners(connection, [number])[number].licences
    assert (now.id, now.facts, now.known_since) == (current.id, current.facts, current.known_since)


def test_a_licence_that_the_feed_drops_is_known_as_gone_and_comes_back(small_world: World) -> None:
    other = person("Alm", "Bo")
    for learnt, people in (
        ("2020-02-01", {"a": person("Ek", "Liv", licences=[nurse()]), "b": other}),
        ("2021-02-01", {"b": other}),
        ("2022-02-01", {"a": person("Ek", "Liv", licences=[nurse()]), "b": other}),
    ):
        small_world.load(people, finished_at=at(learnt))
    with small_world.engine.connect() as connection:
        number = int(connection.scalar(sa.select(t.licence.c.practitioner_id)) or 0)
        versions = licence_history(connection, number)
        gone = [
            known_at(connection, number, at(m))[0].gone for m in ("2020-06-01", "2021-06-01", "2022-06-01")
        ]
    assert [v.gone for v in versions] == gone == [False, True, False]
    [held] = held_on(versions, date(2021, 6, 1))
    assert (held.stood is not None and held.stood.gone, held.known.gone) == (True, False)


def test_of_versions_learnt_at_one_moment_the_later_run_counts(small_world: World) -> None:
    moment = at("2021-02-01")
    for status in ("active", "suspended", "revoked"):
        small_world.load({"a": person("Ek", "Liv", licences=[nurse(status=status)])}, finished_at=moment)
    with small_world.engine.connect() as connection:
        number = only_person(connection)
        versions = licence_history(connection, number)
        [known] = known_at(connection, number, moment)
    assert [(v.known_from, v.known_to) for v in versions] == [
        (moment, moment),
        (moment, moment),
        (moment, None),
    ]
    assert known.facts.status == "revoked"
    assert told(held_on(versions, date(2021, 2, 1), moment)) == "in-force revoked"
    assert held_on(versions, date(2021, 2, 1), moment - timedelta(seconds=1)) == []


def test_a_machine_whose_clock_is_behind_does_not_make_two_versions_known_at_once(small_world: World) -> None:
    ahead, behind = at("2021-02-01T12:00:05"), at("2021-02-01T12:00:00")
    small_world.load({"a": person("Ek", "Liv", licences=[nurse()])}, finished_at=ahead)
    small_world.load({"a": person("Ek", "Liv", licences=[nurse(status="revoked")])}, finished_at=behind)
    with small_world.engine.connect() as connection:
        number = only_person(connection)
        for moment in (behind, ahead - timedelta(seconds=1)):
            assert known_at(connection, number, moment) == []
        [known] = known_at(connection, number, ahead)
    assert known.facts.status == "revoked"


def test_a_version_whose_run_was_taken_back_is_marked_and_what_it_said_stays_told(small_world: World) -> None:
    world = small_world
    for learnt, status in (("2021-01-01", "active"), ("2021-02-01", "revoked"), ("2021-03-01", "active")):
        world.load({"a": person("Ek", "Liv", licences=[nurse(status=status)])}, finished_at=at(learnt))
    with writing(world.engine).begin() as connection:
        first, wrong, back = connection.scalars(sa.select(t.feed_run.c.id).order_by(t.feed_run.c.id))
        run = t.feed_run
        connection.execute(sa.update(run).where(run.c.id == wrong).values(undone_run_id=back))
        connection.execute(sa.update(run).where(run.c.id == back).values(kind="rollback", of_run_id=wrong))
        versions = licence_history(connection, only_person(connection))
    assert [(v.run_id, v.facts.status, v.undone) for v in versions] == [
        (first, "active", False),
        (wrong, "revoked", True),
        (back, "active", False),
    ]


def test_a_version_that_was_closed_for_good_is_not_known_now(small_world: World) -> None:
    versions = live(small_world)
    with writing(small_world.engine).begin() as connection:
        table = t.licence_version
        last = versions[-1].run_id
        connection.execute(
            sa.update(table).where(table.c.known_to_run_id.is_(None)).values(known_to_run_id=last)
        )
        closed = licence_history(connection, only_person(connection))
    assert closed[-1].known_to == closed[-1].known_from == at(LEARNT[-1])
    assert held_on(closed, date(2025, 10, 1)) == []
    assert told(held_on(closed, date(2025, 3, 1), at("2025-04-01"))) == REVOKED


def test_each_licence_has_its_own_history(small_world: World) -> None:
    both = [nurse(), licence("BM-1", key="BM", profession="midwife", issued="2022-01-01")]
    small_world.load({"a": person("Ek", "Liv", licences=both[:1])}, finished_at=at("2021-01-01"))
    small_world.load({"a": person("Ek", "Liv", licences=both)}, finished_at=at("2022-02-01"))
    with small_world.engine.connect() as connection:
        versions = licence_history(connection, only_person(connection))
        assert licence_history(connection, -1) == []
    assert [v.facts.key for v in versions] == ["SJ", "BM"]
    assert [h.known.facts.key for h in held_on(versions, date(2021, 6, 1), at("2021-06-01"))] == ["SJ"]
    assert [h.term for h in held_on(versions, date(2021, 6, 1))] == ["in-force", "not-begun"]


def version(facts: LicenceFacts, known_from: str, known_to: str | None = None) -> LicenceVersion:
    return LicenceVersion(
        licence_id=1,
        feed_id="f",
        authority_id="a",
        run_id=1,
        known_from=at(known_from),
        known_to=at(known_to) if known_to else None,
        gone=False,
        undone=False,
        facts=facts,
    )


UNDATED = limit("probation", "002", None)
CASES = [
    # Facts, known since, asked about; what is told.
    (nurse(valid_to="2021"), "2020-02-01", "2020-12-31", "in-force active"),
    (nurse(valid_to="2021"), "2020-02-01", "2021-06-01", "perhaps active"),
    (nurse(valid_to="2021"), "2020-02-01", "2021-01-01", "in-force active"),
    (nurse(valid_to="2021"), "2020-02-01", "2022-01-01", "ended active"),
    (nurse(issued="2020", valid_from=None), "2021-01-01", "2020-06-01", "perhaps ?"),
    (nurse(issued=None, valid_from=None), "2021-01-01", "2021-06-01", "in-force active"),
    (nurse(issued=None, valid_from="2022-01-01"), "2021-01-01", "2021-06-01", "perhaps active"),
    (nurse(valid_from="2022-01-01"), "2022-01-05", "2021-06-01", "perhaps ?"),
    (nurse(restrictions=(UNDATED,)), "2021-01-01", "2021-01-01", "in-force active +probation"),
    (nurse(restrictions=(UNDATED,)), "2021-01-01", "2020-12-31", "in-force ? +probation?"),
    (nurse(restrictions=(limit("revoked", "", "2021"),)), "2021-01-01", "2021-06-01", "in-force active +revoked?"),
    (nurse(restrictions=(limit("revoked", "", "2021"),)), "2021-01-01", "2022-01-01", "in-force active +revoked"),
    (nurse(restrictions=(limit("probation", "", "2020-02-01", "2021"),)), "2020-02-01", "2021-06-01", "in-force active +probation?"),
    (nurse(restrictions=(limit("probation", "", "2020-02-01", "2021"),)), "2020-02-01", "2022-01-01", "in-force active"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "known", "day", "text"), CASES)
def test_partial_and_missing_dates_leave_open_what_they_leave_open(
    facts: LicenceFacts, known: str, day: str, text: str
) -> None:
    assert told(held_on([version(facts, known)], date.fromisoformat(day))) == text


def test_a_restriction_counts_by_its_latest_dates_and_one_no_longer_listed_by_those_it_had() -> None:
    first = version(
        nurse(restrictions=(limit("probation", "002", "2021-01-01"),)), "2021-01-02", "2021-06-01"
    )
    later = version(
        nurse(restrictions=(limit("probation", "002", "2021-03-01"),)), "2021-06-01", "2022-01-01"
    )
    lifted = version(nurse(), "2022-01-01")
    day = date(2021, 2, 1)
    assert told(held_on([first, later, lifted], day, at("2021-05-01"))) == "in-force active +probation"
    # Another first day: dated anew, or another decision. Words do not tell.
    assert told(held_on([first, later, lifted], day, at("2021-07-01"))) == "in-force active +probation?"
    assert told(held_on([first, later, lifted], date(2021, 8, 1))) == "in-force active +probation"
    partly = version(nurse(restrictions=(limit("probation", "002", "2021"),)), "2021-01-02", "2022-01-01")
    assert told(held_on([partly, lifted], date(2021, 8, 1))) == "in-force active +probation?"


def revoked(*dates: str | None) -> LicenceFacts:
    return nurse(issued="2010", valid_from="2010", restrictions=(limit("revoked", "001", *dates),))


LISTED_NONE = nurse(issued="2010", valid_from="2010")
# What was listed year after year from 2016 on, the day asked about, and what held.
OF_ONE_KIND = [
    ([revoked("2015"), LISTED_NONE, revoked("2022-01-01")], "2016-06-01", "+revoked"),
    ([revoked("2015"), LISTED_NONE, revoked("2015", "2019-01-01")], "2016-06-01", "+revoked +revoked"),
    ([revoked("2015"), LISTED_NONE, revoked("2015")], "2016-06-01", "+revoked"),
    ([revoked("2015"), LISTED_NONE, revoked("2022-01-01"), LISTED_NONE, revoked("2023-01-01")], "2016-06-01", "+revoked"),
    ([revoked("2015"), revoked("2022-01-01")], "2016-06-01", "+revoked?"),
    ([revoked("2015"), revoked("2022-01-01"), revoked("2022-02-01")], "2016-06-01", "+revoked?"),
    ([revoked("2015"), revoked("2022-01-01"), revoked("2015")], "2016-06-01", "+revoked"),
    # The same first day: the same decision, and the latest word of its end counts.
    ([revoked("2015"), revoked("2015", "2016-03-01"), revoked("2022-01-01")], "2016-06-01", ""),
    ([revoked("2015"), revoked("2016-01-01"), revoked("2022-01-01")], "2016-06-01", "+revoked?"),
    ([revoked(None), LISTED_NONE, revoked(None)], "2016-06-01", "+revoked"),
    ([revoked(None, "2016-03-01"), LISTED_NONE, revoked(None)], "2016-06-01", "+revoked?"),
    ([revoked(None), revoked(None)], "2016-06-01", "+revoked"),
]  # fmt: skip


@pytest.mark.parametrize(("years", "day", "held"), OF_ONE_KIND)
def test_a_later_restriction_of_the_same_kind_never_erases_an_earlier_one(
    years: list[LicenceFacts], day: str, held: str
) -> None:
    versions = [version(facts, f"{2016 + n}-01-01", f"{2017 + n}-01-01") for n, facts in enumerate(years)]
    versions[-1] = replace(versions[-1], known_to=None)
    assert told(held_on(versions, date.fromisoformat(day))) == f"in-force active {held}".strip()


def test_the_day_of_knowledge_is_counted_in_the_zone_of_the_service() -> None:
    late_at_night = version(nurse(), "2021-05-31T23:30:00")
    stockholm = timezone(timedelta(hours=2))
    [there] = held_on([late_at_night], date(2021, 5, 31), zone=stockholm)
    [here] = held_on([late_at_night], date(2021, 5, 31))
    assert (there.status, here.status) == (None, "active")


def test_answers_about_today_never_read_history() -> None:
    statements = [str(value.select) for value in vars(read).values() if isinstance(value, ByKeys)]
    assert len(statements) > 5
    assert not [one for one in statements if "licence_version" in one]
