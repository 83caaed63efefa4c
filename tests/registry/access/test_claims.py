import pytest

from registry.access.caller import Caller
from registry.access.challenges import (
    InsufficientScopeError,
    InvalidTokenError,
    LoginNeededError,
    www_authenticate,
)
from registry.access.claims import personal_number_claim
from registry.errors import NotFoundError, RegistryError, UnauthorizedError
from registry.identifiers import check_digit
from registry.settings import Secret
from tests.registry.access.harness import NURSE_NUMBER

COORDINATION = "19850769980" + str(check_digit("850769980"))


@pytest.mark.parametrize("value", [NURSE_NUMBER, COORDINATION])
def test_a_personal_number_of_twelve_digits_is_taken(value: str) -> None:
    number = personal_number_claim({"number": value}, "number")
    assert number is not None
    assert number.reveal() == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        7,
        int(NURSE_NUMBER),
        [NURSE_NUMBER],
        NURSE_NUMBER[2:],
        NURSE_NUMBER[:8] + "-" + NURSE_NUMBER[8:],
        NURSE_NUMBER[:-1] + "9",
        "198513409809",
        NURSE_NUMBER + "0",
        "１９８５０７０９９８０５",
    ],
)
def test_any_other_value_opens_nobodys_record(value: object) -> None:
    assert personal_number_claim({"number": value}, "number") is None


def test_a_caller_never_shows_the_number_or_the_name() -> None:
    caller = Caller("https://issuer", "sub", personal_number=Secret(NURSE_NUMBER), name="Nils Påhitt")
    assert NURSE_NUMBER not in f"{caller!r} {caller}"
    assert "Påhitt" not in repr(caller)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnauthorizedError(), 'Bearer realm="registry"'),
        (
            InvalidTokenError("The token has expired."),
            'Bearer realm="registry", error="invalid_token", error_description="The token has expired."',
        ),
        (
            InvalidTokenError('a "quoted" \\ å\n'),
            'Bearer realm="registry", error="invalid_token", error_description="a ?quoted? ? ??"',
        ),
        (
            InsufficientScopeError("registry:read registry:search"),
            'Bearer realm="registry", error="insufficient_scope", scope="registry:read registry:search"',
        ),
        (LoginNeededError(), None),
        (NotFoundError(), None),
    ],
)
def test_each_refusal_has_its_challenge(error: RegistryError, expected: str | None) -> None:
    assert www_authenticate(error) == expected
