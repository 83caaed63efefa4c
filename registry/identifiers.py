"""Identifiers: (system, value) pairs, Swedish personal identity numbers, and licence numbers folded for look-up.

Sources: personal identity number, Folkbokföringslagen (1991:481) 18 §; coordination number, lag (2022:1697), day
plus 60, month 00 or day 60 where Skatteverket does not know them (as in its test numbers); check digit modulus 10 with weights 2, 1 (Skatteverket). Systems are URIs as FHIR and HL7 Sweden write them.
"""

import re
import unicodedata
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
# Only numbers that are meant to be public: any other system may be another country's personal identity number.
PUBLIC_SYSTEMS = frozenset({NPI, HSA_ID, HOSP_ID, PRESCRIBER_CODE})

# Hyphen and minus as keyboards, word processors and spreadsheets write them.
_DASHES = "\u2010-\u2015\u2212"
_PERSONAL = re.compile(rf"(1[89]|20)?(\d{{6}})([-+{_DASHES}]?)(\d{{4}})\Z", re.ASCII)
# Anything in free text that could be such a number; wider than the strict form on purpose.
_PERSONAL_ANYWHERE = re.compile(
    r"(?<!\d)(?:1[89]|20)?\d{2}[01]\d[0-9]\d\s?[-+" + _DASHES + r"]?\s?\d{4}(?!\d)"
)
# What is added to the day of birth in a coordination number.
_COORDINATION = 60
_NUMBER_NOISE = re.compile(r"[\s.\-/–—]+")
# Ten digits; twelve with 16 or a person's century before them; with ISO 6523's 0007; a VAT number (SE, ten digits, 01).
_ORGANISATION = re.compile(r"(?:16|18|19|20|0007)?(\d{10})\Z|SE(\d{10})\d{2}\Z", re.ASCII)


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
    if not starts_with_date(digits):
        raise ValueError("the personal identity number does not start with a date")
    if _later_than(digits[:8], today):
        raise ValueError("the personal identity number starts with a date that has not come")
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
    """Return the century: the latest that has come, or with `+` the one before.

    `+` is written from the beginning of the year in which a person turns 100, so the year alone decides there.
    """
    year = today.year - (today.year - int(six[:2])) % 100
    if sign == "+" or _later_than(f"{year}{six[2:]}", today):
        year -= 100
    return str(year // 100)


def _later_than(eight: str, today: date) -> bool:
    return _date_parts(eight) > (today.year, today.month, today.day)


def _date_parts(digits: str) -> tuple[int, int, int]:
    """Return year, month and day, a coordination number's day less 60; 0 for what is not known."""
    day = int(digits[6:8])
    return int(digits[:4]), int(digits[4:6]), day - _COORDINATION if day >= _COORDINATION else day


def born(digits: str) -> date | None:
    """Return the date in a 12-digit number (a coordination number's day less 60), or None if there is no whole one.

    It may differ from the person's real birth date when the numbers of a day ran out (Skatteverket).
    """
    try:
        return date(*_date_parts(digits))
    except ValueError:
        return None


def starts_with_date(digits: str) -> bool:
    """Tell whether a 12-digit number starts with a date; a coordination number's month or day may be unknown."""
    if born(digits) is not None:
        return True
    year, month, day = _date_parts(digits)
    if personal_system(digits) != COORDINATION_NUMBER or (month and day):
        return False
    # January has 31 days: an unknown month must not make the day wrong.
    return born(f"{year:04d}{month or 1:02d}{day or 1:02d}") is not None


def personal_system(digits: str) -> str:
    """Return the system of a 12-digit number: coordination numbers have 60 added to the day."""
    return COORDINATION_NUMBER if int(digits[6:8]) >= _COORDINATION else PERSONAL_IDENTITY_NUMBER


def holds_personal_number(text: str) -> bool:
    """Tell whether free text may hold a personal identity number (so that it must not be logged or put in a URL)."""
    return _PERSONAL_ANYWHERE.search(text) is not None


# Stands in texts where something was that may be a personal identity number.
MASK = "[personal number]"


def mask_personal_numbers(text: str) -> str:
    """Replace everything that may be a personal identity number by a fixed mark."""
    return _PERSONAL_ANYWHERE.sub(MASK, text)


def organisation_digits(text: str) -> str:
    """Return the ten digits of a Swedish organisation number, however it is written; "" for anything else.

    Written as ten digits; as twelve with 16 before them, or a century for a sole trader; after ISO 6523's `0007:`; or as a VAT number
    (`SE556000000001`): each with spaces, dots, hyphens or the like between. The check digit is not asked.
    """
    match = _ORGANISATION.match(_squeezed(text))
    return (match[1] or match[2]) if match else ""


def names_natural_person(digits: str) -> bool:
    """Tell whether the ten digits of an organisation number are a person's own personal identity number.

    The third digit of a legal person's number is at least 2 (lag (1974:174) om identitetsbeteckning för juridiska personer
    m.fl., 1 §); in a sole trader's it is the first one of the month of birth.
    """
    return digits[2:3] in {"0", "1"}


def may_hold_personal_number(text: str) -> bool:
    """Tell whether a text of unknown form has, anywhere in its digits taken together, what may be such a number.

    Stricter than `holds_personal_number`: meant for short texts that should be something else, such as an organisation's id.
    """
    digits = re.sub(r"\D", "", _squeezed(text), flags=re.ASCII)
    windows = (digits[start : start + 10] for start in range(len(digits) - 9))
    # The century only decides about 29 February: every year that can be divided by 4 has one in 20xx.
    return holds_personal_number(text) or any(starts_with_date(f"20{window}") for window in windows)


def _squeezed(text: str) -> str:
    """Return letters and digits alone, digits of every script as ours and letters in capitals."""
    kept = (each for each in unicodedata.normalize("NFKC", text) if each.isalnum())
    return "".join(str(unicodedata.digit(each)) if each.isdigit() else each for each in kept).upper()


def fold_number(number: str) -> str:
    """Fold a licence number for look-up: case, spaces, dots, dashes and slashes don't tell two numbers apart.

    Leading zeros do: `0123` and `123` are different numbers in several registers.
    """
    return _NUMBER_NOISE.sub("", number).casefold()
