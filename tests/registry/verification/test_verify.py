"""One question over a real database and a real index: who is found, and what the answer rests on."""

from datetime import UTC, date, datetime, timedelta

import pytest

from registry.identifiers import NPI
from registry.matching.notes import sentence
from registry.records.facts import IdentifierFacts, LicenceFacts, NameFacts, RestrictionFacts
from registry.verification.question import Question
from tests.registry.verification.conftest import BORN, NUMBER, Desk, anna, of, personal_number
from tests.support.world import licence, person

TODAY_RULES = "2026-11-22"


def hosp(code: str, profession: str, *kinds: str) -> LicenceFacts:
    """A licence as HOSP gives it: a live code, whatever the restrictions say."""
    restrictions = tuple(RestrictionFacts(kind=kind) for kind in kinds)  # type: ignore[arg-type]
    return licence(key=code, raw_profession=code, profession=profession, restrictions=restrictions)


# ---------------------------------------------------------------- by number


@pytest.mark.parametrize("number", ["1001", " 1001 ", "1-001", "10 01"])
def test_by_licence_number_without_touching_the_engine(desk: Desk, number: str) -> None:
    desk.load({"a": anna(), "b": person("Ek", "Bo", licences=[licence("1002")])})
    found = desk.answer(licence_number=number)
    assert (found.answer, found.outcome) == ("yes", "found")
    assert found.practitioner is not None
    assert found.practitioner.name == "Anna Maria Andersson"
    assert found.rule_version == TODAY_RULES
    assert [note.code for note in found.match.notes] == ["number-same"] if found.match else False
    assert desk.searched == []


def test_the_answer_tells_each_licence_with_its_source_and_since_when_it_is_known(desk: Desk) -> None:
    desk.load({"a": anna()}, completeness="full_history")
    found = desk.answer(licence_number="1001")
    [one] = found.licences
    assert one.verdict.licence.facts.number == "1001"
    assert one.verdict.answer == "yes"
    assert one.verdict.relevant
    assert one.source is not None
    assert one.source.fresh
    assert one.source.feed.completeness == "full_history"
    assert one.source.feed.silence_sv
    assert one.verdict.licence.known_since <= found.checked_at
    assert [source.feed.id for source in found.sources] == ["test"]


@pytest.mark.parametrize(
    "written", [NUMBER, NUMBER[2:], f"{NUMBER[:8]}-{NUMBER[8:]}", f"{NUMBER[2:8]}-{NUMBER[8:]}"]
)
def test_by_personal_identity_number_in_every_way_it_is_written(desk: Desk, written: str) -> None:
    desk.load({"a": anna()})
    found = desk.answer(personal_number=written)
    assert (found.answer, found.outcome) == ("yes", "found")
    assert desk.searched == []


def test_by_a_former_number_of_the_person(desk: Desk) -> None:
    former = personal_number("19800563")
    desk.load({"a": anna(identifiers=(of(NUMBER), of(former, "old")))})
    assert desk.answer(personal_number=former).outcome == "found"


def test_by_a_number_of_the_person_rather_than_of_a_licence(desk: Desk) -> None:
    npi = IdentifierFacts(system=NPI, value="1234567893")
    desk.load({"a": anna(identifiers=(npi,), licences=[licence("1"), licence("2", profession="midwife")])})
    assert desk.answer(licence_number="1234567893").answer == "yes"
    assert desk.answer(licence_number="1234567893", authority="test-authority").answer == "yes"


def test_nothing_of_a_personal_identity_number_is_in_the_answer_or_the_repr_of_the_question(
    desk: Desk,
) -> None:
    desk.load({"a": anna()})
    question = Question(personal_number=NUMBER)
    assert NUMBER[8:] not in repr(question)
    found = desk.ask(question).verification
    texts = [
        text
        for reason in found.reasons
        for text in (reason.sv, reason.en, reason.source_sv, reason.source_en)
    ]
    assert not any(NUMBER[2:] in text for text in texts)


