"""Licences of an NPPES record: one for each number and state, whatever number of taxonomy codes carry it.

The rule and the keys are those of the FHIR directories (`indexer.normalize.fhir_licences`), so that one person's
licences are the same from both: the key says state and number, or state and taxonomy code where there is no number.
It does not depend on the order of the slots, which changes when a provider edits the record.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from indexer.feeds.nppes_layout import NpiOptions
from registry.identifiers import fold_number
from registry.records.facts import EndFacts, LicenceFacts, SpecialtyFacts, Status
from registry.vocabulary import UNKNOWN, Vocabulary, fold_word

TAXONOMY = "http://nucc.org/provider-taxonomy"
_STATE = re.compile(r"[A-Za-z]{2}\Z")
# What NPPES writes for "outside the United States".
_FOREIGN = "ZZ"
# NUCC's grouping of physicians, where the classification itself names a specialty (207Q: family medicine). In the
# other groupings a code that ends in 00000X only repeats the profession.
_PHYSICIANS = "20"
_GENERAL = "00000X"


class Slot(NamedTuple):
    """One of up to 15 taxonomies: code and text of what the provider does, licence number and state."""

    code: str
    number: str = ""
    state: str = ""
    primary: bool = False
    text: str = ""


class _Entry(NamedTuple):
    """One slot, its state and profession in our words. Sorted as it stands: the main one of a licence first."""

    order: tuple[bool, str, str, str]
    slot: Slot
    jurisdiction: str
    profession: str


def licences_of(
    slots: Iterable[Slot],
    end: EndFacts | None,
    raw_status: str,
    options: NpiOptions,
    vocabulary: Vocabulary,
) -> tuple[LicenceFacts, ...]:
    """Return the licences, in an order that does not depend on the record's. A slot without code and number is none."""
    groups: dict[tuple[str, str, str], list[_Entry]] = {}
    for slot in slots:
        if not slot.code and not slot.number:
            continue
        profession = vocabulary.profession(options.vocabulary, slot.code)
        entry = _Entry(
            (not slot.primary, slot.code, slot.number, slot.text),
            slot,
            _jurisdiction(slot.state, options),
            profession,
        )
        which = profession if profession != UNKNOWN else slot.code or fold_word(slot.text)
        groups.setdefault((entry.jurisdiction, fold_number(slot.number), which), []).append(entry)
    taken: set[str] = set()
    return tuple(
        _licence(_key(group, entries, taken), sorted(entries), end, raw_status, vocabulary)
        for group, entries in sorted(groups.items())
    )


def _jurisdiction(state: str, options: NpiOptions) -> str:
    if not _STATE.match(state) or state.upper() == _FOREIGN:
        return options.jurisdiction
    return f"{options.jurisdiction_prefix}{state.upper()}"


def _key(group: tuple[str, str, str], entries: list[_Entry], taken: set[str]) -> str:
    jurisdiction, number, profession = group
    key = (
        f"{jurisdiction}|{number}"
        if number
        else f"{jurisdiction}||{min(entry.slot.code for entry in entries)}"
    )
    if key in taken or key.endswith("||"):
        key = f"{jurisdiction}|{number}|{profession}"
    taken.add(key)
    return key


def _licence(
    key: str, entries: list[_Entry], end: EndFacts | None, raw_status: str, vocabulary: Vocabulary
) -> LicenceFacts:
    main = entries[0]
    status: Status = end.status if end else "unknown"
    label = vocabulary.profession_label(main.profession, "en")
    codes = dict(
        sorted((entry.slot.code, entry.slot.text) for entry in entries if _is_specialty(entry.slot, label))
    )
    return LicenceFacts(
        key=key,
        # Of several spellings of one number the same one is kept, whichever slot is primary.
        number=min(entry.slot.number for entry in entries),
        jurisdiction=main.jurisdiction,
        profession=main.profession,
        raw_profession=main.slot.code,
        raw_profession_text=main.slot.text,
        status=status,
        raw_status=end.raw_status if end else raw_status,
        valid_to=end.valid_to if end else None,
        specialties=tuple(
            SpecialtyFacts(code=code, system=TAXONOMY, text=text) for code, text in codes.items()
        ),
    )


def _is_specialty(slot: Slot, label: str) -> bool:
    if not slot.code or (slot.text and fold_word(slot.text) == fold_word(label)):
        return False
    return slot.code.startswith(_PHYSICIANS) or not slot.code.endswith(_GENERAL)
