"""What is said of a comparison, in Swedish and English: the texts, and which of them reveal the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that agrees or differs: a stable code and texts."""

    code: str
    sv: str
    en: str


def _by_code(*notes: Note) -> dict[str, Note]:
    return {note.code: note for note in notes}


# These tell that something agrees or differs, not how: they may stand where the candidate is not shown.
NOTES = _by_code(
    Note("number-same", "Numret stämmer.", "The number agrees."),
    Note(
        "number-different",
        "Numret stämmer inte med registrets.",
        "The number does not agree with the record.",
    ),
    Note("name-same", "Namnet stämmer.", "The name agrees."),
    Note(
        "name-part",
        "Namnet stämmer, men alla förnamn är inte utskrivna på båda sidor.",
        "The name agrees, but not every given name is written out on both sides.",
    ),
    Note("name-alike", "Namnet liknar registrets.", "The name is like the recorded one."),
    Note(
        "name-typo",
        "Ett ord i namnet skiljer sig med en bokstav från registrets.",
        "One word of the name differs by one letter from the record.",
    ),
    Note(
        "name-different",
        "Namnet stämmer inte med registrets.",
        "The name does not agree with the record.",
    ),
    Note("name-former", "Det är ett tidigare namn på personen.", "It is a former name of the person."),
    Note(
        "name-alias",
        "Det är ett annat namn som personen använder.",
        "It is another name the person uses.",
    ),
    Note("birth-date-same", "Född samma dag.", "Born on the same day."),
    Note(
        "birth-date-open",
        "Födelsedatumet stämmer så långt det går att jämföra.",
        "The birth date agrees as far as it can be compared.",
    ),
    Note("birth-date-unknown", "Registret har inget födelsedatum.", "The record has no birth date."),
    Note(
        "birth-date-different",
        "Födelsedatumet stämmer inte med registrets.",
        "The birth date does not agree with the record.",
    ),
    Note("profession-same", "Yrket stämmer.", "The profession agrees."),
    Note(
        "profession-different",
        "Yrket stämmer inte med registrets.",
        "The profession does not agree with the record.",
    ),
    Note("county-same", "Länet stämmer.", "The county agrees."),
    Note(
        "county-different", "Länet stämmer inte med registrets.", "The county does not agree with the record."
    ),
)

