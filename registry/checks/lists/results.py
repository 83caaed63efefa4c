"""What becomes of a row: one of six results, and what is told about it. An error is never "not found" (failure F19).

The plain value of a row, as it is kept (sealed) and given out, names as in JSON:

    row: int                  its number in the spreadsheet
    reference: str            the sender's own, "" if none
    result: found | notFound | ambiguous | couldNotCheck
    verdict: yes | no | ask, or None where the result is couldNotCheck
    outcome: found | notFound | ambiguous | mismatch, or None
    reasons: [{code, answer?, nature, text: {sv, en}}]          the first one decided
    practitioner: {id, name, birthYear?, links: {self}} or None
    licences: [{number?, profession: {code, name}, authority: str, status: {code, name}, validTo?, verdict}]
    match: str?               how sure a match by name is: exact | strong
    onDate: str or None        the day that the answer is about; None where the result is couldNotCheck
    ruleVersion: str or None   of the rules that gave it
    errors: [{column, code, detail}]                            also a remark on a row that was not found

It holds no time of the run, so that a run that was killed and one that was not give the same file.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

from registry.checks.lists.asking import AskedRow, RowError
from registry.errors import NotFoundError
from registry.identifiers import fold_number
from registry.verification.reasons import Reason
from registry.verification.rules import RuleBook
from registry.verification.ruleset import RuleSet
from registry.verification.verify import Answered, CheckedLicence, Verification
from registry.vocabulary import Language, Vocabulary

Result = Literal["foundYes", "foundNo", "foundAsk", "notFound", "ambiguous", "couldNotCheck"]
RESULTS: tuple[Result, ...] = get_args(Result)
# What a person needs to look at: everything but a plain yes.
ATTENTION: tuple[Result, ...] = tuple(each for each in RESULTS if each != "foundYes")
LABELS: Mapping[Result, Mapping[str, str]] = {
    "foundYes": {"sv": "hittad/ja", "en": "found/yes"},
    "foundNo": {"sv": "hittad/nej", "en": "found/no"},
    "foundAsk": {"sv": "hittad/fråga", "en": "found/ask"},
    "notFound": {"sv": "inte hittad", "en": "not found"},
    "ambiguous": {"sv": "oklar", "en": "ambiguous"},
    "couldNotCheck": {"sv": "kunde inte kontrolleras", "en": "could not check"},
}
_FOUND: Mapping[str, Result] = {"yes": "foundYes", "no": "foundNo", "ask": "foundAsk"}
SEARCH_DOWN = RowError(
    "",
    "search-unavailable",
    "Search by name was unavailable. Run the list again: only the rows that could not be checked are asked.",
)
INTERNAL = RowError(
    "",
    "internal",
    "A fault in the registry kept this row from being checked. Tell the operator the id of the list.",
)
_MISSING = (
    "Whom this row was about is not in the register now, so its result can't be shown. Check the person anew; tell the operator if "
    "there are many such rows."
)
_ZEROS_LOST = {
    "column": "licenceNumber",
    "code": "leading-zeros",
    "detail": "The spreadsheet held the licence number as a number, so leading zeros it may have had are lost. Format the column as "
    "Text and check the number.",
}
Values = dict[str, Any]
_LANGUAGES: tuple[Language, ...] = ("sv", "en")


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row's result.

    Attributes:
        result: which of the six.
        about: everyone whom the row tells of: when one of them becomes protected it is given out as `notFound`.
        detail: what is kept beside the row's number and result.
        retry: it can be asked again as it is.
    """

    row: int
    result: Result
    about: tuple[int, ...] = ()
    detail: Values = field(default_factory=dict)
    retry: bool = False

    @property
    def verdict(self) -> str | None:
        """What is told: yes, no or ask; None where nothing was checked."""
        if self.result == "couldNotCheck":
            return None
        return self.result.removeprefix("found").lower() if self.result.startswith("found") else "ask"

    @property
    def practitioner_id(self) -> int | None:
        """The one person it tells of."""
        return self.about[0] if len(self.about) == 1 else None


def unanswered(row: AskedRow, *errors: RowError, retry: bool = False) -> RowResult:
    """Return the result of a row that could not be checked, for its own errors and others."""
    told = [
        {"column": each.column, "code": each.code, "detail": each.detail} for each in (*row.errors, *errors)
    ]
    return RowResult(
        row.number, "couldNotCheck", detail={"reference": row.reference, "errors": told}, retry=retry
    )


def answered(
    row: AskedRow,
    given: Answered,
    *,
    hidden: Collection[int] = (),
    differs: bool = False,
    others: Collection[int] = (),
) -> RowResult:
    """Return the result of a row that was answered.

    Args:
        hidden: whom, of those that the question hit, nothing is told of now: what is told is not about them.
        differs: the personal identity number leads to somebody who does not have the licence number beside it.
        others: who has the licence number with zeros before it, where it may have lost them and nothing else says who is meant.
    """
    found = given.verification
    if found.outcome == "notFound":
        # Nothing that differs from row to row: so reads, later, also who has become protected.
        return RowResult(row.number, "notFound", detail=_told(row, found))
    if found.outcome != "found" or found.practitioner is None:
        ids = tuple(each for each in given.ids if each not in hidden)
        told = {
            **_told(row, found),
            "outcome": found.outcome,
            "reasons": _reasons(found.reasons),
            "ids": list(ids),
        }
        return RowResult(row.number, "ambiguous", ids, told)
    person = found.practitioner
    if differs:
        return RowResult(
            row.number, "ambiguous", (person.id,), {**_told(row, found), **_OTHER_NUMBER, "ids": [person.id]}
        )
    if ids := tuple(each for each in others if each != person.id):
        told = {**_told(row, found), **_OTHER_ZEROS, "ids": [person.id, *ids]}
        return RowResult(row.number, "ambiguous", (person.id, *ids), told)
    shown = [each for each in found.licences if each.verdict.relevant] or list(found.licences)
    detail = {
        **_told(row, found),
        "reasons": _reasons(found.reasons),
        "practitioner": {
            "id": person.public_id,
            "name": person.name,
            "birthYear": (person.birth_date or "")[:4] or None,
        },
        "licences": [_licence(each) for each in shown],
        "match": found.match.level if found.match else None,
        "ids": [person.id],
    }
    return RowResult(row.number, _FOUND[found.answer], (person.id,), detail)


