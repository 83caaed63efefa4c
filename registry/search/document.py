"""From a practitioner in SQL truth to the documents of the index: one a licence, the person's names in each.

Documents hold keys to find a person by, the authority's decisions and dates; never a personal identity number,
never anything that is only true today. Nothing in them is shown: what people see is read from SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from registry import dates
from registry.identifiers import (
    HSA_ID,
    PUBLIC_SYSTEMS,
    fold_number,
    holds_personal_number,
)
from registry.names import MAX_WORD, order_key, tokens
from registry.records.facts import NameFacts, RestrictionFacts
from registry.records.read import Licence, Practitioner
from registry.search.status import LIVE, as_day

# The most keys of one field; a record with more is damaged, and must not become a burden to every search.
_MOST_KEYS = 64
_ORDER_LENGTH = 60
_WITHOUT_NAME = "~"  # sorts after all names
_SWEDEN = "SE"
_BEGINNING, _END = 0, 9999_12_31
_CACHED_DAYS = 32_768  # the days of ninety years
_FIELD_OF_KIND = {"revoked": "revoked", "suspended": "suspended"}  # every other kind: restricted


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of the index.

    Attributes:
        key: number of the document, see `document_id`.
        version: the practitioner's version; an older one never replaces a newer one, nor does it bring back
            what a newer one deleted.
        body: the document, or None: delete it.
    """

    key: int
    version: int
    body: dict[str, Any] | None

    @property
    def id(self) -> str:
        """The document's id."""
        return document_id(self.key)

    @property
    def stored(self) -> dict[str, Any]:
        """What the engine stores. A deletion is stored too, without content, so that its version is remembered."""
        return {"key": self.key, "version": self.version, **(self.body or {})}


def licence_key(licence_id: int) -> int:
    """Return the key of a licence's document."""
    return licence_id * 2


def person_key(practitioner_id: int) -> int:
    """Return the key of the document of a person without licences."""
    return practitioner_id * 2 + 1


def document_id(key: int) -> str:
    """Return the id of a document: `l` and the licence's id, or `p` and the id of a person without licences."""
    return f"{'p' if key % 2 else 'l'}{key // 2}"


def document_key(identity: str) -> int:
    """Return the key for a document's id, the reverse of `document_id`.

    Raises:
        ValueError: it is no document id.
    """
    kind, number = identity[:1], identity[1:]
    if kind not in {"l", "p"} or not number.isdecimal():
        raise ValueError(f"{identity!r} is no document id")
    return licence_key(int(number)) if kind == "l" else person_key(int(number))


def operations(person: Practitioner) -> list[Operation]:
    """Return everything the index must take in about a person, deletions included.

    A licence that is gone, and a person who is protected or merged into another, leave the index; a person whose
    licences are all gone can still be found by name.
    """
    present = [licence for licence in person.licences if not licence.gone] if person.listed else []
    kept = {licence.id for licence in present}
    changes = [
        Operation(licence_key(licence.id), person.version, None)
        for licence in person.licences
        if licence.id not in kept
    ]
    common = _about_person(person, siblings=len(present) > 1) if person.listed else {}
    changes += [
        Operation(licence_key(one.id), person.version, {**common, **_about_licence(person, one, common)})
        for one in present
    ]
    alone = common if not present and person.listed else None
    changes.append(Operation(person_key(person.id), person.version, alone))
    return changes


def documents(person: Practitioner) -> list[Operation]:
    """Return the documents of a person, without deletions: what a new, empty index needs."""
    return [operation for operation in operations(person) if operation.body is not None]


def _about_person(person: Practitioner, *, siblings: bool) -> dict[str, Any]:
    about: dict[str, Any] = {
        "practitioner_id": person.id,
        "siblings": siblings,
        "name_order": _name_order(person),
    }
    about.update(_name_keys(person.names))
    numbers = [
        number
        for known in person.identifiers
        if known.value and known.system in PUBLIC_SYSTEMS
        # The HSA-id of a one-person business may hold its owner's personal identity number.
        if not (known.system == HSA_ID and holds_personal_number(known.value))
        if (number := _number(known.value))
    ]
    if numbers:
        about["number"] = _bounded(numbers)
    if person.birth_date:
        about["birth_from"] = _first_day(person.birth_date)
        about["birth_to"] = _last_day(person.birth_date)
    return about


@lru_cache(maxsize=_CACHED_DAYS)
def _first_day(partial: str) -> int:
    return as_day(dates.earliest(partial))


@lru_cache(maxsize=_CACHED_DAYS)
def _last_day(partial: str) -> int:
    return as_day(dates.latest(partial))


def _name_order(person: Practitioner) -> str:
    key = ""
    if person.names:
        name = person.names[0]
        key = order_key(name.family or name.text, " ".join((*name.given, name.middle)))
    # The id makes the key the same for all of a person's documents and for no other person's.
    return f"{key[:_ORDER_LENGTH] or _WITHOUT_NAME} {person.id:012x}"


def _name_keys(names: Iterable[NameFacts]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {field: [] for field in ("written", "given", "family", "former", "names")}
    for name in names:
        for text, fields in _parts(name):
            found = tokens(text)
            keys["names"] += found.typed
            if name.use == "official":
                keys["written"] += found.written
                for field in fields:
                    keys[field] += found.typed
            else:
                keys["former"] += found.typed
    return {field: _bounded(found) for field, found in keys.items() if found}


def _parts(name: NameFacts) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Give each part of a name with the fields it belongs to."""
    if not (name.given or name.middle or name.family):
        yield name.text, ("given", "family")
        return
    yield " ".join(name.given), ("given",)
    # A middle name is a given name in some countries, a second family name in Sweden.
    yield name.middle, ("given", "family")
    yield name.family, ("family",)


def _bounded(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(keys))[:_MOST_KEYS]


def _number(text: str) -> str:
    folded = fold_number(text)
    return folded if len(folded) <= MAX_WORD else ""


def _about_licence(person: Practitioner, licence: Licence, common: dict[str, Any]) -> dict[str, Any]:
    facts = licence.facts
    status = "deceased" if person.deceased and facts.status in LIVE else facts.status
    about: dict[str, Any] = {
        "profession": facts.profession,
        "authority": licence.authority_id,
        "status": status,
        **_restrictions(facts.restrictions),
    }
    number = _number(facts.number)
    if number and not (facts.jurisdiction.startswith(_SWEDEN) and holds_personal_number(facts.number)):
        about["number"] = _bounded([number, *common.get("number", [])])
    if facts.valid_from:
        about["valid_from"] = _first_day(facts.valid_from)
    if facts.valid_to:
        about["valid_to"] = _last_day(facts.valid_to)
    return about


def _restrictions(restrictions: Iterable[RestrictionFacts]) -> dict[str, int]:
    """Return from when to when restrictions of each weight hold.

    Several of one weight become one span from the first to the last: between two of them the licence counts as
    restricted, which is the safe side.
    """
    spans: dict[str, int] = {}
    for one in restrictions:
        field = _FIELD_OF_KIND.get(one.kind, "restricted")
        start = _first_day(one.valid_from) if one.valid_from else _BEGINNING
        end = _last_day(one.valid_to) if one.valid_to else _END
        spans[f"{field}_from"] = min(start, spans.get(f"{field}_from", start))
        spans[f"{field}_to"] = max(end, spans.get(f"{field}_to", end))
    return spans
