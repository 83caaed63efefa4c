"""The organisation that a consent is made out to, written as callers' organisations are."""

from registry.access.caller import Caller
from registry.identifiers import check_digit, names_natural_person, organisation_digits

_DIGITS = 10


def organisation_of(caller: Caller) -> str:
    """Return the caller's organisation number as 10 digits; "" for a caller without one, and for a sole trader."""
    digits = organisation_digits(caller.organisation)
    return "" if names_natural_person(digits) else digits


def read_organisation(text: str) -> str:
    """Return an organisation number as somebody typed it, as 10 digits.

    Raises:
        ValueError: it is none, mistyped, or a sole trader's, which is a personal identity number.
    """
    digits = organisation_digits(text)
    if len(digits) != _DIGITS or check_digit(digits[:-1]) != int(digits[-1]):
        raise ValueError("write the organisation number with ten digits, as NNNNNN-NNNN")
    if names_natural_person(digits):
        raise ValueError("a sole trader's number is a personal identity number")
    return digits
