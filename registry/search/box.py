"""One box: what a text asks for (a licence number, a name, a birth date, a profession, or several of them).

Pure: nothing is looked up but words of the vocabulary. What is a date or a number is told by its form alone, so that
the same text always means the same; what was understood is part of the answer and can be undone: what stands between
quotes is a name, whatever it looks like. Personal identity numbers never come here, they are refused before.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from registry.identifiers import fold_number
from registry.search.box_dates import FoundDate, find_dates, short_date
from registry.vocabulary import UNKNOWN, Vocabulary

Kind = Literal["number", "name", "birth-date", "profession"]

_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]?')
_CHUNK = re.compile(r"[^\s,;\x00]+")
_WORDS = re.compile(r"[^\W\d_\x00][^\s,;\x00]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\s]")
# What was understood is taken out and leaves this, so that nothing is read across it.
_TAKEN = "\x00"
# Letters before a number that say what number it is are no name when they are this short, or one of these words.
_LABEL_LENGTH = 3
_LABELS = frozenset(
    {
        *("leg", "lic", "nr", "no", "number", "nummer", "licens", "licence", "license", "legitimation"),
        *("legitimationsnummer", "legitimationsnr", "licensnummer", "npi", "hsa", "hsaid", "hsa-id"),
        *("förskrivarkod", "förskrivare"),
    }
)
# Each is looked up, whatever was typed.
_MOST_READINGS = 4
# Words of one profession; longer names of professions are not typed.
_MOST_WORDS = 5
# Shorter words for professions are people's names too (Do, Nd): only in capitals, among words that are not.
_SHORT = 2
_LICENSED = frozenset({"leg", "legitimerad", "licensed", "registered"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text and what it was understood as.

    Attributes:
        text: the piece as written.
        value: what is searched for: a number, a partial date, a code of the vocabulary, or a name.
        sv, en: the same said to people.
    """

    kind: Kind
    text: str
    value: str
    sv: str
    en: str


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text asks for.

    Attributes:
        text: the whole, as written.
        name: words to search for as a name, "" for none.
        birth_date: a partial date, "" for none.
        numbers: the licence number in the readings to try one after the other ("RN 123", then "123"); none for none.
        short_date: the birth date that the number may be instead (YYMMDD), "" for none.
        professions: codes of the vocabulary.
        pieces: how each piece was understood, in the order of the text.
        literal: the text that asks for all of it as a name instead; "" where nothing else was understood.
        profession_words: what the professions were called, to be looked for as a name after all.
    """

    text: str
    name: str = ""
    birth_date: str = ""
    numbers: tuple[str, ...] = ()
    short_date: str = ""
    professions: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    literal: str = ""
    profession_words: str = ""

    @property
    def number(self) -> str:
        """The licence number in its first reading, "" for none."""
        return self.numbers[0] if self.numbers else ""

    @property
    def reads_letters(self) -> bool:
        """Tell whether what was taken for something else than a name could be one: digits alone are nobody's name."""
        return any(any(map(str.isalpha, one.text)) for one in self.pieces if one.kind != "name")


def quoted(text: str) -> str:
    """Return the text of a box that is a name as it stands."""
    plain = _QUOTED.sub(r" \1 ", text)
    return f'"{" ".join(plain.split())}"'


def understand(text: str, vocabulary: Vocabulary, today: date) -> Understood:
    """Take a text apart. Never fails: what is nothing else is a name.

    Args:
        text: as typed; its length is the caller's to bound.
        vocabulary: the words for professions.
        today: the day it is; a birth date lies before it.
    """
    reading = _Reading(text)
    reading.take_quotes()
    born = reading.take_date(today)
    numbers = reading.take_numbers(vocabulary)
    professions = reading.take_professions(vocabulary)
    name = reading.name()
    understood_more = bool(born or numbers or professions)
    return Understood(
        text,
        name,
        born,
        numbers,
        "" if born else reading.short_date(today),
        tuple(dict.fromkeys(code for code, _ in professions)),
        reading.pieces(),
        quoted(text) if understood_more else "",
        " ".join(words for _, words in professions),
    )


