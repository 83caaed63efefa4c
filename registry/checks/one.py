"""One check: the one way in which a person's licence is checked, for the API and for the page.

    checked = check(desk, caller, Question(licence_number="123456"), purpose="recruitment", request_id=...)
    checked.answer["verdict"]

Purpose, then quota, then the question itself, then evidence and access event in one transaction; only then is there an
answer. A staff list asks many at once in the same order (`registry.checks.lists`).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.access.caller import Caller
from registry.access.log import event_values, loggable
from registry.access.purposes import check_stated
from registry.checks import consents, idempotency, unusual
from registry.checks import evidence as kept
from registry.checks.answer import answer_of
from registry.checks.consent_code import read_code
from registry.checks.consented import Allowed, Refusal, allowed, refuse
from registry.checks.desk import Desk
from registry.checks.errors import ConsentCodeError, ConsentRefusedError, IdempotencyKeyInUseError
from registry.checks.idempotency import Claim
from registry.checks.ids import new_id
from registry.checks.numbers import as_integer
from registry.checks.owner import owner_of
from registry.checks.quota import QuotaState, give_back, take
from registry.database import reading
from registry.errors import RegistryError
from registry.records import hidden
from registry.verification.answer import Answered
from registry.verification.question import Question

log = structlog.get_logger()
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that is kept.

    Attributes:
        id: of the evidence.
        answer: as `registry.checks.answer` describes it.
        body: the same as JSON, the bytes that are kept.
        quotas: what is left of the quotas it was taken from.
    """

    id: str
    answer: Values
    body: bytes
    quotas: tuple[QuotaState, ...] = ()


def check(
    desk: Desk,
    caller: Caller,
    question: Question,
    *,
    purpose: str,
    request_id: str,
    reference: str | None = None,
    held: Claim | None = None,
    previous_id: str | None = None,
    add: Callable[[Values], Values] | None = None,
    consent_code: str | None = None,
) -> Checked:
    """Check one person, and keep question and answer as evidence.

    Args:
        desk: what answers.
        caller: who asks.
        question: who, as what, for when.
        purpose: why; one that the caller may state.
        request_id: the id that logs and the answer carry.
        reference: the caller's own; given back, and kept with personal identity numbers masked.
        held: the Idempotency-Key that the answer ends; freed where there is none.
        previous_id: the evidence whose question is asked again.
        add: returns what the answer has beside itself (what has changed since `previous_id`).
        consent_code: given by a person with a protected identity, as typed: this check is answered about that person, or
            refused.

    Raises:
        BadRequestError: the question can't be answered as it is, or there is no such purpose.
        PurposeNotAllowedError: the caller may not state the purpose.
        QuotaExceededError: the organisation has asked too much.
        SearchUnavailableError: a question by name while the search engine is down.
        AccessLogUnavailableError: it could not be written down, so there is no answer.
        IdempotencyKeyInUseError: this request took so long that another one with its key took over.
        ConsentCodeError: the consent code is none, or mistyped.
        ConsentRefusedError: the consent code is not good for this question.
    """
    with freeing(desk, held):
        check_stated(purpose, desk.settings.access, caller)
        code = _code(consent_code)
        quotas = take(desk.access, desk.settings.checks, caller, "checks")
        asked = _asked(question, reference)
        refusal = Refusal(purpose, loggable_question(asked), request_id)
        consent: Allowed | None = None
        with _giving_back(desk, quotas):
            if code is None:
                answered = desk.verify(question)
            else:
                consent = allowed(desk, caller, question, code, refusal)
                answered = consent.answered
        evidence_id = new_id("ver")
        answer = answer_of(
            answered.verification,
            desk.vocabulary,
            evidence_id=evidence_id,
            purpose=purpose,
            reference=reference,
        )
        if add is not None:
            answer |= add(answer)
        body = msgspec.json.encode(answer)
        event = event_values(
            desk.settings.access,
            caller,
            purpose=purpose,
            action="verify",
            question=refusal.question | ({"by_consent_code": True} if consent else {}),
            answer=answer["verdict"],
            request_id=request_id,
        )
        evidence = {
            "id": evidence_id,
            "owner": owner_of(caller),
            "reference": loggable(reference or ""),
            "verdict": answer["verdict"],
            "outcome": answer["outcome"],
            "rule_version": answer["ruleVersion"],
            "consent_id": consent.consent.id if consent else None,
            "practitioner_id": _told_of(desk, answered),
            "asked_number": as_integer(question.licence_number),
            "previous_id": previous_id,
            **kept.sealed(desk.sealer, evidence_id, body, asked),
        }
        also = None if consent is None else _using(desk, consent, evidence_id)
        try:
            kept_it = kept.keep(
                desk.access, event, answered.ids, evidence, held.ends if held else None, also=also
            )
        except ConsentRefusedError:
            # Another request was first with the code.
            refuse(desk, caller, refusal, set(answered.ids))
        if not kept_it:
            raise IdempotencyKeyInUseError(idempotency.RETRY_AFTER_S)
        if consent is not None:
            give_back(desk.access, consent.counted)
    _watch(desk, caller)
    return Checked(evidence_id, answer, body, quotas)


