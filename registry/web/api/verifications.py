"""`/v1/verifications`: whether a person may practise, on a day, and how the registry knows; and what was answered before."""

from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, g, request

from registry.access.guard import current_caller
from registry.checks import past
from registry.checks.evidence import Kept
from registry.checks.idempotency import Claim
from registry.checks.one import Checked, check, claim_key
from registry.checks.plain import moment
from registry.errors import BadRequestError, InvalidBodyError
from registry.verification.question import Question
from registry.web.api import verification_examples
from registry.web.api.asking import check_body_purpose, check_query_purpose
from registry.web.api.limits import IDEMPOTENCY_KEY, KEYED, RATE_LIMIT, rate_limit
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.parsing import raise_for_query
from registry.web.api.verification_past_schemas import (
    ID,
    AgainSchema,
    FetchQuerySchema,
    ListQuerySchema,
    ReverificationSchema,
    VerificationsSchema,
)
from registry.web.api.verification_schemas import QuestionSchema, VerificationSchema
from registry.web.context import Context, context

blueprint = ApiBlueprint("verifications", "Ask whether a person may practise, and show what was answered.")
BODY = QuestionSchema()
AGAIN = AgainSchema()
FETCH = FetchQuerySchema()
LIST = ListQuerySchema()
_SCOPE = "registry:verify"
_NEEDS = ("verification.verdict",)
_ASKING = ("search-unavailable", "access-log-unavailable", "purpose-not-allowed", "quota-exceeded")


@operation(
    blueprint,
    "/verifications",
    method="POST",
    operation_id="verify",
    scope=_SCOPE,
    needs=_NEEDS,
    body=BODY,
    body_examples=verification_examples.QUESTIONS,
    answer=VerificationSchema(),
    example=verification_examples.ANSWER,
    problems=("not-found", "consent-code-refused", *_ASKING, *KEYED),
    headers=(IDEMPOTENCY_KEY,),
    answer_headers=RATE_LIMIT,
)
def verify(asked: dict[str, Any]) -> Response:
    """Ask whether a person may practise, today or on a day, and how the registry knows.

    Say who by licence number, by personal identity number, or by name and birth date. Name a profession and an
    authority where you can: a person may hold several licences, and two authorities may give the same number.

    The answer is `yes`, `no` or `ask`, with reasons. Not found is `ask`, never `no`, and a person with a protected
    identity is answered like one who is not in the registry. Questions by number are answered while search by name
    is unavailable.

    A person with a protected identity can give your organisation a code for one check, `consentCode`: that check is
    answered in full. A code that is not good for the question is refused, whatever is wrong with it.

    The answer is kept as evidence under its `id`: your organisation can fetch it, and ask the same again.
    """
    ours = context()
    check_body_purpose(asked["purpose"], ours.settings.access, BODY)
    held = _claim("verify", asked, ours)
    if isinstance(held, str):
        return _sent(past.replay(ours, current_caller(), held, request_id=g.request_id))
    question = Question(
        licence_number=asked.get("licence_number"),
        authority=asked.get("authority"),
        personal_number=asked.get("personal_identity_number"),
        name=asked.get("name"),
        birth_date=asked.get("birth_date"),
        profession=asked.get("profession"),
        on_date=asked.get("on_date"),
        known_at=asked.get("known_at"),
    )
    try:
        checked = check(
            ours,
            current_caller(),
            question,
            purpose=asked["purpose"],
            reference=asked.get("reference"),
            request_id=g.request_id,
            held=held,
            consent_code=asked.get("consent_code"),
        )
    except BadRequestError as error:
        # Whatever is wrong with a question stands in its body, and one kind of fault gets one kind of answer.
        raise InvalidBodyError(error.detail) from None
    return _sent(checked)


@operation(
    blueprint,
    "/verifications/<string:id>",
    operation_id="getVerification",
    scope=_SCOPE,
    needs=_NEEDS,
    query=FETCH,
    answer=ReverificationSchema(),
    example=verification_examples.ANSWER,
    problems=("not-found", "access-log-unavailable", "purpose-not-allowed"),
    parameters=(ID,),
)
def read_verification(asked: dict[str, Any], id: str) -> Response:  # noqa: A002 - its name in the API
    """Read what was answered, byte for byte as it was.

    Your organisation's verifications only. One about a person whose identity is protected now is answered as if there were
    none. Reading is written to the access log.
    """
    ours = context()
    purpose = asked.get("purpose")
    if purpose is not None:
        check_query_purpose(purpose, ours.settings.access, FETCH)
    found = past.fetch(ours, current_caller(), id, purpose=purpose, request_id=g.request_id)
    return Response(found.body, mimetype="application/json")


