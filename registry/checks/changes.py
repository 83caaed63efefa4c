"""What has changed between two answers to the same question, as data and in words.

Each change is {"field", "licence", "before", "after", "text": {"sv", "en"}}: `field` names what changed (`FIELDS`), `licence` is the
number of the licence it is about (None for none, or one without a number), `before` and `after` are codes, dates or names, None
for nothing. Facts that differ are told, sentences are not: a text that holds the day of the question differs every day.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Values = dict[str, Any]
# Licence members compared one by one, with what they are called.
_LICENCE_FIELDS = {
    "profession": ("Yrke", "Profession"),
    "status": ("Status", "Status"),
    "rawStatus": ("Myndighetens statusord", "The authority's word for the status"),
    "jurisdiction": ("Gäller i", "Jurisdiction"),
    "issued": ("Utfärdad", "Issued"),
    "validFrom": ("Gäller från", "Valid from"),
    "validTo": ("Gäller till", "Valid to"),
    "gone": ("Borttagen ur källan", "Gone from the source"),
    "held": ("Ändring väntar på granskning", "A change waits for review"),
    "verdict": ("Svar för legitimationen", "Answer for the licence"),
}
_WORDS = {
    "verdict": ("Svaret", "The answer"),
    "outcome": ("Utfallet", "The outcome"),
    "reasons": ("Skäl", "Reason"),
    "name": ("Namnet", "The name"),
    "practitioner": ("Personen", "The person"),
    "deceased": ("Avliden", "Deceased"),
    "ruleVersion": ("Regelversionen", "The version of the rules"),
    "licences": ("Legitimation", "Licence"),
    "licence.restrictions": ("Begränsning", "Restriction"),
    "licence.specialties": ("Specialistbevis", "Specialist certificate"),
    **{f"licence.{name}": words for name, words in _LICENCE_FIELDS.items()},
}
FIELDS = tuple(_WORDS)
_CODED = {"verdict", "outcome", "deceased", "licence.verdict", "licence.gone", "licence.held"}
_SV = {
    "yes": "ja",
    "no": "nej",
    "ask": "fråga myndigheten",
    "true": "ja",
    "false": "nej",
    "found": "en person hittades",
    "notFound": "ingen person hittades",
    "ambiguous": "det går inte att avgöra vem som avses",
    "mismatch": "uppgifterna stämmer inte med registret",
}
_EN = {
    "ask": "ask the authority",
    "true": "yes",
    "false": "no",
    "found": "one person was found",
    "notFound": "no person was found",
    "ambiguous": "it can't be told who is meant",
    "mismatch": "what was given does not agree with the register",
}


def changes(before: Values, after: Values) -> list[Values]:
    """Return what differs between two answers, as `registry.checks.answer` describes them."""
    return list(_changes(before, after))


def _changes(before: Values, after: Values) -> Iterator[Values]:
    for field in ("verdict", "outcome", "ruleVersion"):
        if before[field] != after[field]:
            yield _change(field, before[field], after[field])
    yield from _lists("reasons", _reasons(before), _reasons(after))
    was, now = before["practitioner"], after["practitioner"]
    # Details only where a person is shown both times: an answer that shows nobody tells nothing of anybody.
    if was is None or now is None:
        return
    if was["id"] != now["id"]:
        yield _change("practitioner", was["id"], now["id"])
    for field in ("name", "deceased"):
        if was[field] != now[field]:
            yield _change(field, _plain(was[field]), _plain(now[field]))
    yield from _licences(before, after)


def _reasons(answer: Values) -> dict[Any, tuple[str, str | None, Values]]:
    """Return reasons by what they are about: their code, their licence's number and their text."""
    found: dict[Any, tuple[str, str | None, Values]] = {}
    for reason in answer["reasons"]:
        place = reason["licence"]
        number = answer["licences"][place]["number"] if place is not None else None
        found[reason["code"], number] = (reason["code"], number, reason["text"])
    return found


def _licences(before: Values, after: Values) -> Iterator[Values]:
    was, now = _by_licence(before), _by_licence(after)
    for key in was.keys() - now.keys():
        yield _removed("licences", was[key]["number"], was[key]["profession"])
    for key in now.keys() - was.keys():
        yield _added("licences", now[key]["number"], now[key]["profession"])
    for key, licence in now.items():
        if key in was:
            yield from _licence(was[key], licence)


