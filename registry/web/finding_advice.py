"""What is said of a search that found nobody: what was searched for, how fresh that is, and what to try."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from registry import names
from registry.matching.notes import Note
from registry.records.read import Feed
from registry.search.box import Understood
from registry.search.filters import FILTERS
from registry.search.query import SearchQuery
from registry.vocabulary import STATUSES
from registry.web.context import Context

NUMBER_UNKNOWN = Note(
    "number-unknown",
    "Ingen legitimation har numret; sökningen gäller resten.",
    "No licence has the number; the search is for the rest.",
)


def number_as_date(born: str) -> Note:
    """Return the remark that a number which nobody has is read as a birth date."""
    return Note(
        "number-as-birth-date",
        f"Ingen legitimation har numret; det läses som födelsedatum: {born}.",
        f"No licence has the number; it is read as a birth date: {born}.",
    )


AS_NAME = Note(
    "profession-as-name",
    "Ingen hittades med yrket; ordet söks som namn.",
    "Nobody was found with the profession; the word is searched for as a name.",
)
ALSO_PROFESSION = Note(
    "name-also-profession",
    "Ordet är både ett namn och ett yrke; sökningen gäller namnet. Välj yrket bland filtren för att söka det.",
    "The word is both a name and a profession; the search is for the name. Choose the profession among the filters for that.",
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to try after an empty answer.

    Attributes:
        code: stable, see `advice_on`.
        sv, en: for people.
        q: the text of the box to try, "" where it is not a text.
    """

    code: str
    sv: str
    en: str
    q: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """About an answer with nobody in it.

    Attributes:
        searched: what was searched for, each with its kind as the code.
        stale: feeds that are older than their promise, of which something may be missing.
        advice: what to try, the likeliest first.
    """

    searched: tuple[Note, ...]
    stale: tuple[Feed, ...]
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked and found nobody: names, number and birth date, and other words that would find somebody."""

    query: SearchQuery
    number: str
    understood: Understood | None
    did_you_mean: str


def empty(asked: Question, ours: Context, feeds: Mapping[str, Feed]) -> Empty:
    """Say what was searched for and what to try."""
    now = ours.now()
    return Empty(
        tuple(_searched(asked, ours)),
        tuple(feed for feed in feeds.values() if not feed.fresh(now)),
        tuple(_advice(asked)),
    )


def _searched(asked: Question, ours: Context) -> Iterator[Note]:
    query = asked.query
    if asked.number:
        yield Note("number", f"Legitimationsnummer: {asked.number}.", f"Licence number: {asked.number}.")
        if asked.understood and (born := asked.understood.short_date):
            yield Note("birth-date", f"Eller född: {born}.", f"Or born: {born}.")
    for text, code, sv, en in (
        (query.text, "name", "Namn", "Name"),
        (query.given_name, "given-name", "Förnamn", "Given name"),
        (query.family_name, "family-name", "Efternamn", "Family name"),
        (query.birth_date, "birth-date", "Född", "Born"),
    ):
        if written := " ".join(text.split()):
            yield Note(code, f"{sv}: {written}.", f"{en}: {written}.")
    for one in FILTERS:
        for value in getattr(query, one.name):
            sv, en = _value(one.name, value, ours)
            yield Note(one.name, f"{one.label_sv}: {sv}.", f"{one.label_en}: {en}.")


def _value(name: str, value: str, ours: Context) -> tuple[str, str]:
    words = ours.vocabulary
    if name == "profession":
        return words.profession_label(value, "sv"), words.profession_label(value, "en")
    if name == "status":
        status = next((one for one in STATUSES if one == value), None)
        return (
            (words.status_label(status, "sv"), words.status_label(status, "en")) if status else (value, value)
        )
    return value, value


def _advice(asked: Question) -> Iterator[Advice]:
    query, understood = asked.query, asked.understood
    if other := asked.did_you_mean:
        yield Advice("did-you-mean", f"Menade du {other}?", f"Did you mean {other}?", other)
    if asked.number:
        yield Advice(
            "check-number",
            "Kontrollera numret mot legitimationen. Ett nytt nummer kan saknas tills myndigheten har skickat det.",
            "Check the number against the licence. A new one may be missing until its authority has sent it.",
        )
    if query.birth_date:
        yield Advice(
            "without-birth-date",
            "Sök utan födelsedatum eller med bara året.",
            "Search without the birth date, or with the year only.",
            query.text.strip() if understood else "",
        )
    if understood and understood.reads_letters:
        yield Advice("as-name", "Sök allt som namn.", "Search for all of it as a name.", understood.literal)
    if any(getattr(query, one.name) for one in FILTERS):
        yield Advice("without-filters", "Ta bort filter.", "Take filters away.")
    words = names.words(query.text)
    if len(words) > 1:
        yield Advice(
            "fewer-words",
            "Sök på färre namn, till exempel ett förnamn och ett efternamn.",
            "Search for fewer names, such as one given name and one family name.",
        )
    if words or query.given_name or query.family_name:
        yield Advice(
            "former-name",
            "Pröva ett tidigare namn eller en annan stavning.",
            "Try a former name or another spelling.",
        )
    yield Advice(
        "check-by-number",
        "Säkrast är att kontrollera med legitimationsnummer eller personnummer.",
        "The surest way is to check by licence number or personal identity number.",
    )
