"""What has changed between two answers: each fact told once, in both languages, and nothing of whom nobody may be told of."""

from copy import deepcopy
from typing import Any, get_args

import pytest

from registry.checks.changes import FIELDS, changes
from registry.verification.finding import Outcome

WORD = {"code": "active", "name": {"sv": "Gällande", "en": "Active"}}
SUSPENDED = {"code": "suspended", "name": {"sv": "Vilande", "en": "Suspended"}}
PROBATION = {
    "code": "probation",
    "name": {"sv": "Prövotid", "en": "Probation"},
    "rawCode": "P",
    "rawText": "Prövotid",
    "validFrom": None,
    "validTo": None,
}
MIDWIFE = {"code": "midwife", "name": {"sv": "Barnmorska", "en": "Midwife"}}
SURGERY = {"code": "KIR", "system": None, "text": "Kirurgi", "validFrom": "2010"}
LICENCE: dict[str, Any] = {
    "number": "1",
    "profession": {"code": "registered-nurse", "name": {"sv": "Sjuksköterska", "en": "Registered nurse"}},
    "rawProfession": {"code": "SJ", "text": ""},
    "status": WORD,
    "jurisdiction": None,
    "specialties": [],
    "rawStatus": "",
    "issued": None,
    "validFrom": "2005",
    "validTo": None,
    "restrictions": [],
    "gone": False,
    "held": False,
    "feed": "hosp",
    "verdict": "yes",
    "reasons": [],
}
REASON = {"code": "valid", "licence": 0, "text": {"sv": "Gäller den 1 maj.", "en": "In force on 1 May."}}
BEFORE: dict[str, Any] = {
    "verdict": "yes",
    "outcome": "found",
    "ruleVersion": "1",
    "reasons": [REASON],
    "practitioner": {"id": "a", "name": "Anna Berg", "deceased": False},
    "licences": [LICENCE],
}


def _after(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - members of an answer
    return {**deepcopy(BEFORE), **changed}


def _licence(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a licence
    return {"licences": [{**deepcopy(LICENCE), **changed}]}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"verdict": "no"}, [("verdict", None, "yes", "no")]),
        ({"outcome": "ambiguous"}, [("outcome", None, "found", "ambiguous")]),
        ({"ruleVersion": "2"}, [("ruleVersion", None, "1", "2")]),
        # The same reason on another day has another text and is the same.
        ({"reasons": [{**REASON, "text": {"sv": "Gäller den 2 maj.", "en": "In force on 2 May."}}]}, []),
        ({"reasons": []}, [("reasons", "1", "valid", None)]),
        (
            {"reasons": [REASON, {**REASON, "code": "stale", "licence": None}]},
            [("reasons", None, None, "stale")],
        ),
        (
            {"practitioner": {"id": "a", "name": "Anna Ek", "deceased": True}},
            [("name", None, "Anna Berg", "Anna Ek"), ("deceased", None, "false", "true")],
        ),
        (
            {"practitioner": {"id": "b", "name": "Anna Berg", "deceased": False}},
            [("practitioner", None, "a", "b")],
        ),
        (_licence(status=SUSPENDED), [("licence.status", "1", "active", "suspended")]),
        (_licence(validTo="2027-01-01"), [("licence.validTo", "1", None, "2027-01-01")]),
        (_licence(profession=MIDWIFE), [("licence.profession", "1", "registered-nurse", "midwife")]),
        (_licence(jurisdiction="US-WA"), [("licence.jurisdiction", "1", None, "US-WA")]),
        (_licence(specialties=[SURGERY]), [("licence.specialties", "1", None, "KIR")]),
        (_licence(gone=True), [("licence.gone", "1", "false", "true")]),
        (_licence(restrictions=[PROBATION]), [("licence.restrictions", "1", None, "probation")]),
        (
            {"licences": [], "reasons": []},
            [("reasons", "1", "valid", None), ("licences", "1", "registered-nurse", None)],
        ),
        (
            {"licences": [LICENCE, {**LICENCE, "number": "2"}]},
            [("licences", "2", None, "registered-nurse")],
        ),
        ({"licences": [LICENCE, LICENCE]}, [("licences", "1", None, "registered-nurse")]),
        # Nobody is shown any more: nothing is told of whom it was about.
        (
            {"outcome": "notFound", "practitioner": None, "licences": [], "reasons": []},
            [("outcome", None, "found", "notFound"), ("reasons", "1", "valid", None)],
        ),
    ],
)
def test_what_differs_is_told(changed: dict[str, Any], told: list[tuple[str | None, ...]]) -> None:
    found = changes(BEFORE, _after(**changed))
    assert [(one["field"], one["licence"], one["before"], one["after"]) for one in found] == told
    for one in found:
        assert one["field"] in FIELDS
        assert all(one["text"][language] for language in ("sv", "en"))


def test_back_again_is_the_other_way_round() -> None:
    after = _after(**_licence(restrictions=[PROBATION], status=SUSPENDED))
    back = changes(after, BEFORE)
    assert {(one["field"], one["before"], one["after"]) for one in back} == {
        ("licence.status", "suspended", "active"),
        ("licence.restrictions", "probation", None),
    }


def test_texts_are_sentences_for_people() -> None:
    (change,) = changes(BEFORE, _after(verdict="ask"))
    assert change["text"] == {
        "sv": "Svaret: ja → fråga myndigheten",
        "en": "The answer: yes → ask the authority",
    }
    (change,) = changes(BEFORE, _after(outcome="notFound"))
    assert change["text"] == {
        "sv": "Utfallet: en person hittades → ingen person hittades",
        "en": "The outcome: one person was found → no person was found",
    }
    (change,) = changes(_after(**_licence(specialties=[SURGERY])), BEFORE)
    assert change["text"] == {
        "sv": "Specialistbevis finns inte längre: Kirurgi (1)",
        "en": "Specialist certificate no longer there: Kirurgi (1)",
    }
    (change,) = changes(BEFORE, _after(**_licence(status=SUSPENDED)))
    assert change["text"] == {"sv": "Status: Gällande → Vilande (1)", "en": "Status: Active → Suspended (1)"}


def test_every_outcome_has_words() -> None:
    for outcome in set(get_args(Outcome)) - {"found"}:
        (change,) = changes(BEFORE, _after(outcome=outcome))
        assert outcome not in " ".join(change["text"].values())
