"""From a practitioner in SQL truth to the documents of the index: one a licence, the person's names in each.

Documents hold keys to find a person by, the authority's decisions and dates; never a personal identity number,
never anything that is only true today. Nothing in them is shown: what people see is read from SQL.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from registry import dates
from registry.identifiers import HSA_ID, fold_number, holds_personal_number
from registry.names import MAX_WORD, Word, order_key, sounds, tokens, words
from registry.records.indexed import (
    IndexedLicence,
    IndexedName,
    IndexedPerson,
    IndexedRestriction,
    indexed,
)
from registry.records.read import Practitioner
from registry.search.checksum import checksum
from registry.search.status import LIVE, as_day

# The most keys of one field; a record with more is damaged, and must not become a burden to every search.
_MOST_KEYS = 64
_ORDER_LENGTH = 60
_WHOLE_LENGTH = 120
_WITHOUT_NAME = "~"  # sorts after all names
_SWEDEN = "SE"
_PERSONAL_DIGITS = 10  # of a personal identity number without its century
_BEGINNING, _END = 0, 9999_12_31
_CACHED_DAYS = 32_768  # the days of ninety years
# Family names, given names and words of these: a few thousand are most of a register.
_CACHED_NAMES = 32_768
_CACHED_LABELS = 4096
# A day and a person in one number below 2**63: the day in the upper bits, below it the person's id, counted downwards.
_IDS = 2**36
# Of the first name that is shown for it, in characters: counties and specialties have some thirty.
MAX_LABEL = 100
# Stands before the sound of a former name or alias, so that one field holds both kinds and they don't meet.
FORMER_SOUND = "-"
_FIELD_OF_KIND = {"revoked": "revoked", "suspended": "suspended"}  # every other kind: restricted


class Operation(msgspec.Struct, frozen=True, gc=False):
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
        if self.body is None:
            return {"key": self.key, "version": self.version}
        # A copy that is added to costs a third of one that is made around the body.
        stored = self.body.copy()
        stored["key"] = self.key
        stored["version"] = self.version
        stored["check"] = checksum(self.key, self.version)
        return stored


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


def operations(person: IndexedPerson | Practitioner) -> list[Operation]:
    """Return everything the index must take in about a person, deletions included.

    A licence that is gone, and a person who is protected or merged into another, leave the index; a person whose
    licences are all gone can still be found by name.
    """
    known = indexed(person) if isinstance(person, Practitioner) else person
    made = _documents(known)
    kept = {operation.key for operation in made}
    keys = (*(licence_key(licence.id) for licence in known.licences), person_key(known.id))
    return [*(Operation(key, known.version, None) for key in keys if key not in kept), *made]


def documents(person: IndexedPerson | Practitioner) -> list[Operation]:
    """Return the documents of a person, without deletions: what a new, empty index needs."""
    return _documents(indexed(person) if isinstance(person, Practitioner) else person)


def _documents(person: IndexedPerson) -> list[Operation]:
    if not person.listed:
        return []
    present = [licence for licence in person.licences if not licence.gone]
    about = _about_person(person, siblings=len(present) > 1)
    if not present:
        return [Operation(person_key(person.id), person.version, about)]
    return [
        Operation(licence_key(one.id), person.version, _about_licence(about, one, deceased=person.deceased))
        for one in present
    ]


def _about_person(person: IndexedPerson, *, siblings: bool) -> dict[str, Any]:
    about: dict[str, Any] = {
        "practitioner_id": person.id,
        "siblings": siblings,
        "name_order": _name_order(person),
    }
    _put_name_keys(about, person.names)
    if person.numbers:
        numbers = [
            number
            for system, value in person.numbers
            # The HSA-id of a one-person business may hold its owner's personal identity number.
            if not (system == HSA_ID and _is_personal(value)) and (number := _number(value))
        ]
        if numbers:
            about["number"] = _bounded(numbers)
    if person.birth_date:
        about["birth_from"] = _first_day(person.birth_date)
        about["birth_to"] = _last_day(person.birth_date)
        about["born"] = [person.birth_date.replace("-", "")]
    if person.county and (county := label(person.county)):
        about["county"] = county
    about["issued"] = issued_order(0, person.id)
    return about


def issued_order(day: int, practitioner_id: int) -> int:
    """Return what documents are sorted by, downwards, to have the newest licence first and equals by practitioner.

    Args:
        day: yyyymmdd, 0 if it is not known: these come last.
    """
    return day * _IDS + max(0, _IDS - 1 - practitioner_id)


@lru_cache(maxsize=_CACHED_LABELS)
def label(text: str) -> str:
    """Return an authority's own word for a county or a specialty as filters and facets know it: one line, not too long."""
    printable = "".join(
        letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text)
    )
    return " ".join(printable.split())[:MAX_LABEL].rstrip()


@lru_cache(maxsize=_CACHED_DAYS)
def _first_day(partial: str) -> int:
    return as_day(dates.earliest(partial))


@lru_cache(maxsize=_CACHED_DAYS)
def _last_day(partial: str) -> int:
    return as_day(dates.latest(partial))


class _Keys(msgspec.Struct, frozen=True, gc=False):
    """The keys of a part of a name, see `registry.names`; those of several words may hold doubles."""

    written: tuple[str, ...]
    typed: tuple[str, ...]
    sounds: tuple[str, ...]
    former_sounds: tuple[str, ...]
    whole: str
    order: str


