"""What counts as "active" on a day: decided when the question is asked, since a date passes without an event.

A document holds the authority's status and the dates of validity and restrictions. From them:

- `active` and `restricted` are live; only live licences are affected by dates;
- a revocation or suspension in force makes a live licence `revoked` or `suspended`, whatever the code says
  (HOSP lists revoked licences under their live code);
- a live licence whose last day has passed is `lapsed`, one whose first day has not come is `unknown`: the authority
  has a word for neither, and `unknown` is what asks a human;
- any other restriction in force makes an active licence `restricted`.

Partial dates were widened when the document was made: a licence may run to the last day that `valid_to` can
mean, a restriction from the first day to the last. So a search shows rather too many; the verdict looks closer.
"""

from datetime import date
from functools import lru_cache
from typing import get_args

from registry.records.facts import Status
from registry.search.tree import Node, Range, Term, either, every

STATUSES: tuple[str, ...] = get_args(Status)
LIVE = ("active", "restricted")


def as_day(day: date) -> int:
    """Return a day as the number yyyymmdd, the form in which documents hold days."""
    return day.year * 10_000 + day.month * 100 + day.day


@lru_cache(maxsize=64)
def in_status(status: str, day: int) -> Node:
    """Return the licences that are in this status on the day (as yyyymmdd)."""
    live = either(*(Term("status", word) for word in LIVE))
    revoked, suspended, restricted = (_in_force(kind, day) for kind in ("revoked", "suspended", "restricted"))
    ended = Range("valid_to", high=day - 1)
    not_begun = Range("valid_from", low=day + 1)
    # A live licence takes the first of these that holds.
    overruled = {"revoked": revoked, "suspended": suspended, "lapsed": ended, "unknown": not_begun}
    as_decided = Term("status", status)
    if status == "active":
        return every(as_decided, excluded=(*overruled.values(), restricted))
    if status == "restricted":
        limited = either(as_decided, every(Term("status", "active"), restricted))
        return every(limited, excluded=overruled.values())
    if status in overruled:
        before = list(overruled.values())[: list(overruled).index(status)]
        return either(as_decided, every(live, overruled[status], excluded=before))
    return as_decided


def _in_force(kind: str, day: int) -> Node:
    return every(Range(f"{kind}_from", high=day), Range(f"{kind}_to", low=day))
