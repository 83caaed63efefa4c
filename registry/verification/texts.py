"""Filling the texts of rules: which placeholders there are, and what stands in them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from string import Formatter

from registry.records.facts import RestrictionFacts
from registry.records.read import Feed, Licence
from registry.verification.situation import Moment
from registry.vocabulary import UNKNOWN, Language, Vocabulary

LANGUAGES: tuple[Language, ...] = ("sv", "en")

OUTCOME_PLACEHOLDERS = frozenset({"date", "profession", "professions", "authority", "authorities", "since"})
LICENCE_PLACEHOLDERS = frozenset(
    {
        "date",
        "profession",
        "raw_profession",
        "authority",
        "feed",
        "status",
        "raw_status",
        "issued",
        "valid_from",
        "valid_to",
        "known_since",
        "pulled",
        "max_age_hours",
    }
)
RESTRICTION_PLACEHOLDERS = LICENCE_PLACEHOLDERS | {"restriction"}

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


def licence_values(
    licence: Licence, feed: Feed | None, moment: Moment, vocabulary: Vocabulary, language: Language
) -> dict[str, str]:
    """Return what stands in the placeholders of a licence rule."""
    facts = licence.facts
    unknown_date = _UNKNOWN_DATE[language]
    status = vocabulary.status_label(facts.status, language)
    return {
        "date": moment.on_date.isoformat(),
        "profession": profession(licence, vocabulary, language),
        "raw_profession": _raw_profession(licence),
        "authority": authority(licence, feed, language),
        "feed": (feed.name_sv if language == "sv" else feed.name_en) if feed else licence.feed_id,
        "status": status,
        "raw_status": quoted(facts.raw_status or status),
        "issued": facts.issued or unknown_date,
        "valid_from": facts.valid_from or facts.issued or unknown_date,
        "valid_to": facts.valid_to or unknown_date,
        "known_since": moment.day(licence.known_since).isoformat(),
        "pulled": _pulled(feed.last_success_at if feed else None, moment, language),
        "max_age_hours": str(feed.max_age_hours) if feed else "0",
    }


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


def _pulled(at: datetime | None, moment: Moment, language: Language) -> str:
    return _NEVER[language] if at is None else at.astimezone(moment.zone).strftime("%Y-%m-%d %H:%M")