# ---------------------------------------------------------------- the HOSP shapes

# Code, our profession, restriction kinds, profession asked for; answer and first reason.
HOSP_CASES: list[tuple[str, str, tuple[str, ...], str | None, str, str]] = [
    ("LK", "physician", (), "physician", "yes", "valid"),
    ("LK", "physician", ("revoked",), "physician", "no", "revoked"),
    ("LK", "physician", ("revoked",), None, "no", "revoked"),
    ("LK", "physician", ("probation",), "physician", "ask", "probation"),
    ("LK", "physician", ("limited-prescribing",), "Läkare", "ask", "limited-prescribing"),
    ("LK", "physician", ("probation", "limited-prescribing"), "physician", "ask", "probation"),
    ("NA", "naprapath", (), "Naprapat", "yes", "valid"),
    ("HK", "health-care-counsellor", (), "health-care-counsellor", "yes", "valid"),
    ("XX", "unknown", (), None, "ask", "profession-unknown"),
    ("XX", "unknown", (), "physician", "ask", "profession-unknown"),
    ("SJ", "registered-nurse", (), "physician", "ask", "profession-not-held"),
]


@pytest.mark.parametrize("case", HOSP_CASES, ids=str)
def test_hosp(desk: Desk, case: tuple[str, str, tuple[str, ...], str | None, str, str]) -> None:
    code, profession, kinds, asked, answer, reason = case
    desk.load({"a": anna(licences=[hosp(code, profession, *kinds)])})
    found = desk.answer(personal_number=NUMBER, profession=asked)
    assert (found.answer, found.reasons[0].code) == (answer, reason)
    assert found.outcome == "found"


def test_deceased(desk: Desk) -> None:
    desk.load({"a": anna(deceased=True)})
    assert desk.answer(personal_number=NUMBER).reasons[0].code == "deceased"


def test_a_profession_not_held_is_no_only_when_the_authority_is_named(desk: Desk) -> None:
    desk.load({"a": anna()})
    assert desk.answer(personal_number=NUMBER, profession="physician").answer == "ask"
    named = desk.answer(personal_number=NUMBER, profession="physician", authority="test-authority")
    assert (named.answer, named.reasons[0].code) == ("no", "profession-not-held-complete")
    assert "Testmyndigheten" in named.reasons[0].sv


# ---------------------------------------------------------------- not found, and protected


def test_not_found_is_ask_and_tells_what_each_feeds_silence_means(desk: Desk) -> None:
    desk.load({"a": anna()})
    desk.load({"b": person("Ek", "Bo", licences=[licence("77")])}, feed="other", silence_sv="Tyst om B.")
    found = desk.answer(licence_number="999")
    assert (found.answer, found.outcome, found.practitioner, found.licences) == ("ask", "notFound", None, ())
    assert [source.feed.id for source in found.sources] == ["other", "test"]
    assert found.sources[0].feed.silence_sv == "Tyst om B."
    assert "skyddade personuppgifter" in found.reasons[0].sv
    one = desk.answer(licence_number="1001", authority="other-authority")
    assert (one.outcome, [source.feed.id for source in one.sources]) == ("notFound", ["other"])


QUESTIONS = [
    {"licence_number": "1001"},
    {"licence_number": "1001", "name": "Anna Maria Andersson"},
    {"licence_number": "1001", "name": "Bo Ek", "birth_date": "1950-01-01"},
    {"licence_number": "1001", "authority": "test-authority", "profession": "registered-nurse"},
    {"licence_number": "1001", "on_date": date(2020, 1, 1)},
    {"personal_number": NUMBER},
    {"personal_number": NUMBER, "profession": "physician"},
    {"name": "Anna Andersson", "birth_date": BORN},
]


