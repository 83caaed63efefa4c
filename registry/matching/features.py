"""The named features that a question and a candidate are compared by, each with its outcomes.

A feature looks at one thing and tells one outcome; what an outcome weighs is data (`config/matching/model.toml`). The
words of given and family name are each looked at once, by the best kind of likeness that holds (written, typed, joined,
sound, edits, nickname, initial): phonetics or nicknames as features of their own would count the same word twice.

A complaint about a score starts here: `outcomes` shows what was seen.
"""

from collections.abc import Callable
from typing import NamedTuple

from registry.matching.align import NO_NAME, NOBODY, Aligned, align, worth
from registry.matching.birth_date import BIRTH_DATE_OUTCOMES, birth_date_outcome
from registry.matching.candidate import Candidate, Recorded
from registry.matching.kinds import SAME, Kind
from registry.matching.open_words import Left, left_over
from registry.matching.question import Asked


class Compared(NamedTuple):
    """A question beside one name of a candidate: what a feature may look at."""

    asked: Asked
    candidate: Candidate
    recorded: Recorded
    aligned: Aligned
    left: Left


class Feature(NamedTuple):
    """One feature.

    Attributes:
        outcomes: all of them, for people to read from most to least agreement.
        neutral: outcomes that say nothing either way; they weigh nothing and do not stand in the model file.
        chains: outcomes in orders that weights must keep: an earlier one never weighs less than a later one.
        look: tells the outcome; its docstring is the feature's documentation.
    """

    name: str
    outcomes: tuple[str, ...]
    neutral: frozenset[str]
    chains: tuple[tuple[str, ...], ...]
    look: Callable[[Compared], str]


def family_name(this: Compared) -> str:
    """Look at the recorded family name and the asked words that stand for it.

    Of several recorded family names the least alike that was met counts; `part`: one is met and another was left out.
    `different`: none is met, and an asked word is left that stands for none; `missing`: none was asked for.
    """
    return this.left.family


def given_name(this: Compared) -> str:
    """Look at the recorded given name that is most alike an asked word; in Swedish any of them may be the one used.

    `nickname` is a weak hint; `initial`: no more than a letter on one side. `different`: none is met and an asked word
    is left that stands for none; `missing`: none was asked for.
    """
    return this.left.given


def further_names(this: Compared) -> str:
    """Look at the other given and middle names, and at words that only one side has.

    `agree`: all are met; `some`: one is, others are left out or spelled otherwise; `alike`: met only by likeness;
    `none`: neither side has any; `fewer`: the question leaves some out, as people do; `more`: it has words that the record
    lacks, which people seldom make up; `conflict`: both have words that the other lacks.
    """
    aligned, left = this.aligned, this.left
    if left.asked:
        return "conflict" if left.opposed else "more"
    if len(aligned.given) < 2 and not aligned.middle:  # noqa: PLR2004 - the first is the given name
        return "fewer" if left.recorded else "none"
    further = [pair for pair in (*aligned.given[1:], *aligned.middle) if pair.kind is not Kind.INITIAL]
    if not further:
        return "fewer" if left.recorded else "none"
    same = sum(pair.kind in SAME for pair in further)
    if not same:
        return "alike"
    return "some" if left.recorded or same < len(further) else "agree"


def initials(this: Compared) -> str:
    """Look at initials beside the first given name ("Anna M", "John Q").

    `conflict`: no recorded given name that is left begins so; `extra`: the record has no more given names.
    """
    if this.left.initials != "none":
        return this.left.initials
    if len(this.aligned.given) < 2 and not this.aligned.middle:  # noqa: PLR2004 - the first is the given name
        return "none"
    further = (*this.aligned.given[1:], *this.aligned.middle)
    return "agree" if any(pair.kind is Kind.INITIAL for pair in further) else "none"


def word_order(this: Compared) -> str:
    """Look at where given and family names stand, when the question tells them apart.

    `swapped`: each in the other's place; `crossed`: some; `free`: the question is one box, in any order.
    """
    return this.aligned.order


def name_use(this: Compared) -> str:
    """Look at whether the name that agrees best is the `official` one, an `alias` or a `former` one."""
    return this.recorded.name.use


def birth_date(this: Compared) -> str:
    """Look at the birth dates.

    `same`: whole and equal; `part-month`, `part-year`: one is partial, and they agree so far; `swapped`: day and month
    change places; `slip`: one digit or two neighbouring digits; `month`, `year`, `decade`: the same so far, then not;
    `day`: another year, the same day and month.
    """
    return birth_date_outcome(this.asked.born, this.candidate.born)


def licence_number(this: Compared) -> str:
    """Look for the licence number asked about among all public numbers of the person."""
    if not this.asked.number:
        return "not-asked"
    if not this.candidate.numbers:
        return "unknown"
    return "same" if this.asked.number in this.candidate.numbers else "different"


def profession(this: Compared) -> str:
    """Look for the profession asked about among those the person is or was licensed for."""
    return _among(this.asked.question.profession, this.candidate.professions)


def county(this: Compared) -> str:
    """Look for the county asked about among those recorded; people move and work elsewhere, so it says little."""
    return _among(this.asked.county, this.candidate.counties)