def _code(typed: str | None) -> str | None:
    try:
        return None if typed is None else read_code(typed)
    except ValueError as error:
        raise ConsentCodeError(f"The consent code can't be read: {error}.") from None


def _using(desk: Desk, consent: Allowed, evidence_id: str) -> Callable[[sa.Connection], None]:
    """Return what uses a consent up in the transaction that keeps the answer."""
    return lambda connection: consents.use(connection, consent.consent.id, evidence_id, desk.now())


@contextmanager
def freeing(desk: Desk, held: Claim | None) -> Iterator[None]:
    """Give the key of a request back if the block ends without an answer."""
    try:
        yield
    except Exception:
        if held is not None:
            _free(desk, held)
        raise


@contextmanager
def _giving_back(desk: Desk, taken: tuple[QuotaState, ...]) -> Iterator[None]:
    """Give back to the quota what a question has taken that can't be answered: asking it rightly, or later, is no second check."""
    try:
        yield
    except (RegistryError, SQLAlchemyError):
        give_back(desk.access, taken)
        raise


def _asked(question: Question, reference: str | None) -> kept.AskedAgain:
    fields = {name: getattr(question, name) for name in Question.__dataclass_fields__}
    return kept.AskedAgain(**fields, reference=reference)


def loggable_question(asked: kept.AskedAgain) -> Values:
    """Return a question as JSON values for the access log: never a personal identity number."""
    told = {name: value for name, value in msgspec.to_builtins(asked).items() if value}
    by_number = told.pop("personal_number", None)
    values = {name: loggable(value) for name, value in told.items()}
    return {**values, **({"by_personal_number": True} if by_number else {})}


def _told_of(desk: Desk, answered: Answered) -> int | None:
    """Return whom the answer tells something about: one person who may be told of, else nobody.

    "Not found" tells nothing of anybody, also when it was said about a protected person: were that person's id kept here,
    evidence about nobody could be fetched and evidence about the protected could not.
    """
    found = answered.verification
    if found.practitioner is not None:
        return found.practitioner.id
    if found.outcome == "notFound":
        return None
    with reading(desk.truth).connect() as connection:
        visible = hidden.listed(connection, answered.ids)
    return visible[0] if len(visible) == 1 else None


def _free(desk: Desk, held: Claim) -> None:
    try:
        idempotency.free(desk.access, held)
    except SQLAlchemyError as error:
        # It frees itself after a while; what is told is why there is no answer.
        log.warning("idempotency_key_not_freed", reason=type(error).__name__)


def _watch(desk: Desk, caller: Caller) -> None:
    try:
        unusual.watch(desk.access, desk.settings.checks.unusual, caller, time.time())
    except SQLAlchemyError as error:
        # The check is written and answered; the next ones are looked at again.
        log.warning("unusual_checks_not_looked_for", reason=type(error).__name__)


def claim_key(
    desk: Desk, caller: Caller, *, operation: str, header: str | None, body: Mapping[str, Any]
) -> Claim | str | None:
    """Take the key of a request with the header Idempotency-Key: a claim, the id of the evidence with its answer, or None.

    Raises:
        IdempotencyKeyError: the header is no key.
        IdempotencyKeyReusedError: the key came with another body before.
        IdempotencyKeyInUseError: the first request is under way.
    """
    if header is None:
        return None
    return idempotency.claim(
        desk.access,
        desk.settings.checks,
        desk.sealer,
        caller,
        operation=operation,
        key=idempotency.read_key(header),
        body=body,
        now=desk.now(),
    )