@pytest.mark.parametrize("fields", QUESTIONS)
def test_a_protected_person_is_answered_exactly_as_someone_who_is_not_there(
    desk: Desk, fields: dict[str, object]
) -> None:
    now = datetime.now(UTC)
    desk.load({"a": anna(protected=True), "b": person("Ek", "Bo", licences=[licence("1002")])})
    hit = desk.ask(Question(**fields), now)  # type: ignore[arg-type]
    missed = desk.ask(Question(**{**fields, **_missing(fields)}), now)  # type: ignore[arg-type]
    assert hit.verification.outcome == "notFound"
    assert hit.verification == missed.verification
    assert repr(hit.verification) == repr(missed.verification)
    # The person can see who asked, also when the asker saw nothing.
    assert (len(hit.ids), missed.ids) == (1, ())


def _missing(fields: dict[str, object]) -> dict[str, object]:
    """The same question about a number or name that nobody has."""
    nobody = {"licence_number": "4711", "personal_number": personal_number("19910101"), "name": "Ada Berg"}
    return {
        key: value for key, value in nobody.items() if key in fields and (key != "name" or len(fields) == 2)
    }


def test_a_person_becomes_as_absent_the_moment_sql_knows_even_if_the_index_lags(desk: Desk) -> None:
    desk.load({"a": anna()})
    assert desk.answer(name="Anna Andersson", birth_date=BORN).outcome == "found"
    desk.world.load({"a": anna(protected=True)})
    assert desk.answer(name="Anna Andersson", birth_date=BORN).outcome == "notFound"


# ---------------------------------------------------------------- several people, and contradictions


def two_with_one_number(desk: Desk) -> None:
    desk.load({"a": anna(licences=[licence("5")])})
    desk.load(
        {"b": person("Ek", "Bo", licences=[licence("5", profession="physician")], birth_date="1975-02-01")},
        feed="other",
    )


@pytest.mark.parametrize(
    ("fields", "who"),
    [
        ({}, None),
        ({"authority": "test-authority"}, "Anna Maria Andersson"),
        ({"authority": "other-authority"}, "Bo Ek"),
        ({"profession": "physician"}, "Bo Ek"),
        ({"name": "Bo Ek"}, "Bo Ek"),
        ({"name": "Andersson"}, None),
        ({"birth_date": "1975-02-01"}, "Bo Ek"),
        ({"birth_date": "1975"}, None),
        ({"name": "Anna Berg"}, None),
        ({"profession": "midwife"}, None),
    ],
)
def test_two_people_with_one_number_are_never_guessed_between(
    desk: Desk, fields: dict[str, object], who: str | None
) -> None:
    two_with_one_number(desk)
    answered = desk.ask(Question(licence_number="5", **fields))  # type: ignore[arg-type]
    found = answered.verification
    assert (found.practitioner.name if found.practitioner else None) == who
    if who is None:
        assert (found.answer, found.outcome, found.licences, found.match) == ("ask", "ambiguous", (), None)
        assert len(answered.ids) == 2
        assert not any("Andersson" in reason.sv + reason.en for reason in found.reasons)


@pytest.mark.parametrize(
    ("fields", "code", "notes"),
    [
        ({"name": "Anna Svensson"}, "name-differs", ["number-same", "name-different"]),
        ({"birth_date": "1981-05-03"}, "birth-date-differs", ["number-same", "birth-date-different"]),
        (
            {"name": "Anna Svensson", "birth_date": BORN},
            "name-differs",
            ["number-same", "name-different", "birth-date-same"],
        ),
    ],
)
def test_a_name_or_birth_date_that_contradicts_the_number_is_asked_about_and_shows_nobody(
    desk: Desk, fields: dict[str, object], code: str, notes: list[str]
) -> None:
    desk.load({"a": anna(licences=[licence("1001", status="revoked")])})
    answered = desk.ask(Question(licence_number="1001", **fields))  # type: ignore[arg-type]
    found = answered.verification
    assert (found.answer, found.outcome, [r.code for r in found.reasons]) == ("ask", "mismatch", [code])
    assert (found.practitioner, found.licences) == (None, ())
    assert found.match is not None
    assert (found.match.level, [note.code for note in found.match.notes]) == ("none", notes)
    assert (found.match.name, found.match.score, found.match.features) == (None, 0, ())
    assert len(answered.ids) == 1


