"""Answers of the NPI Registry (API 2.1) to facts."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from indexer.feeds.nppes_layout import NpiOptions, is_masked
from indexer.normalize.errors import BadRecordError
from indexer.normalize.npi import Name, NpiFields, NpiRecord, facts_of
from indexer.normalize.npi_licences import Slot
from registry.records.facts import PersonFacts
from registry.vocabulary import Vocabulary

FIELDS = NpiFields(
    "number",
    "basic.replacement_npi",
    "basic.deactivation_date",
    "basic.reactivation_date",
    "basic.last_name",
    "taxonomies.license",
)
# The API has written the same field as a number, as text and as null.
_Value: TypeAlias = str | int | float | bool | None
# The code of an other name that says none ("Other Name").
_UNSAID = "5"


class _Basic(msgspec.Struct, frozen=True):
    first_name: _Value = None
    last_name: _Value = None
    middle_name: _Value = None
    # The older recordings say name_prefix, the answers of today too; both forms stand in other_names.
    name_prefix: _Value = None
    name_suffix: _Value = None
    status: _Value = None
    replacement_npi: _Value = None
    deactivation_date: _Value = None
    reactivation_date: _Value = None


class _OtherName(msgspec.Struct, frozen=True):
    code: _Value = None
    first_name: _Value = None
    last_name: _Value = None
    middle_name: _Value = None
    prefix: _Value = None
    suffix: _Value = None


class _Taxonomy(msgspec.Struct, frozen=True):
    code: _Value = None
    desc: _Value = None
    primary: _Value = None
    state: _Value = None
    license: _Value = None


class _Result(msgspec.Struct, frozen=True):
    number: _Value = None
    basic: _Basic | None = None
    other_names: Sequence[_OtherName | None] | None = None
    taxonomies: Sequence[_Taxonomy | None] | None = None


def _text(value: _Value) -> str:
    if value is None or isinstance(value, bool):
        return ""
    text = str(value).strip()
    return "" if is_masked(text) else text


def _yes(value: _Value) -> bool:
    return value is True or _text(value).casefold() in ("true", "y", "yes")


class NpiRegistryNormalizer:
    """Turns payloads of `indexer.feeds.npi_registry_json` into facts."""

    def __init__(self, options: NpiOptions, vocabulary: Vocabulary) -> None:
        self._options = options
        self._vocabulary = vocabulary
        self._decode = msgspec.json.Decoder(_Result).decode

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        try:
            result = self._decode(payload)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at ")
            raise BadRecordError(path.strip("`").removeprefix("$.") or "result", message) from error
        basic = result.basic or _Basic()
        legal = Name(
            _text(basic.last_name),
            _text(basic.first_name),
            _text(basic.middle_name),
            _text(basic.name_prefix),
            _text(basic.name_suffix),
        )
        record = NpiRecord(
            number=_text(result.number),
            names=(legal, *(_other(name) for name in result.other_names or () if name is not None)),
            slots=tuple(
                Slot(
                    _text(entry.code),
                    _text(entry.license),
                    _text(entry.state),
                    _yes(entry.primary),
                    _text(entry.desc),
                )
                for entry in result.taxonomies or ()
                if entry is not None and (_text(entry.code) or _text(entry.license))
            ),
            replacement=_text(basic.replacement_npi),
            deactivated=_text(basic.deactivation_date),
            reactivated=_text(basic.reactivation_date),
            status=_text(basic.status),
        )
        return facts_of(record, FIELDS, self._options, self._vocabulary)


def _other(name: _OtherName) -> Name:
    return Name(
        _text(name.last_name),
        _text(name.first_name),
        _text(name.middle_name),
        _text(name.prefix),
        _text(name.suffix),
        _text(name.code) or _UNSAID,
    )
