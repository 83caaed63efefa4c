"""A rule set as prose: numbered rules with conditions in words, for lawyers and whoever must answer for an answer."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from registry.verification.ruleset import Bilingual, Conditions, LicenceRule, Outcome, RuleSet
from registry.verification.situation import FEATURES, RESTRICTION_KINDS, RESTRICTION_TIMES
from registry.verification.soundness import ALWAYS_ASK, NEVER_YES
from registry.vocabulary import Language, Vocabulary

WIDTH = 100
Pair = tuple[str, str]
"""Swedish, English."""

# What each value of a condition means, as it stands after "if".
FACTS: dict[str, dict[str, Pair]] = {
    "person": {
        "alive": ("personen inte är antecknad som avliden", "the person is not recorded as deceased"),
        "perhaps-deceased": (
            "det inte går att se om personen levde",
            "it can't be seen whether the person was alive",
        ),
        "deceased": ("personen är avliden", "the person is deceased"),
    },
    "record": {
        "present": ("källan redovisar legitimationen", "the feed holds the licence"),
        "gone": ("källan inte längre redovisar legitimationen", "the feed no longer holds the licence"),
    },
    "start": {
        "begun": ("legitimationen har börjat gälla", "the licence has begun"),
        "perhaps": (
            "datumen inte visar om legitimationen har börjat gälla",
            "the dates do not show whether the licence has begun",
        ),
        "earlier-period": (
            "dagen ligger före den giltighetstid som nu anges, fast legitimationen kan vara äldre",
            "the day lies before the term now stated, though the licence may be older",
        ),
        "not-begun": ("legitimationen inte har börjat gälla", "the licence has not begun"),
    },
    "end": {
        "running": ("giltighetstiden inte har gått ut", "the term has not ended"),
        "perhaps": (
            "datumen inte visar om giltighetstiden har gått ut",
            "the dates do not show whether the term has ended",
        ),
        "ended": ("giltighetstiden har gått ut", "the term has ended"),
    },
    "feed": {
        "fresh": ("källan är färsk", "the feed is fresh"),
        "stale": ("källan är äldre än den lovar", "the feed is older than it promises"),
        "never": ("källan aldrig har lästs i sin helhet", "the feed has never been read in full"),
    },
    "knowledge": {
        "known-then": ("registret visste det den dagen", "the registry knew it on the day"),
        "learnt-later": (
            "registret fick veta det först efter dagen",
            "the registry learnt it only after the day",
        ),
    },
    "change": {
        "none": ("ingenting väntar på granskning", "nothing waits for review"),
        "held": (
            "källan har lämnat en nyare uppgift som väntar på granskning",
            "the feed has sent something newer that waits for review",
        ),
        "untold": (
            "källan lämnar inte längre uppgifter om legitimationen, eftersom personens uppgifter är skyddade",
            "the feed tells nothing of the licence any more, since the person's identity is protected",
        ),
    },
    "profession": {
        "known": ("yrket finns i ordlistan", "the profession is in the vocabulary"),
        "unknown": ("yrket inte finns i ordlistan", "the profession is not in the vocabulary"),
    },
}
# When a restriction matters, as it stands after the kinds of restriction.
TIMES: dict[str, Pair] = {
    "in-force": ("gäller den dagen", "is in force on the day"),
    "perhaps": ("kanske gäller den dagen", "is perhaps in force on the day"),
    "later": ("börjar gälla senare", "begins later"),
}
NATURES: dict[str, Pair] = {
    "sanction": ("en påföljd", "a sanction"),
    "surrender": ("återlämnad", "given up"),
    "administrative": ("administrativt, ingen påföljd", "administrative, no sanction"),
    "death": ("dödsfall", "a death"),
    "uncertain": ("osäkert", "uncertain"),
    "valid": ("giltigt", "valid"),
}
ANSWERS: dict[str, Pair] = {
    "yes": ("JA", "YES"),
    "no": ("NEJ", "NO"),
    "ask": ("FRÅGA", "ASK"),
    "remark": ("anmärkning", "remark"),
}
_WORDS: dict[str, Pair] = {
    "title": ("Regler, version {version}", "Rules, version {version}"),
    "from": (
        "Gäller frågor om dagar från och med {day}{until}.",
        "For questions about days from {day}{until}.",
    ),
    "until": (" till och med {day}", " to and including {day}"),
    "replaced": (
        "Ersatt av version {other}: avgör ingenting längre, men äldre svar räknas om med den.",
        "Replaced by version {other}: decides nothing any more, but earlier answers are recomputed with it.",
    ),
    "how": (
        (
            "Varje legitimation prövas uppifrån. Den första regel som stämmer avgör; var och en av de följande som stämmer och "
            "säger nej eller fråga anges som ytterligare skäl."
        ),
        (
            "Each licence is tried from the top. The first rule that holds decides; each further one that holds and says no or "
            "ask is told as one more reason."
        ),
    ),
    "rules": ("En legitimation", "One licence"),
    "together": ("Svaret på frågan", "The answer to the question"),
    "outcomes": (
        "När en legitimation inte ensam avgör, eller ingen person hittas:",
        "When it is not one licence alone that decides, or nobody is found:",
    ),
    "if": ("Om {what}.", "If {what}."),
    "always": ("I alla andra fall.", "In all other cases."),
    "reason": ("Skäl: {what}", "Reason: {what}"),
    "source": ("Stöd: {what}", "Source: {what}"),
    "nature": ("Slag: {what}", "Kind: {what}"),
    "gives-way": (
        "Viker för en annan legitimation av samma slag från samma myndighet som inte viker.",
        "Gives way to another licence of the same kind from the same authority that does not.",
    ),
    "silence": (
        "Bara tystnad: talar inte emot legitimationen.",
        "Mere silence: it says nothing against the licence.",
    ),
    "never-yes": ("Aldrig ett ja", "Never a yes"),
    "not-yes-if": (
        "Vad en fil med regler än säger är svaret aldrig ja om",
        "Whatever a file of rules says, the answer is never yes if",
    ),
    "never-no": ("Varken ja eller nej", "Neither a yes nor a no"),
    "not-no-if": (
        "Vad en fil med regler än säger är svaret varken ja eller nej om",
        "Whatever a file of rules says, the answer is neither yes nor no if",
    ),
    "filled": (
        "Vad som står inom {klamrar} fylls i för varje svar.",
        "What stands in {braces} is filled in for each answer.",
    ),
    "no-gap": (
        (
            "Registret startar inte med regler som lämnar ett läge utan svar, som har en regel som aldrig kan gälla, eller som "
            "bryter mot detta."
        ),
        (
            "The registry does not start with rules that leave a situation without an answer, that have a rule which can never "
            "hold, or that break these."
        ),
    ),
    "status": ("statusen är ”{what}”", "the status is “{what}”"),
    "restriction": ("en begränsning ({what}) {when}", "a restriction ({what}) {when}"),
    "any-restriction": ("av vilket slag som helst", "of any kind"),
    "or": (" eller ", " or "),
    "and": ("; och ", "; and "),
}


def explain(rules: RuleSet, vocabulary: Vocabulary, language: Language, until: str = "") -> str:
    """Return a rule set as text of lines of at most 100 characters.

    Args:
        rules: the set.
        vocabulary: our words for statuses and restrictions.
        language: `sv` or `en`.
        until: the last day that it decides about; "" where no later set does.
    """
    return "\n".join(_Prose(rules, vocabulary, language).lines(until)) + "\n"


class _Prose:
    def __init__(self, rules: RuleSet, vocabulary: Vocabulary, language: Language) -> None:
        self.rules = rules
        self.vocabulary = vocabulary
        self.language = language

    def lines(self, until: str) -> Iterator[str]:
        rules = self.rules
        yield from self._heading(self._say("title", version=rules.version), "=")
        ends = self._say("until", day=until) if until else ""
        yield from self._filled(self._say("from", day=rules.in_force_from.isoformat(), until=ends))
        if rules.replaced_by:
            yield from self._filled(self._say("replaced", other=rules.replaced_by))
        yield from ("", *self._filled(self._say("how")), *self._filled(self._say("filled")), "")
        yield from self._heading(self._say("rules"), "-")
        for number, rule in enumerate(rules.licence_rules, start=1):
            yield from self._rule(number, rule)
        yield from self._heading(self._say("together"), "-")
        yield from (*self._filled(self._say("outcomes")), "")
        for number, outcome in enumerate(rules.outcomes, start=len(rules.licence_rules) + 1):
            yield from self._entry(number, outcome)
        yield from self._heading(self._say("never-yes"), "-")
        yield from self._never("not-yes-if", NEVER_YES)
        yield from ("", *self._heading(self._say("never-no"), "-"))
        yield from self._never("not-no-if", ALWAYS_ASK)
        yield from ("", *self._filled(self._say("no-gap")))

    def _rule(self, number: int, rule: LicenceRule) -> Iterator[str]:
        what = self.condition(rule.when)
        notes = [self._say("if", what=what) if what else self._say("always")]
        notes.append(self._say("nature", what=self._of(NATURES[rule.nature])))
        notes += [
            self._say(name) for name in ("gives-way", "silence") if getattr(rule, name.replace("-", "_"))
        ]
        yield from self._entry(number, rule, notes)

    def _entry(self, number: int, entry: LicenceRule | Outcome, notes: Sequence[str] = ()) -> Iterator[str]:
        yield f"{number}. {self._of(ANSWERS[entry.answer])}  ({entry.id})"
        text = entry.sv if self.language == "sv" else entry.en
        for note in (
            *notes,
            self._say("reason", what=text),
            self._say("source", what=self._in(entry.source)),
        ):
            yield from self._filled(note, "   ")
        yield ""

    def condition(self, when: Conditions) -> str:
        """Return the conditions of a rule in words; "" where there are none."""
        told = [self._one_of(feature, words) for feature in FEATURES if (words := getattr(when, feature))]
        if when.of_restrictions:
            told.append(self._restriction(when.restriction, when.restriction_time))
        return self._say("and").join(told)

    def _one_of(self, feature: str, words: Iterable[str]) -> str:
        return self._say("or").join(self._fact(feature, word) for word in words)

    def _fact(self, feature: str, word: str) -> str:
        if feature == "status":
            label = self.vocabulary.status_label(word, self.language)  # type: ignore[arg-type]  # checked when loaded
            return self._say("status", what=label.lower())
        return self._of(FACTS[feature][word])

    def _restriction(self, kinds: Sequence[str], times: Sequence[str]) -> str:
        labels = [self.vocabulary.restriction_label(kind, self.language).lower() for kind in kinds]  # type: ignore[arg-type]  # checked when loaded
        what = self._say("or").join(labels) or self._say("any-restriction")
        return self._say(
            "restriction",
            what=what,
            when=self._say("or").join(self._of(TIMES[time]) for time in times or RESTRICTION_TIMES),
        )

    def _never(self, intro: str, features: Mapping[str, Sequence[str]]) -> Iterator[str]:
        yield from self._filled(self._say(intro))
        for feature, words in features.items():
            if feature == "restriction":
                yield from self._never_restricted(words)
                continue
            for word in words:
                yield from self._filled(self._fact(feature, word), "   ", "-  ")

    def _never_restricted(self, points: Sequence[str]) -> Iterator[str]:
        """Give kinds of restriction with the times at which they count, from points as `revoked in-force`."""
        for kind in RESTRICTION_KINDS:
            times = [time for time in RESTRICTION_TIMES if f"{kind} {time}" in points]
            if times:
                yield from self._filled(self._restriction((kind,), times), "   ", "-  ")

    def _say(self, name: str, **values: str) -> str:
        # Not `format` on what a rule file says: its placeholders are part of the text.
        text = self._of(_WORDS[name])
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", value)
        return text

    def _of(self, pair: Pair) -> str:
        return pair[0] if self.language == "sv" else pair[1]

    def _in(self, text: Bilingual) -> str:
        return text.sv if self.language == "sv" else text.en

    @staticmethod
    def _heading(text: str, line: str) -> Iterator[str]:
        yield from (text, line * len(text), "")

    @staticmethod
    def _filled(text: str, indent: str = "", first: str | None = None) -> list[str]:
        start = indent if first is None else first
        return textwrap.wrap(
            text, WIDTH, initial_indent=start, subsequent_indent=indent, break_long_words=False
        )
