"""Old evidence worked out again by the operator, with the knowledge of then and by the rules it names: it should say the same.

What it is for: a complaint about an answer, and an audit. What is kept and what is not stands in docs/verdict.md. Nothing new is
kept; that the evidence was opened is an access event, which the person it is about can read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.access.caller import Caller
from registry.access.log import loggable, record_access
from registry.access.purposes import most_general
from registry.checks import evidence as store
from registry.checks.answer import answer_of
from registry.checks.changes import changes
from registry.checks.desk import Desk
from registry.checks.evidence import Evidence
from registry.checks.past import ID
from registry.database import of_one_moment
from registry.errors import NotFoundError, RegistryError
from registry.records import hidden
from registry.verification.verify import Answered

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Both answers, as `registry.checks.answer` describes them, and what differs (`registry.checks.changes`)."""

    before: Values
    after: Values
    changes: list[Values]


def recompute(desk: Desk, operator: Caller, evidence_id: str, *, request_id: str) -> Recomputed:
    """Work a piece of evidence out again, whoever asked; the access event is written before this returns.

    Args:
        desk: what answers.
        operator: who looks into it.
        evidence_id: of any form.
        request_id: the id that the access event carries.

    Raises:
        NotFoundError: there is none, it tells of a person who is protected now, or its rules are gone.
        AccessLogUnavailableError: the event could not be written.
        RegistryError: whatever `Verifier.recompute` raises.
    """
    found = store.find_of_anyone(desk.access, desk.sealer, evidence_id) if ID.match(evidence_id) else None
    told_of = found.kept.practitioner_id if found else None
    about = set() if told_of is None else {told_of}
    answered: Answered | RegistryError = NotFoundError("There is no such evidence that may be shown.")
    with of_one_moment(desk.truth).connect() as connection:
        if found is not None and not hidden.hidden(connection, about):
            try:
                answered = desk.verifier().recompute(
                    found.asked.question(),
                    connection,
                    datetime.fromisoformat(found.answer["checkedAt"]),
                    found.kept.rule_version,
                )
            except RegistryError as error:
                answered = error
    ids = about | set(answered.ids) if isinstance(answered, Answered) else about
    record_access(
        desk.access,
        desk.settings.access,
        operator,
        purpose=_purpose(desk, found),
        action="evidence",
        question={"id": loggable(evidence_id), "recompute": True},
        answer="recomputed" if isinstance(answered, Answered) else "not recomputed",
        practitioner_ids=sorted(ids),
        request_id=request_id,
    )
    if isinstance(answered, RegistryError):
        raise answered
    assert found is not None, "nothing else is recomputed"
    return _compared(desk, found, answered)


def _compared(desk: Desk, found: Evidence, answered: Answered) -> Recomputed:
    before = found.answer
    after = answer_of(
        answered.verification,
        desk.vocabulary,
        evidence_id=before["id"],
        purpose=before["purpose"],
        reference=before["reference"],
    )
    return Recomputed(before, after, changes(before, after))


def _purpose(desk: Desk, found: Evidence | None) -> str:
    """Return the purpose of the check; the last and most general one where there is none, or none now."""
    if found is not None and found.kept.purpose in desk.settings.access.purposes:
        return found.kept.purpose
    # The operator is no caller whom a purpose could be refused.
    return most_general(desk.settings.access)
