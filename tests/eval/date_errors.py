"""Slips in birth dates, as functions of the whole date; None where a slip does not apply."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

from tests.eval.errors import Change, Draft

_TRIES = 20


def _on_a_date(edit: Callable[[date, random.Random], date | None]) -> Change:
    def change(draft: Draft, chance: random.Random) -> bool:
        if draft.birth_date is None or len(draft.birth_date) < len("2000-01-01"):
            return False
        new = edit(date.fromisoformat(draft.birth_date), chance)
        done = new is not None and new.isoformat() != draft.birth_date
        if new is not None:
            draft.birth_date = new.isoformat()
        return done

    return change


def day_month(born: date, _: random.Random) -> date | None:
    """Day and month change places; only where that is a date."""
    return born.replace(month=born.day, day=born.month) if born.day <= 12 else None


def one_digit(born: date, chance: random.Random) -> date | None:
    """One digit of year, month or day is another one."""
    text = f"{born:%Y%m%d}"
    for _ in range(_TRIES):
        at = chance.randrange(2, 8)
        digit = chance.choice("0123456789")
        with suppress(ValueError):
            made = date.fromisoformat(text[:at] + digit + text[at + 1 :])
            if made != born:
                return made
    return None


def neighbours_swapped(born: date, chance: random.Random) -> date | None:
    """Two neighbouring digits change places."""
    text = f"{born:%Y%m%d}"
    places = list(range(2, 7))
    chance.shuffle(places)
    for at in places:
        with suppress(ValueError):
            made = date.fromisoformat(text[:at] + text[at + 1] + text[at] + text[at + 2 :])
            if made != born:
                return made
    return None


def year_off(born: date, chance: random.Random) -> date | None:
    """The year before or after."""
    with suppress(ValueError):  # 29 February
        return born.replace(year=born.year + chance.choice((-1, 1)))
    return None


def day_off(born: date, chance: random.Random) -> date | None:
    """The day before or after."""
    return born + timedelta(days=chance.choice((-1, 1)))


def corrected(born: date, chance: random.Random) -> date | None:
    """The birth date was corrected since, as it is for people who were registered with a guess: other years, often 1 January."""
    year = born.year + chance.choice((-1, 1)) * chance.randint(1, 9)
    return (
        date(year, 1, 1)
        if chance.random() < 0.4
        else date(year, 1, 1) + timedelta(days=chance.randrange(365))
    )


def _cut(length: int) -> Change:
    def change(draft: Draft, _: random.Random) -> bool:
        if draft.birth_date is None or len(draft.birth_date) <= length:
            return False
        draft.birth_date = draft.birth_date[:length] or None
        return True

    return change


swapped_day_month = _on_a_date(day_month)
wrong_digit = _on_a_date(one_digit)
swapped_digits = _on_a_date(neighbours_swapped)
wrong_year = _on_a_date(year_off)
wrong_day = _on_a_date(day_off)
another_date = _on_a_date(corrected)
only_year = _cut(4)
only_month = _cut(7)
no_date = _cut(0)
