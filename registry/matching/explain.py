"""From what was seen to what is said: the notes of a match, with both spellings where they differ."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from registry.matching.align import Pair
from registry.matching.features import Compared
from registry.matching.kinds import SAME, Kind
from registry.matching.notes import NOTES, REVEALING, Note, spelt
from registry.matching.units import Unit, units

_PARTED = re.compile(r"[\s,;/]+")
_JOINED = re.compile(r"(?<=\w)[-'’](?=\w)")
_CACHED_TEXTS = 4096
_SPELLING = {
    "typed": "typed",
    "joined": "joined",
    "sound": "sound",
    "one-edit": "spelling",
    "two-edits": "spelling",
    "close": "spelling",
    "alike": "alike",
    "sound-far": "alike",
    "nickname": "nickname",
    "initial": "initial",
    "part": "part",
    "different": "different",
    "missing": "missing",
}
# Where no given name agrees, that is said already, and with the recorded ones where they may be.
_ALL_GIVEN_TOLD = frozenset({"missing", "different"})
_BIRTH_DATE = {
    "same": NOTES["birth-date-same"],
    "unknown": NOTES["birth-date-unknown"],
    "different": NOTES["birth-date-different"],
}


def explain_match(this: Compared, told: dict[str, str]) -> tuple[Note, ...]:
    """Return what agrees and what differs, from each feature's outcome: number, birth date, name, profession, county."""
    found: list[Note] = []
    found += _plain("number", told["licence_number"])
    found += _born(this, told["birth_date"])
    if "family_name" in told:
        found += _name(this, told)
    found += _plain("profession", told["profession"])
    found += _plain("county", told["county"])
    return tuple(found)


def _plain(what: str, outcome: str) -> Iterable[Note]:
    return [NOTES[f"{what}-{outcome}"]] if outcome in {"same", "different"} else []


def _born(this: Compared, outcome: str) -> Iterable[Note]:
    if outcome == "not-asked":
        return []
    if outcome in _BIRTH_DATE:
        return [_BIRTH_DATE[outcome]]
    code = "birth-date-part" if outcome.startswith("part") else f"birth-date-{outcome}"
    return [spelt(code, _date(this.asked.born), _date(this.candidate.born))]


def _date(digits: str) -> str:
    return "-".join(part for part in (digits[:4], digits[4:6], digits[6:]) if part)


def _name(this: Compared, told: dict[str, str]) -> list[Note]:
    words = _Words(this)
    found = [
        *_part(words, "family", told["family_name"], this.aligned.family),
        *_part(words, "given", told["given_name"], _given(this)),
        *_further(words, this, told),
        *_others(words, this, told),
    ]
    differs = {note.code for note in found} - {"initials-agree", "given-typed", "family-typed"}
    if not differs:
        found.insert(0, NOTES["name-same"])
    if told["name_use"] != "official":
        code = "former-name" if told["name_use"] == "former" else "other-name"
        found.append(spelt(code, "", this.recorded.name.display()))
    return found


def _given(this: Compared) -> Sequence[Pair]:
    """Give the pair that counts, or all that one joined word stands for."""
    pairs = this.aligned.given
    if pairs and pairs[0].kind is Kind.JOINED:
        return [pair for pair in pairs if pair.kind is Kind.JOINED]
    return pairs[:1]


def _part(words: "_Words", part: str, outcome: str, pairs: Sequence[Pair]) -> Iterable[Note]:
    if outcome not in _SPELLING:
        return []
    code = f"{part}-{_SPELLING[outcome]}"
    if code not in REVEALING:
        code = f"{part}-alike"
    if outcome == "missing":
        return [REVEALING[code]]
    there = [i for i, role in enumerate(words.roles) if role == part]
    if outcome == "different":
        return [spelt(code, words.left(part), words.recorded(there))]
    if outcome == "part" or not pairs:
        return [spelt(code, words.asked(pair.asked for pair in pairs), words.recorded(there))]
    odd = [pair for pair in pairs if pair.kind is not Kind.WRITTEN] or list(pairs)
    asked, recorded = (pair.asked for pair in odd), (pair.recorded for pair in odd)
    return [spelt(code, words.asked(asked), words.recorded(recorded))]


