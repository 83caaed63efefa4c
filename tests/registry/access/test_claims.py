from collections.abc import Callable

import pytest

from registry.access.caller import Caller
from registry.access.challenges import (
    InsufficientScopeError,
    InvalidTokenError,
    LoginNeededError,
    www_authenticate,
)
from registry.access.claims import (
    organisation_claim,
    personal_number_claim,
    set_claim,
    subject_claim,
    text_claim,
)
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


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "line\nbreak"])
@pytest.mark.parametrize(
    "read",
    [
        lambda claims: text_claim(claims, "sub"),
        lambda claims: set_claim(claims, "sub"),
        lambda claims: set_claim({"sub": [claims["sub"]]}, "sub"),
        lambda claims: subject_claim(claims, str.encode),
        lambda claims: organisation_claim(claims, "sub", str.encode),
    ],
)
def test_characters_that_no_text_has_are_refused(read: Callable[[dict[str, str]], object], text: str) -> None:
    with pytest.raises(InvalidTokenError, match="sub holds characters"):
        read({"sub": text})


@pytest.mark.parametrize("told", [None, 7, ["2120000142"]])
def test_an_organisation_that_is_no_text_is_no_organisation_left_out(told: object) -> None:
    with pytest.raises(InvalidTokenError, match="must be a string"):
        organisation_claim({"organisation": told}, "organisation", str.encode)
    assert organisation_claim({}, "organisation", str.encode) == ""


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
