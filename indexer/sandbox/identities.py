"""Numbers that look real, are valid, and belong to nobody.

- Personal identity numbers: birth numbers 980-999, the range of Skatteverket's published test numbers, with a
  valid check digit. Twenty a day, so a set of people is as large as its birth dates allow: `CAPACITY`.
- NPI: begins with 9, while those in use begin with 1 or 2; valid check digit (Luhn over 80840 + number).
- Washington credential numbers: 69000000-69999999, while those in use have not reached 62000000.
- HOSP ids: 90000000 and up, far above those in use.
"""

from datetime import date, timedelta

from indexer.sandbox.draw import Shuffle
from registry.identifiers import check_digit

FIRST_BIRTH_NUMBER = 980
NUMBERS_A_DAY = 20
LAST_BIRTHDAY = date(2004, 12, 31)
# Working life first; the oldest are only brought in when a very large register needs their birth dates.
FIRST_BIRTHDAYS = (date(1940, 1, 1), date(1920, 1, 1))
WASHINGTON_CAPACITY = 1_000_000
# The numbers above these are left to the fixed people.
NPI_CAPACITY = 99_000_000
HOSP_ID_FROM = 90_000_000
WASHINGTON_NUMBER_FROM = 69_000_000


def slots(first_birthday: date) -> int:
    """Return how many test numbers there are for birth dates from the given one to `LAST_BIRTHDAY`."""
    return ((LAST_BIRTHDAY - first_birthday).days + 1) * NUMBERS_A_DAY


CAPACITY = slots(FIRST_BIRTHDAYS[-1])


def personal_number(born: date, birth_number: int, *, coordination: bool = False) -> str:
    """Return 12 digits: date of birth (day plus 60 in a coordination number), birth number, check digit."""
    day = born.day + 60 if coordination else born.day
    nine = f"{born:%y%m}{day:02}{birth_number}"
    return f"{born.year // 100}{nine}{check_digit(nine)}"


class PersonalNumbers:
    """Hands out each test number once: person `i` gets the same birth date, sex and number every time.

    `taken` are the (birth date, birth number) pairs of fixed people, which nobody else may get.
    """

    def __init__(self, people: int, taken: frozenset[tuple[date, int]], *seed: int) -> None:
        self._first = next(day for day in FIRST_BIRTHDAYS if slots(day) - len(taken) >= people)
        self._taken = sorted(
            (born - self._first).days * NUMBERS_A_DAY + number - FIRST_BIRTH_NUMBER for born, number in taken
        )
        self._shuffle = Shuffle(slots(self._first) - len(taken), *seed)

    def __getitem__(self, i: int) -> tuple[date, int]:
        """Return the date and birth number of person `i` (odd for men, even for women)."""
        slot = self._shuffle[i]
        for taken in self._taken:
            slot += slot >= taken
        return self._first + timedelta(days=slot // NUMBERS_A_DAY), FIRST_BIRTH_NUMBER + slot % NUMBERS_A_DAY


def luhn(digits: str) -> int:
    """Return the Luhn check digit to be put after the digits (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        product = int(digit) * (2 - position % 2)
        total += product - 9 if product > 9 else product  # noqa: PLR2004 - digit sum of a two-digit product
    return -total % 10


def npi(number: int) -> str:
    """Return a National Provider Identifier: 9, eight digits, and the check digit over 80840 and these nine."""
    nine = f"9{number:08}"
    return f"{nine}{luhn(f'80840{nine}')}"