def _by_licence(answer: Values) -> dict[Any, Values]:
    """Return licences by what stays the same: who says it, of which profession, under which number; the how manieth of these."""
    found: dict[Any, Values] = {}
    for licence in answer["licences"]:
        same = (licence["feed"], licence["rawProfession"]["code"], licence["number"])
        place = sum(key[:3] == same for key in found)
        found[(*same, place)] = licence
    return found


def _licence(was: Values, now: Values) -> Iterator[Values]:
    for field in _LICENCE_FIELDS:
        if was[field] != now[field]:
            yield _change(f"licence.{field}", _plain(was[field]), _plain(now[field]), now["number"])
    yield from _lists("licence.restrictions", _restrictions(was), _restrictions(now))
    yield from _lists("licence.specialties", _specialties(was), _specialties(now))


def _restrictions(licence: Values) -> dict[Any, tuple[str, str | None, Values]]:
    return {
        tuple(one[name] for name in ("code", "rawCode", "rawText", "validFrom", "validTo")): (
            one["code"],
            licence["number"],
            one["name"],
        )
        for one in licence["restrictions"]
    }


def _specialties(licence: Values) -> dict[Any, tuple[str, str | None, Values]]:
    """Return specialist certificates by all that is known of them; what they are called is the authority's own word."""
    found: dict[Any, tuple[str, str | None, Values]] = {}
    for one in licence["specialties"]:
        called = one["text"] or one["code"]
        key = tuple(one[name] for name in ("code", "system", "text", "validFrom"))
        found[key] = (one["code"] or called, licence["number"], {"sv": called, "en": called})
    return found


def _lists(field: str, was: Mapping[Any, Any], now: Mapping[Any, Any]) -> Iterator[Values]:
    for key, (code, number, text) in was.items():
        if key not in now:
            yield _removed(field, number, {"code": code, "name": text})
    for key, (code, number, text) in now.items():
        if key not in was:
            yield _added(field, number, {"code": code, "name": text})


def _removed(field: str, number: str | None, word: Values) -> Values:
    sv, en = _WORDS[field]
    name = word["name"]
    return _one(
        field,
        number,
        before=word["code"],
        sv=f"{sv} finns inte längre: {name['sv']}",
        en=f"{en} no longer there: {name['en']}",
    )


def _added(field: str, number: str | None, word: Values) -> Values:
    sv, en = _WORDS[field]
    name = word["name"]
    return _one(
        field,
        number,
        after=word["code"],
        sv=f"{sv} har tillkommit: {name['sv']}",
        en=f"{en} added: {name['en']}",
    )


def _change(field: str, before: Any, after: Any, number: str | None = None) -> Values:  # noqa: ANN401 - a word or a plain value
    sv, en = _WORDS[field]
    return _one(
        field,
        number,
        before=_code(before),
        after=_code(after),
        sv=f"{sv}: {_said(field, before, 'sv')} → {_said(field, after, 'sv')}",
        en=f"{en}: {_said(field, before, 'en')} → {_said(field, after, 'en')}",
    )


def _one(
    field: str, number: str | None, *, before: str | None = None, after: str | None = None, sv: str, en: str
) -> Values:
    return {
        "field": field,
        "licence": number,
        "before": before,
        "after": after,
        "text": {"sv": f"{sv} ({number})" if number else sv, "en": f"{en} ({number})" if number else en},
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - see above
    return str(value).lower() if isinstance(value, bool) else value


def _code(value: Any) -> str | None:  # noqa: ANN401 - see above
    code: str | None = value["code"] if isinstance(value, dict) else value
    return code


def _said(field: str, value: Any, language: str) -> str:  # noqa: ANN401 - see above
    if isinstance(value, dict):
        return str(value["name"][language])
    if value is None or value == "":
        return "–"
    # Only our own codes are translated: an authority's word or a name stays as it is.
    return (_SV if language == "sv" else _EN).get(value, str(value)) if field in _CODED else str(value)
