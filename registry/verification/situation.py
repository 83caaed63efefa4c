"""A licence on one day, in the plain words that verdict rules are written in.

Dates of licences are partial and inclusive: a licence valid to `2026-05-31` is valid that whole day in the service's
time zone, and one valid to `2026-05` may have ended on any day of May. Where the dates leave a day open, the situation
says so and no day is invented.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal, get_args

from registry.dates import earliest, latest
from registry.records.facts import LicenceFacts, RestrictionFacts, RestrictionKind, Status
from registry.records.read import Feed, Licence, Practitioner

Person = Literal["alive", "perhaps-deceased", "deceased"]
Record = Literal["present", "gone"]
RestrictionTime = Literal["in-force", "perhaps", "later"]
Start = Literal["begun", "perhaps", "earlier-period", "not-begun"]
End = Literal["running", "perhaps", "ended"]
FeedHealth = Literal["fresh", "stale", "never"]
Knowledge = Literal["known-then", "learnt-later"]
Change = Literal["none", "held", "untold"]
Profession = Literal["known", "unknown"]

# Every feature that has one value a licence, with its values. Restrictions, of which there may be several, stand apart.
FEATURES: dict[str, tuple[str, ...]] = {
    "person": get_args(Person),
    "record": get_args(Record),
    "status": get_args(Status),
    "start": get_args(Start),
    "end": get_args(End),
    "feed": get_args(FeedHealth),
    "knowledge": get_args(Knowledge),
    "change": get_args(Change),
    "profession": get_args(Profession),
}
RESTRICTION_KINDS: tuple[str, ...] = get_args(RestrictionKind)
RESTRICTION_TIMES: tuple[str, ...] = get_args(RestrictionTime)


@dataclass(frozen=True, slots=True)
class Moment:
    """The two times of a question: the day in the world, and the moment of knowledge.

    Attributes:
        on_date: the day asked about.
        now: with what knowledge: that of now, unless that of an earlier moment was asked for.
        zone: where days are counted (`service.time_zone`).
        earlier: the knowledge of an earlier moment was asked for.
        today: the day of `now`: the last that anything is known about.
    """

    on_date: date
    now: datetime
    zone: tzinfo
    earlier: bool = False
    today: date = field(init=False)

    def __post_init__(self) -> None:
        # A frozen dataclass sets its derived fields so.
        object.__setattr__(self, "today", self.day(self.now))

    @property
    def past(self) -> bool:
        """Whether the question is about a day before today."""
        return self.on_date < self.today

    @property
    def day_ends(self) -> datetime:
        """When the day asked about ends."""
        return datetime.combine(self.on_date + timedelta(days=1), time(), self.zone)

    def day(self, instant: datetime) -> date:
        """Return the day of an instant, in the service's zone."""
        return instant.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class TimedRestriction:
    """A restriction that matters on the day asked about; one that is over is left out."""

    facts: RestrictionFacts
    time: RestrictionTime


@dataclass(frozen=True, slots=True)
class Situation:
    """One licence on one day. Field names are the condition names of the rule file (with `_` for `-`)."""

    person: Person
    record: Record
    status: Status
    start: Start
    end: End
    feed: FeedHealth
    knowledge: Knowledge
    change: Change
    profession: Profession
    restrictions: tuple[TimedRestriction, ...]


def situation(person: Practitioner, licence: Licence, feed: Feed | None, moment: Moment) -> Situation:
    """Describe a licence on the day asked about, in the words of the rules."""
    known = _knowledge(licence, moment)
    return Situation(
        person=_person(person, moment),
        record="gone" if licence.gone else "present",
        status=licence.facts.status,
        start=_start(licence.facts, known, moment.on_date),
        end=_end(licence.facts.valid_to, moment.on_date),
        feed=_feed(licence, feed, moment),
        knowledge=known,
        change="held" if licence.held else "untold" if licence.untold else "none",
        profession="unknown" if licence.facts.profession == "unknown" else "known",
        restrictions=_restrictions(licence, known, moment.on_date),
    )


def _person(person: Practitioner, moment: Moment) -> Person:
    if person.perhaps_deceased:
        return "perhaps-deceased"
    if person.deceased_date:
        if moment.on_date < earliest(person.deceased_date):
            return "alive"
        return "deceased" if moment.on_date >= latest(person.deceased_date) else "perhaps-deceased"
    if not person.deceased:
        return "alive"
    return "perhaps-deceased" if moment.past else "deceased"


def _knowledge(licence: Licence, moment: Moment) -> Knowledge:
    """Facts hold for the days since we knew them, unchanged; of earlier days they prove only what is dated."""
    if moment.past and moment.on_date < moment.day(licence.known_since):
        return "learnt-later"
    return "known-then"


def _start(facts: LicenceFacts, known: Knowledge, day: date) -> Start:
    """Tell whether the licence had begun.

    `valid_from` may be the start of the latest of several periods (a renewal), so a day before it is `not-begun` only
    when the licence was not even issued, or when the authority said so on that very day.
    """
    begins = [text for text in (facts.issued, facts.valid_from) if text]
    if not begins:
        return "begun"
    if day < min(earliest(text) for text in begins):
        undated_issue = not facts.issued and known == "learnt-later"
        return "earlier-period" if undated_issue else "not-begun"
    if facts.valid_from and day < earliest(facts.valid_from):
        return "earlier-period"
    return "begun" if day >= max(latest(text) for text in begins) else "perhaps"


def _end(valid_to: str | None, day: date) -> End:
    if not valid_to or day <= earliest(valid_to):
        return "running"
    return "ended" if day > latest(valid_to) else "perhaps"


def _feed(licence: Licence, feed: Feed | None, moment: Moment) -> FeedHealth:
    """Tell the feed's health; of days before its last successful run even a late feed is proof.

    Facts that no longer stand are proof of the days until the feed last told them, and then for as long as it promises.
    """
    if feed is None or feed.last_success_at is None:
        return "never"
    if licence.confirmed_at is not None:
        told = licence.confirmed_at
        late = moment.day_ends - told > timedelta(hours=feed.max_age_hours)
        return "stale" if late and moment.on_date >= moment.day(told) else "fresh"
    if feed.fresh(moment.now) or moment.on_date < moment.day(feed.last_success_at):
        return "fresh"
    return "stale"


def _restrictions(licence: Licence, known: Knowledge, day: date) -> tuple[TimedRestriction, ...]:
    if not licence.facts.restrictions:
        return ()
    timed = ((each, _restriction_time(each, known, day)) for each in licence.facts.restrictions)
    return tuple(
        TimedRestriction(each, "perhaps" if each in licence.doubtful and time != "later" else time)
        for each, time in timed
        if time
    )


def _restriction_time(facts: RestrictionFacts, known: Knowledge, day: date) -> RestrictionTime | None:
    """Tell when a restriction holds: None when it is over. Without a first day it holds since we know of it."""
    end = _end(facts.valid_to, day)
    if end == "ended":
        return None
    if facts.valid_from and day < earliest(facts.valid_from):
        return "later"
    undated = facts.valid_from is None and known == "learnt-later"
    open_start = facts.valid_from is not None and day < latest(facts.valid_from)
    return "perhaps" if undated or open_start or end == "perhaps" else "in-force"