@lru_cache(maxsize=_CACHED_NAMES)
def _keys(text: str) -> _Keys:
    """Return the keys of given names, or of a family name. What stands between two spaces has keys of its own."""
    chunks = text.split()
    if len(chunks) < 2:  # noqa: PLR2004 - several
        found, apart = tokens(text), words(text)
        heard = tuple([key for whole in apart for word in (whole, *whole.parts) for key in sounds(word)])
        return _Keys(
            found.written, found.typed, heard, _of_former(heard), whole_key(apart), order_key(text, "")
        )
    parts = [part for chunk in chunks if (part := _keys(chunk)).written]
    heard = tuple([key for part in parts for key in part.sounds])
    return _Keys(
        tuple([key for part in parts for key in part.written]),
        tuple([key for part in parts for key in part.typed]),
        heard,
        _of_former(heard),
        " ".join([part.whole for part in parts]),
        # As `order_key` parts the words of one name.
        "!".join([part.order for part in parts]),
    )


def whole_key(found: Sequence[Word]) -> str:
    """Return the key of a whole name: its words as typed, in order, parted by the space that no word's key holds."""
    return " ".join([word.typed[0] for word in found])[:_WHOLE_LENGTH]


def _of_former(heard: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([FORMER_SOUND + key for key in heard])


def _name_order(person: IndexedPerson) -> str:
    key = ""
    if person.names:
        name = person.names[0]
        first = _keys(name.family or name.text).order
        second = _keys(f"{name.given} {name.middle}" if name.middle else name.given).order
        key = f"{first} {second}" if first and second else first or second
    # The id makes the key the same for all of a person's documents and for no other person's.
    return f"{key[:_ORDER_LENGTH] or _WITHOUT_NAME} {person.id:012x}"


def _put_name_keys(about: dict[str, Any], names: Iterable[IndexedName]) -> None:
    """Add the keys of official names (as written, as typed, by kind, by sound) and those of other times and kinds."""
    written: list[str] = []
    given: list[str] = []
    family: list[str] = []
    former: list[str] = []
    sound: list[str] = []
    for name in names:
        if name.use != "official":
            for text, _, _ in _parts(name):
                known = _keys(text)
                former += known.typed
                sound += known.former_sounds
            continue
        whole = ""
        for text, is_given, is_family in _parts(name):
            known = _keys(text)
            written += known.written
            whole = f"{whole} {known.whole}" if whole and known.whole else whole or known.whole
            sound += known.sounds
            if is_given:
                given += known.typed
            if is_family:
                family += known.typed
        if " " in whole:
            written.append(whole[:_WHOLE_LENGTH])
    typed = given + family
    # Most people have no double: one look is enough, since keys are made of the typed ones' words or are those.
    tidy = _few if len(set(typed)) == len(typed) else _bounded
    found = {"written": written, "given": given, "family": family, "names": typed}
    about.update({field: tidy(keys) for field, keys in found.items() if keys})
    more = {"former": former, "sound": sound}
    about.update({field: _bounded(keys) for field, keys in more.items() if keys})


def _parts(name: IndexedName) -> tuple[tuple[str, bool, bool], ...]:
    """Give each part of a name, and whether it belongs to the given names and to the family names."""
    if name.middle:
        # A middle name is a given name in some countries, a second family name in Sweden.
        return (name.given, True, False), (name.middle, True, True), (name.family, False, True)
    if name.given or name.family:
        return (name.given, True, False), (name.family, False, True)
    return ((name.text, True, True),)


def _bounded(keys: list[str]) -> list[str]:
    return _few(list(dict.fromkeys(keys)) if len(set(keys)) < len(keys) else keys)


def _few(keys: list[str]) -> list[str]:
    return keys[:_MOST_KEYS] if len(keys) > _MOST_KEYS else keys


def _number(text: str) -> str:
    # Letters and digits alone are what folding would leave.
    folded = text.casefold() if text.isalnum() else fold_number(text)
    return folded if len(folded) <= MAX_WORD else ""


def _is_personal(number: str) -> bool:
    return len(number) >= _PERSONAL_DIGITS and holds_personal_number(number)


def _about_licence(
    about_person: dict[str, Any], licence: IndexedLicence, *, deceased: bool
) -> dict[str, Any]:
    about = about_person.copy()
    about["profession"] = licence.profession
    about["authority"] = licence.authority_id
    about["status"] = "deceased" if deceased and licence.status in LIVE else licence.status
    if licence.restrictions:
        about.update(_restrictions(licence.restrictions))
    number = _number(licence.number)
    if number and not (licence.jurisdiction.startswith(_SWEDEN) and _is_personal(licence.number)):
        about["number"] = _bounded([number, *about["number"]]) if "number" in about else [number]
    if licence.specialties:
        about["specialty"] = _bounded([name for one in licence.specialties if (name := label(one))])
    if day := licence.issued or licence.valid_from:
        about["issued"] = issued_order(_first_day(day), about["practitioner_id"])
    if licence.valid_from:
        about["valid_from"] = _first_day(licence.valid_from)
    if licence.valid_to:
        about["valid_to"] = _last_day(licence.valid_to)
    return about


def _restrictions(restrictions: Iterable[IndexedRestriction]) -> dict[str, int]:
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
