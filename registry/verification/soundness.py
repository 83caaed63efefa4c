"""Is a rule set sound? Checked over every situation there can be, not over examples.

A situation is a point in the product of all features (some 260,000 points); a rule covers a box of it. Sets of points are
kept as the bits of one integer, so that gaps and unreachable rules are found exactly and in milliseconds. One
restriction at a time is enough: a rule asks whether there is *a* restriction of some kind, so further ones
only make more rules hold.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from registry.verification import ruleset as r
from registry.verification import texts
from registry.verification.situation import FEATURES, RESTRICTION_KINDS, RESTRICTION_TIMES

_NO_RESTRICTION = "none"
_RESTRICTION_POINTS = (
    _NO_RESTRICTION,
    *(f"{kind} {time}" for kind in RESTRICTION_KINDS for time in RESTRICTION_TIMES),
)
_SPACE: dict[str, tuple[str, ...]] = {**FEATURES, "restriction": _RESTRICTION_POINTS}

# What a yes may never be said to, whatever a file says: patients are harmed by a wrong yes. A file may turn probation,
# limited prescribing or conditions into a yes, and nothing else.
NEVER_YES: dict[str, tuple[str, ...]] = {
    "person": ("perhaps-deceased", "deceased"),
    "record": ("gone",),
    "status": ("suspended", "revoked", "lapsed", "surrendered", "deceased", "unknown"),
    "start": ("perhaps", "earlier-period", "not-begun"),
    "end": ("perhaps", "ended"),
    "feed": ("stale", "never"),
    "knowledge": ("learnt-later",),
    "change": ("held", "untold"),
    "profession": ("unknown",),
    "restriction": tuple(
        f"{kind} {time}" for kind in ("revoked", "suspended", "unknown") for time in ("in-force", "perhaps")
    ),
}
# What neither a yes nor a no may be said to: the feed itself has said something newer, or says nothing any
# more: either may be worse or better.
ALWAYS_ASK: dict[str, tuple[str, ...]] = {"change": ("held", "untold")}
# All that a rule marked as silence may be about: that the feed no longer tells, or did not yet tell.
SILENCE: dict[str, tuple[str, ...]] = {
    "record": ("gone",),
    "feed": ("stale", "never"),
    "knowledge": ("learnt-later",),
}
_SANCTIONS = frozenset({"revoked", "suspended"})
_MAY_SAY_NO = frozenset({"profession-not-held", "profession-not-held-complete"})


def _total() -> int:
    product = 1
    for values in _SPACE.values():
        product *= len(values)
    return product


def _masks() -> dict[tuple[str, str], int]:
    """Return the set of points for each value of each feature."""
    masks: dict[tuple[str, str], int] = {}
    stride = total = _total()
    for feature, values in _SPACE.items():
        period = stride
        stride //= len(values)
        # One bit at the start of each period; a product spreads a block of ones over all periods.
        starts = ((1 << total) - 1) // ((1 << period) - 1)
        for position, value in enumerate(values):
            masks[feature, value] = (((1 << stride) - 1) << (position * stride)) * starts
    return masks


_EVERYTHING = (1 << _total()) - 1
_MASKS = _masks()


def check(rules: r.RuleSet) -> Iterator[str]:
    """Yield what is wrong with a rule set, each with what to do."""
    yield from _check_ids(rules)
    yield from _check_texts(rules)
    yield from _check_order(rules)
    yield from _check_natures(rules)
    yield from _check_space(rules)
    yield from _check_outcomes(rules)


def _check_ids(rules: r.RuleSet) -> Iterator[str]:
    seen: set[str] = set()
    everything: list[r.LicenceRule | r.Outcome] = [*rules.licence_rules, *rules.outcomes]
    for each in everything:
        if not each.id.strip():
            yield "a rule has no id; give it one, it is the reason code that callers see."
        if each.id in seen:
            yield f"the id {each.id!r} is used twice; every rule and outcome needs its own."
        seen.add(each.id)
    if not rules.version.strip():
        yield "`version` is empty; an answer must tell which rules gave it."


def _check_texts(rules: r.RuleSet) -> Iterator[str]:
    for rule in rules.licence_rules:
        allowed = texts.RESTRICTION_PLACEHOLDERS if rule.when.of_restrictions else texts.LICENCE_PLACEHOLDERS
        yield from _check_text(rule, allowed)
    for outcome in rules.outcomes:
        yield from _check_text(outcome, texts.OUTCOME_PLACEHOLDERS)


def _check_text(rule: r.LicenceRule | r.Outcome, allowed: frozenset[str]) -> Iterator[str]:
    for language in texts.LANGUAGES:
        if not getattr(rule.source, language).strip():
            yield f"rule {rule.id!r} has no text in `source.{language}`."
        text: str = getattr(rule, language)
        if not text.strip():
            yield f"rule {rule.id!r} has no text in `{language}`."
        try:
            unknown = texts.placeholders(text) - allowed
        except ValueError as error:
            yield f"rule {rule.id!r}, `{language}`: {error}."
            continue
        if unknown:
            known = ", ".join(sorted(allowed))
            yield f"rule {rule.id!r}, `{language}`: there is no {min(unknown)!r} here; use one of {known}."


def _check_order(rules: r.RuleSet) -> Iterator[str]:
    seen_yes = ""
    for rule in rules.licence_rules:
        if rule.answer == "yes":
            seen_yes = rule.id
        elif seen_yes:
            yield f"rule {rule.id!r} says {rule.answer} after {seen_yes!r} says yes; the yes rules stand last."


def _check_natures(rules: r.RuleSet) -> Iterator[str]:
    for rule in rules.licence_rules:
        if (rule.answer == "yes") != (rule.nature == "valid"):
            yield f"rule {rule.id!r}: the nature `valid` belongs to a yes, and a yes to it."
        if rule.answer == "no" and rule.nature == "uncertain":
            yield f"rule {rule.id!r} says no to something uncertain; what is uncertain is asked about."
        if rule.nature != "sanction" and _SANCTIONS & {*rule.when.restriction, *rule.when.status}:
            yield f"rule {rule.id!r} is about a revocation or suspension; its nature is `sanction`."
        if rule.gives_way and (rule.answer == "yes" or rule.nature in {"sanction", "surrender", "death"}):
            yield f"rule {rule.id!r} may not give way: only an administrative or uncertain reason is set aside."
        if rule.silence and (rule.answer != "ask" or _box(rule.when) & ~_union(SILENCE)):
            yield f"rule {rule.id!r} is no silence: that is only to ask about what the feed no longer or not yet told."


def _check_space(rules: r.RuleSet) -> Iterator[str]:
    decided = 0
    never = {"yes": _union(NEVER_YES), "no": _union(ALWAYS_ASK), "ask": 0}
    for rule in rules.licence_rules:
        reached = _box(rule.when) & ~decided
        if not reached:
            yield f"rule {rule.id!r} is never reached: earlier rules decide all that it is about."
        if wrong := reached & never[rule.answer]:
            said = rule.answer
            yield f"rule {rule.id!r} would say {said} to what must never be a {said}: {_example(wrong)}."
        decided |= reached
    if gap := _EVERYTHING & ~decided:
        yield f"no rule covers {_example(gap)}; add one or widen a condition."


def _box(when: r.Conditions) -> int:
    box = _EVERYTHING
    for feature in FEATURES:
        if words := getattr(when, feature):
            box &= _any(feature, words)
    if when.of_restrictions:
        kinds = when.restriction or RESTRICTION_KINDS
        times = when.restriction_time or RESTRICTION_TIMES
        box &= _any("restriction", tuple(f"{kind} {time}" for kind in kinds for time in times))
    return box


def _union(features: Mapping[str, tuple[str, ...]]) -> int:
    union = 0
    for feature, values in features.items():
        union |= _any(feature, values)
    return union


def _any(feature: str, values: tuple[str, ...]) -> int:
    union = 0
    for value in values:
        union |= _MASKS[feature, value]
    return union


def _example(points: int) -> str:
    """Describe the first point of a set, leaving out what is ordinary."""
    point = points & -points
    found = {feature: value for (feature, value), mask in _MASKS.items() if mask & point}
    return ", ".join(
        f"{feature} {value}" for feature, value in found.items() if not _ordinary(feature, value, found)
    )


def _ordinary(feature: str, value: str, found: Mapping[str, str]) -> bool:
    return value == _SPACE[feature][0] and any(v != _SPACE[f][0] for f, v in found.items())


def _check_outcomes(rules: r.RuleSet) -> Iterator[str]:
    missing = set(get_args(r.OutcomeId)) - {outcome.id for outcome in rules.outcomes}
    if missing:
        yield f"the outcome {min(missing)!r} is missing; every outcome needs its answer and texts."
    for outcome in rules.outcomes:
        if (outcome.answer == "remark") != (outcome.id in r.REMARKS):
            remarks = ", ".join(sorted(r.REMARKS))
            yield f"outcome {outcome.id!r}: only these are remarks, and they are nothing else: {remarks}."
        if outcome.answer == "no" and outcome.id not in _MAY_SAY_NO:
            yield f"outcome {outcome.id!r} may not say no: it must be asked about."
