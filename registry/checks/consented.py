"""A check with a consent code: answered in full where the code is good and the question is about whoever gave it.

Everything else is refused, in the same bytes and for the same work: the code is looked up, a question by number is asked as
anybody may ask it (so that the log can name who was asked about), and any question of the one person that the code names, or
of nobody.
A refused code is written down, counted against its organisation, and shown to the person it was tried on.
"""

from dataclasses import dataclass
from typing import NoReturn

from registry.access.caller import Caller
from registry.access.log import record_access
from registry.checks.consents import Standing, standing
from registry.checks.desk import Desk
from registry.checks.errors import ConsentRefusedError
from registry.checks.organisation import organisation_of
from registry.checks.owner import owner_of
from registry.checks.quota import QuotaState, give_back, take_named
from registry.verification.answer import Answered
from registry.verification.finding import NOBODY
from registry.verification.question import Question

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a consent lets be answered.

    Attributes:
        consent: by which.
        answered: in full.
        counted: what was taken for the case that the code were wrong; given back once the answer is kept.
    """

    consent: Standing
    answered: Answered
    counted: tuple[QuotaState, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a refused code is written down: purpose and question of the check, as the access log takes them."""

    purpose: str
    question: dict[str, object]
    request_id: str


def allowed(desk: Desk, caller: Caller, question: Question, code: str, refusal: Refusal) -> Allowed:
    """Answer a question by a consent code; the access event of a refusal is written, that of an answer is not yet.

    Args:
        desk: what answers.
        caller: who asks.
        question: who, as what, for when.
        code: 16 characters, from `registry.checks.consent_code.read_code`.
        refusal: how a refused code is written down.

    Raises:
        QuotaExceededError: the organisation has sent too many wrong codes.
        ConsentRefusedError: the code is not good for this question.
        RegistryError: whatever the question itself may raise.
    """
    counted = _count(desk, caller, question)
    found = standing(desk.access, desk.sealer, code, organisation_of(caller), desk.now())
    # Whom a number leads to may see that a code was tried on them. Whom a name is about, of the protected, is found below; nobody
    # else is looked for by it, and the engine may be down.
    numbered = bool(question.personal_number or question.licence_number)
    hit = desk.verify(question).ids if numbered else ()
    answered = desk.verify_admitted(question, found.practitioner_id if found else NOBODY)
    if found is None or answered.verification.outcome != "found":
        about = {*hit, *answered.ids, *([found.practitioner_id] if found else [])}
        refuse(desk, caller, refusal, about)
    return Allowed(found, answered, counted)


def refuse(desk: Desk, caller: Caller, refusal: Refusal, about: set[int]) -> NoReturn:
    """Write a refused code down, naming whom it was tried on, and refuse it.

    Raises:
        ConsentRefusedError: always.
        AccessLogUnavailableError: it could not be written down.
    """
    record_access(
        desk.access,
        desk.settings.access,
        caller,
        purpose=refusal.purpose,
        action="verify",
        question={**refusal.question, "by_consent_code": True},
        answer="consent code refused",
        practitioner_ids=about,
        request_id=refusal.request_id,
    )
    raise ConsentRefusedError


def _count(desk: Desk, caller: Caller, question: Question) -> tuple[QuotaState, ...]:
    """Count a code as wrong before it is looked at; many at once get no more tries than one after another."""
    limits, owner = desk.settings.checks.consents, owner_of(caller)
    # Whom a question names, whether anybody is there or not: nothing about the person is read for it.
    asked = "\0".join(
        (
            question.personal_number or "",
            question.licence_number or "",
            question.name or "",
            question.birth_date or "",
        )
    )
    whom = desk.sealer.record_digest(b"consent-asked\0" + asked.casefold().encode()).hex()
    taken = take_named(
        desk.access, "wrong-consent-codes-per-hour", owner, limit=limits.wrong_per_hour, window_s=_HOUR
    )
    try:
        both = take_named(
            desk.access,
            "wrong-consent-codes-per-person-per-hour",
            f"{owner} {whom}",
            limit=limits.wrong_per_person_per_hour,
            window_s=_HOUR,
        )
    except BaseException:
        give_back(desk.access, [taken])
        raise
    return taken, both