def _among(asked: str, recorded: frozenset[str]) -> str:
    if not asked:
        return "not-asked"
    if not recorded:
        return "unknown"
    return "same" if asked in recorded else "different"


_SPELLED = ("written", "typed", "joined", "sound", "one-edit", "two-edits", "close", "alike", "different")
_OPEN = frozenset({"unknown", "not-asked"})
_NAME_CHAINS = (
    _SPELLED,
    ("sound", "sound-far", "different"),
    ("joined", "nickname", "different"),
    ("joined", "initial", "different"),
    ("close", "missing", "different"),
)
_YES_NO = ("same", "different", "unknown", "not-asked")
_SAME_FIRST = (("same", "different"),)

# About a name, of which a candidate may have several.
NAME_FEATURES: tuple[Feature, ...] = (
    Feature(
        "family_name",
        (*_SPELLED[:-1], "part", "nickname", "sound-far", "initial", "missing", "different", "unknown"),
        frozenset({"unknown"}),
        (*_NAME_CHAINS, ("joined", "part", "different")),
        family_name,
    ),
    Feature(
        "given_name",
        (*_SPELLED[:-1], "nickname", "sound-far", "initial", "missing", "different", "unknown"),
        frozenset({"unknown"}),
        _NAME_CHAINS,
        given_name,
    ),
    Feature(
        "further_names",
        ("agree", "some", "alike", "none", "fewer", "more", "conflict"),
        frozenset(),
        (
            ("agree", "some", "alike", "fewer", "more", "conflict"),
            ("agree", "none", "fewer"),
        ),
        further_names,
    ),
    Feature(
        "initials",
        ("agree", "none", "extra", "conflict"),
        frozenset({"none"}),
        (("agree", "none", "extra", "conflict"),),
        initials,
    ),
    Feature(
        "word_order",
        ("straight", "swapped", "crossed", "free"),
        frozenset({"free"}),
        (("straight", "swapped"), ("straight", "crossed")),
        word_order,
    ),
    Feature(
        "name_use",
        ("official", "alias", "former"),
        frozenset(),
        (("official", "alias"), ("official", "former")),
        name_use,
    ),
)
PERSON_FEATURES: tuple[Feature, ...] = (
    Feature(
        "birth_date",
        BIRTH_DATE_OUTCOMES,
        _OPEN,
        (
            ("same", "part-month", "part-year", "year", "decade", "different"),
            ("same", "swapped", "slip", "month", "year"),
            ("slip", "day", "different"),
        ),
        birth_date,
    ),
    Feature("licence_number", _YES_NO, _OPEN, _SAME_FIRST, licence_number),
    Feature("profession", _YES_NO, _OPEN, _SAME_FIRST, profession),
    Feature("county", _YES_NO, _OPEN, _SAME_FIRST, county),
)
FEATURES = (*NAME_FEATURES, *PERSON_FEATURES)
BY_NAME = {feature.name: feature for feature in FEATURES}


# A name that is met by half a word less than another of the same person is not the one that was meant.
_CLEARLY_LESS = 0.5


# Patterns remembered for a question; a page of candidates has some dozen.
_REMEMBERED = 1024


def compared(asked: Asked, candidate: Candidate) -> list[Compared]:
    """Lay the question beside each of the candidate's names that may be meant; the first that is met best stands first."""
    names = candidate.recorded
    if len(names) == 1:
        return [Compared(asked, candidate, names[0], *_laid(asked, names[0])[:2])]
    laid = [(_laid(asked, recorded), recorded) for recorded in names]
    most = max([each[0][2] for each in laid], default=0.0)
    near = [each for each in laid if each[0][2] > most - _CLEARLY_LESS]
    if len(near) > 1:
        near.sort(key=_worthiest)
    return [Compared(asked, candidate, recorded, *each[:2]) for each, recorded in near]


def _laid(asked: Asked, recorded: Recorded) -> tuple[Aligned, Left, float]:
    """Lay a question beside a name. Names whose words are the same to the question are laid once: most are, on a page."""
    likes = [asked.likes[unit] for unit in recorded.units]
    key = (recorded.roles, *likes)
    found: tuple[Aligned, Left, float] | None = asked.laid.get(key)
    if found is None:
        aligned = align(asked, recorded)
        found = aligned, left_over(asked, aligned), worth(aligned)
        # What may be joined is told by the very letters.
        if not any(like.joinable for like in likes):
            if len(asked.laid) >= _REMEMBERED:
                asked.laid.clear()
            asked.laid[key] = found
    return found


def _worthiest(each: tuple[tuple[Aligned, Left, float], Recorded]) -> float:
    return -each[0][2]


def outcomes(asked: Asked, candidate: Candidate) -> dict[str, str]:
    """Return what every feature tells of the name that is met best; needs no model, so that one can be made.

    A feature that has nothing to look at (a person without a name, a question without one) is left out.
    """
    there = compared(asked, candidate)
    if there and asked.units:
        return {feature.name: feature.look(there[0]) for feature in FEATURES}
    nobody = Compared(asked, candidate, NOBODY, NO_NAME, left_over(asked, NO_NAME))
    return {feature.name: feature.look(nobody) for feature in PERSON_FEATURES}
