from datetime import date

import pytest

from registry.errors import BadRequestError
from registry.verification.question import Question, check_question
from tests.registry.verification.conftest import personal_number
from tests.registry.verification.people import asked, feed, vocabulary

FEEDS = {"hosp": feed()}
MOMENT = asked().moment
NUMBER = personal_number("19800503")
WRONG = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)

REFUSED: list[tuple[dict[str, object], str]] = [
    ({}, "Give a licence number, a personal identity number, or a name with a birth date"),
    ({"name": "Anna Ek"}, "or a name with a birth date"),
    ({"birth_date": "1980-05-03"}, "or a name with a birth date"),
    ({"licence_number": "  ", "personal_number": ""}, "Give a licence number"),
    ({"licence_number": "1", "personal_number": NUMBER}, "not both"),
    ({"licence_number": "-/-"}, "a letter or digit"),
    ({"licence_number": "1" * 65}, "at most 64"),
    ({"personal_number": "19800503"}, "YYYYMMDD-NNNN"),
    ({"personal_number": WRONG}, "check digit"),
    ({"name": "?!", "birth_date": "1980"}, "must hold a letter"),
    ({"name": "A" * 201, "birth_date": "1980"}, "at most 200"),
    ({"name": f"Anna {NUMBER}", "birth_date": "1980"}, "in its own field"),
    ({"name": "Anna Ek", "birth_date": "03/05/1980"}, "birth date can't be read"),
    ({"name": "Anna Ek", "birth_date": "1980-02-30"}, "no such day"),
    ({"licence_number": "1", "authority": "nobody"}, "hosp-authority"),
    ({"licence_number": "1", "profession": "astronaut"}, "no such profession"),
    ({"licence_number": "1", "profession": "unknown"}, "no such profession"),
]


@pytest.mark.parametrize(("fields", "part"), REFUSED)
def test_a_question_that_cannot_be_answered_says_what_to_change(fields: dict[str, object], part: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        check_question(Question(**fields), MOMENT, FEEDS, vocabulary())  # type: ignore[arg-type]
    assert part in caught.value.detail
    assert NUMBER[-4:] not in caught.value.detail
    assert WRONG[-4:] not in caught.value.detail


def test_the_future_cannot_be_asked_about() -> None:
    with pytest.raises(BadRequestError, match="after today"):
        check_question(Question(licence_number="1"), asked(date(2026, 11, 23)).moment, FEEDS, vocabulary())


def test_words_become_codes_and_texts_are_trimmed() -> None:
    found = check_question(
        Question(
            licence_number=" 12-3 ",
            profession="Sjuksköterska",
            authority=" hosp-authority ",
            birth_date="198005",
        ),
        MOMENT,
        FEEDS,
        vocabulary(),
    )
    assert (found.licence_number, found.profession) == ("12-3", "registered-nurse")
    assert (found.authority, found.birth_date) == ("hosp-authority", "1980-05")


def test_a_checked_question_does_not_show_its_number() -> None:
    found = check_question(Question(personal_number=NUMBER), MOMENT, FEEDS, vocabulary())
    assert found.personal_number == NUMBER
    assert NUMBER not in repr(found)


def test_without_any_feed_the_message_still_reads() -> None:
    with pytest.raises(BadRequestError, match="must be one of: –"):
        check_question(Question(licence_number="1", authority="x"), MOMENT, {}, vocabulary())
