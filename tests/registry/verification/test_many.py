"""Many questions at once: each answered as it would be alone, in few statements, on both sizes of the house."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from registry.errors import BadRequestError, RegistryError, SearchUnavailableError
from registry.matching.unrivalled import Unrivalled
from registry.records.facts import PersonFacts, RestrictionFacts
from registry.search import IndexEngine, SearchPage, SearchQuery
from registry.verification import verify
from registry.verification.question import Question
from registry.verification.verify import Answered, Verifier
from tests.registry.verification.conftest import Desk, of, personal_number
from tests.registry.verification.people import rule_book, vocabulary
from tests.support.world import World, licence, person

GIVEN = ["Anna", "Hanna", "Karl", "Siv", "Bo"]
FAMILY = ["Lindqvist", "Lindkvist", "Berg", "Öberg", "Ek"]
BORN = ["1980-05-13", "1980-05-31", "1961-11-30", "1980-05", None]
STATUSES = ["active", "active", "active", "restricted", "lapsed", "revoked", "unknown"]
PROFESSIONS = ["registered-nurse", "midwife", "physician"]
PEOPLE = 40
WRONG = [
    Question(),
    Question(licence_number="1", personal_number="2"),
    Question(personal_number="19800101-0000"),
    Question(licence_number="1", profession="wizard"),
    Question(licence_number="1", known_at=datetime(2100, 1, 1, tzinfo=UTC)),
]


def number_of(person_number: int) -> str:
    return personal_number(
        f"1980{person_number % 12 + 1:02}{person_number % 28 + 1:02}", 980 + person_number % 19
    )


def some_person(rnd: random.Random, number: int) -> PersonFacts:
    limits = (RestrictionFacts(kind="probation", valid_from="2024-01-01"),) if rnd.random() < 0.2 else ()
    licences = [
        licence(
            f"N{number % 30}",
            key=profession,
            profession=profession,
            status=rnd.choice(STATUSES),
            issued=rnd.choice([None, "2010-01-01"]),
            restrictions=limits,
        )
        for profession in rnd.sample(PROFESSIONS, rnd.choice([1, 1, 2]))
    ]
    return person(
        rnd.choice(FAMILY),
        *rnd.sample(GIVEN, rnd.choice([1, 2])),
        licences=licences,
        birth_date=rnd.choice(BORN),
        identifiers=(of(number_of(number)),),
        protected=rnd.random() < 0.15,
        deceased=rnd.random() < 0.05,
    )


def some_question(rnd: random.Random, moments: list[datetime]) -> Question:
    if rnd.random() < 0.05:
        return rnd.choice(WRONG)
    asked: dict[str, Any] = {}
    way = rnd.choice(["number", "number", "personal", "name"])
    if way == "number":
        asked["licence_number"] = f"N{rnd.randrange(35)}"
    elif way == "personal":
        asked["personal_number"] = number_of(rnd.randrange(PEOPLE + 5))
    if way == "name" or rnd.random() < 0.3:
        asked["name"] = f"{rnd.choice(GIVEN)} {rnd.choice(FAMILY)}"
        asked["birth_date"] = rnd.choice([*BORN[:4], "1955-05-05"])
    if rnd.random() < 0.4:
        asked["profession"] = rnd.choice(PROFESSIONS)
    if rnd.random() < 0.3:
        asked["authority"] = rnd.choice(["test-authority", "other-authority"])
    if rnd.random() < 0.2:
        asked["on_date"] = rnd.choice([date(2020, 1, 1), datetime.now(UTC).date(), date(2024, 5, 5)])
    if rnd.random() < 0.2:
        asked["known_at"] = rnd.choice(moments)
    return Question(**asked)


def verifier_of(world: World, engine: IndexEngine, *, together: bool = True) -> Verifier:
    return Verifier(
        sealer=world.sealer,
        search=engine.search,
        rules=rule_book(),
        vocabulary=vocabulary(),
        zone=world.settings.zone,
        max_candidates=20,
        search_many=engine.search_many if together else None,
    )


def filled(house: World, engine: IndexEngine, rnd: random.Random) -> list[datetime]:
    """Load some people in runs of two feeds, one of them held; return moments between them."""
    desk = Desk(house, engine)
    moments = [datetime.now(UTC)]
    first = {f"p{n}": some_person(rnd, n) for n in range(PEOPLE)}
    second = first | {f"p{n}": some_person(rnd, n) for n in range(0, PEOPLE, 9)}
    for feed, people in (
        ("test", first),
        ("test", second),
        ("other", {f"p{n}": some_person(rnd, n) for n in range(0, PEOPLE, 3)}),
        ("other", {f"p{n}": some_person(rnd, n) for n in range(0, PEOPLE, 6)}),
    ):
        desk.load(people, feed=feed)
        moments.append(datetime.now(UTC))
    engine.refresh()
    return moments


def told(answer: Answered | RegistryError) -> object:
    return (type(answer).__name__, answer.detail) if isinstance(answer, RegistryError) else answer


def alone(verifier: Verifier, question: Question, connection: sa.Connection, now: datetime) -> object:
    try:
        return verifier.verify(question, connection, now)
    except RegistryError as error:
        return told(error)


def test_many_are_answered_as_each_alone(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rnd = random.Random(11)
    moments = filled(house, index, rnd)
    questions = [some_question(rnd, moments) for _ in range(150)]
    now = datetime.now(UTC)
    with house.engine.connect() as connection:
        one_by_one = [
            alone(verifier_of(house, index, together=False), one, connection, now) for one in questions
        ]
        together = verifier_of(house, index).verify_many(questions, connection, now)
        # In parcels, in another order, and without the engine's own way to search for many.
        monkeypatch.setattr(verify, "CHUNK", 7)
        mixed = list(range(len(questions)))
        rnd.shuffle(mixed)
        again = verifier_of(house, index, together=False).verify_many(
            [questions[place] for place in mixed], connection, now
        )
    assert [told(one) for one in together] == one_by_one
    assert [told(one) for one in again] == [one_by_one[place] for place in mixed]
    outcomes = [one.verification.outcome for one in together if isinstance(one, Answered)]
    assert set(outcomes) == {"found", "notFound", "ambiguous", "mismatch"}
    assert {one.verification.answer for one in together if isinstance(one, Answered)} == {"yes", "no", "ask"}
    assert any(isinstance(one, BadRequestError) for one in together)


def test_todays_answer_is_the_one_of_history_with_the_knowledge_of_now(
    house: World, index: IndexEngine
) -> None:
    rnd = random.Random(5)
    filled(house, index, rnd)
    now = datetime.now(UTC)
    questions = [Question(personal_number=number_of(n)) for n in range(PEOPLE)]
    verifier = verifier_of(house, index)
    with house.engine.connect() as connection:
        live = verifier.verify_many(questions, connection, now)
        known = verifier.verify_many([replace(one, known_at=now) for one in questions], connection, now)
        again = [
            verifier.recompute(one, connection, now, rule_book().on(now.date()).version) for one in questions
        ]

    def of(answered: Answered | RegistryError) -> object:
        assert isinstance(answered, Answered)
        found = answered.verification
        reasons = [reason for reason in found.reasons if reason.code != "known-at"]
        licences = [
            (each.verdict.answer, each.verdict.licence.facts, each.provenance) for each in found.licences
        ]
        return found.answer, found.outcome, reasons, licences, [source.fresh for source in found.sources]

    for one, then, now_again in zip(live, known, again, strict=True):
        assert of(then) == of(one)
        assert of(now_again) == of(one)


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


KINDS: dict[str, dict[str, Any]] = {
    "licence number": {"licence_number": "{}"},
    "a past day": {"licence_number": "{}", "on_date": date(2024, 1, 1)},
    "a moment of knowledge": {"licence_number": "{}", "known_at": "now"},
    "name": {"name": "{}", "birth_date": "1980-05-13"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_costs_no_more_statements_than_one_question_and_tells_nothing_of_who_is_there(
    desk: Desk, kind: str
) -> None:
    born = "1980-05-13"
    everyone = {
        f"p{n}": person("Ek", f"Liv{n}x", licences=[licence(f"N{n}")], birth_date=born) for n in range(30)
    }
    hidden = person("Hemlig", "Eva", licences=[licence("H1")], birth_date=born, protected=True)
    desk.load({**everyone, "h": hidden})
    names = {"N1": "Liv1x Ek", "H1": "Eva Hemlig", "404": "Nils Nilsson"}
    now = datetime.now(UTC)
    verifier = verifier_of(desk.world, desk.engine)

    def cost(*numbers: str) -> list[str]:
        asked = []
        for number in numbers:
            fields: dict[str, Any] = dict(KINDS[kind])
            for name, value in fields.items():
                if value == "now":
                    fields[name] = now
                elif isinstance(value, str):
                    fields[name] = value.format(names.get(number, number) if name == "name" else number)
            asked.append(Question(**fields))
        with desk.world.engine.connect() as connection, counted(desk.world.engine) as statements:
            answers = verifier.verify_many(asked, connection, now)
        assert not any(isinstance(one, RegistryError) for one in answers)
        return [one.split(" WHERE ")[0] for one in statements]

    found, hidden_one, missing = cost("N1"), cost("H1"), cost("404")
    # By name nobody likely is met, so that the whole register is looked through; that too is the same for both.
    assert hidden_one == missing
    if kind == "name":
        names.update({f"N{n}": f"Liv{n}x Ek" for n in range(30)})
        assert cost(*(f"N{n}" for n in range(30))) == cost("N1", "N2")
    else:
        assert found == missing
        assert cost(*(f"N{n}" for n in range(30)), "H1", "404") == cost("N1", "404")
    assert len(found) <= (18 if kind.startswith("a ") else 12)


def test_a_list_while_the_engine_is_down_answers_its_numbers_and_asks_the_engine_once(desk: Desk) -> None:
    desk.world.load({"a": person("Ek", "Liv", licences=[licence("1")])})
    asked = []

    def down(query: SearchQuery, today: date) -> SearchPage:
        asked.append((query, today))
        raise SearchUnavailableError("away")

    verifier = replace(verifier_of(desk.world, desk.engine, together=False), search=down)
    named = Question(name="Liv Ek", birth_date="1980-05-13")
    questions = [named, Question(licence_number="1"), named, Question(licence_number="404")]
    with desk.world.engine.connect() as connection:
        answers = verifier.verify_many(questions, connection, datetime.now(UTC))
    kinds = [one.verification.outcome if isinstance(one, Answered) else type(one).__name__ for one in answers]
    assert kinds == ["SearchUnavailableError", "found", "SearchUnavailableError", "notFound"]
    assert len(asked) == 1


def test_no_question_no_answer(desk: Desk) -> None:
    with desk.world.engine.connect() as connection:
        assert verifier_of(desk.world, desk.engine).verify_many([], connection, datetime.now(UTC)) == []


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_moment_is_the_same_moment_in_every_zone(desk: Desk, zone: str) -> None:
    desk.load({"a": person("Ek", "Liv", licences=[licence("1")])})
    now = datetime.now(UTC)
    verifier = verifier_of(desk.world, desk.engine)
    with desk.world.engine.connect() as connection:
        here, there = (
            verifier.verify(Question(licence_number="1", known_at=moment), connection, now)
            for moment in (now, now.astimezone(ZoneInfo(zone)))
        )
    assert here == there
    assert here.verification.answer == "yes"


def test_those_of_the_day_decide_as_everybody_would(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rnd = random.Random(23)
    desk = Desk(house, index)
    families = [
        *FAMILY,
        "Zetterlund",
        "Holmgren",
        "Nyström",
        "Sandell",
        "Wallin",
        "Malm",
        "Hallberg",
        "Ekblom",
    ]
    everyone = {
        f"p{n}": person(
            rnd.choice(families),
            *rnd.sample(GIVEN, rnd.choice([1, 2])),
            licences=[licence(f"N{n}")],
            birth_date=rnd.choice([*BORN, "1980-05-23", "1980"]),
        )
        for n in range(60)
    }
    desk.load(everyone)
    index.refresh()
    known = [(one.names[0], one.birth_date) for one in everyone.values()]
    questions = [
        Question(name=f"{rnd.choice(name.given)} {name.family}", birth_date=born)
        for name, born in rnd.sample(known, 40)
        if born
    ]
    questions += [
        Question(
            name=f"{rnd.choice(GIVEN)} {rnd.choice(families)}",
            birth_date=rnd.choice(["1980-05-13", "1961-11-30"]),
        )
        for _ in range(30)
    ]
    now = datetime.now(UTC)
    asked: list[str] = []

    def noting(queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
        asked.extend(query.candidates for query in queries)
        return index.search_many(queries, today)

    verifier = replace(verifier_of(house, index), search_many=noting)
    with house.engine.connect() as connection:
        short = verifier.verify_many(questions, connection, now)
        settled = asked.count("day") - asked.count("near")
        monkeypatch.setattr(Unrivalled, "is_beyond", lambda *_: False)
        full = verifier.verify_many(questions, connection, now)
    assert short == full
    assert settled >= 5
    assert {one.verification.outcome for one in short if isinstance(one, Answered)} >= {"found", "ambiguous"}
