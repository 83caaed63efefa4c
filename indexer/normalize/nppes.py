"""Rows of the NPPES files to facts."""

import orjson

from indexer.feeds.nppes_layout import (
    DEACTIVATED,
    KEY,
    LAST,
    NAME_COLUMNS,
    REACTIVATED,
    REPLACEMENT,
    SLOT_COLUMNS,
    NppesOptions,
)
from indexer.normalize.npi import Name, NpiFields, NpiRecord, facts_of
from indexer.normalize.npi_licences import Slot
from registry.records.facts import PersonFacts
from registry.vocabulary import Vocabulary

FIELDS = NpiFields(KEY, REPLACEMENT, DEACTIVATED, REACTIVATED, LAST, SLOT_COLUMNS[0][1])
_LEGAL, _OTHER, _OTHER_TYPE = NAME_COLUMNS[:5], NAME_COLUMNS[5:10], NAME_COLUMNS[10]
# The type of an other name that says none.
_UNSAID = "5"


class NppesNormalizer:
    """Turns payloads of `indexer.feeds.nppes_csv` into facts."""

    def __init__(self, options: NppesOptions, vocabulary: Vocabulary) -> None:
        self._options = options
        self._vocabulary = vocabulary

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        get = orjson.loads(payload).get
        record = NpiRecord(
            number=get(KEY, ""),
            names=(
                Name._make(get(column, "") for column in (*_LEGAL, "")),
                Name._make((*(get(column, "") for column in _OTHER), get(_OTHER_TYPE, _UNSAID))),
            ),
            slots=tuple(
                Slot(get(code, ""), get(number, ""), get(state, ""), get(primary) == "Y")
                for code, number, state, primary in SLOT_COLUMNS
                if get(code) or get(number)
            ),
            replacement=get(REPLACEMENT, ""),
            deactivated=get(DEACTIVATED, ""),
            reactivated=get(REACTIVATED, ""),
        )
        return facts_of(record, FIELDS, self._options, self._vocabulary)