@pytest.mark.parametrize(
    ("fields", "explanation"),
    [
        (
            {"name": "Andersson"},
            "Numret stämmer; förnamn saknas i frågan.",
        ),
        (
            {"name": "Anna Anderson"},
            (
                "Numret stämmer; efternamn stavat annorlunda, låter lika: Anderson/Andersson; "
                "alla förnamn är inte angivna: Maria."
            ),
        ),
        (
            {"name": "Anna Ek"},
            "Numret stämmer; alla förnamn är inte angivna: Maria; tidigare namn: Anna Maria Ek.",
        ),
        (
            {"name": "Anna Maria Andersson", "birth_date": "1980"},
            "Numret stämmer; födelsedatumet stämmer så långt det går att jämföra; namnet stämmer.",
        ),
    ],
)
def test_a_name_beside_a_number_need_only_not_contradict_it_and_how_it_agrees_is_said(
    desk: Desk, fields: dict[str, object], explanation: str
) -> None:
    names = (
        NameFacts(family="Andersson", given=("Anna", "Maria")),
        NameFacts(use="former", family="Ek", given=("Anna", "Maria")),
    )
    desk.load({"a": anna(names=names)})
    found = desk.answer(licence_number="1001", **fields)
    assert found.outcome == "found"
    assert found.match is not None
    assert sentence(found.match.notes, "sv") == explanation


# ---------------------------------------------------------------- dates and freshness


def test_an_old_feed_turns_yes_and_lapse_into_ask_but_not_a_revocation(desk: Desk) -> None:
    desk.load(
        {
            "a": anna(),
            "b": person("Ek", "Bo", licences=[licence("2", status="lapsed")]),
            "c": person("Al", "Cia", licences=[licence("3", status="revoked")]),
        }
    )
    later = datetime.now(UTC) + timedelta(hours=49)
    answers = [desk.ask(Question(licence_number=n), later).verification for n in ("1001", "2", "3")]
    assert [each.answer for each in answers] == ["ask", "ask", "no"]
    assert [each.reasons[0].code for each in answers] == ["feed-stale", "feed-stale", "status-revoked"]
    assert not answers[0].sources[0].fresh


def test_a_past_day_that_the_facts_do_not_reach_is_asked_about(desk: Desk) -> None:
    desk.load({"a": anna()})
    found = desk.answer(licence_number="1001", on_date=date(2020, 1, 1))
    codes = [reason.code for reason in found.reasons]
    assert (found.answer, codes) == ("ask", ["learnt-later", "past-date", "before-first-knowledge"])
    assert found.on_date == date(2020, 1, 1)


def test_a_licence_the_feed_no_longer_holds_is_asked_about(desk: Desk) -> None:
    stays = {"b": person("Ek", "Bo", licences=[licence("2")])}
    desk.load({**stays, "a": anna()})
    desk.load(stays)
    found = desk.answer(licence_number="1001")
    assert (found.answer, found.outcome, found.reasons[0].code) == ("ask", "found", "record-gone")


def test_today_is_decided_in_the_services_zone(desk: Desk) -> None:
    desk.load({"a": anna(licences=[licence("1001", valid_to="2027-01-14")])})
    before = datetime(2027, 1, 14, 22, 59, tzinfo=UTC)  # 23:59 in Stockholm
    assert desk.ask(Question(licence_number="1001"), before).verification.on_date == date(2027, 1, 14)
    after = before + timedelta(minutes=1)
    assert desk.ask(Question(licence_number="1001"), after).verification.on_date == date(2027, 1, 15)
