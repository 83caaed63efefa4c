"""Identifiers: (system, value) pairs, Swedish personal identity numbers, and licence numbers folded for look-up.

Sources: personal identity number, Folkbokföringslagen (1991:481) 18 §; coordination number, lag (2022:1697), day
plus 60; check digit modulus 10 with weights 2, 1 (Skatteverket). Systems are URIs as FHIR and HL7 Sweden write them.
"""

import re
from datetime import date

# Swedish systems (HL7 Sweden base profiles; OIDs of Inera's and Socialstyrelsen's services).
PERSONAL_IDENTITY_NUMBER = "urn:oid:1.2.752.129.2.1.3.1"
COORDINATION_NUMBER = "urn:oid:1.2.752.129.2.1.3.3"
HOSP_ID = "urn:oid:1.2.752.116.3.1.1"
PRESCRIBER_CODE = "urn:oid:1.2.752.116.3.1.2"
HSA_ID = "urn:oid:1.2.752.29.4.19"
# US National Provider Identifier (FHIR's own URI for it).
NPI = "http://hl7.org/fhir/sid/us-npi"

# Numbers that name a natural person to the state: digest and sealed value only, never plain.
PERSONAL_SYSTEMS = frozenset({PERSONAL_IDENTITY_NUMBER, COORDINATION_NUMBER})
# Systems whose numbers belong to exactly one person: two records that share one are about the same person.
JOINING_SYSTEMS = frozenset({*PERSONAL_SYSTEMS, NPI, HSA_ID})

_PERSONAL = re.compile(r"(\d{2})?(\d{6})([-+]?)(\d{4})\Z")
# Anything in free text that could be such a number; wider than the strict form on purpose.
_PERSONAL_ANYWHERE = re.compile(r"(?<!\d)(?:1[89]|20)?\d{2}[01]\d[0-9]\d\s?[-+]?\s?\d{4}(?!\d)")
_NUMBER_NOISE = re.compile(r"[\s.\-/–—]+")


def parse_personal_number(text: str, *, today: date) -> str:
    """Return a Swedish personal identity or coordination number as 12 digits.

    Takes 12 or 10 digits, with or without `-` or `+` (`+` from the year the person turns 100).

    Raises:
        ValueError: not such a number; the message says what is wrong, without repeating the number.
    """
    match = _PERSONAL.match(re.sub(r"\s", "", text))
    if not match:
        raise ValueError("write the personal identity number as YYYYMMDD-NNNN or YYMMDD-NNNN")
    century, six, sign, last = match.groups()
    if _check_digit(six + last[:3]) != int(last[3]):
        raise ValueError("the check digit of the personal identity number is wrong")
    digits = f"{century or _century(six, sign, today)}{six}{last}"
    if born(digits) is None:
        raise ValueError("the personal identity number does not start with a date")
    return digits


def _check_digit(nine: str) -> int:
    total = 0
    for position, digit in enumerate(nine):
        product = int(digit) * (2 - position % 2)
        total += product - 9 if product > 9 else product  # noqa: PLR2004 - digit sum of a two-digit product
    return -total % 10


def check_digit(nine: str) -> int:
    """Return the check digit for `YYMMDDNNN` (modulus 10, weights 2 and 1)."""
    return _check_digit(nine)


def _century(six: str, sign: str, today: date) -> str:
    """Return the century that makes the person younger than 100, or at least 100 with `+`."""
    year = today.year - (today.year - int(six[:2])) % 100
    if _later_than(f"{year}{six[2:]}", today):
        year -= 100
    return str((year - 100 if sign == "+" else year) // 100)


def _later_than(eight: str, today: date) -> bool:
    day = int(eight[6:]) - 60 if int(eight[6:]) > 60 else int(eight[6:])  # noqa: PLR2004 - coordination number
    return (int(eight[:4]), int(eight[4:6]), day) > (today.year, today.month, today.day)


def born(digits: str) -> date | None:
    """Return the date in a 12-digit number (a coordination number's day less 60), or None if there is none.

    It may differ from the person's real birth date when the numbers of a day ran out (Skatteverket).
    """
    day = int(digits[6:8])
    try:
        return date(int(digits[:4]), int(digits[4:6]), day - 60 if day > 60 else day)  # noqa: PLR2004 - as above
    except ValueError:
        return None


def personal_system(digits: str) -> str:
    """Return the system of a 12-digit number: coordination numbers have 60 added to the day."""
    return COORDINATION_NUMBER if int(digits[6:8]) > 60 else PERSONAL_IDENTITY_NUMBER  # noqa: PLR2004 - as above


def holds_personal_number(text: str) -> bool:
    """Tell whether free text may hold a personal identity number (so that it must not be logged or put in a URL)."""
    return _PERSONAL_ANYWHERE.search(text) is not None


def mask_personal_numbers(text: str) -> str:
    """Replace everything that may be a personal identity number by a fixed mark."""
    return _PERSONAL_ANYWHERE.sub("[personal number]", text)


def fold_number(number: str) -> str:
    """Fold a licence number for look-up: case, spaces, dots, dashes and slashes don't tell two numbers apart.

    Leading zeros do: `0123` and `123` are different numbers in several registers.
    """
    return _NUMBER_NOISE.sub("", number).casefold()
