"""Reading claims: what a provider says about a caller, mistrusted until it has the right shape."""

import contextlib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from registry.access.challenges import InvalidTokenError
from registry.identifiers import (
    MASK,
    holds_personal_number,
    may_hold_personal_number,
    names_natural_person,
    organisation_digits,
    parse_personal_number,
)
from registry.settings import Secret

log = structlog.get_logger()
_SHOWN_BYTES = 12
# As `organisation_claim` writes it.
_DIGESTED = re.compile(rf"{re.escape(MASK)} [a-p]{{{2 * _SHOWN_BYTES}}}")


def check_claims(
    claims: dict[str, Any], *, now: float, leeway_s: int, essential: Mapping[str, str | None]
) -> None:
    """Check `exp`, `iat` and `nbf` against the clock and the `essential` claims against their values.

    Args:
        claims: the claims of a token whose signature holds.
        now: seconds since 1970.
        leeway_s: clock tolerance in seconds, applied both ways.
        essential: claims that must be there as non-empty strings (for `aud` also a list), with the value they must
            have or hold; None for any value. `exp` and `iat` are always needed.

    Raises:
        InvalidTokenError: says which claim is wrong, without repeating its value.
    """
    for name in ("exp", "iat", "nbf"):
        # 1e999 is JSON, and read as infinity: such a token would never end.
        if isinstance(value := claims.get(name), float) and not math.isfinite(value):
            raise InvalidTokenError(f"The token's claim {name} is not accepted here.")
    options: dict[str, ClaimsOption] = {"exp": {"essential": True}, "iat": {"essential": True}}
    for name, wanted in essential.items():
        options[name] = {"essential": True} if wanted is None else {"essential": True, "value": wanted}
    try:
        JWTClaimsRegistry(now=int(now), leeway=leeway_s, **options).validate(claims)
    except ExpiredTokenError as error:
        raise InvalidTokenError("The token has expired.") from error
    except MissingClaimError as error:
        raise InvalidTokenError("The token lacks a claim that is needed here.") from error
    except ClaimError as error:
        raise InvalidTokenError(f"The token's claim {error.claim} is not accepted here.") from error
    for name in essential:
        if name != "aud" and not isinstance(claims[name], str):
            raise InvalidTokenError(f"The token's claim {name} must be a string.")


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that is a string, or "" if it is missing or anything else.

    Raises:
        InvalidTokenError: it holds characters that no text has.
    """
    value = claims.get(name)
    return _checked(value, name).strip() if isinstance(value, str) else ""


def set_claim(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return a claim that is a list of strings or one string; anything else is left out.

    Raises:
        InvalidTokenError: one holds characters that no text has.
    """
    value = claims.get(name)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return frozenset()
    return frozenset(_checked(each, name) for each in value if isinstance(each, str) and each)


def _checked(value: str, name: str) -> str:
    """Refuse what JSON can write and no database, log or header takes: lone surrogates and control characters."""
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in value):
        raise InvalidTokenError(f"The token's claim {name} holds characters that are not accepted here.")
    return value


def scope_claim(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of an access token (`scope`, space-separated: RFC 9068 section 2.2.3)."""
    return frozenset(text_claim(claims, "scope").split())


def organisation_claim(claims: Mapping[str, Any], name: str, digest: Callable[[str], bytes]) -> str:
    """Return the caller's organisation number: ten digits for a legal person, however the provider writes it.

    A sole trader's organisation number is the person's own personal identity number, so a keyed digest stands in its place: no
    number is kept, and no two sole traders are one organisation. So it is with what is no organisation number but may hold
    a personal one. Any other id is kept as it is.

    Raises:
        InvalidTokenError: the claim is there and is no text. Nobody is let in as somebody of no organisation by mistake.
    """
    if not isinstance(claims.get(name, ""), str):
        raise InvalidTokenError(f"The token's claim {name} must be a string.")
    value = text_claim(claims, name)
    digits = organisation_digits(value)
    if not (names_natural_person(digits) if digits else may_hold_personal_number(value)):
        return digits or value
    return f"{MASK} {_shown(digest(f'organisation {_one_form(value, digits)}'))}"


def is_sole_trader(organisation: str) -> bool:
    """Tell whether a caller's organisation is a digest in place of a number that is, or may be, a person's own."""
    return _DIGESTED.fullmatch(organisation) is not None


def _one_form(value: str, digits: str) -> str:
    """Return one form of a sole trader's number, so that however it is written it is the same organisation."""
    for form in (value, digits):
        with contextlib.suppress(ValueError):
            return parse_personal_number(form, today=datetime.now(UTC).date())
    return digits or value


def _shown(digest: bytes) -> str:
    """Return enough of a digest to tell organisations apart, in letters only: digits could look like a number."""
    return "".join(chr(ord("a") + each % 16) + chr(ord("a") + each // 16) for each in digest[:_SHOWN_BYTES])


def subject_claim(claims: Mapping[str, Any], digest: Callable[[str], bytes]) -> str:
    """Return `sub`; some providers use the personal identity number, which becomes a keyed digest.

    Raises:
        InvalidTokenError: it holds characters that no text has.
    """
    subject = _checked(str(claims["sub"]), "sub")
    return f"digest:{digest(subject).hex()}" if holds_personal_number(subject) else subject


def personal_number_claim(claims: Mapping[str, Any], name: str) -> Secret | None:
    """Return the person's own personal identity or coordination number (12 digits: Swedish OIDC claims 1.0).

    A value of any other form, or with a wrong check digit, counts as none: it opens nobody's record.
    """
    value = text_claim(claims, name)
    if not value:
        return None
    try:
        digits = parse_personal_number(value, today=datetime.now(UTC).date())
    except ValueError:
        digits = ""
    if digits != value or not value.isascii():  # wrong, or one of the other forms that people write
        log.warning("personal_number_claim_malformed", claim=name)
        return None
    return Secret(digits)