def _further(words: "_Words", this: Compared, told: dict[str, str]) -> Iterable[Note]:
    outcome = told["further_names"]
    if outcome in {"agree", "none"}:
        return []
    odd = [pair for pair in (*this.aligned.given[1:], *this.aligned.middle) if pair.kind not in SAME]
    if outcome == "alike" or (outcome == "some" and odd):
        pairs = [pair for pair in odd if pair.kind is not Kind.INITIAL]
        asked, recorded = (pair.asked for pair in pairs), (pair.recorded for pair in pairs)
        return [spelt("further-alike", words.asked(asked), words.recorded(recorded))]
    left = [j for j in this.aligned.open_recorded if words.roles[j] != "family"]
    if outcome in {"fewer", "some"}:
        if told["given_name"] in _ALL_GIVEN_TOLD:
            return []
        return [spelt("further-fewer", "", words.recorded(left))]
    if outcome == "more":
        return [spelt("further-more", words.left(""), "")]
    return [spelt("further-conflict", words.left(""), words.recorded(left))]


def _others(words: "_Words", this: Compared, told: dict[str, str]) -> Iterable[Note]:
    if told["initials"] in {"extra", "conflict"}:
        lone = (i for i in this.aligned.open_asked if this.asked.units[i].initial)
        code = "initials-differ" if told["initials"] == "conflict" else "initials-extra"
        yield spelt(code, words.asked(lone), "")
    elif told["initials"] == "agree":
        yield REVEALING["initials-agree"]
    if this.aligned.loose:
        yield REVEALING["particle-open"]
    if told["word_order"] in {"swapped", "crossed"}:
        yield REVEALING[f"order-{told['word_order']}"]


class _Words:
    """The words of both sides as people wrote them."""

    def __init__(self, this: Compared) -> None:
        question, name = this.asked.question, this.recorded.name
        parts = [part for part in (question.given, question.family) if part] or [question.name]
        self._asked_text = " ".join(parts)
        self._recorded_text = f"{name.display()} {name.middle} {name.family}"
        self._asked, self._recorded = this.asked.units, this.recorded.units
        self.roles = this.recorded.roles
        self._asked_roles = this.asked.roles
        self._left = list(this.aligned.open_asked)

    def asked(self, positions: Iterable[int]) -> str:
        return _spelling(self._asked_text, [self._asked[i] for i in sorted(set(positions))])

    def recorded(self, positions: Iterable[int]) -> str:
        return _spelling(self._recorded_text, [self._recorded[j] for j in sorted(set(positions))])

    def left(self, part: str) -> str:
        """Give the asked words without a partner; one of them for a part, as it was counted."""
        rest = [i for i in self._left if not self._asked[i].initial]
        if part and rest:
            # Of words whose kind nobody told, the last is the family name: people write them so.
            kind = [i for i in rest if self._asked_roles[i] == part]
            rest = kind[:1] or (rest[-1:] if part == "family" else rest[:1])
            self._left.remove(rest[0])
        return self.asked(rest)


def _spelling(text: str, wanted: Sequence[Unit]) -> str:
    """Return the words as they stand in the text; as they are compared where they can't be found there."""
    written = _as_written(text)
    return " ".join([written.get(unit.written, unit.written) for unit in wanted])


@lru_cache(maxsize=_CACHED_TEXTS)
def _as_written(text: str) -> dict[str, str]:
    """Return how each word stands in a text, by how it is compared; of the question's, this is wanted for every candidate."""
    written: dict[str, str] = {}
    for chunk in _PARTED.split(text):
        for piece in (chunk, *_JOINED.split(chunk)) if _JOINED.search(chunk) else (chunk,):
            found = units(piece)
            if len(found) == 1:
                written.setdefault(found[0].written, piece.strip('."()'))
    return written
