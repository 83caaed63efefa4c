"""One HSA answer about one person in one shape, whichever way it was written.

The contract is GetHospCredentialsForPerson 1.0 of infrastructure:directory:authorizationmanagement. Its XML spreads over
four namespaces, proxies give JSON with other names for the same lists, and both spell licence as license here and there.
So names are compared by their letters; what is not known is kept under its own name, and nothing reads it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from indexer.feeds.rows import canonical
from registry.identifiers import PERSONAL_SYSTEMS

NUMBER = "personalIdentityNumber"
LICENCE = "healthCareProfessionalLicence"
SPECIALITY = "healthCareProfessionalLicenceSpeciality"
RESTRICTION = "restrictions"
RIGHT = "nursePrescriptionRight"
EDUCATION = "educationCode"
PRESCRIBER = "personalPrescriptionCode"
HOSP_NUMBER = "healthcareProfessionalLicenseIdentityNumber"
FEIGNED = "feignedPerson"
# Names within the lists.
PROFESSION_CODE = "healthCareProfessionalLicenceCode"
PROFESSION_NAME = "healthCareProfessionalLicenceName"

# Deeper than any answer; beyond it something else has been sent.
MAX_DEPTH = 16
_DIGITS = 12
_CODE_LETTERS = 2
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")
_SPELLINGS = (("license", "licence"), ("healtcare", "healthcare"), ("specialty", "speciality"))

Tree: TypeAlias = dict[str, list[Any]]
"""Names to values in order; a value is a text or a Tree."""


class AnswerError(Exception):
    """An answer that can't be believed or read; `reason` holds nothing of what it says."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def _folded(name: str) -> str:
    word = "".join(letter for letter in name.casefold() if letter.isalnum())
    for spelt, meant in _SPELLINGS:
        word = word.replace(spelt, meant)
    return word


_OWN = {
    _folded(name): name
    for name in (
        NUMBER,
        LICENCE,
        SPECIALITY,
        RESTRICTION,
        RIGHT,
        EDUCATION,
        PRESCRIBER,
        HOSP_NUMBER,
        FEIGNED,
        PROFESSION_CODE,
        PROFESSION_NAME,
        "specialityCode",
        "specialityName",
        "restrictionCode",
        "restrictionName",
        "prescriptionRight",
        "extension",
        "root",
    )
} | {
    "healthcareprofessionallicences": LICENCE,
    "healthcareprofessionallicencetype": LICENCE,
    "healthcareprofessionallicencespecialities": SPECIALITY,
    "specialities": SPECIALITY,
    "restriction": RESTRICTION,
    "nurseprescriptionrights": RIGHT,
    "educationcodes": EDUCATION,
}
# What only an answer of this contract holds: one of them at least, or it is something else.
_TELLING = frozenset(
    {NUMBER, LICENCE, SPECIALITY, RESTRICTION, RIGHT, EDUCATION, PRESCRIBER, HOSP_NUMBER, FEIGNED}
)


def own_name(name: str) -> str:
    """Return the contract's name for a name as spelt by whoever sent it; unknown names as they are."""
    return _OWN.get(_folded(name), name)


def is_empty(answer: Tree) -> bool:
    """Tell whether an answer says nothing of its person: "not among those delivered", never "not licensed"."""
    return not any(
        name == RESTRICTION or _text([value])
        for name, values in answer.items()
        if name not in (NUMBER, FEIGNED)
        for value in values
    )


def is_answer(answer: Tree) -> bool:
    """Tell whether it is an answer of this contract at all; an empty one is."""
    return is_empty(answer) or bool(_TELLING.intersection(answer))


def number_of(answer: Tree) -> str:
    """Return the personal identity number an answer is about, 12 digits; "" if it does not say.

    Raises:
        AnswerError: there are several, or what stands there is none.
    """
    found = {number for value in answer.get(NUMBER, ()) if (number := _number(value))}
    if len(found) > 1:
        raise AnswerError(NUMBER, "the answer names several people")
    number = found.pop() if found else ""
    if number and not (len(number) == _DIGITS and number.isascii() and number.isdigit()):
        raise AnswerError(NUMBER, "expected twelve digits")
    return number


