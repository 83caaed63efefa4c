"""A licence on one day, in the plain words that verdict rules are written in.

Dates of licences are partial and inclusive: a licence valid to `2026-05-31` is valid that whole day in the service's
time zone, and one valid to `2026-05` may have ended on any day of May. Where the dates leave a day open, the situation
says so and no day is invented.
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
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
Change = Literal["none", "held"]
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
    """The day asked about, and the instant and zone in which the question is asked."""

    on_date: date
    now: datetime
    zone: tzinfo

    @property
    def today(self) -> date:
        """The day it is, in the service's zone."""
        return self.day(self.now)

    @property
    def past(self) -> bool:
        """Whether the question is about a day before today."""
        return self.on_date < self.today

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
        feed=_feed(feed, moment),
        knowledge=known,
        change="held" if licence.held else "none",
        profession="unknown" if licence.facts.profession == "unknown" else "known",
        restrictions=_restrictions(licence.facts, known, moment.on_date),
    )


def _person(person: Practitioner, moment: Moment) -> Person:
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


def _feed(feed: Feed | None, moment: Moment) -> FeedHealth:
    """Tell the feed's health; of days before its last successful run even a late feed is proof."""
    if feed is None or feed.last_success_at is None:
        return "never"
    if feed.fresh(moment.now) or moment.on_date < moment.day(feed.last_success_at):
        return "fresh"
    return "stale"


def _restrictions(facts: LicenceFacts, known: Knowledge, day: date) -> tuple[TimedRestriction, ...]:
    timed = ((restriction, _restriction_time(restriction, known, day)) for restriction in facts.restrictions)
    return tuple(TimedRestriction(restriction, time) for restriction, time in timed if time)


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