def _told(row: AskedRow, found: Verification) -> Values:
    """Return what is kept of every row that was answered, found or not: it may have to be told of it as not found."""
    lost = {"zerosLost": row.zeros_lost} if row.zeros_lost else {}
    return {
        "reference": row.reference,
        "onDate": found.on_date.isoformat(),
        "ruleVersion": found.rule_version,
        **lost,
    }


# What a row keeps of that when it must tell of nobody.
TOLD_OF_NOBODY = ("reference", "onDate", "ruleVersion", "zerosLost")


# The licence number is one person's as it stands and another's with zeros before it.
_OTHER_ZEROS: Values = {
    "outcome": "ambiguous",
    "reasons": [
        {
            "code": "leading-zeros",
            "answer": "ask",
            "nature": "uncertain",
            "text": {
                "sv": "Legitimationsnumret kan ha förlorat inledande nollor, och med dem är det någon annans i registret. "
                "Skriv numret som text, eller ange namn eller födelsedatum också.",
                "en": "The licence number may have lost leading zeros, and with them it is somebody else's in the registry. Write "
                "the number as text, or give a name or birth date too.",
            },
        }
    ],
}
# The personal identity number leads to somebody who does not hold the licence number beside it.
_OTHER_NUMBER: Values = {
    "outcome": "mismatch",
    "reasons": [
        {
            "code": "licence-number-differs",
            "answer": "ask",
            "nature": "uncertain",
            "text": {
                "sv": "Personnumret och legitimationsnumret på raden hör inte ihop i registret. Kontrollera båda.",
                "en": "The personal identity number and the licence number of the row do not belong together in the registry. "
                "Check both.",
            },
        }
    ],
}


def holds(found: Verification, number: str) -> bool:
    """Tell whether a licence that was found has a number; the person may have it as another public number."""
    folded = fold_number(number)
    return any(fold_number(each.verdict.licence.facts.number) == folded for each in found.licences)


def _reasons(reasons: tuple[Reason, ...]) -> list[Values]:
    return [
        {
            "code": each.code,
            "answer": each.answer,
            "nature": each.nature,
            "text": {"sv": each.sv, "en": each.en},
        }
        for each in reasons
    ]


def _licence(checked: CheckedLicence) -> Values:
    """Return what is kept of a licence: words as codes, which are written out when it is given out."""
    judged = checked.verdict
    facts = judged.licence.facts
    return {
        "number": facts.number or None,
        "profession": facts.profession,
        "authority": judged.licence.authority_id,
        "status": facts.status,
        "validTo": facts.valid_to,
        "verdict": judged.answer,
    }


def _shown(licence: Values, vocabulary: Vocabulary) -> Values:
    profession, status = licence["profession"], licence["status"]
    return {
        **licence,
        "profession": {
            "code": profession,
            "name": {each: vocabulary.profession_label(profession, each) for each in _LANGUAGES},
        },
        "status": {
            "code": status,
            "name": {each: vocabulary.status_label(status, each) for each in _LANGUAGES},
        },
    }


def _rules(detail: Mapping[str, Any], rules: RuleBook) -> RuleSet:
    """Return the rules that a row was answered by; those of its day where the set is no longer there."""
    try:
        return rules.of_version(detail["ruleVersion"])
    except NotFoundError:
        return rules.on(date.fromisoformat(detail["onDate"]))


def person_missing(detail: Mapping[str, Any]) -> Values:
    """Return the detail of a row whose person is not in the register now; nothing of what was found is told."""
    error = {"column": "", "code": "person-missing", "detail": _MISSING}
    return {"reference": detail.get("reference", ""), "errors": [error]}


def given_out(
    row: int, result: str, detail: Mapping[str, Any], rules: RuleBook, vocabulary: Vocabulary
) -> Values:
    """Return a row's plain value, as the head of this module describes it."""
    kind = "found" if result.startswith("found") else result
    found = kind == "found"
    reasons = detail.get("reasons", [])
    if result == "notFound":
        outcome = _rules(detail, rules).outcome("not-found")
        reasons = [
            {
                "code": outcome.id,
                "answer": "ask",
                "nature": "uncertain",
                "text": {"sv": outcome.sv, "en": outcome.en},
            }
        ]
    errors = detail.get("errors", [])
    if detail.get("zerosLost"):
        errors = [*errors, _ZEROS_LOST]
    person = detail.get("practitioner") if found else None
    return {
        "row": row,
        "reference": detail.get("reference", ""),
        "result": kind,
        "verdict": None
        if result == "couldNotCheck"
        else result.removeprefix("found").lower()
        if found
        else "ask",
        "outcome": None if result == "couldNotCheck" else detail.get("outcome", kind),
        "reasons": reasons,
        "practitioner": {**person, "links": {"self": f"/v1/practitioners/{person['id']}"}}
        if person
        else None,
        "licences": [_shown(each, vocabulary) for each in detail["licences"]] if found else [],
        "match": detail.get("match") if found else None,
        "onDate": detail.get("onDate"),
        "ruleVersion": detail.get("ruleVersion"),
        "errors": errors,
    }
