"""The organisation that a consent is made out to, written as callers' organisations are."""

from collections.abc import Callable

from registry.access.caller import Caller
from registry.access.claims import is_sole_trader, organisation_claim
from registry.identifiers import check_digit, names_natural_person, organisation_digits

_DIGITS = 10


def organisation_of(caller: Caller) -> str:
    """Return the caller's organisation number as 10 digits, or the digest of a sole trader's; "" for a caller without one."""
    digits = organisation_digits(caller.organisation)
    if names_natural_person(digits):
        return ""  # a number in the clear, which no provider's claim leads to
    return digits or (caller.organisation if is_sole_trader(caller.organisation) else "")


def read_organisation(text: str, digest: Callable[[str], bytes]) -> str:
    """Return an organisation number as somebody typed it: 10 digits, or the digest that stands for a sole trader's.

    Args:
        text: as typed.
        digest: keyed digest for a personal identity number (`Sealer.digest`), which a sole trader's organisation number is.

    Raises:
        ValueError: it is none, or mistyped.
    """
    digits = organisation_digits(text)
    if len(digits) != _DIGITS or check_digit(digits[:-1]) != int(digits[-1]):
        raise ValueError("write the organisation number with ten digits, as NNNNNN-NNNN")
    return organisation_claim({"organisation": text.strip()}, "organisation", digest)
