"""The verdict: a pure function of what SQL knows about a person, the question, the feeds' health and a rule set.

How several licences are taken together (the wording of each outcome stands in the rule set):

- Licences for the same profession from the same authority and jurisdiction form a group. Those that give way (an ended
  or lapsed licence, one no longer delivered) are set aside when the group has another that does not. The rest must
  agree; else the answer is ask.
- Groups that disagree are asked about: "say which profession", "name the authority". Nobody is told yes on the
  strength of one authority's licence when another authority's says otherwise.
- A yes turns into ask when any other licence of the person, for whatever profession and from whichever authority, is
  sanctioned, was given up, or is under a restriction that can't be read or dated: what one feed tells, another's silence
  does not undo.
- A yes turns into ask, too, when another authority of the same jurisdiction has a licence for the same profession that is
  no yes, whichever of them the caller named: one of the two may be a late copy of the other. A lapse in one state says
  nothing about another, so other jurisdictions are not looked at. Mere silence (the feed no longer tells, or is late) of
  a feed that reports active licences only does not count against feeds that report ended ones too.
- A profession the person does not hold is ask, because silence is no proof: another authority may hold it, under a
  record that could not be joined. It is no only when the caller named the authority, the person was identified by a
  number, the question is about today, and every feed of that authority is fresh, reports ended licences too,
  holds the person, and has nothing waiting for review. A licence whose profession we can't read is never counted as
  absence.
- What a source withholds about somebody whose identity is protected may be a licence as well as a revocation: such a
  person, asked about by their consent, gets neither yes nor no from what the other sources tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from registry.identifiers import fold_number
from registry.records.read import Licence, Practitioner
from registry.verification.decisions import decisions_of
from registry.verification.reasons import (
    Asked,
    Basis,
    Reason,
    licence_reasons,
    once,
    outcome_reason,
    remarks,
    told_feeds,
)
from registry.verification.ruleset import Answer, Nature, OutcomeId
from registry.verification.situation import Moment, situation
from registry.vocabulary import UNKNOWN

COMPLETE = frozenset({"full_history", "current_and_lapsed"})
_AGAINST: frozenset[Nature] = frozenset({"sanction", "surrender"})


@dataclass(frozen=True, slots=True)
class LicenceVerdict:
    """The answer for one licence by itself; the first reason decided.

    Attributes:
        gives_way: every reason is one that another licence of the same kind outweighs.
        limited: a restriction counts against it, also one whose meaning or dates are not clear.
        silent: every reason is that its feed does not tell what held on the day; none speaks against the licence.
        relevant: the licence is one that the question is about.
    """

    licence: Licence
    answer: Answer
    reasons: tuple[Reason, ...]
    gives_way: bool
    limited: bool = False
    silent: bool = False
    relevant: bool = False

    @property
    def against(self) -> bool:
        """Whether the authority has, or may have, decided something against the holder, or the licence was given up."""
        return self.limited or any(reason.nature in _AGAINST for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to the question, and each licence of the person."""

    answer: Answer
    reasons: tuple[Reason, ...]
    rule_version: str
    licences: tuple[LicenceVerdict, ...]


Judged = list[LicenceVerdict]
Group = tuple[str, str, str]


def licence_verdict(person: Practitioner, licence: Licence, moment: Moment, basis: Basis) -> LicenceVerdict:
    """Judge one licence by itself.

    The first rule that holds decides; further ones that speak against the licence are told as well.
    """
    there = situation(person, licence, basis.feeds.get(licence.feed_id), moment)
    holding = decisions_of(basis.rules).holding(there)
    reasons: list[Reason] = []
    for rule, places in holding:
        about = [None] if places is None else [there.restrictions[place] for place in places]
        reasons += licence_reasons(rule, licence, about, moment, basis)
    return LicenceVerdict(
        licence,
        holding[0][0].answer,
        once(reasons),
        gives_way=all(rule.gives_way for rule, _ in holding),
        limited=any(places is not None and rule.answer != "yes" for rule, places in holding),
        silent=all(rule.silence for rule, _ in holding),
    )


def verdict(person: Practitioner, asked: Asked, basis: Basis) -> Verdict:
    """Judge a person: may they practise as the profession asked about, on the day asked about.

    Args:
        person: as read from SQL, not protected (a protected person is never judged for others).
        asked: the question.
        basis: feeds, the rule set in force on the day asked about (`RuleBook.on`), our words.
    """
    licences = sorted(person.licences, key=lambda licence: licence.id)
    judged = [licence_verdict(person, licence, asked.moment, basis) for licence in licences]
    return _Judge(judged, asked, basis, person.withheld).verdict()


