"""The generator: the same for a seed, realistic enough, and every error does what its name says."""

import random
from collections import Counter
from datetime import date

import pytest

from registry import dates
from tests.eval import date_errors, errors, kinds, nordic
from tests.eval.errors import Draft
from tests.eval.names import groups, is_latin, nicknames, spellings

CHANCE_SEEDS = range(40)


def draft(given: str, family: str, born: str = "1980-05-03", **rest: str) -> Draft:
    return Draft(given.split(), family, born, **rest)  # type: ignore[arg-type]


def test_the_same_seed_makes_the_same_set_and_another_seed_another() -> None:
    one, same, other = nordic.make(300, 100, 7), nordic.make(300, 100, 7), nordic.make(300, 100, 8)

    assert one == same
    assert one.register != other.register


def test_the_register_does_not_depend_on_how_many_questions_are_asked() -> None:
    assert nordic.make(300, 10, 7).register == nordic.make(300, 200, 7).register


def test_everybody_has_a_name_and_a_birth_date_and_questions_are_about_different_people() -> None:
    made = nordic.make(2000, 800, 3)

    assert all(entry.given and entry.family and is_latin(entry.family) for entry in made.register)
    assert all(dates.parse_iso(entry.birth_date or "") for entry in made.register)
    assert len({question.person for question in made.questions}) == 800
    assert all(question.name for question in made.questions)


def test_names_are_skewed_and_the_register_holds_relatives_and_namesakes() -> None:
    made = nordic.make(5000, 10, 3)
    families = Counter(entry.family for entry in made.register)
    common = sum(count for _, count in families.most_common(20))

    assert 0.2 < common / 5000 < 0.5
    assert len(families) > 1000
    on_a_day = Counter((entry.family, entry.birth_date) for entry in made.register)
    assert sum(count > 1 for count in on_a_day.values()) >= 10, "twins"
    namesakes = Counter((entry.given, entry.family) for entry in made.register)
    assert sum(count > 1 for count in namesakes.values()) >= 50
    assert sum(bool(entry.former) for entry in made.register) > 500


def test_every_kind_of_error_happens_about_as_often_as_it_applies() -> None:
    made = nordic.make(8_000, 8_000, 5)
    seen = Counter(kind for question in made.questions for kind in question.errors)

    assert set(seen) == {error.name for error in kinds.ERRORS}
    for error in kinds.ERRORS:
        assert seen[error.name] <= error.rate * 8_000 * 1.3 + 10, error.name
    clean = sum(not question.errors for question in made.questions)
    assert 0.3 < clean / 8_000 < 0.5


def test_a_question_without_errors_asks_for_the_record_as_it_stands() -> None:
    made = nordic.make(500, 500, 5)
    known = {entry.person: entry for entry in made.register}

    clean = [question for question in made.questions if not question.errors]
    assert clean
    for question in clean:
        entry = known[question.person]
        assert (question.given, question.family) == (entry.given, entry.family)
        assert question.birth_date == entry.birth_date


@pytest.mark.parametrize(
    "edit", [errors.insert, errors.delete, errors.substitute, errors.swap, errors.keyboard]
)
def test_a_typing_error_is_one_edit_away(edit: errors.Change) -> None:
    made = {edit("lindqvist", random.Random(seed)) for seed in CHANCE_SEEDS}  # type: ignore[arg-type]

    assert len(made) > 5
    assert all(abs(len(str(one)) - 9) <= 1 for one in made)
    assert any(str(one)[0] == "l" for one in made)


