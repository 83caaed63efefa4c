"""Is it the same person? Misspelt, shortened, swapped and former names, slips in birth dates, namesakes and twins."""

from datetime import date

import pytest
import sqlalchemy as sa

from registry.matching.notes import NOTES, sentence
from registry.names import words
from registry.records import read
from registry.records.facts import NameFacts, PersonFacts
from registry.search import SearchQuery
from registry.search.candidates import likely_from
from registry.verification.question import Question
from tests.registry.matching.rows import Shares
from tests.registry.verification.conftest import BORN, Desk, anna
from tests.support.world import licence, person

SWAPPED, SLIP, OTHER = "1980-03-05", "1980-05-13", "1961-11-30"


def somebody(family: str, *given: str, born: str | None = BORN, former: str = "") -> PersonFacts:
    names = [NameFacts(family=family, given=given)]
    names += [NameFacts(use="former", family=former, given=given)] if former else []
    number = f"{family} {' '.join(given)} {born}".replace(" ", "").replace("-", "").upper()[:40]
    return person(family, *given, names=tuple(names), birth_date=born, licences=[licence(number)])


PEOPLE = [
    somebody("Lindqvist", "Anna"),
    somebody("Ekblom", "Anna-Karin"),
    somebody("von Essen", "Carl"),
    somebody("Wallin", "Gunilla", "Maria", former="Ekholm"),
    somebody("Berg-Lindström", "Eva"),
    somebody("Ivanova", "Olga"),
    somebody("Öberg", "Siv", born="1970-01-01"),
    somebody("Öberg", "Siv", "Maria", born="1970-01-01"),
    somebody("Hallberg", "Johan", born="1991-02-03"),
    somebody("Hallberg", "Jonas", born="1991-02-03"),
    somebody("Sandell", "Karin", born=None),
    somebody("Malm", "Rut", born="1955"),
    somebody("Zetterlund", "Birgitta"),
    somebody("Nyman", "Anna", born="1964-04-04"),
    somebody("Nyman", "Hanna", born="1964-04-04"),
]
FOUND = [
    # Asked, born, who, level, and what is said after "Född samma dag".
    ("Anna Lindqvist", BORN, "Anna Lindqvist", "exact", "namnet stämmer"),
    ("Lindqvist Anna", BORN, "Anna Lindqvist", "exact", "namnet stämmer"),
    ("Anna Lindkvist", BORN, "Anna Lindqvist", "strong", "låter lika: Lindkvist/Lindqvist"),
    ("Anna Lindqvits", BORN, "Anna Lindqvist", "strong", "efternamn stavat annorlunda: Lindqvits/Lindqvist"),
    ("Anna Karin Ekblom", BORN, "Anna-Karin Ekblom", "exact", "namnet stämmer"),
    ("Annakarin Ekblom", BORN, "Anna-Karin Ekblom", "exact", "ihop eller isär: Annakarin/Anna Karin"),
    ("Ekblom, Anna", BORN, "Anna-Karin Ekblom", "strong", "alla förnamn är inte angivna: Karin"),
    ("Carl Essen", BORN, "Carl von Essen", "strong", "småord i namnet finns bara på ena sidan"),
    ("Gunilla Ekholm", BORN, "Gunilla Maria Wallin", "strong", "tidigare namn: Gunilla Maria Ekholm"),
    ("Eva Lindström", BORN, "Eva Berg-Lindström", "strong", "ett av flera efternamn"),
    ("Ольга Иванова", BORN, "Olga Ivanova", "exact", "Иванова/Ivanova"),
    ("Siv Maria Oberg", "19700101", "Siv Maria Öberg", "exact", "andra tecken: Oberg/Öberg"),
    ("Johan Hallberg", "1991-02-03", "Johan Hallberg", "exact", "namnet stämmer"),
    ("Jonas Hallberg", "1991-02-03", "Jonas Hallberg", "exact", "namnet stämmer"),
    ("Anna Nyman", "1964-04-04", "Anna Nyman", "exact", "namnet stämmer"),
    ("Hanna Nyman", "1964-04-04", "Hanna Nyman", "exact", "namnet stämmer"),
]
OPEN = [
    # Day and month swapped, a slip, an unknown or partial date: a likeness, never the person.
    ("Anna Lindqvist", SWAPPED, "uncertain-match"),
    ("Birgitta Zetterlund", SLIP, "uncertain-match"),
    ("Anna Lindkvist", SWAPPED, "uncertain-match"),
    ("Karin Sandell", BORN, "uncertain-match"),
    ("Rut Malm", "1955-05-05", "uncertain-match"),
    ("Anna Lindqvist", "1980-05", "uncertain-match"),
    # Namesakes born on one day, and what might be either twin.
    ("Siv Öberg", "1970-01-01", "ambiguous"),
    ("J Hallberg", "1991-02-03", "ambiguous"),
    # Half a name says too little, and so does another given name: twins share the rest.
    ("Zetterlund", BORN, "uncertain-match"),
]
ABSENT = [
    ("Anna Lindqvist", OTHER),
    ("Anna Lindqvist", "1980-11-21"),
    ("Torbjörn Zachrisson", BORN),
    ("Karin Sandström", BORN),
    ("Hallberg", OTHER),
]


class Known(Shares):
    """A register in which these are names of their own, not slips of others."""

    def share(self, kind: str, key: str) -> float:
        return (
            0.001 if key in {"anne", "hanna", "lena", "carla", "jonas", "johan"} else super().share(kind, key)
        )


