"""What people ask for about their own record goes from step to step, of which none is changed or taken away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import get_args

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from registry.checks import subject_requests as requests
from registry.checks.desk import Desk
from registry.checks.errors import RequestLimitError, StepRefusedError
from registry.checks.purge import purge
from registry.checks.subject_requests import (
    KINDS,
    NEXT,
    OPEN,
    WORDS,
    Kind,
    LookUp,
    State,
    SubjectRequest,
    Wrong,
)
from registry.checks.tables import subject_request, subject_request_step
from registry.database import writing
from registry.errors import NotFoundError
from tests.support.world import World

OFFICER = ("https://idp.example", "officer-1")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_PEOPLE = count(1000)


@pytest.fixture
def person() -> int:
    """Somebody who has asked for nothing yet."""
    return next(_PEOPLE)


def make(desk: Desk, person: int, about: LookUp | Wrong | None = None, *, words: str = "Varför?", now: datetime = NOW) -> str:  # fmt: skip
    return requests.make(
        desk.access,
        desk.sealer,
        desk.settings.checks.subject_requests,
        practitioner_id=person,
        about=about or Wrong("licence", "socialstyrelsen", 7),
        words=words,
        now=now,
    )


def step(
    desk: Desk, request_id: str, seen: int, state: State, words: str = "", *, now: datetime = NOW
) -> None:
    requests.step(
        desk.access, desk.sealer, request_id, seen=seen, state=state, words=words, by=OFFICER, now=now
    )


def read(desk: Desk, request_id: str, kind: Kind = "correction") -> SubjectRequest:
    with desk.access.connect() as connection:
        return requests.find(connection, desk.sealer, request_id, kind)


def test_a_correction_goes_its_way(desk: Desk, person: int) -> None:
    made = make(desk, person, words="Jag heter Ek sedan 2024.")
    later = NOW + timedelta(days=2)
    step(desk, made, 1, "forwarded", now=later)
    step(desk, made, 2, "not-corrected", "Socialstyrelsen har inget beslut om det.", now=later)
    found = read(desk, made)
    assert (found.state, found.is_open, found.next) == ("not-corrected", False, ())
    assert (found.fact, found.authority_id, found.licence_id, found.event_id) == (
        "licence",
        "socialstyrelsen",
        7,
        None,
    )
    assert [(one.number, one.at, one.state, one.words) for one in found.steps] == [
        (1, NOW, "received", "Jag heter Ek sedan 2024."),
        (2, later, "forwarded", ""),
        (3, later, "not-corrected", "Socialstyrelsen har inget beslut om det."),
    ]
    assert [(one.issuer, one.subject) for one in found.steps] == [("", ""), OFFICER, OFFICER]
    assert found.due(desk.settings.checks.subject_requests) == NOW + timedelta(days=30)


def test_a_look_up_is_reported_once(desk: Desk, person: int) -> None:
    made = make(desk, person, LookUp(41))
    assert make(desk, person, LookUp(41), words="Igen") == made
    assert make(desk, person, LookUp(42)) != made
    assert make(desk, next(_PEOPLE), LookUp(41)) != made, "an event can be about several people"
    assert [one.words for one in read(desk, made, "look-up").steps] == ["Varför?"]
    with pytest.raises(NotFoundError):
        read(desk, made, "correction")


def test_texts_are_not_readable_in_the_table(desk: Desk, person: int) -> None:
    made = make(desk, person, words="Granne som snokar")
    with desk.access.connect() as connection:
        words = connection.scalar(
            sa.select(subject_request_step.c.words).where(subject_request_step.c.request_id == made)
        )
    assert words is not None
    assert b"Granne" not in bytes(words)
    assert desk.sealer.open(bytes(words), context=WORDS + made.encode()) == b"Granne som snokar"
    with pytest.raises(ValueError, match="does not open"):
        desk.sealer.open(bytes(words), context=WORDS + b"req_other")


def test_without_words_there_is_nothing_sealed(desk: Desk, person: int) -> None:
    made = make(desk, person, words="")
    assert [one.words for one in read(desk, made).steps] == [""]


def test_so_many_wait_and_no_more(desk: Desk, person: int) -> None:
    most = desk.settings.checks.subject_requests.max_open
    made = [make(desk, person, LookUp(number)) for number in range(most)]
    with pytest.raises(RequestLimitError, match=f"{most} requests of yours"):
        make(desk, person)
    assert make(desk, person, LookUp(0)) == made[0], "what was reported before is no new one"
    make(desk, next(_PEOPLE))
    step(desk, made[0], 1, "explained", "Vi kontrollerade din legitimation.")
    make(desk, person)


def test_of_many_at_once_no_more_than_the_limit_are_made(desk: Desk, person: int) -> None:
    most = desk.settings.checks.subject_requests.max_open

    def one(number: int) -> bool:
        try:
            make(desk, person, LookUp(number))
        except RequestLimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(most + 6))) == most


def test_of_two_who_answer_one_is_told(desk: Desk, person: int) -> None:
    made = make(desk, person, LookUp(1))

    def answer(state: State) -> bool:
        try:
            step(desk, made, 1, state, "därför")
        except StepRefusedError:
            return False
        return True

    states: list[State] = ["explained", "not-justified"] * 4
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answer, states)) == 1
    assert len(read(desk, made, "look-up").steps) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_that_is_not_named_is_refused(desk: Desk, person: int, kind: Kind) -> None:
    about = LookUp(1) if kind == "look-up" else None
    made = make(desk, person, about)
    for state in get_args(State):
        if state not in NEXT[kind]["received"]:
            with pytest.raises(StepRefusedError):
                step(desk, made, 1, state)
    with pytest.raises(StepRefusedError, match="further since you opened it"):
        step(desk, made, 0, NEXT[kind]["received"][0])
    with pytest.raises(NotFoundError):
        step(desk, "req_none", 1, "explained")
    assert len(read(desk, made, kind).steps) == 1


def test_every_way_ends_and_what_is_open_can_go_on() -> None:
    for kind, steps in NEXT.items():
        assert set(steps) <= set(OPEN), kind
        reached = {"received"} | {each for following in steps.values() for each in following}
        assert {each for each in reached if each in OPEN} == set(steps), kind
        for state, following in steps.items():
            assert state not in following


def test_people_withdraw_their_own_and_only_what_waits(desk: Desk, person: int) -> None:
    other = next(_PEOPLE)
    made = make(desk, person)

    def withdraw(request_id: str, people: list[int]) -> bool:
        return requests.withdraw(desk.access, desk.sealer, request_id, people, NOW)

    assert not withdraw(made, [other])
    assert not withdraw("req_none", [person])
    assert withdraw(made, [other, person])
    assert not withdraw(made, [person])
    assert read(desk, made).state == "withdrawn"
    answered = make(desk, person)
    step(desk, answered, 1, "corrected")
    assert not withdraw(answered, [person])


def test_people_see_their_own_the_newest_first(desk: Desk, person: int) -> None:
    other = next(_PEOPLE)
    made = [make(desk, each, now=NOW + timedelta(hours=n)) for n, each in enumerate((person, other, person))]
    make(desk, next(_PEOPLE))
    with desk.access.connect() as connection:
        both = requests.of_people(connection, desk.sealer, [person, other])
        none = requests.of_people(connection, desk.sealer, [])
    assert [one.id for one in both] == made[::-1]
    assert all(one.steps for one in both)
    assert none == []


def test_those_who_answer_page_through_all_of_them(desk: Desk) -> None:
    with writing(desk.access).begin() as connection:
        connection.execute(sa.update(subject_request).values(kind="of-other-tests"))
    # Three at one moment: the id decides among them.
    made = [make(desk, next(_PEOPLE), now=NOW + timedelta(minutes=n // 3)) for n in range(8)]
    for each in made[:3]:
        step(desk, each, 1, "corrected")

    def every(*, waiting: bool) -> list[SubjectRequest]:
        found: list[SubjectRequest] = []
        with desk.access.connect() as connection:
            while True:
                after = (found[-1].created_at, found[-1].id) if found else None
                part = requests.listed(connection, "correction", waiting=waiting, limit=2, after=after)
                if not part:
                    return found
                found += part

    waiting, ended = every(waiting=True), every(waiting=False)
    assert {one.id for one in waiting} == set(made[3:])
    assert {one.id for one in ended} == set(made[:3])
    assert all(a.created_at <= b.created_at for a, b in pairwise(waiting))
    assert [(one.created_at, one.id) for one in ended] == sorted(
        ((one.created_at, one.id) for one in ended), reverse=True
    )


def test_what_was_to_be_answered_and_waits_is_late(desk: Desk, person: int) -> None:
    settings = desk.settings.checks.subject_requests
    due = NOW + timedelta(days=settings.answer_days)

    def late(now: datetime) -> int:
        with desk.access.connect() as connection:
            return requests.late(connection, settings, now)

    before = late(due)
    made = make(desk, person)
    assert late(due) == before
    waiting = late(due + timedelta(seconds=1))
    step(desk, made, 1, "corrected")
    assert late(due + timedelta(seconds=1)) == waiting - 1


def test_texts_go_after_their_time_and_the_steps_stay(desk: Desk, person: int) -> None:
    ended, waits = make(desk, person), make(desk, person)
    step(desk, ended, 1, "not-corrected", "Nej, för så är det.")
    settings = desk.settings.checks.subject_requests
    keep = timedelta(days=settings.keep_days)
    requests.forget(desk.access, settings, NOW + keep - timedelta(seconds=1))
    assert read(desk, ended).steps[1].words == "Nej, för så är det."
    assert purge(desk.access, desk.settings.checks, NOW + keep + timedelta(seconds=1)).texts >= 2
    assert [(one.state, one.words) for one in read(desk, ended).steps] == [
        ("received", ""),
        ("not-corrected", ""),
    ]
    assert read(desk, waits).steps[0].words == "Varför?"


def test_more_texts_than_one_part_go(desk: Desk, person: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_PART", 2)
    for _ in range(5):
        made = make(desk, person)
        step(desk, made, 1, "corrected", "Gjort.")
    low = msgspec.structs.replace(desk.settings.checks.subject_requests, keep_days=1)
    requests.forget(desk.access, low, NOW + timedelta(days=2))
    assert read(desk, made).steps[1].words == ""


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM subject_request_step",
        "UPDATE subject_request_step SET state = 'corrected'",
        "UPDATE subject_request_step SET subject = '' WHERE number = 2",
    ],
)
def test_steps_are_never_changed(desk: Desk, person: int, statement: str) -> None:
    made = make(desk, person)
    step(desk, made, 1, "not-corrected", "Nej.")
    with pytest.raises(DBAPIError, match="append-only"), writing(desk.access).begin() as connection:
        connection.exec_driver_sql(statement)


def test_no_step_is_replaced(known: World, desk: Desk, person: int) -> None:
    replaces = known.engine.dialect.name == "sqlite"
    insert, refused = ("INSERT OR REPLACE", "append-only") if replaces else ("INSERT", "duplicate key")
    made = make(desk, person)
    with pytest.raises(DBAPIError, match=refused), writing(desk.access).begin() as connection:
        connection.exec_driver_sql(
            f"{insert} INTO subject_request_step (request_id, number, at, state) "
            f"VALUES ('{made}', 1, '2026-01-01 00:00:00+00', 'corrected')"
        )