def test_neighbours_are_those_of_a_swedish_keyboard() -> None:
    assert set(errors.neighbours("ö")) == {"l", "ä", "p", "å"}
    assert set(errors.neighbours("g")) == {"f", "h", "t", "y", "v", "b"}
    assert errors.neighbours("1") == ""


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (errors.plain, draft("Åsa", "Lindström"), ("Asa", "Lindstrom")),
        (errors.plain, draft("Søren", "Łukasz"), ("Soren", "Lukasz")),
        (errors.spelt_out, draft("Åsa", "Sjöö"), ("Aasa", "Sjoeoe")),
        (errors.fewer_given, draft("Eva Maria", "Berg"), ("Eva", "Berg")),
        (errors.other_given, draft("Eva Maria", "Berg"), ("Maria", "Berg")),
        (errors.no_particle, draft("Ebba", "von Essen"), ("Ebba", "Essen")),
        (errors.no_given, draft("Ebba", "Berg"), ("", "Berg")),
        (errors.no_family, draft("Ebba", "Berg"), ("Ebba", "")),
        (errors.run_together, draft("Ebba", "Berg"), ("Ebbaberg", "")),
        (errors.former_name, draft("Ebba", "Berg", former_family="Dahl"), ("Ebba", "Dahl")),
        (errors.new_name, draft("Ebba", "Berg", other_family="Ek"), ("Ebba", "Ek")),
        (errors.another_given, draft("Ebba", "Berg", other_given="Eva"), ("Eva", "Berg")),
        (errors.more_given, draft("Ebba", "Berg", other_given="Eva"), ("Ebba Eva", "Berg")),
    ],
)
def test_an_error_does_what_its_name_says(
    change: errors.Change, before: Draft, after: tuple[str, str]
) -> None:
    assert change(before, random.Random(1))
    assert (" ".join(before.given), before.family) == after


@pytest.mark.parametrize(
    "change",
    [
        errors.plain,
        errors.spelt_out,
        errors.fewer_given,
        errors.other_given,
        errors.no_particle,
        errors.half_family,
        errors.former_name,
        errors.new_name,
        errors.another_given,
        errors.more_given,
        errors.double_family,
        errors.joined,
        errors.original_script,
        errors.transliterated,
        errors.nickname,
    ],
)
def test_an_error_that_does_not_apply_changes_nothing_and_says_so(change: errors.Change) -> None:
    asked = draft("Ture", "Rask")

    assert not change(asked, random.Random(1))
    assert (asked.given, asked.family) == (["Ture"], "Rask")


def test_a_hyphen_is_lost_in_both_ways() -> None:
    made = set()
    for seed in CHANCE_SEEDS:
        asked = draft("Anna-Karin", "Berg")
        assert errors.joined(asked, random.Random(seed))
        made.add(" ".join(asked.given))
    assert made == {"Anna Karin", "Annakarin"}


def test_a_name_can_be_asked_in_its_own_script() -> None:
    asked = draft("Yusuf", "Khalil")

    assert errors.original_script(asked, random.Random(1))
    assert not any(map(is_latin, [*asked.given, asked.family]))


def test_a_swedish_name_is_never_transliterated() -> None:
    asked = draft("Kristina", "Lindqvist")

    assert not errors.transliterated(asked, random.Random(1))


@pytest.mark.parametrize(
    ("change", "apart"),
    [
        (date_errors.wrong_digit, 1),
        (date_errors.swapped_digits, 2),
        (date_errors.swapped_day_month, 4),
        (date_errors.wrong_year, 2),
        (date_errors.wrong_day, 2),
    ],
)
def test_a_slip_in_a_date_gives_another_day_of_the_calendar(change: errors.Change, apart: int) -> None:
    for seed in CHANCE_SEEDS:
        asked = draft("Eva", "Berg", "1974-05-11")
        assert change(asked, random.Random(seed))
        assert asked.birth_date
        assert date.fromisoformat(asked.birth_date) != date(1974, 5, 11)
        assert sum(a != b for a, b in zip(asked.birth_date, "1974-05-11", strict=True)) <= apart


def test_a_date_can_be_known_in_part_or_not_at_all() -> None:
    for change, left in (
        (date_errors.only_month, "1980-05"),
        (date_errors.only_year, "1980"),
        (date_errors.no_date, None),
    ):
        asked = draft("Eva", "Berg")
        assert change(asked, random.Random(1))
        assert asked.birth_date == left


def test_the_lists_hold_what_the_errors_need() -> None:
    assert abs(sum(group.share for group in groups()) - 1) < 0.02
    assert sum(bool(each.original) for each in spellings().values()) > 400
    assert len(nicknames()) > 60