class _Reading:
    """A text of which piece after piece is understood and taken out."""

    def __init__(self, text: str) -> None:
        # Control characters part words like spaces, and none may look like what was taken out.
        self._text = _CONTROLS.sub(" ", text)
        self._rest = self._text
        self._literal: list[tuple[int, int, str]] = []
        self._pieces: list[tuple[int, Piece]] = []

    def take_quotes(self) -> None:
        for match in _QUOTED.finditer(self._text):
            if inside := " ".join(match[1].split()):
                self._literal.append((match.start(), match.end(), inside))
            self._take(*match.span())

    def take_date(self, today: date) -> str:
        """Return the first birth date; what else looks like one stays."""
        for found in find_dates(self._rest, today):
            self._note((found.start, found.end), "birth-date", found.value, *_said_of(found))
            return found.value
        return ""

    def take_numbers(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """Return the first run of words with digits, with and without the label before it, and word by word."""
        chunks = list(_CHUNK.finditer(self._rest))
        first = next((i for i, one in enumerate(chunks) if _numeric(one[0])), None)
        if first is None:
            return ()
        last = first
        while last + 1 < len(chunks) and _numeric(chunks[last + 1][0]):
            last += 1
        run = [one[0].strip(".:#()") for one in chunks[first : last + 1]]
        readings = [" ".join(run), *run]
        start = first
        while start and _is_label(chunks[start - 1][0], vocabulary):
            start -= 1
        label = [one[0].strip(".:#()") for one in chunks[start:first]]
        # "RN 60123456" may be the number itself; "leg nr 123456" never is.
        if len(label) == 1 and label[0].isalpha() and label[0].casefold() not in _LABELS:
            readings.insert(0, f"{label[0]} {readings[0]}")
        readings = [one for one in dict.fromkeys(readings) if fold_number(one)][:_MOST_READINGS]
        value = " ".join(run)
        self._note(
            (chunks[start].start(), chunks[last].end()),
            "number",
            value,
            f"Legitimationsnummer: {value}.",
            f"Licence number: {value}.",
        )
        return tuple(readings)

    def short_date(self, today: date) -> str:
        """Return the birth date that the number is where it is none; a label before it says that it is one."""
        numbers = (piece for _, piece in self._pieces if piece.kind == "number")
        return next((short_date(piece.text, today) for piece in numbers), "")

    def take_professions(self, vocabulary: Vocabulary) -> list[tuple[str, str]]:
        """Return codes and the words that stand for them, the longest first at each place."""
        found: list[tuple[str, str]] = []
        shouted = self._rest == self._rest.upper()
        words = list(_WORDS.finditer(self._rest))
        at = 0
        while at < len(words):
            code, used = self._profession(words[at : at + _MOST_WORDS], vocabulary, shouted=shouted)
            if code:
                start, end = words[at].start(), words[at + used - 1].end()
                sv, en = (vocabulary.profession_label(code, language) for language in ("sv", "en"))
                found.append((code, self._text[start:end].strip(".")))
                self._note((start, end), "profession", code, f"Yrke: {sv}.", f"Profession: {en}.")
            at += used
        return found

    def _profession(
        self, words: list[re.Match[str]], vocabulary: Vocabulary, *, shouted: bool
    ) -> tuple[str, int]:
        for count in range(len(words), 0, -1):
            start, end = words[0].start(), words[count - 1].end()
            text = self._rest[start:end]
            if any(sign in text for sign in (_TAKEN, ",", ";")):
                continue
            first, _, more = text.partition(" ")
            if more and first.strip(".").casefold() in _LICENSED:
                code = vocabulary.find_profession(text) or vocabulary.find_profession(more)
            else:
                code = vocabulary.find_profession(text)
            short = len(text.strip(".")) <= _SHORT and (shouted or text != text.upper())
            if code and code != UNKNOWN and not short:
                return code, count
        return "", 1

    def name(self) -> str:
        """Return what is left, with what stood between quotes in its place."""
        rest = self._rest
        for start, end, inside in reversed(self._literal):
            rest = f"{rest[:start]} {inside} {rest[end:]}"
        parts = [" ".join(part.replace(_TAKEN, " ").split()) for part in rest.split(",")]
        # A comma parts family and given name; what is left of one that parted something else goes.
        name = ", ".join(part for part in parts if any(map(str.isalnum, part)))
        if name:
            places = [i for i, sign in enumerate(rest) if sign.isalnum()]
            self._pieces.append((places[0], Piece("name", name, name, f"Namn: {name}.", f"Name: {name}.")))
        return name

    def pieces(self) -> tuple[Piece, ...]:
        return tuple(piece for _, piece in sorted(self._pieces, key=lambda each: each[0]))

    def _note(self, span: tuple[int, int], kind: Kind, value: str, sv: str, en: str) -> None:
        self._pieces.append((span[0], Piece(kind, self._text[slice(*span)].strip(), value, sv, en)))
        self._take(*span)

    def _take(self, start: int, end: int) -> None:
        self._rest = self._rest[:start] + _TAKEN * (end - start) + self._rest[end:]


def _said_of(found: FoundDate) -> tuple[str, str]:
    if found.doubt == "order":
        return (
            f"Födelseår: {found.value}. Dag och månad kan läsas på två sätt: skriv ÅÅÅÅ-MM-DD.",
            f"Birth year: {found.value}. Day and month can be read in two ways: write YYYY-MM-DD.",
        )
    if found.doubt == "calendar":
        return (
            f"Född: {found.value}. Dagen finns inte i kalendern.",
            f"Born: {found.value}. The day is not in the calendar.",
        )
    return f"Född: {found.value}.", f"Born: {found.value}."


def _numeric(chunk: str) -> bool:
    return any(map(str.isdigit, chunk))


def _is_label(chunk: str, vocabulary: Vocabulary) -> bool:
    word = chunk.strip(".:#()")
    if word.casefold() in _LABELS:
        return True
    # "RN 123", also "rn 123"; but "Bo 123".
    short = word.isalpha() and len(word) <= _LABEL_LENGTH
    return short and (
        word == word.upper() or (len(word) <= _SHORT and bool(vocabulary.find_profession(word)))
    )
