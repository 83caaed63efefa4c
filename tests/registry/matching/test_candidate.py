from registry.identifiers import PUBLIC_SYSTEMS, fold_number
from registry.matching.candidate import Candidate
from registry.matching.question import Question
from registry.matching.score import Scorer
from registry.records.facts import NameFacts
from registry.records.indexed import indexed
from registry.records.read import KnownIdentifier
from tests.registry.verification.people import licence, person

SYSTEM = min(PUBLIC_SYSTEMS)
NAMES = (
    NameFacts(family="Andersson", given=("Anna", "Maria")),
    NameFacts(use="former", family="Ek", given=("Anna",), middle="Lind"),
    NameFacts(use="alias", text="Ann Ek"),
)
ANNA = person(
    licence(1, profession="nurse", number="A-1"),
    licence(2, profession="midwife", number=""),
    names=NAMES,
    county="Uppsala län",
    identifiers=(
        KnownIdentifier(SYSTEM, "official", "123 45", None),
        KnownIdentifier("urn:other", "official", "999", None),
        KnownIdentifier(SYSTEM, "official", None, b"sealed"),
    ),
)


def test_what_is_compared_of_a_person_from_sql() -> None:
    found = Candidate.of(ANNA)
    assert found.names == NAMES
    assert found.professions == {"nurse", "midwife"}
    assert found.counties == {"uppsala"}
    assert found.numbers == {fold_number("A-1"), fold_number("123 45")}
    assert found.born == "19800503"


def test_a_person_read_for_the_index_is_the_same_candidate() -> None:
    found = Candidate.of_indexed(indexed(ANNA), counties=["Uppsala"])
    assert found == Candidate.of(ANNA)
    assert [name.use for name in found.names] == ["official", "former", "alias"]


def test_a_whole_name_is_parted_by_custom() -> None:
    def roles(text: str) -> str:
        (recorded,) = Candidate((NameFacts(text=text),)).recorded
        return " ".join(
            f"{unit.written}:{role[0]}" for unit, role in zip(recorded.units, recorded.roles, strict=True)
        )

    assert roles("Erik Johan Lund") == "erik:g johan:g lund:f"
    assert roles("LUND, ERIK JOHAN") == "erik:g johan:g lund:f"
    assert roles("Gustaf von Essen") == "gustaf:g von:f essen:f"
    assert roles("Cher") == "cher:f"
    assert roles("Lund,") == "lund:f"
    assert roles("") == ""


def test_a_faulty_birth_date_on_record_counts_as_none(scorer: Scorer) -> None:
    candidate = Candidate((NameFacts(family="Ek", given=("Bo",)),), "3 May 1980")
    match = scorer.score(Question("Bo Ek", birth_date="1980-05-03"), candidate)
    assert (match.level, match.outcomes["birth_date"]) == ("possible", "unknown")


def test_only_a_middle_name_is_compared_too(scorer: Scorer) -> None:
    candidate = Candidate((NameFacts(middle="Lind"),), "1980-05-03")
    assert scorer.score(Question("Lind", birth_date="1980-05-03"), candidate).level != "strong"
