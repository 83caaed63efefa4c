"""The errors of the synthetic questions, in the order in which they are tried, with their rates."""

import random

from tests.eval import date_errors as d
from tests.eval import errors as e
from tests.eval.errors import Draft, Error

_word = e._on_a_word

ERRORS = (
    Error("former name", 0.25, e.former_name, "a family name from before marriage that the register holds as former"),
    Error("new name", 0.02, e.new_name, "a family name taken at marriage that the register does not know"),
    Error("double family name", 0.015, e.double_family, "a second family name added that the register does not know"),
    Error("half a double family name", 0.15, e.half_family, "one of two family names left out"),
    Error("particle lost", 0.15, e.no_particle, "von, af, de, al left out"),
    Error("given names left out", 0.45, e.fewer_given, "only the first given name"),
    Error("given name added", 0.03, e.more_given, "a further given name that the register does not hold"),
    Error("second given name", 0.04, e.other_given, "only the second given name"),
    Error("another given name", 0.012, e.another_given, "a given name that the register does not know (changed, or adopted for daily use)"),
    Error("given name missing", 0.008, e.no_given, "only the family name"),
    Error("family name missing", 0.004, e.no_family, "only the given names"),
    Error("nickname", 0.03, e.nickname, "the short form of the first given name"),
    Error("initials", 0.03, e.initials, "given names as initials, or all but the first"),
    Error("transliterated", 0.10, e.transliterated, "a name from another script in other Latin letters"),
    Error("original script", 0.05, e.original_script, "a name from another script written in it"),
    Error("heard", 0.06, _word(e.phonetic), "one word as it sounds: kv/qv, k/c, v/w, f/ph, å/o, ä/e, -sson/-son, a known other spelling"),
    Error("letter added", 0.02, _word(e.insert), "one letter too many in one word"),
    Error("letter left out", 0.025, _word(e.delete), "one letter missing in one word"),
    Error("letter changed", 0.02, _word(e.substitute), "another letter in one word"),
    Error("letters swapped", 0.015, _word(e.swap), "two neighbouring letters swapped in one word"),
    Error("keyboard", 0.025, _word(e.keyboard), "the key beside the right one, Swedish layout"),
    Error("word parted", 0.008, e.parted, "a space within a word"),
    Error("words run together", 0.005, e.run_together, "the space between given and family name lost"),
    Error("diacritics lost", 0.08, e.plain, "å as a, é as e, throughout"),
    Error("letters spelt out", 0.03, e.spelt_out, "å as aa, ä as ae, ö as oe, throughout"),
    Error("hyphen lost", 0.25, e.joined, "Anna-Karin as Anna Karin or Annakarin"),
    Error("family name first", 0.05, e.swapped, "family name written first, boxes mixed up"),
    Error("day and month swapped", 0.02, d.swapped_day_month, "3 April as 4 March"),
    Error("wrong digit in date", 0.025, d.wrong_digit, "one digit of the birth date, not of the century"),
    Error("digits swapped in date", 0.015, d.swapped_digits, "two neighbouring digits of the birth date"),
    Error("year off by one", 0.01, d.wrong_year, "the year before or after"),
    Error("day off by one", 0.01, d.wrong_day, "the day before or after"),
    Error("another birth date", 0.006, d.another_date, "corrected since: another year, or 1 January of another year"),
    Error("only the year", 0.01, d.only_year, "no month and day"),
    Error("only year and month", 0.005, d.only_month, "no day"),
    Error("no birth date", 0.02, d.no_date, "no date at all"),
)  # fmt: skip
NONE = "no error"


def spoil(draft: Draft, chance: random.Random) -> tuple[str, ...]:
    """Try every error at its rate; return the names of those that changed something."""
    return tuple(
        error.name for error in ERRORS if chance.random() < error.rate and error.change(draft, chance)
    )
