import pytest

from registry.identifiers import fold_number
from registry.matching.candidate import Candidate
from registry.matching.notes import NOTES, REVEALING, sentence, spelt, unrevealing
from registry.matching.question import Question
from registry.matching.score import Scorer
from tests.registry.matching.rows import DAY, ROWS, Row, names_of

EVERY = {**NOTES, **REVEALING}


@pytest.mark.parametrize(
    ("question", "record", "sv", "en"),
    [
        (
            Question("Anna Lindkvist", birth_date=DAY),
            "Anna|Lindqvist",
            "Född samma dag; efternamn stavat annorlunda, låter lika: Lindkvist/Lindqvist.",
            "Born on the same day; family name spelt differently, sounds alike: Lindkvist/Lindqvist.",
        ),
        (
            Question("gunilla ekbolm", birth_date="1980-03-05"),
            "Gunilla Eva|Ekholm",
            (
                "Dag och månad omkastade: 1980-03-05/1980-05-03; efternamn stavat annorlunda: ekbolm/Ekholm; "
                "alla förnamn är inte angivna: Eva."
            ),
            (
                "Day and month swapped: 1980-03-05/1980-05-03; family name spelt differently: ekbolm/Ekholm; "
                "not every given name was asked for: Eva."
            ),
        ),
        (
            Question("Anna Ekholm", birth_date=DAY),
            "Anna|Wallin < Anna|Ekholm",
            "Född samma dag; namnet stämmer; tidigare namn: Anna Ekholm.",
            "Born on the same day; the name agrees; former name: Anna Ekholm.",
        ),
        (
            Question(given="Ekholm", family="Anna", birth_date=DAY),
            "Anna|Ekholm",
            "Född samma dag; förnamn och efternamn omkastade.",
            "Born on the same day; given name and family name swapped.",
        ),
        (
            Question("Gunilla Ekholm", birth_date=DAY, profession="nurse"),
            "Gunilla|Wallin",
            "Född samma dag; annat efternamn: Ekholm/Wallin.",
            "Born on the same day; another family name: Ekholm/Wallin.",
        ),
    ],
)
def test_sentence(scorer: Scorer, question: Question, record: str, sv: str, en: str) -> None:
    match = scorer.score(question, Candidate(names_of(record), DAY))
    assert (sentence(match.notes, "sv"), sentence(match.notes, "en")) == (sv, en)


def test_without_notes_there_is_nothing_to_say() -> None:
    assert sentence((), "sv") == ""


def test_every_note_has_texts_in_both_languages_and_a_plain_form() -> None:
    for code, note in EVERY.items():
        assert code == note.code
        assert {note.sv[-1], note.en[-1]} == {"."}
        assert note.sv != note.en
        (plain,) = unrevealing([note])
        assert NOTES[plain.code] is plain
    assert not NOTES.keys() & REVEALING.keys()


def test_a_note_without_spellings_says_just_what_it_is() -> None:
    assert spelt("given-missing", "", "") is REVEALING["given-missing"]
    assert spelt("further-more", "Eva", "").sv == "Fler namn i frågan än i registret: Eva."


def test_braces_and_odd_signs_in_a_name_are_only_that() -> None:
    assert spelt("family-different", "{0}", "%s").en == "Another family name: {0}/%s."


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.asked} | {row.record} | {row.born}")
def test_what_is_plain_holds_no_word_and_no_date_of_the_record(scorer: Scorer, row: Row) -> None:
    candidate = row.candidate()
    match = scorer.score(row.question(), candidate)
    said = sentence(match.plain_notes, "sv") + sentence(match.plain_notes, "en")
    words = {
        word for name in candidate.names for word in name.display().replace("|", " ").split() if len(word) > 2
    }
    assert not any(word in said for word in words)
    assert not (candidate.birth_date and candidate.birth_date in said)
    assert bool(match.notes) == (match.level != "none")


def test_what_contradicts_a_number_is_told_without_any_spelling(scorer: Scorer) -> None:
    candidate = Candidate(names_of("Gunilla|Wallin"), DAY, numbers=frozenset({fold_number("A1")}))
    question = Question("Eva Svensson", birth_date="1980-03-05", licence_number="A1")
    codes = [note.code for note in scorer.score(question, candidate).plain_notes]
    assert codes == ["number-same", "birth-date-different", "name-different"]
