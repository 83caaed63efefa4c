"""The order of the people of an answer, and what is said of each: exact before phonetic before misspelt, then by score.

The engine chooses whom to look at, with fixed weights; here the first of them are compared one by one
(`registry.matching`), which knows how common a name is and says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from registry import dates, names
from registry.errors import BadRequestError
from registry.identifiers import fold_number
from registry.matching.candidate import Candidate
from registry.matching.kinds import Kind
from registry.matching.match import Match
from registry.matching.notes import Note, unrevealing
from registry.matching.question import Asked, Question
from registry.matching.score import Scorer
from registry.matching.units import Unit
from registry.records.listed import Licences, ListedPerson
from registry.records.name_counts import NameCounts
from registry.search.query import SearchQuery

_EXACT, _BEGUN, _HEARD, _MISSPELT, _FAR, _NOWHERE = range(6)
# How near a word is, by its kind; a lower number comes first.
_TIERS = {
    Kind.WRITTEN: _EXACT,
    Kind.TYPED: _EXACT,
    Kind.JOINED: _EXACT,
    Kind.INITIAL: _BEGUN,
    Kind.SOUND: _HEARD,
    Kind.ONE_EDIT: _MISSPELT,
    Kind.TWO_EDITS: _FAR,
    Kind.CLOSE: _FAR,
    Kind.NICKNAME: _FAR,
    Kind.SOUND_FAR: _FAR,
    Kind.ALIKE: _FAR,
    Kind.DIFFERENT: _NOWHERE,
}
_TIER = tuple(_TIERS[kind] for kind in Kind)
# With this many words one may be missing (`registry.search.wording`).
_ONE_MAY_MISS = 3
_PARTS = ("family_name", "given_name")
_BIRTH_DATE = "birth-date"
_SPELLING = ("family-", "given-")
# Whoever is found so far off was meant otherwise.
_MEANT = (_HEARD, _MISSPELT)
BEGINS = Note("name-begins", "Namnet börjar så.", "The name begins so.")


@dataclass(slots=True)
class Compared:
    """A person compared with the question.

    Attributes:
        tier: how near the farthest word is; the lowest is exact.
        words: where no word is farther off than a misspelling, the recorded word that each asked one is nearest to.
        begun: the last word is only begun.
        candidate: what was compared.
        match: None until it is wanted.
    """

    tier: int
    words: tuple[str, ...]
    begun: bool
    candidate: Candidate
    match: Match | None = None


def question_of(query: SearchQuery, number: str) -> Question | None:
    """Return what people are compared with; None where neither a name nor a number was asked for.

    Args:
        query: as the engine was asked.
        number: the licence number that was looked up, "" for none.

    Raises:
        BadRequestError: the birth date is none.
    """
    text, given, family = query.text.strip(), query.given_name.strip(), query.family_name.strip()
    if text and (given or family):
        text, given, family = " ".join(part for part in (given, text, family) if part), "", ""
    before, comma, after = text.partition(",")
    if comma and names.words(before) and names.words(after):
        text, given, family = "", after, before
    if not (number or any(names.words(part) for part in (text, given, family))):
        return None
    return Question(
        name=text,
        given=given,
        family=family,
        birth_date=_checked(query.birth_date),
        licence_number=number,
    )


def _checked(birth_date: str) -> str | None:
    if not birth_date.strip():
        return None
    try:
        return dates.parse_compact(birth_date)
    except ValueError as error:
        raise BadRequestError(f"The birth date can't be read: {error}.") from error


class Comparer:
    """Compares people with one question.

    Args:
        scorer: with the register's name counts.
        question: its birth date is a partial date.
        licences: of the people, where a number is asked about, else empty.
        numbers: other public numbers of theirs, likewise.
    """

    def __init__(
        self,
        scorer: Scorer,
        question: Question,
        licences: Licences | None = None,
        numbers: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        self._scorer = scorer
        self._asked: Asked = scorer.asked(question)
        self._numbered = bool(question.licence_number)
        self._licences = licences or {}
        self._numbers = numbers or {}

    def in_order(self, people: Sequence[ListedPerson], start: int, stop: int) -> dict[int, Compared]:
        """Compare people and return them in order, by id, with the matches of those from `start` to before `stop`.

        Exact before begun before phonetic before misspelt, then by score; equals stay as they were. Only those are scored
        whose place among the wanted ones depends on it: whoever asks for another part gets the same order.
        """
        near = [(person.id, self._near(person)) for person in people]
        near.sort(key=_by_tier)
        wanted = {each.tier for _, each in near[start:stop]}
        for _, each in near:
            if each.tier in wanted:
                self._score(each)
        near.sort(key=_by_score)
        for _, each in near[start:stop]:
            self._tell(each)
        return dict(near)

    def as_given(self, people: Sequence[ListedPerson]) -> dict[int, Compared]:
        """Compare people and leave their order."""
        near = {person.id: self._near(person) for person in people}
        for each in near.values():
            self._score(each)
            self._tell(each)
        return near

    def _score(self, each: Compared) -> Match:
        if each.match is None:
            each.match = self._scorer.score(self._asked, each.candidate)
        return each.match

    def _tell(self, each: Compared) -> None:
        """Make the match fit for a list."""
        match = self._score(each)
        if each.begun and each.tier <= _HEARD:
            # To the scorer a name that is only begun is misspelt, or another one.
            level = "possible" if match.level == "none" else match.level
            rest = tuple(note for note in match.notes if not note.code.startswith(_SPELLING))
            match = replace(match, level=level, notes=(BEGINS, *rest))
        if any(note.code.startswith(_BIRTH_DATE) for note in match.notes):
            match = replace(match, notes=_listable(match.notes))
        each.match = match

    def _candidate(self, person: ListedPerson) -> Candidate:
        if not self._numbered:
            return Candidate(person.names, person.birth_date)
        numbers = [one.number for one in self._licences.get(person.id, ())]
        numbers += self._numbers.get(person.id, ())
        folded = frozenset(key for one in numbers if (key := fold_number(one)))
        return Candidate(person.names, person.birth_date, numbers=folded)

    def _near(self, person: ListedPerson) -> Compared:
        """Tell how near each word is by the nearest of all the person's names."""
        candidate = self._candidate(person)
        units, likes = self._asked.units, self._asked.likes
        if not units:
            return Compared(_EXACT, (), False, candidate)  # noqa: FBT003 - of a dataclass
        best, nearest = [_NOWHERE] * len(units), [""] * len(units)
        joinable = False
        for recorded in candidate.recorded:
            for unit in recorded.units:
                like = likes[unit]
                joinable = joinable or like.joinable
                for position, kind in like.pairs:
                    if _TIER[kind] < best[position]:
                        best[position], nearest[position] = _TIER[kind], unit.key
        begun = best[-1] > _BEGUN and _begins(units[-1], candidate)
        if begun:
            best[-1] = _BEGUN
        made = Compared(max(best), (), begun, candidate)
        if nowhere := best.count(_NOWHERE):
            made.tier = self._tier_of_others(best, nowhere, made, joinable=joinable)
        elif made.tier in _MEANT:
            made.words = tuple(nearest)
        return made

    def _tier_of_others(self, best: list[int], nowhere: int, made: Compared, *, joinable: bool) -> int:
        if joinable and _joined(self._score(made)):
            # Words written together on one side and apart on the other: no single word is like another.
            return max((one for one in best if one != _NOWHERE), default=_EXACT)
        if nowhere == 1 and len(best) >= _ONE_MAY_MISS:
            return _FAR
        return _NOWHERE


