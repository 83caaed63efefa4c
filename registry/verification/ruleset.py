"""What a rule set is made of: licence rules, their conditions, and the outcomes of several licences together."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from registry.records.facts import RestrictionKind, Status
from registry.verification import situation as s

Answer = Literal["yes", "no", "ask"]
Nature = Literal["sanction", "surrender", "administrative", "death", "uncertain", "valid"]
OutcomeId = Literal[
    "not-found",
    "ambiguous",
    "uncertain-match",
    "name-differs",
    "birth-date-differs",
    "number-for-other-profession",
    "professions-differ",
    "authorities-differ",
    "licences-differ",
    "sanction-elsewhere",
    "other-authority-differs",
    "profession-not-held",
    "profession-not-held-complete",
    "no-licence",
    "source-withholds",
    "not-known-then",
    "before-rules",
    "past-date",
    "known-at",
    "before-first-knowledge",
]
# What is told beside an answer, and never decides it.
REMARKS: frozenset[OutcomeId] = frozenset({"past-date", "known-at", "before-first-knowledge"})


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """A table of the file; an unknown key is an error, so that a misspelt condition never silently holds."""


class Conditions(_Table, frozen=True):
    """What must hold for a rule to hold; an empty tuple means any."""

    person: tuple[s.Person, ...] = ()
    record: tuple[s.Record, ...] = ()
    status: tuple[Status, ...] = ()
    start: tuple[s.Start, ...] = ()
    end: tuple[s.End, ...] = ()
    feed: tuple[s.FeedHealth, ...] = ()
    knowledge: tuple[s.Knowledge, ...] = ()
    change: tuple[s.Change, ...] = ()
    profession: tuple[s.Profession, ...] = ()
    restriction: tuple[RestrictionKind, ...] = ()
    restriction_time: tuple[s.RestrictionTime, ...] = ()

    @property
    def of_restrictions(self) -> bool:
        """Whether the rule is about a restriction."""
        return bool(self.restriction or self.restriction_time)

    def hold(self, situation: s.Situation) -> bool:
        """Tell whether every condition but those about restrictions holds."""
        for feature in s.FEATURES:
            words: tuple[str, ...] = getattr(self, feature)
            if words and getattr(situation, feature) not in words:
                return False
        return True

    def matching(self, restrictions: Sequence[s.TimedRestriction]) -> list[s.TimedRestriction]:
        """Return the restrictions that the rule is about; kind and time must hold for the same one."""
        return [
            each
            for each in restrictions
            if (not self.restriction or each.facts.kind in self.restriction)
            and (not self.restriction_time or each.time in self.restriction_time)
        ]


class Bilingual(_Table, frozen=True):
    """A text in both languages."""

    sv: str
    en: str


class LicenceRule(_Table, frozen=True):
    """One rule about one licence.

    Attributes:
        gives_way: set aside where another licence of the same kind stands.
        silence: the feed just does not tell what held on the day; it says nothing against the licence.
    """

    id: str
    answer: Answer
    nature: Nature
    when: Conditions
    sv: str
    en: str
    source: Bilingual
    gives_way: bool = False
    silence: bool = False


class Outcome(_Table, frozen=True):
    """What the registry says when not one licence alone decides."""

    id: OutcomeId
    answer: Literal["ask", "no", "remark"]
    sv: str
    en: str
    source: Bilingual


class RuleSet(_Table, frozen=True):
    """One file of rules.

    Attributes:
        version: names the set in every answer that it has given.
        in_force_from: the first day that it decides about.
        replaced_by: version of the set that was put in its place for the same days, after a mistake in it was found. It
            decides nothing any more; answers that it has given are still recomputed with it.
    """

    version: str
    in_force_from: date
    licence_rules: tuple[LicenceRule, ...]
    outcomes: tuple[Outcome, ...]
    replaced_by: str = ""

    def outcome(self, outcome_id: OutcomeId) -> Outcome:
        """Return an outcome by its id."""
        return next(outcome for outcome in self.outcomes if outcome.id == outcome_id)