class _Judge:
    """Takes the licences of one person together."""

    def __init__(self, judged: Judged, asked: Asked, basis: Basis, withheld: Sequence[str] = ()) -> None:
        self.judged = judged
        self.asked = asked
        self.basis = basis
        self.withheld = withheld

    def verdict(self) -> Verdict:
        relevant, answer, reasons = self._judge()
        chosen = {each.licence.id for each in relevant}
        if answer == "yes":
            answer, reasons = self._against_others(relevant, reasons)
        answer, reasons = self._against_silence(answer, relevant, reasons)
        if self.asked.moment.on_date < self.basis.rules.in_force_from:
            answer, reasons = "ask", [self._outcome("before-rules"), *reasons]
        if self.asked.moment.past or self.asked.moment.earlier:
            named = {each.licence.feed_id for each in relevant or self.judged}
            reasons = [
                *reasons,
                *remarks(self.asked, self.basis, named or told_feeds(self.asked, self.basis)),
            ]
        licences = tuple(replace(each, relevant=each.licence.id in chosen) for each in self.judged)
        return Verdict(answer, once(reasons), self.basis.rules.version, licences)

    def _against_silence(
        self, answer: Answer, relevant: Judged, reasons: list[Reason]
    ) -> tuple[Answer, list[Reason]]:
        """Hold an answer against what sources withhold: a yes whichever authority was named, as against a sanction elsewhere."""
        if any(reason.nature == "death" for reason in reasons):
            return answer, reasons
        # A licence that its source tells no more of says so itself.
        said = {each.licence.feed_id for each in relevant if each.licence.untold}
        feeds = [
            each for each in self.withheld if each not in said and (answer == "yes" or self._meant(each))
        ]
        if not feeds:
            return answer, reasons
        reason = outcome_reason("source-withholds", self.asked, self.basis, feeds=feeds)
        return "ask", [reason, *(each for each in reasons if each.code != "no-licence")]

    def _meant(self, feed_id: str) -> bool:
        """Tell whether a feed is of the authority asked about; one that is no longer described may be."""
        feed = self.basis.feeds.get(feed_id)
        return feed is None or self.asked.authority in {None, feed.authority_id}

    def _against_others(self, relevant: Judged, reasons: list[Reason]) -> tuple[Answer, list[Reason]]:
        """Hold a yes against the licences that were not asked about."""
        chosen = {each.licence.id for each in relevant}
        others = [each for each in self.judged if each.licence.id not in chosen]
        sanctioned = [each for each in others if each.against]
        differing = [each for each in self._differing(relevant, others) if not each.against]
        told = []
        if sanctioned:
            told.append(self._outcome("sanction-elsewhere", sanctioned))
        if differing:
            told.append(self._outcome("other-authority-differs", differing))
        if not told:
            return "yes", reasons
        return "ask", [*told, *reasons, *_reasons(sanctioned), *_reasons(differing)]

    def _differing(self, relevant: Judged, others: Judged) -> Judged:
        """Return what other authorities of the same jurisdictions hold for the same professions and is no yes."""
        standing = [each for each in relevant if each.answer == "yes"]
        same = {(each.licence.facts.profession, each.licence.facts.jurisdiction) for each in standing}
        groups: dict[Group, Judged] = {}
        for each in others:
            facts = each.licence.facts
            if facts.jurisdiction and (facts.profession, facts.jurisdiction) in same:
                groups.setdefault(self._group(each), []).append(each)
        complete = all(self._tells_ends(each) for each in standing)
        return [
            each
            for members in groups.values()
            for each in _without_those_that_give_way(members)
            if each.answer != "yes" and not (complete and each.silent and not self._tells_ends(each))
        ]

    def _tells_ends(self, each: LicenceVerdict) -> bool:
        """Tell whether the licence's feed reports ended licences too; one no longer described is taken to."""
        feed = self.basis.feeds.get(each.licence.feed_id)
        return feed is None or feed.completeness in COMPLETE

    def _judge(self) -> tuple[Judged, Answer, list[Reason]]:
        pool = [each for each in self.judged if self.asked.authority in {None, each.licence.authority_id}]
        if not pool:
            # Of what it did not know then, the registry says neither that it was nor that it was not.
            return [], "ask", [self._outcome("not-known-then" if self.asked.moment.earlier else "no-licence")]
        number = fold_number(self.asked.number or "")
        numbered = [each for each in pool if number and fold_number(each.licence.facts.number) == number]
        if numbered:
            return self._by_number(pool, numbered)
        if self.asked.profession is None:
            return pool, *self._combine(pool)
        if relevant := _of_profession(pool, self.asked.profession):
            return relevant, *self._combine(relevant)
        return [], *self._not_held(pool)

    def _by_number(self, pool: Judged, numbered: Judged) -> tuple[Judged, Answer, list[Reason]]:
        """Judge the licence with the number, together with the others of its group."""
        asked = self.asked.profession
        named = [each for each in numbered if asked in {None, each.licence.facts.profession}]
        unread = [each for each in numbered if each.licence.facts.profession == UNKNOWN]
        if not (named or unread):
            held = [each for each in pool if each.licence.facts.profession == asked]
            return held, "ask", [self._outcome("number-for-other-profession", numbered), *_reasons(held)]
        groups = {self._group(each) for each in named or unread}
        relevant = [each for each in pool if self._group(each) in groups]
        if asked and named:
            relevant = _of_profession(relevant, asked)
        return relevant, *self._combine(relevant)

    def _not_held(self, pool: Judged) -> tuple[Answer, list[Reason]]:
        """Judge a person who holds no licence for the profession asked about."""
        deaths = [each.reasons[0] for each in pool if each.reasons[0].nature == "death"]
        if deaths:
            return "no", deaths
        complete = self._complete(pool)
        reason = self._outcome("profession-not-held-complete" if complete else "profession-not-held", pool)
        return reason.answer or "ask", [reason]

    def _complete(self, pool: Judged) -> bool:
        """Tell whether the authority's feeds together would show the licence if the person had it."""
        authority, moment = self.asked.authority, self.asked.moment
        if authority is None or not self.asked.certain or moment.past:
            return False
        feeds = [feed for feed in self.basis.feeds.values() if feed.authority_id == authority]
        present = {each.licence.feed_id for each in pool if not each.licence.gone}
        if any(each.licence.held or each.licence.untold for each in pool) or any(feed.held for feed in feeds):
            return False  # what waits, or is withheld, may be the very licence
        return bool(feeds) and all(
            feed.fresh(moment.now) and feed.completeness in COMPLETE and feed.id in present for feed in feeds
        )

    def _group(self, each: LicenceVerdict) -> Group:
        """Return profession, authority and jurisdiction.

        A profession we can't read may be the one asked about; without one, it stands for itself.
        """
        facts = each.licence.facts
        profession = facts.profession
        if profession == UNKNOWN:
            profession = self.asked.profession or f"? {facts.raw_profession}"
        return profession, each.licence.authority_id, facts.jurisdiction

    def _combine(self, relevant: Judged) -> tuple[Answer, list[Reason]]:
        groups: dict[Group, Judged] = {}
        for each in relevant:
            groups.setdefault(self._group(each), []).append(each)
        counted = {key: _without_those_that_give_way(members) for key, members in groups.items()}
        answers = {key: {each.answer for each in members} for key, members in counted.items()}
        reasons = [reason for members in counted.values() for reason in _reasons(members)]
        clashing = [each for key, members in counted.items() if len(answers[key]) > 1 for each in members]
        if clashing:
            return "ask", [self._outcome("licences-differ", clashing), *reasons]
        agreed = set(chain.from_iterable(answers.values()))
        if len(agreed) == 1:
            return agreed.pop(), reasons
        return "ask", [*self._differences(answers, relevant), *reasons]

    def _differences(self, answers: Mapping[Group, set[Answer]], relevant: Judged) -> Iterable[Reason]:
        by_profession: dict[str, set[Answer]] = {}
        for (profession, _, _), found in answers.items():
            by_profession.setdefault(profession, set()).update(found)
        if len(by_profession) > 1:
            yield self._outcome("professions-differ", relevant)
        if any(len(found) > 1 for found in by_profession.values()):
            yield self._outcome("authorities-differ", relevant)

    def _outcome(self, outcome_id: OutcomeId, about: Judged | None = None) -> Reason:
        return outcome_reason(outcome_id, self.asked, self.basis, [each.licence for each in about or []])


def _reasons(judged: Judged) -> list[Reason]:
    return [reason for each in judged for reason in each.reasons]


def _of_profession(pool: Judged, profession: str) -> Judged:
    """Return the licences for a profession, and those we can't read when none of the others stands.

    An authority may have renamed a profession to a word that we don't know yet: that is no absence.
    """
    relevant = [each for each in pool if each.licence.facts.profession == profession]
    if all(each.gives_way for each in relevant):
        relevant += [each for each in pool if each.licence.facts.profession == UNKNOWN]
    return relevant


def _without_those_that_give_way(members: Judged) -> Judged:
    return [each for each in members if not each.gives_way] or members