def _by_tier(each: tuple[int, Compared]) -> int:
    return each[1].tier


def _by_score(each: tuple[int, Compared]) -> tuple[int, float]:
    one = each[1]
    return one.tier, -one.match.score if one.match else 0.0


def meant(best: Sequence[Compared], counts: NameCounts, least: int) -> str:
    """Return the words that were meant, where nobody was found by those that were asked; "" if that can't be told.

    Args:
        best: people in order.
        counts: how most people write a name.
        least: how many of the people must bear these words: a suggestion names no single person.
    """
    if not best or best[0].tier not in _MEANT:
        return ""
    wanted = best[0].words
    if not all(wanted) or sum(one.words == wanted for one in best) < least:
        return ""
    return " ".join(counts.any_display(key) for key in wanted)


def _begins(asked: Unit, candidate: Candidate) -> bool:
    # A single letter begins a tenth of all names.
    return len(asked.key) > 1 and any(
        key.startswith(asked.keys)
        for recorded in candidate.recorded
        for unit in recorded.units
        for key in unit.keys
    )


def _joined(match: Match) -> bool:
    return any(outcome == "joined" for name, outcome, _ in match.features if name in _PARTS)


def _listable(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Return the notes as they may stand in a list, which shows no more of a birth date than its year."""
    return tuple(
        plain
        for note in notes
        for plain in (unrevealing([note]) if note.code.startswith(_BIRTH_DATE) else (note,))
    )
