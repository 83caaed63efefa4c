"""`POST /v1/verifications`: whether a person may practise, on a day, and how the registry knows."""

from typing import Any

from flask import g

from registry.access.guard import current_caller
from registry.access.log import record_access
from registry.errors import BadRequestError, InvalidBodyError
from registry.matching.features import BY_NAME
from registry.matching.match import Match
from registry.records.read import Practitioner
from registry.verification.question import Question
from registry.verification.reasons import Reason
from registry.verification.verify import Answered, CheckedLicence, Verification
from registry.web.api import present, verification_examples
from registry.web.api.asking import check_body_purpose, loggable_question
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.verification_schemas import QuestionSchema, VerificationSchema
from registry.web.context import Context, context

blueprint = ApiBlueprint("verifications", "Ask whether a person may practise.")
BODY = QuestionSchema()
# Told to the log only as being there, never with its value.
_NUMBER = "personal_identity_number"


@operation(
    blueprint,
    "/verifications",
    method="POST",
    operation_id="verify",
    scope="registry:verify",
    body=BODY,
    body_examples=verification_examples.QUESTIONS,
    answer=VerificationSchema(),
    example=verification_examples.ANSWER,
    problems=("search-unavailable", "access-log-unavailable"),
)
def verify(asked: dict[str, Any]) -> present.Values:
    """Ask whether a person may practise, today or on a day, and how the registry knows.

    Say who by licence number, by personal identity number, or by name and birth date. Name a profession and an
    authority where you can: a person may hold several licences, and two authorities may give the same number.

    The answer is `yes`, `no` or `ask`, with reasons. Not found is `ask`, never `no`, and a person with a protected
    identity is answered like one who is not in the registry. Questions by number are answered while search by name
    is unavailable.
    """
    ours = context()
    check_body_purpose(asked["purpose"], ours.settings.access, BODY)
    answered = _answer(asked, ours)
    record_access(
        ours.access,
        ours.settings.access,
        current_caller(),
        purpose=asked["purpose"],
        action="verify",
        question=_loggable(asked),
        answer=answered.verification.answer,
        practitioner_ids=answered.ids,
        request_id=g.request_id,
    )
    return _values(answered.verification, asked, ours)


def _answer(asked: dict[str, Any], ours: Context) -> Answered:
    question = Question(
        licence_number=asked.get("licence_number"),
        authority=asked.get("authority"),
        personal_number=asked.get(_NUMBER),
        name=asked.get("name"),
        birth_date=asked.get("birth_date"),
        profession=asked.get("profession"),
        on_date=asked.get("on_date"),
    )
    try:
        return ours.verify(question)
    except BadRequestError as error:
        # Whatever is wrong with a question stands in its body, and one kind of fault gets one kind of answer.
        raise InvalidBodyError(error.detail) from None


def _loggable(asked: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in asked.items() if name not in {_NUMBER, "purpose"}}
    return {**loggable_question(rest), **({"by_personal_number": True} if _NUMBER in asked else {})}


def _values(given: Verification, asked: dict[str, Any], ours: Context) -> present.Values:
    feeds = {source.feed.id: source.feed for source in given.sources}
    named = next((f for f in feeds.values() if f.authority_id == given.authority), None)
    person = given.practitioner
    return {
        "verdict": given.answer,
        "outcome": given.outcome,
        "reasons": [_reason(each) for each in given.reasons],
        "rule_version": given.rule_version,
        "on_date": given.on_date,
        "checked_at": given.checked_at,
        "purpose": asked["purpose"],
        "reference": asked.get("reference"),
        "profession": present.profession(given.profession, ours.vocabulary) if given.profession else None,
        "authority": present.authority(given.authority, named) if given.authority else None,
        "practitioner": _person(person) if person else None,
        "match": _match(given.match) if given.match else None,
        "licences": [_licence(each, ours) for each in given.licences],
        "sources": [present.feed(each.feed, given.checked_at) for each in given.sources],
    }


def _reason(reason: Reason) -> present.Values:
    return {
        "code": reason.code,
        "answer": reason.answer,
        "nature": reason.nature,
        "text": {"sv": reason.sv, "en": reason.en},
        "source": {"sv": reason.source_sv, "en": reason.source_en},
    }


def _person(person: Practitioner) -> present.Values:
    return {
        "id": person.public_id,
        "name": person.name,
        "birth_year": present.birth_year(person.birth_date),
        "deceased": person.deceased,
        "links": {"self": present.path_of(person)},
    }


def _match(match: Match) -> present.Values:
    return {
        "level": match.level,
        "score": round(match.score, 1) if match.features else None,
        "features": [
            name.replace("_", "-")
            for name, outcome, _ in match.features
            if outcome not in BY_NAME[name].neutral
        ],
        "name": present.name(match.name) if match.name else None,
        "notes": [{"code": note.code, "text": {"sv": note.sv, "en": note.en}} for note in match.notes],
    }


def _licence(checked: CheckedLicence, ours: Context) -> present.Values:
    judged, source = checked.verdict, checked.source
    feeds = {source.feed.id: source.feed} if source else {}
    return {
        **present.licence(judged.licence, feeds, ours.vocabulary),
        "verdict": judged.answer,
        "reasons": [_reason(each) for each in judged.reasons],
        "relevant": judged.relevant,
    }
