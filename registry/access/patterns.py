"""What a privacy officer looks for in the access log: who asks how much, and which days are out of the ordinary.

Counts only: nobody who was looked up is named. Refused attempts are read from `access_refusal`, all else from the log itself, in one pass over the
stretch of days (a month of a national register, a million events, takes seconds), or from the counts of days that are over.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.engine import Engine

from registry.access.days import Counts, add_days, add_events, counted_days, no_counts, stretches
from registry.access.refusals import Refused, refused_between
from registry.errors import BadRequestError

MAX_DAYS = 92
# Those that one can ask about; calendars end some time before and after.
YEARS = range(2000, 3000)
MOST_ATTEMPTS = 200
# Consistency of the median absolute deviation with the standard deviation of a normal distribution.
_CONSISTENT = 1.4826


@dataclass(frozen=True, slots=True)
class Use:
    """How much an organisation asked.

    Attributes:
        organisation: its number; "" for callers without one.
        events: answers it was given, of every kind.
        callers: people and systems that asked.
        by_purpose, by_action: of its events.
        by_answer: verdicts of checks (`yes`, `no`, `ask`), records that were `not found`, and `consent code refused`; answers of
            other kinds are numbers and not told here.
    """

    organisation: str
    events: int
    callers: int
    by_purpose: dict[str, int]
    by_action: dict[str, int]
    by_answer: dict[str, int]


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often somebody was refused.

    Attributes:
        organisation, issuer, client_id: as in `registry.access.refusals.Refused`.
        refused: how often.
        by_kind: of these, by the slug of the problem.
    """

    organisation: str
    issuer: str
    client_id: str
    refused: int
    by_kind: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outlier:
    """A day on which an organisation asked, or was refused, far more often than it is.

    Attributes:
        events: what it asked, or how often it was refused.
        usual: the median of its other days in the stretch; days without a question count as 0.
        bound: what was passed.
    """

    organisation: str
    day: date
    events: int
    usual: float
    bound: float


@dataclass(frozen=True, slots=True)
class Patterns:
    """What was found between two days, both included (UTC).

    Attributes:
        refused: refusals of everybody.
        attempts: of those refused most often, at most `MOST_ATTEMPTS`.
        refused_outliers: days on which an organisation was refused far more often than it is.
    """

    begin: date
    end: date
    events: int
    uses: list[Use]
    outliers: list[Outlier]
    refused: int
    attempts: list[Attempts]
    refused_outliers: list[Outlier]


class TooManyEventsError(BadRequestError):
    """The days asked for hold more events than are counted at once."""

    slug = "too-many-events"
    title = "The days hold more events than are counted at once"


def patterns(
    engine: Engine,
    begin: date,
    end: date,
    *,
    deviations: float = 6.0,
    least: int = 50,
    most: int | None = None,
    from_counts: bool = False,
) -> Patterns:
    """Count what organisations asked from `begin` to `end`, both included (UTC).

    Args:
        engine: the access database, without the service's statement timeout.
        begin, end: days.
        deviations: a day is out of the ordinary if it has more events than the median of the organisation's other days by so many
            deviations (median absolute deviation, made comparable to a standard deviation, at least the root of the median: counts
            vary by themselves).
        least: and at least so many events; below that nobody has to look.
        most: events that are read at most; None reads as many as there are.
        from_counts: take days that have been counted (`registry.access.days`) by their counts, and read the events of the others.

    Raises:
        TooManyEventsError: there are more than `most`, by their ids; nothing was read then.
        BadRequestError: the days are the wrong way round, more than `MAX_DAYS`, or not in `YEARS`.
    """
    days = (end - begin).days + 1
    if not 1 <= days <= MAX_DAYS:
        raise BadRequestError(f"Give from 1 to {MAX_DAYS} days, the first day first.")
    if begin.year not in YEARS or end.year not in YEARS:
        raise BadRequestError(f"Give days from the year {YEARS[0]} to {YEARS[-1]}.")
    counts = no_counts()
    with engine.connect() as connection:
        # One moment for all: a day that is counted meanwhile is read as it was asked for first.
        counted = counted_days(connection, begin, end) if from_counts else set()
        left = stretches(connection, begin, end, counted)
        events = sum(one.last - one.first for one in left)
        if most is not None and events > most:
            raise TooManyEventsError(
                f"From {begin} to {end} there are about {events} events that no worker has counted yet, and at most {most} are counted at once. "
                "Give fewer days, or ask the operator for `registry log patterns`, which counts any number, and for a `registry worker`, "
                "which counts days that are over (`checks.oversight.max_events`)."
            )
        if counted:
            add_days(connection, counted, counts)
        for each in left:
            add_events(connection, each, counts)
        refused = refused_between(connection, begin, end)
    uses = _uses(counts)
    return Patterns(
        begin,
        end,
        sum(one.events for one in uses),
        uses,
        _outliers(
            {organisation: each.days for organisation, each in counts.items()},
            begin,
            days,
            deviations=deviations,
            least=least,
        ),
        sum(one.count for one in refused),
        _attempts(refused)[:MOST_ATTEMPTS],
        _outliers(
            _daily(refused),
            begin,
            days,
            deviations=deviations,
            least=least,
        ),
    )


def _attempts(refused: Iterable[Refused]) -> list[Attempts]:
    """Return who was refused, those refused most often first."""
    kinds: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in refused:
        kinds[one.organisation, one.issuer, one.client_id][one.kind] += one.count
    found = [Attempts(*who, sum(by_kind.values()), _sorted(by_kind)) for who, by_kind in kinds.items()]
    return sorted(found, key=lambda one: (-one.refused, one.organisation, one.issuer, one.client_id))


def _daily(refused: Iterable[Refused]) -> dict[str, Counter[date]]:
    found: dict[str, Counter[date]] = defaultdict(Counter)
    for one in refused:
        found[one.organisation][one.day] += one.count
    return found


def _uses(counts: Counts) -> list[Use]:
    found = [
        Use(
            organisation,
            each.days.total(),
            len(each.callers),
            _sorted(each.purposes),
            _sorted(each.actions),
            {answer: number for answer, number in _sorted(each.answers).items() if answer},
        )
        for organisation, each in counts.items()
    ]
    return sorted(found, key=lambda one: (-one.events, one.organisation))


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _outliers(
    by_day: Mapping[str, Counter[date]], begin: date, days: int, *, deviations: float, least: int
) -> list[Outlier]:
    found = []
    for organisation, each in by_day.items():
        counts = [each[begin + timedelta(days=place)] for place in range(days)]
        for place, count in enumerate(counts):
            others = counts[:place] + counts[place + 1 :]
            usual, bound = bound_of(others, deviations)
            if count >= least and count > bound:
                found.append(
                    Outlier(organisation, begin + timedelta(days=place), count, usual, round(bound, 1))
                )
    return sorted(found, key=lambda one: (-one.events / (one.usual + 1), one.day, one.organisation))


def bound_of(others: Sequence[int], deviations: float) -> tuple[float, float]:
    """Return the median of the other days, and the number of events from which on a day stands out beside them."""
    if not others:
        return 0.0, float("inf")  # a single day stands out beside nothing
    usual = float(statistics.median(others))
    spread = _CONSISTENT * statistics.median(abs(one - usual) for one in others)
    return usual, usual + deviations * max(spread, usual**0.5, 1.0)