@operation(
    blueprint,
    "/verifications",
    operation_id="listVerifications",
    scope=_SCOPE,
    needs=_NEEDS,
    query=LIST,
    answer=VerificationsSchema(),
    example=verification_examples.LIST,
    problems=("access-log-unavailable", "purpose-not-allowed"),
)
def list_verifications(asked: dict[str, Any]) -> Response:
    """List what your organisation has asked, the newest first.

    The list names nobody: it tells verdicts under your own references. What tells of people whose identity is protected now
    is left out.
    """
    ours = context()
    check_query_purpose(asked["purpose"], ours.settings.access, LIST)
    limit, page = _limit(asked, ours), asked["page"]
    found, more = past.recent(
        ours,
        current_caller(),
        purpose=asked["purpose"],
        request_id=g.request_id,
        reference=asked.get("reference"),
        since=asked.get("since"),
        until=asked.get("until"),
        limit=limit,
        offset=(page - 1) * limit,
    )
    values = {
        "items": [_listed(one) for one in found],
        "page": page,
        "limit": limit,
        "links": {
            "self": _address(page),
            "first": _address(1),
            "previous": _address(page - 1) if page > 1 else None,
            "next": _address(page + 1) if more else None,
        },
    }
    return Response(orjson.dumps(values), mimetype="application/json")


@operation(
    blueprint,
    "/verifications/<string:id>/reverification",
    method="POST",
    operation_id="verifyAgain",
    scope=_SCOPE,
    needs=_NEEDS,
    body=AGAIN,
    body_examples=verification_examples.AGAIN,
    answer=ReverificationSchema(),
    example=verification_examples.ANSWER_AGAIN,
    problems=("not-found", *_ASKING, *KEYED),
    parameters=(ID,),
    headers=(IDEMPOTENCY_KEY,),
    answer_headers=RATE_LIMIT,
)
def verify_again(asked: dict[str, Any], id: str) -> Response:  # noqa: A002 - its name in the API
    """Ask the same question again, and see what has changed since.

    A question about "today" is about today again. The answer is a new verification with an id of its own; `previous` names
    the first one, and `changes` tells what differs.
    """
    ours = context()
    if "purpose" in asked:
        check_body_purpose(asked["purpose"], ours.settings.access, AGAIN)
    held = _claim(f"verify again {id}", asked, ours)
    if isinstance(held, str):
        return _sent(past.replay(ours, current_caller(), held, request_id=g.request_id))
    checked = past.ask_again(
        ours,
        current_caller(),
        id,
        request_id=g.request_id,
        purpose=asked.get("purpose"),
        reference=asked.get("reference"),
        held=held,
    )
    return _sent(checked)


def _claim(operation_id: str, asked: dict[str, Any], ours: Context) -> Claim | str | None:
    header = request.headers.get("Idempotency-Key")
    return claim_key(ours, current_caller(), operation=operation_id, header=header, body=asked)


def _sent(checked: Checked) -> Response:
    """Send the bytes that are kept. They are as the schema says (tests hold them against it)."""
    response = Response(checked.body, mimetype="application/json")
    response.headers.update(rate_limit(checked.quotas))
    return response


def _limit(asked: dict[str, Any], ours: Context) -> int:
    search = ours.settings.search
    limit: int = asked.get("limit", search.default_limit)
    if limit > search.max_limit:
        raise_for_query({"limit": [f"Must be at most {search.max_limit}."]}, LIST)
    if asked["page"] * limit > search.max_window:
        raise_for_query(
            {"page": [f"Reaches beyond {search.max_window}; narrow the list with since and until."]}, LIST
        )
    return limit


def _listed(one: Kept) -> dict[str, Any]:
    return {
        "id": one.id,
        "verdict": one.verdict,
        "outcome": one.outcome,
        "checkedAt": moment(one.created_at),
        "purpose": one.purpose,
        "reference": one.reference or None,
        "ruleVersion": one.rule_version,
        "previous": one.previous_id,
        "links": {"self": f"/v1/verifications/{one.id}"},
    }


def _address(page: int) -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
    return f"{request.path}?{urlencode([*asked, ('page', str(page))])}"
