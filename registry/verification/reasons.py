"""What a verdict rests on, and the reasons it gives."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from registry.records.read import Feed, Licence
from registry.verification import texts
from registry.verification.ruleset import Answer, LicenceRule, Nature, OutcomeId, RuleSet
from registry.verification.situation import Moment, TimedRestriction
from registry.vocabulary import Language, Vocabulary


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verdict rests on beside the person's facts.

    Attributes:
        feeds: by id, as they were known at the moment of knowledge.
        rules: the set in force on the day asked about.
        vocabulary: our words.
        began: since when each feed has been read; needed for questions about the past only.
    """

    feeds: Mapping[str, Feed]
    rules: RuleSet
    vocabulary: Vocabulary
    began: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verdict is asked about.

    Attributes:
        profession: one of our profession codes; None when the caller named none.
        authority: id of the one authority whose licences count; None for any.
        number: the licence number asked by; it says which of the person's licences is meant.
        certain: the person was identified by a number, not by name and birth date.
    """

    moment: Moment
    profession: str | None = None
    authority: str | None = None
    number: str | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable code, the answer it speaks for (None for a remark), texts, and where the rule comes from."""

    code: str
    answer: Answer | None
    nature: Nature
    sv: str
    en: str
    source_sv: str
    source_en: str
    licence_id: int | None = None


def licence_reasons(
    rule: LicenceRule,
    licence: Licence,
    about: Sequence[TimedRestriction | None],
    moment: Moment,
    basis: Basis,
) -> list[Reason]:
    """Return a rule's reason for one licence; for a rule about restrictions, one for each it is about."""
    feed = basis.feeds.get(licence.feed_id)
    values = {
        language: texts.LicenceValues(licence, feed, moment, basis.vocabulary, language)
        for language in texts.LANGUAGES
    }

    def text(language: Language, template: str, each: TimedRestriction | None) -> str:
        mine = values[language]
        if each:
            mine["restriction"] = texts.restriction(each.facts, basis.vocabulary, language)
        return texts.fill(template, mine)

    return [
        Reason(
            code=rule.id,
            answer=rule.answer,
            nature=rule.nature,
            sv=text("sv", rule.sv, each),
            en=text("en", rule.en, each),
            source_sv=rule.source.sv,
            source_en=rule.source.en,
            licence_id=licence.id,
        )
        for each in about
    ]


def remarks(asked: Asked, basis: Basis, feeds: Collection[str]) -> list[Reason]:
    """Return what is told beside an answer about the past: what it rests on, and where the registry's knowledge begins.

    Args:
        asked: the question.
        basis: feeds and rules.
        feeds: ids of those that the answer is from, or whose silence it tells.
    """
    moment = asked.moment
    if not (moment.past or moment.earlier):
        return []
    found = [outcome_reason("past-date", asked, basis)] if moment.past else []
    if moment.earlier:
        found.append(outcome_reason("known-at", asked, basis))
    late = [
        each
        for each in sorted(feeds)
        if each not in basis.began
        or basis.began[each] > moment.now
        or moment.day(basis.began[each]) > moment.on_date
    ]
    if late:
        found.append(outcome_reason("before-first-knowledge", asked, basis, feeds=late))
    return found


def told_feeds(asked: Asked, basis: Basis) -> set[str]:
    """Return the feeds that could have held what was asked about."""
    return {feed.id for feed in basis.feeds.values() if asked.authority in {None, feed.authority_id}}


def outcome_reason(
    outcome_id: OutcomeId,
    asked: Asked,
    basis: Basis,
    about: Sequence[Licence] = (),
    feeds: Sequence[str] = (),
) -> Reason:
    """Return the reason for an outcome; `about` and `feeds` are the licences and feeds its text names."""
    outcome = basis.rules.outcome(outcome_id)
    answer: Answer | None = None if outcome.answer == "remark" else outcome.answer
    return Reason(
        code=outcome.id,
        answer=answer,
        nature="administrative" if answer == "no" else "uncertain",
        sv=texts.fill(outcome.sv, _outcome_values(asked, basis, about, feeds, "sv")),
        en=texts.fill(outcome.en, _outcome_values(asked, basis, about, feeds, "en")),
        source_sv=outcome.source.sv,
        source_en=outcome.source.en,
    )


def _outcome_values(
    asked: Asked, basis: Basis, about: Sequence[Licence], told: Sequence[str], language: Language
) -> dict[str, str]:
    feeds, vocabulary = basis.feeds, basis.vocabulary
    began = [
        f"{texts.feed_name(feeds[each], language) if each in feeds else each} "
        f"({asked.moment.day(basis.began[each]).isoformat() if each in basis.began else _NEVER[language]})"
        for each in told
    ]
    named = [
        texts.authority_name(feed, language)
        for feed in feeds.values()
        if feed.authority_id == asked.authority
    ]
    return {
        "date": asked.moment.on_date.isoformat(),
        "since": basis.rules.in_force_from.isoformat(),
        "profession": texts.profession_name(asked.profession, vocabulary, language)
        if asked.profession
        else "–",
        "professions": texts.listed(texts.profession(each, vocabulary, language) for each in about),
        "authority": texts.listed(named),
        "authorities": texts.listed(
            [
                *(texts.authority(each, feeds.get(each.feed_id), language) for each in about),
                *(texts.authority_name(feeds[each], language) if each in feeds else each for each in told),
            ]
        ),
        "known": texts.clock(asked.moment.now, asked.moment),
        "began": texts.listed(began),
    }


_NEVER = {"sv": "aldrig", "en": "never"}


def once(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons in order, each once."""
    listed = tuple(reasons)
    return listed if len(listed) == 1 else tuple(dict.fromkeys(listed))