@pytest.fixture
def full(desk: Desk) -> Desk:
    """A desk over a register that knows how common names are."""
    desk.load({f"p{n}": one for n, one in enumerate(PEOPLE)})
    desk.counts = Known()
    return desk


def test_who_is_found_and_what_is_said(full: Desk) -> None:
    told = []
    for name, born, *_, said in FOUND:
        found = full.answer(name=name, birth_date=born)
        assert found.practitioner is not None, name
        assert found.match is not None
        assert found.match.score > 0
        assert found.match.outcomes["birth_date"] == "same"
        explanation = sentence(found.match.notes, "sv")
        assert explanation.startswith("Född samma dag; "), name
        told.append(
            (
                name,
                born,
                found.practitioner.name,
                found.match.level,
                said if said in explanation else explanation,
            )
        )
    assert told == FOUND


def test_what_is_only_like_is_asked_about_and_shows_nobody(full: Desk) -> None:
    for name, born, reason in OPEN:
        found = full.answer(name=name, birth_date=born)
        assert (found.answer, found.outcome, found.reasons[0].code) == ("ask", "ambiguous", reason), name
        assert (found.practitioner, found.match, found.licences) == (None, None, ())


def test_who_is_not_there_is_not_taken_for_somebody_else(full: Desk) -> None:
    for name, born in ABSENT:
        found = full.answer(name=name, birth_date=born)
        assert (found.answer, found.outcome, found.match) == ("ask", "notFound", None), (name, born)


def test_another_given_name_is_never_the_person(full: Desk) -> None:
    """Twins share family name and birth date; the one who is not registered must not pass for the other."""
    for name in ("Lena Lindqvist", "Anne Lindqvist", "Hanna Lindqvist", "Carla von Essen"):
        assert full.answer(name=name, birth_date=BORN).outcome in {"notFound", "ambiguous"}, name


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("Carl von Essen", ["day", "near"]),  # with a particle a name has too many readings to be sure
        ("Gunilla Maria Wallin", ["day"]),
        ("Anna Lindkvist", ["day", "near"]),
        ("Karin Sandell", ["day", "near", "wide"]),
    ],
)
def test_each_further_search_is_made_only_where_the_last_leaves_doubt(
    full: Desk, name: str, stages: list[str]
) -> None:
    full.answer(name=name, birth_date=BORN)
    assert [each.candidates for each in full.searched] == stages


def test_without_a_whole_birth_date_nobody_is_looked_for_by_the_day(full: Desk) -> None:
    full.answer(name="Anna Lindqvist", birth_date="1980-05")
    assert [each.candidates for each in full.searched] == ["near", "wide"]


def test_the_whole_first_page_may_be_full_of_others(full: Desk) -> None:
    """Those left out share less with the question than whoever might be the person."""
    full.max_candidates = 2
    found = full.answer(name="Birgitta Zetterlund", birth_date=BORN)
    assert found.practitioner is not None
    assert found.practitioner.name == "Birgitta Zetterlund"


def test_whoever_may_be_found_scores_what_decides_whether_the_page_holds_all_of_them(full: Desk) -> None:
    for name, born, who, *_ in FOUND:
        query = SearchQuery(text=name, birth_date=born, candidates="near")
        hits = full.engine.search(query, date(2026, 11, 22)).hits
        with full.world.engine.connect() as connection:
            people = read.practitioners(connection, [hit.practitioner_id for hit in hits])
        (score,) = (hit.score for hit in hits if people[hit.practitioner_id].name == who)
        assert score >= likely_from(len(words(name))), name


def test_what_an_answer_may_not_tell_is_not_in_its_notes(desk: Desk) -> None:
    desk.load({"a": anna()})
    mismatch = desk.answer(licence_number="1001", name="Anna Maria Andersen", birth_date="1980-03-05")
    assert mismatch.match is not None
    assert {note.code for note in mismatch.match.notes} <= NOTES.keys()
    texts = " ".join(note.sv + note.en for note in mismatch.match.notes)
    assert not [told for told in ("Andersson", "1980") if told in texts]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Anna Maria Andersson", "birth_date": BORN},
        {"name": "Anna Andersen", "birth_date": SWAPPED},
        {"licence_number": "1001"},
        {"licence_number": "1001", "name": "Anna Ek", "birth_date": BORN},
    ],
)
def test_a_protected_person_costs_the_same_searches_and_statements_as_nobody(
    desk: Desk, fields: dict[str, str]
) -> None:
    desk.load({"a": anna(protected=True), "b": person("Ek", "Bo", licences=[licence("1002")])})
    sent: list[str] = []
    sa.event.listen(
        desk.world.engine,
        "before_cursor_execute",
        lambda _c, _u, statement, *_: sent.append(statement.split("(")[0]),
    )
    costs = []
    # As in an index that still holds the protected person: the engine is asked by the name of somebody who is there.
    for asked in (
        fields,
        {**fields, **({"licence_number": "4711"} if "licence_number" in fields else {"name": "Xi Wu"})},
    ):
        sent.clear()
        desk.searched.clear()
        assert desk.ask(Question(**asked)).verification.outcome == "notFound"  # type: ignore[arg-type]
        costs.append((list(sent), [each.candidates for each in desk.searched]))
    assert costs[0] == costs[1]
