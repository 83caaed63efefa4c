"""What no score can make sure, and what a number makes sure."""

import pytest

from registry.identifiers import fold_number
from registry.matching.candidate import Candidate
from registry.matching.match import Level
from registry.matching.model import load_model
from registry.matching.question import Question
from registry.matching.score import Scorer
from registry.records.facts import NameFacts
from tests.registry.matching.rows import DAY, Shares, names_of

GUNILLA = Candidate(
    names_of("Gunilla|Zetterlund"),
    DAY,
    frozenset({"nurse"}),
    frozenset({"uppsala"}),
    frozenset({fold_number("A1001")}),
)
NAME = "Gunilla Zetterlund"


@pytest.mark.parametrize(
    ("question", "level"),
    [
        (Question(licence_number="A-1001"), "exact"),
        (Question(NAME, licence_number="A1001"), "exact"),
        (Question(NAME, birth_date=DAY, licence_number="a 1001"), "exact"),
        (Question(NAME, birth_date="1980", licence_number="A1001"), "exact"),
        (Question("Zetterlund", licence_number="A1001"), "exact"),
        (Question("Gunilla Zeterlund", licence_number="A1001"), "exact"),
        # A name or a birth date that contradicts the record: somebody else's number.
        (Question("Eva Svensson", licence_number="A1001"), "none"),
        (Question(given="Eva", family="Svensson", licence_number="A1001"), "none"),
        (Question(NAME, birth_date="1980-05-04", licence_number="A1001"), "none"),
        (Question(NAME, birth_date="1981", licence_number="A1001"), "none"),
        # Another number: never sure, however well the rest agrees.
        (Question(NAME, birth_date=DAY, licence_number="B2"), "possible"),
        (Question(NAME, licence_number="B2"), "none"),
        (Question(licence_number="B2"), "none"),
        (Question(), "none"),
        (Question(birth_date=DAY), "none"),
        (Question(profession="nurse"), "none"),
        # Profession and county weigh a little.
        (Question(NAME, birth_date=DAY, profession="nurse", county="Uppsala län"), "exact"),
        (Question(NAME, birth_date=DAY, profession="physician", county="Skåne"), "exact"),
    ],
)
def test_level(scorer: Scorer, question: Question, level: Level) -> None:
    assert scorer.score(question, GUNILLA).level == level


def test_a_person_without_a_name_is_nobody_asked_for_by_name(scorer: Scorer) -> None:
    nameless = Candidate((), DAY, numbers=frozenset({fold_number("A1001")}))
    assert scorer.score(Question(NAME, birth_date=DAY), nameless).level == "none"
    assert scorer.score(Question(NAME, licence_number="A1001"), nameless).level == "none"
    assert scorer.score(Question(licence_number="A1001"), nameless).level == "exact"
    empty = Candidate((NameFacts(),), DAY)
    assert scorer.score(Question(NAME, birth_date=DAY), empty).level in {"none", "possible"}


def test_what_else_agrees_lifts_and_what_differs_lowers(scorer: Scorer) -> None:
    plain = scorer.score(Question(NAME, birth_date=DAY), GUNILLA).score
    for more, less in [
        (
            Question(NAME, birth_date=DAY, profession="nurse"),
            Question(NAME, birth_date=DAY, profession="dentist"),
        ),
        (Question(NAME, birth_date=DAY, county="Uppsala"), Question(NAME, birth_date=DAY, county="Skåne")),
    ]:
        assert scorer.score(more, GUNILLA).score > plain > scorer.score(less, GUNILLA).score


def test_a_name_too_long_to_be_compared_whole_is_never_sure(scorer: Scorer) -> None:
    given = "Anna Bea Cia Disa Elsa Frida Greta Hanna Ida Jenny Klara"
    candidate = Candidate(names_of(f"{given} Lina|Zetterlund"), DAY)
    assert scorer.score(Question(f"{given} Lina Zetterlund", birth_date=DAY), candidate).level == "possible"


def test_a_bigger_register_asks_for_more() -> None:
    question = Question("Anna Lindqvist", birth_date=DAY)
    candidate = Candidate(names_of("Anna Maria|Lindqvist"), DAY)
    levels = [
        Scorer(load_model(), Shares(), people).score(question, candidate).level
        for people in (1, 10_000, 100_000_000)
    ]
    assert levels == ["strong", "strong", "possible"]


@pytest.mark.parametrize(
    ("name", "day", "record", "level"),
    [
        # Among a million people some namesakes of common names are born on the same day; none of rare ones are.
        ("Anna Andersson", DAY, "Anna Maria|Andersson", "possible"),
        ("Anna Zetterlund", DAY, "Anna Maria|Zetterlund", "strong"),
        ("Anna Karlsson", DAY, "Anna|Carlsson", "possible"),
        ("Anna Andersson", DAY, "Anna|Andersson", "exact"),
        ("Lars Nilsson", "1980-05-08", "Lars|Nilsson", "none"),
        ("Gunnar Zetterlund", "1980-05-08", "Gunnar|Zetterlund", "possible"),
    ],
)
def test_among_a_million_people_common_names_need_more(
    name: str, day: str, record: str, level: Level
) -> None:
    scorer = Scorer(load_model(), Shares(), people=1_000_000)
    assert scorer.score(Question(name, birth_date=day), Candidate(names_of(record), DAY)).level == level


def test_a_rare_name_weighs_more_than_a_common_one_within_its_bounds(scorer: Scorer) -> None:
    model = load_model()

    def weight(family: str) -> float:
        match = scorer.score(Question(f"Eva {family}"), Candidate(names_of(f"Eva|{family}"), DAY))
        return next(bits for name, _, bits in match.features if name == "family_name")

    assert weight("Andersson") < weight("Lindqvist") < weight("Zetterlund")
    mean = model.weights("family_name")["written"]
    assert weight("Zetterlund") == pytest.approx(mean + model.rarity["family_name"].rarest_bits)
    assert weight("Andersson") >= mean - model.rarity["family_name"].commonest_bits


def test_a_table_that_knows_nothing_moves_nothing() -> None:
    class Nothing:
        def share(self, kind: str, key: str) -> float:  # noqa: ARG002 - the protocol's
            return 0.0

    question = Question(NAME, birth_date=DAY)
    assert Scorer(load_model(), Nothing()).score(question, GUNILLA) == Scorer(load_model()).score(
        question, GUNILLA
    )


@pytest.mark.parametrize("share", [1e-9, 1e-5, 1e-3, 0.01, 0.05, 0.3])
def test_however_common_a_name_a_nearer_spelling_never_weighs_less(share: float) -> None:
    class Everybody:
        def share(self, kind: str, key: str) -> float:  # noqa: ARG002 - the protocol's
            return share

    scorer = Scorer(load_model(), Everybody())
    spellings = ["Zetterlund", "Setterlund", "Zetterbund", "Zotterbund", "Zetterqvist", "Svensson"]
    families = [
        scorer.score(Question(given="Gunilla", family=spelling), GUNILLA).score for spelling in spellings
    ]
    givens = [
        scorer.score(Question(given=spelling, family="Zetterlund"), GUNILLA).score
        for spelling in ["Gunilla", "Gunila", "Gunibla", "Erik"]
    ]
    # The file holds rounded figures.
    for scores in (families, givens):
        assert scores == pytest.approx(sorted(scores, reverse=True), abs=0.02)