def _number(value: "str | Tree") -> str:
    if isinstance(value, str):
        return value.replace("-", "")
    root = _text(value.get("root", ()))
    if root and f"urn:oid:{root}" not in PERSONAL_SYSTEMS:
        raise AnswerError(
            NUMBER, "the number is of another kind than a personal identity or coordination number"
        )
    return _text(value.get("extension", ())).replace("-", "")


def merged(number: str, answers: Sequence[Tree]) -> dict[str, Any]:
    """Return the record of a person from all answers about them (one for each HSA-id), in any order.

    Lists are the union of all answers', sorted, so that another order is no change. Answers marked as of a feigned person
    count for nothing beside others that are not.

    Raises:
        AnswerError: what says whether a person is feigned can't be read.
    """
    real = [answer for answer in answers if not _feigned(answer)]
    record: dict[str, Any] = {NUMBER: number}
    if not real:
        record[FEIGNED] = True
    collected: dict[str, list[Any]] = {}
    for answer in real or answers:
        for name, values in answer.items():
            if name not in (NUMBER, FEIGNED):
                collected.setdefault(name, []).extend(_plain(name, value) for value in values)
    for name, values in collected.items():
        if kept := _distinct(values, name):
            record[name] = kept
    return record


def _feigned(answer: Tree) -> bool:
    flags = {_text([value]).casefold() for value in answer.get(FEIGNED, ())}
    if not flags <= {*_TRUE, *_FALSE}:
        raise AnswerError(FEIGNED, "neither true nor false")
    return bool(flags.intersection(_TRUE))


def _plain(name: str, value: "str | Tree") -> "str | dict[str, str]":
    """Return a value of a list as a text, or as an object of texts."""
    if isinstance(value, str):
        return _object(name, value) or value
    if name in (EDUCATION, PRESCRIBER, HOSP_NUMBER):
        return _text([value])
    return {inner: text for inner, values in value.items() if (text := _text(values))}


def _object(name: str, text: str) -> dict[str, str] | None:
    """Read a text where an object belongs: older contracts and some proxies give the bare code or name."""
    if not text:
        return None
    if name == LICENCE:
        is_code = len(text) == _CODE_LETTERS and text.isupper()
        return {PROFESSION_CODE if is_code else PROFESSION_NAME: text}
    if name == RESTRICTION:
        return {"restrictionCode" if text.isdigit() else "restrictionName": text}
    return None


def _text(values: Iterable["str | Tree"]) -> str:
    """Return all that stands in some values as one text."""
    texts = (
        value if isinstance(value, str) else _text(inner for inners in value.values() for inner in inners)
        for value in values
    )
    return " ".join(text for text in texts if text)


def _distinct(values: list[Any], name: str) -> list[Any]:
    # A restriction of which nothing can be read still is one.
    kept = [value for value in values if value or name == RESTRICTION]
    by_bytes = {canonical({"": value}): value for value in kept}
    return [by_bytes[key] for key in sorted(by_bytes)]


def as_tree(value: Mapping[str, Any], depth: int = 0) -> Tree:
    """Return a JSON object as a Tree: nulls left out, lists flattened, numbers and truth values as texts.

    Raises:
        AnswerError: it is nested deeper than any answer.
    """
    if depth > MAX_DEPTH:
        raise AnswerError("", "nested deeper than any answer")
    tree: Tree = {}
    for name, inner in value.items():
        tree.setdefault(own_name(name), []).extend(_values(inner, depth))
    return tree


def _values(value: Any, depth: int) -> Iterable["str | Tree"]:  # noqa: ANN401 - whatever JSON holds
    if depth > MAX_DEPTH:
        raise AnswerError("", "nested deeper than any answer")
    if value is None:
        return
    if isinstance(value, dict):
        yield as_tree(value, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, depth + 1)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif text := str(value).strip():
        yield text
