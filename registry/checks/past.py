"""What was checked before: showing the evidence, listing it, asking the same again.

Only the organisation that asked is shown anything; everything else is answered as if it were not there. So is evidence that
tells of a person who is protected now, unless that person had agreed to the check. Showing evidence is an access event of its own.
"""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from registry.access.caller import Caller
from registry.access.log import loggable, record_access
from registry.checks import evidence as store
from registry.checks.changes import changes
from registry.checks.desk import Desk
from registry.checks.evidence import Evidence, Kept
from registry.checks.idempotency import Claim
from registry.checks.one import Checked, check, freeing
from registry.checks.purpose import purpose_for
from registry.checks.quota import take
from registry.database import reading
from registry.errors import NotFoundError
from registry.records import hidden

# Fields of changes that tell of nobody.
_OF_NOBODY = frozenset({"verdict", "outcome"})
# Before this day nobody checked anything here.
_FIRST = date(1900, 1, 1)
ID = re.compile(r"ver_[A-Za-z0-9_-]{22}\Z")


def fetch(
    desk: Desk, caller: Caller, evidence_id: str, *, request_id: str, purpose: str | None = None
) -> Evidence:
    """Return a piece of evidence; the access event is written.

    Args:
        desk: what answers.
        caller: who asks.
        evidence_id: of any form.
        request_id: the id that logs and the answer carry.
        purpose: why it is read; when left out why the check was made, if the caller may state that.

    Raises:
        PurposeNotAllowedError: there is no purpose that the caller may state.
        NotFoundError: there is none that the caller may be shown.
        AccessLogUnavailableError: the event could not be written.
    """
    found, hides = _found(desk, caller, evidence_id, purpose=purpose, request_id=request_id)
    if found is None or hides:
        raise NotFoundError
    return found


def _found(
    desk: Desk, caller: Caller, evidence_id: str, *, request_id: str, purpose: str | None, again: bool = False
) -> tuple[Evidence | None, bool]:
    """Return a piece of evidence of the caller's, and whether it tells of somebody who is protected now; the event is written.

    Args:
        again: it is only asked again, and not shown.
    """
    found = store.find(desk.access, desk.sealer, caller, evidence_id) if ID.match(evidence_id) else None
    why = purpose or purpose_for(desk, caller, found.kept.purpose if found else "")
    about = [found.kept.practitioner_id] if found and found.kept.practitioner_id is not None else []
    told_of = [found.kept.told_of] if found and found.kept.told_of is not None else []
    with reading(desk.truth).connect() as connection:
        hides = bool(hidden.hidden(connection, told_of))
    record_access(
        desk.access,
        desk.settings.access,
        caller,
        purpose=why,
        action="evidence",
        question={"id": loggable(evidence_id)},
        answer="found" if found is not None and (again or not hides) else "not found",
        practitioner_ids=about,
        request_id=request_id,
    )
    return found, hides


def replay(desk: Desk, caller: Caller, evidence_id: str, *, request_id: str) -> Checked:
    """Return the answer of the first request with an Idempotency-Key again, as it was.

    Raises:
        NotFoundError: it tells of a person who is protected now, or was deleted for its age.
    """
    found = fetch(desk, caller, evidence_id, request_id=request_id)
    quotas = take(desk.access, desk.settings.checks, caller, "checks", 0)
    return Checked(evidence_id, found.answer, found.body, quotas)


def recent(
    desk: Desk,
    caller: Caller,
    *,
    purpose: str,
    request_id: str,
    reference: str | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Kept], bool]:
    """Return what the caller's organisation has checked, the newest first, and whether there is more.

    What tells of people who are protected now is left out before pages are counted, so that no page is short of them. The access
    event is written; it names nobody, since the list does not.

    Args:
        desk: what answers.
        caller: who asks.
        purpose: why it is read.
        request_id: the id that logs and the answer carry.
        reference: only what was asked with this reference.
        since, until: only what was checked on these days or between, in the service's time zone.
        limit, offset: which part of it.

    Raises:
        AccessLogUnavailableError: the event could not be written.
    """
    asked: dict[str, Any] = {
        "reference": None if reference is None else loggable(reference),
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
    }
    passed: list[Kept] = []
    wanted, read = offset + limit + 1, 0
    while len(passed) < wanted:
        with desk.access.connect() as connection:
            some = store.find_many(
                connection,
                caller,
                reference=asked["reference"],
                since=_midnight(desk, since),
                until=_midnight(desk, until + timedelta(days=1)) if until and until < date.max else None,
                limit=wanted,
                offset=read,
            )
        passed += _shown(desk, some)
        read += len(some)
        if len(some) < wanted:
            break
    shown, more = passed[offset : offset + limit], len(passed) >= wanted
    record_access(
        desk.access,
        desk.settings.access,
        caller,
        purpose=purpose,
        action="evidence",
        question={name: value for name, value in asked.items() if value},
        answer=str(len(shown)),
        practitioner_ids=[],
        request_id=request_id,
    )
    return shown, more


def _shown(desk: Desk, page: Collection[Kept]) -> list[Kept]:
    about = {one.told_of for one in page if one.told_of is not None}
    with reading(desk.truth).connect() as connection:
        gone = hidden.hidden(connection, about)
    return [one for one in page if one.told_of not in gone]


def _midnight(desk: Desk, day: date | None) -> datetime | None:
    # SQLite compares times as they are written, and all that is stored is UTC.
    # The calendar's first days have no room for other zones.
    return datetime.combine(max(day, _FIRST), time.min, desk.settings.zone).astimezone(UTC) if day else None


def ask_again(
    desk: Desk,
    caller: Caller,
    evidence_id: str,
    *,
    request_id: str,
    purpose: str | None = None,
    reference: str | None = None,
    held: Claim | None = None,
) -> Checked:
    """Ask the question of a piece of evidence again, and tell what has changed since.

    A question about "today" is about today again; one about a day, or about what was known at a moment, about the same.
    The answer has `previous` {id, verdict, checkedAt} and `changes` (`registry.checks.changes`).

    Somebody who is protected now is asked about like somebody who has left the register: both are not found, and of what was told
    before only verdict and outcome are compared. Whoever asks again every night does not learn who became protected.

    Args:
        desk: what answers.
        caller: who asks.
        evidence_id: of any form.
        request_id: the id that logs and the answer carry.
        purpose: why; as it was when left out.
        reference: the caller's own; as it was when left out.
        held: the Idempotency-Key that the answer ends.

    Raises:
        NotFoundError: there is no such evidence of the caller's organisation.
        RegistryError: whatever `registry.checks.one.check` raises.
    """
    with freeing(desk, held):
        first, _ = _found(desk, caller, evidence_id, purpose=purpose, request_id=request_id, again=True)
        if first is None:
            raise NotFoundError
        before = first.answer

        def since(now: dict[str, Any]) -> dict[str, Any]:
            previous = {"id": before["id"], "verdict": before["verdict"], "checkedAt": before["checkedAt"]}
            differs = changes(before, now)
            if now["outcome"] == "notFound":
                differs = [one for one in differs if one["field"] in _OF_NOBODY]
            return {"previous": previous, "changes": differs}

        return check(
            desk,
            caller,
            first.asked.question(),
            purpose=purpose or first.kept.purpose,
            request_id=request_id,
            reference=reference or first.asked.reference,
            held=held,
            previous_id=evidence_id,
            add=since,
        )
