"""Filling the texts of rules: which placeholders there are, and what stands in them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from string import Formatter

from registry.records.facts import RestrictionFacts
from registry.records.read import Feed, Licence
from registry.verification.situation import Moment
from registry.vocabulary import UNKNOWN, Language, Vocabulary

LANGUAGES: tuple[Language, ...] = ("sv", "en")

OUTCOME_PLACEHOLDERS = frozenset(
    {
        "date",
        "profession",
        "professions",
        "authority",
        "authorities",
        "since",
        "known",
        "began",
    }
)
_UNKNOWN_DATE = {"sv": "okänt datum", "en": "unknown date"}
_NEVER = {"sv": "aldrig", "en": "never"}
_CODE = {"sv": "kod", "en": "code"}
_FROM = {"sv": "från", "en": "from"}
_TO = {"sv": "till och med", "en": "to and including"}


def placeholders(text: str) -> set[str]:
    """Return the placeholders of a text.

    Raises:
        ValueError: a brace without its partner.
    """
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill a text. Values are put in as they are: a brace in a name is only a brace."""
    return text.format_map(values)


class LicenceValues(dict[str, str]):
    """What stands in the placeholders of a licence rule, each worked out when a text first asks for it."""

    def __init__(
        self,
        licence: Licence,
        feed: Feed | None,
        moment: Moment,
        vocabulary: Vocabulary,
        language: Language,
    ) -> None:
        super().__init__()
        self.licence, self.facts, self.feed = licence, licence.facts, feed
        self.moment, self.vocabulary, self.language = moment, vocabulary, language

    def __missing__(self, name: str) -> str:
        value = self[name] = _VALUES[name](self)
        return value


def _pulled(of: LicenceValues) -> str:
    last = of.licence.confirmed_at or (of.feed.last_success_at if of.feed else None)
    return _NEVER[of.language] if last is None else clock(last, of.moment)


_VALUES: dict[str, Callable[[LicenceValues], str]] = {
    "date": lambda of: of.moment.on_date.isoformat(),
    "profession": lambda of: profession(of.licence, of.vocabulary, of.language),
    "raw_profession": lambda of: _raw_profession(of.licence),
    "authority": lambda of: authority(of.licence, of.feed, of.language),
    "feed": lambda of: feed_name(of.feed, of.language) if of.feed else of.licence.feed_id,
    "status": lambda of: of.vocabulary.status_label(of.facts.status, of.language),
    "raw_status": lambda of: quoted(of.facts.raw_status or of["status"]),
    "issued": lambda of: of.facts.issued or _UNKNOWN_DATE[of.language],
    "valid_from": lambda of: of.facts.valid_from or of.facts.issued or _UNKNOWN_DATE[of.language],
    "valid_to": lambda of: of.facts.valid_to or _UNKNOWN_DATE[of.language],
    "known_since": lambda of: of.moment.day(of.licence.known_since).isoformat(),
    "pulled": _pulled,
    "max_age_hours": lambda of: str(of.feed.max_age_hours) if of.feed else "0",
}
LICENCE_PLACEHOLDERS = frozenset(_VALUES)
RESTRICTION_PLACEHOLDERS = LICENCE_PLACEHOLDERS | {"restriction"}


def restriction(facts: RestrictionFacts, vocabulary: Vocabulary, language: Language) -> str:
    """Return a restriction as one phrase: the authority's own words, its code and its dates as given."""
    text = facts.text or vocabulary.restriction_label(facts.kind, language)
    notes = [f"{_CODE[language]} {facts.code}"] if facts.code else []
    if facts.valid_from:
        notes.append(f"{_FROM[language]} {facts.valid_from}")
    if facts.valid_to:
        notes.append(f"{_TO[language]} {facts.valid_to}")
    return f"{text} ({', '.join(notes)})" if notes else text


def profession(licence: Licence, vocabulary: Vocabulary, language: Language) -> str:
    """Return the profession as it stands in a sentence; the authority's own word where we don't know it."""
    if licence.facts.profession == UNKNOWN:
        return _raw_profession(licence)
    return profession_name(licence.facts.profession, vocabulary, language)


def profession_name(code: str, vocabulary: Vocabulary, language: Language) -> str:
    """Return a profession of ours as it stands in a sentence: small first letter, but for abbreviations."""
    label = vocabulary.profession_label(code, language)
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def authority(licence: Licence, feed: Feed | None, language: Language) -> str:
    """Return the name of the authority behind a licence."""
    return authority_name(feed, language) if feed else licence.authority_id


def authority_name(feed: Feed, language: Language) -> str:
    """Return the name of the authority behind a feed."""
    return feed.authority_name_sv if language == "sv" else feed.authority_name_en


def listed(items: Iterable[str]) -> str:
    """Return items once each, in alphabetical order, separated by commas; a dash for none."""
    return ", ".join(sorted(set(items))) or "–"


def quoted(text: str) -> str:
    """Return an authority's own word in quotation marks."""
    return f'"{text}"'


def _raw_profession(licence: Licence) -> str:
    facts = licence.facts
    return quoted(facts.raw_profession_text or facts.raw_profession or facts.profession)


def feed_name(feed: Feed, language: Language) -> str:
    """Return the name of a feed."""
    return feed.name_sv if language == "sv" else feed.name_en


def clock(at: datetime, moment: Moment) -> str:
    """Return an instant as people read it, in the service's zone."""
    return at.astimezone(moment.zone).strftime("%Y-%m-%d %H:%M")
