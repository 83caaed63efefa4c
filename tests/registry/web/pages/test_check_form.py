from datetime import date

import pytest

from registry.web.pages.check_form import CheckForm, Choices, FormError, Question, read_check_form
from tests.registry.web.pages.house import NURSE

TODAY = date(2026, 11, 22)
CHOICES = Choices(
    profession=("physician", "registered-nurse"),
    authority=("socialstyrelsen",),
    purpose=("recruitment", "supervision"),
)
WRITTEN = f"{NURSE[:8]}-{NURSE[8:]}"


def read(**fields: str) -> CheckForm:
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    return read_check_form({"purpose": "recruitment", **names}, CHOICES, TODAY)


@pytest.mark.parametrize(
    ("fields", "question"),
    [
        (
            {"way": "personal-number", "personal_number": WRITTEN},
            Question("recruitment", personal_number=NURSE),
        ),
        (
            {"way": "personal-number", "personal_number": NURSE[2:]},
            Question("recruitment", personal_number=NURSE),
        ),
        (
            {"way": "licence-number", "licence_number": "  RN 60 "},
            Question("recruitment", licence_number="RN 60"),
        ),
        (
            # Ten digits may be a licence number, even if they could be a personal identity number too.
            {"way": "licence-number", "licence_number": NURSE[2:]},
            Question("recruitment", licence_number=NURSE[2:]),
        ),
        (
            {"way": "name", "given": "Nils", "family": "Påhitt", "birth_date": "19850709"},
            Question("recruitment", name="Nils Påhitt", birth_date="1985-07-09"),
        ),
        (
            {
                "way": "licence-number",
                "licence_number": "1",
                "profession": "physician",
                "authority": "socialstyrelsen",
                "purpose": "supervision",
                "on_date": "2026-11-22",
            },
            Question(
                "supervision",
                profession="physician",
                authority="socialstyrelsen",
                on_date=TODAY,
                licence_number="1",
            ),
        ),
        (
            {
                "way": "licence-number",
                "licence_number": "1",
                "on_date": "2026-01-01",
                "known_on": "20260102",
                "reference": "  ärende  7 ",
            },
            Question(
                "recruitment",
                licence_number="1",
                on_date=date(2026, 1, 1),
                known_on=date(2026, 1, 2),
                reference="ärende 7",
            ),
        ),
        (
            # Fields of ways that were not chosen are not looked at.
            {"way": "licence-number", "licence_number": "1", "personal_number": "?", "birth_date": "?"},
            Question("recruitment", licence_number="1"),
        ),
    ],
)
def test_a_good_form_becomes_a_question(fields: dict[str, str], question: Question) -> None:
    form = read(**fields)
    assert (form.errors, form.question) == ((), question)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, [("way", "wrong.way")]),
        ({"way": "guess"}, [("way", "wrong.way")]),
        (
            {"way": "licence-number", "licence_number": "1", "known_on": "2026-11-23"},
            [("known-on", "wrong.on-date-future")],
        ),
        (
            {"way": "licence-number", "licence_number": "1", "known_on": "i fjol"},
            [("known-on", "wrong.on-date")],
        ),
        (
            # What held on a day can't be known before it.
            {
                "way": "licence-number",
                "licence_number": "1",
                "known_on": "2026-01-01",
                "on_date": "2026-01-02",
            },
            [("on-date", "wrong.on-date-late")],
        ),
        (
            {"way": "licence-number", "licence_number": "1", "reference": f"om {WRITTEN}"},
            [("reference", "wrong.reference-personal")],
        ),
        (
            {"way": "licence-number", "licence_number": "1", "reference": "x" * 201},
            [("reference", "wrong.too-long")],
        ),
        ({"way": "personal-number"}, [("personal-number", "wrong.personal-number-missing")]),
        (
            {"way": "personal-number", "personal_number": f"{WRITTEN[:-1]}{(int(WRITTEN[-1]) + 1) % 10}"},
            [("personal-number", "wrong.personal-number")],
        ),
        (
            {"way": "licence-number", "licence_number": " "},
            [("licence-number", "wrong.licence-number-missing")],
        ),
        ({"way": "licence-number", "licence_number": "9" * 201}, [("licence-number", "wrong.too-long")]),
        (
            {"way": "licence-number", "licence_number": WRITTEN},
            [("licence-number", "wrong.licence-number-personal")],
        ),
        (
            {"way": "licence-number", "licence_number": NURSE},
            [("licence-number", "wrong.licence-number-personal")],
        ),
        (
            {"way": "name"},
            [
                ("given", "wrong.given-missing"),
                ("family", "wrong.family-missing"),
                ("birth-date", "wrong.birth-date-missing"),
            ],
        ),
        (
            {"way": "name", "given": "Nils", "family": WRITTEN, "birth_date": "1985-07"},
            [("family", "wrong.name-personal"), ("birth-date", "wrong.birth-date")],
        ),
        (
            {"way": "name", "given": "Nils", "family": "Påhitt", "birth_date": "2027-01-01"},
            [("birth-date", "wrong.birth-date")],
        ),
        (
            {
                "way": "licence-number",
                "licence_number": "1",
                "profession": "wizard",
                "authority": "nobody",
                "purpose": "curiosity",
                "on_date": "yesterday",
            },
            [
                ("profession", "wrong.profession"),
                ("authority", "wrong.authority"),
                ("purpose", "wrong.purpose"),
                ("on-date", "wrong.on-date"),
            ],
        ),
        (
            {"way": "licence-number", "licence_number": "1", "on_date": "2026-11-23"},
            [("on-date", "wrong.on-date-future")],
        ),
        ({"way": "licence-number", "licence_number": "1", "purpose": ""}, [("purpose", "wrong.purpose")]),
    ],
)
def test_a_bad_form_says_which_field_and_why(fields: dict[str, str], errors: list[tuple[str, str]]) -> None:
    form = read(**fields)
    assert form.question is None
    assert list(form.errors) == [FormError(*error) for error in errors]


def test_what_was_typed_is_shown_again_except_personal_identity_numbers() -> None:
    form = read(way="name", given=WRITTEN, family="Påhitt", personal_number=WRITTEN, licence_number=WRITTEN)
    assert form.typed.way == "name"
    assert form.typed.family == "Påhitt"
    shown = (form.typed.given, form.typed.personal_number, form.typed.licence_number)
    assert shown == ("", "", "")


def test_a_question_does_not_tell_the_personal_identity_number_in_its_repr() -> None:
    assert NURSE not in repr(read(way="personal-number", personal_number=NURSE).question)