# These tell how, most with both spellings: only where the candidate is shown. A text gets ": asked/recorded." at its end.
REVEALING = _by_code(
    Note("family-typed", "Efternamn skrivet med andra tecken.", "Family name written with other characters."),
    Note("family-joined", "Efternamn skrivet ihop eller isär.", "Family name written together or apart."),
    Note(
        "family-sound",
        "Efternamn stavat annorlunda, låter lika.",
        "Family name spelt differently, sounds alike.",
    ),
    Note("family-spelling", "Efternamn stavat annorlunda.", "Family name spelt differently."),
    Note("family-alike", "Efternamn som bara liknar.", "Family name that is only like it."),
    Note("family-part", "Ett av flera efternamn.", "One of several family names."),
    Note("family-different", "Annat efternamn.", "Another family name."),
    Note("family-missing", "Efternamn saknas i frågan.", "No family name in the question."),
    Note("given-typed", "Förnamn skrivet med andra tecken.", "Given name written with other characters."),
    Note("given-joined", "Förnamn skrivet ihop eller isär.", "Given name written together or apart."),
    Note(
        "given-sound",
        "Förnamn stavat annorlunda, låter lika.",
        "Given name spelt differently, sounds alike.",
    ),
    Note("given-spelling", "Förnamn stavat annorlunda.", "Given name spelt differently."),
    Note("given-alike", "Förnamn som bara liknar.", "Given name that is only like it."),
    Note("given-nickname", "Förnamn som kan vara en kortform.", "Given name that may be a short form."),
    Note("given-initial", "Förnamn bara som initial.", "Given name only as an initial."),
    Note("given-different", "Annat förnamn.", "Another given name."),
    Note("given-missing", "Förnamn saknas i frågan.", "No given name in the question."),
    Note("further-fewer", "Alla förnamn är inte angivna.", "Not every given name was asked for."),
    Note(
        "further-more", "Fler namn i frågan än i registret.", "More names in the question than in the record."
    ),
    Note(
        "further-conflict",
        "Ytterligare namn som inte stämmer.",
        "Further names that do not agree.",
    ),
    Note("further-alike", "Ytterligare namn stavat annorlunda.", "A further name spelt differently."),
    Note("initials-agree", "Initialen stämmer.", "The initial agrees."),
    Note("initials-extra", "Initial som inte finns i registret.", "An initial that is not in the record."),
    Note("initials-differ", "Initialen stämmer inte.", "The initial does not agree."),
    Note(
        "particle-open",
        "Småord i namnet finns bara på ena sidan.",
        "A particle of the name is on one side only.",
    ),
    Note(
        "order-swapped",
        "Förnamn och efternamn omkastade.",
        "Given name and family name swapped.",
    ),
    Note(
        "order-crossed",
        "Något förnamn står som efternamn eller tvärtom.",
        "A given name stands as a family name, or the other way around.",
    ),
    Note("former-name", "Tidigare namn.", "Former name."),
    Note("other-name", "Annat namn som personen använder.", "Another name that the person uses."),
    Note(
        "birth-date-part",
        "Födelsedatum stämmer så långt det är känt.",
        "Birth date agrees as far as it is known.",
    ),
    Note("birth-date-swapped", "Dag och månad omkastade.", "Day and month swapped."),
    Note(
        "birth-date-slip",
        "Födelsedatum skiljer sig med en siffra eller två omkastade.",
        "Birth date differs by one digit or two swapped digits.",
    ),
    Note("birth-date-month", "Född samma månad, en annan dag.", "Born in the same month, on another day."),
    Note(
        "birth-date-day",
        "Född samma dag och månad, ett annat år.",
        "Born on the same day and month, in another year.",
    ),
    Note("birth-date-year", "Född samma år, en annan dag.", "Born in the same year, on another day."),
    Note(
        "birth-date-decade",
        "Född samma årtionde, ett annat år.",
        "Born in the same decade, in another year.",
    ),
)

# The note to give instead, to one who is not shown the candidate. A near birth date must not tell that it is near.
_PLAIN = {code: "name-alike" for code in REVEALING if not code.startswith("birth-date")} | {
    "family-typed": "name-same",
    "family-joined": "name-same",
    "family-different": "name-different",
    "given-typed": "name-same",
    "given-joined": "name-same",
    "given-initial": "name-part",
    "given-different": "name-different",
    "further-fewer": "name-part",
    "initials-agree": "name-part",
    "former-name": "name-former",
    "other-name": "name-alias",
    "birth-date-part": "birth-date-open",
}
_PLAIN |= dict.fromkeys(set(REVEALING) - set(_PLAIN), "birth-date-different")
# Of several notes about the name only the worst is said.
_NAME_WORST_FIRST = ("name-different", "name-alike", "name-typo", "name-part", "name-same")


def unrevealing(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return what may be said to one who is not shown the candidate: stable texts without any spelling or date."""
    codes = dict.fromkeys(_PLAIN.get(note.code, note.code) for note in notes)
    worst = next((code for code in _NAME_WORST_FIRST if code in codes), "")
    return tuple(NOTES[code] for code in codes if code == worst or code not in _NAME_WORST_FIRST)


def spelt(code: str, asked: str, recorded: str) -> Note:
    """Return a note with what was asked and what is recorded at its end; just one of them where the other is empty."""
    note = REVEALING[code]
    both = "/".join(part for part in (asked, recorded) if part)
    return Note(code, *(f"{text[:-1]}: {both}." for text in (note.sv, note.en))) if both else note


def sentence(notes: Iterable[Note], language: Literal["sv", "en"]) -> str:
    """Return the notes as one line: "Född samma dag; efternamn stavat annorlunda: Lindkvist/Lindqvist."."""
    texts = [(note.sv if language == "sv" else note.en).removesuffix(".") for note in notes]
    if not texts:
        return ""
    return "; ".join([texts[0], *(text[:1].lower() + text[1:] for text in texts[1:])]) + "."
