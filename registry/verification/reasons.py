"""What a verdict rests on, and the reasons it gives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.records.read import Feed, Licence
from registry.verification import texts
from registry.verification.ruleset import Answer, LicenceRule, Nature, OutcomeId, RuleSet
from registry.verification.situation import Moment, TimedRestriction
from registry.vocabulary import Language, Vocabulary


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verdict rests on beside the person's facts: feeds by id, the rule set in force, our words."""

    feeds: Mapping[str, Feed]
    rules: RuleSet
    vocabulary: Vocabulary


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
        language: texts.licence_values(licence, feed, moment, basis.vocabulary, language)
        for language in texts.LANGUAGES
    }

    def text(language: Language, template: str, each: TimedRestriction | None) -> str:
        mine = values[language]
        if each:
            mine = {**mine, "restriction": texts.restriction(each.facts, basis.vocabulary, language)}
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


def outcome_reason(
    outcome_id: OutcomeId, asked: Asked, basis: Basis, about: Sequence[Licence] = ()
) -> Reason:
    """Return the reason for an outcome; `about` are the licences its text names."""
    outcome = basis.rules.outcome(outcome_id)
    answer: Answer | None = None if outcome.answer == "remark" else outcome.answer
    return Reason(
        code=outcome.id,
        answer=answer,
        nature="administrative" if answer == "no" else "uncertain",
        sv=texts.fill(outcome.sv, _outcome_values(asked, basis, about, "sv")),
        en=texts.fill(outcome.en, _outcome_values(asked, basis, about, "en")),
        source_sv=outcome.source.sv,
        source_en=outcome.source.en,
    )


def _outcome_values(
    asked: Asked, basis: Basis, about: Sequence[Licence], language: Language
) -> dict[str, str]:
    feeds, vocabulary = basis.feeds, basis.vocabulary
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
            texts.authority(each, feeds.get(each.feed_id), language) for each in about
        ),
    }


def once(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons in order, each once."""
    return tuple(dict.fromkeys(reasons))
