"""Rows of a Socrata dataset with one licence each, to facts.

Such a dataset has no key for a person: each row is its own practitioner, never joined to another on a name.
"""

import orjson

from indexer.feeds.options import SocrataOptions
from indexer.feeds.socrata_rows import fold_column
from indexer.normalize.errors import BadRecordError
from indexer.normalize.values import GRAVE, check_text, iso, read_date, read_end_date
from registry.records.facts import LicenceFacts, NameFacts, PersonFacts, RestrictionFacts
from registry.vocabulary import Vocabulary, fold_word


class SocrataNormalizer:
    """Turns payloads of `indexer.feeds.socrata_rows` into facts."""

    def __init__(self, options: SocrataOptions, vocabulary: Vocabulary) -> None:
        columns = options.columns
        self._options = options
        self._vocabulary = vocabulary
        self._number = fold_column(columns.number)
        self._profession = fold_column(columns.profession)
        self._status = fold_column(columns.status)
        self._family = fold_column(columns.family)
        self._given = fold_column(columns.given)
        self._middle = fold_column(columns.middle)
        self._suffix = fold_column(columns.suffix)
        self._birth_date = fold_column(columns.birth_date)
        self._issued = fold_column(columns.issued)
        self._valid_from = fold_column(columns.valid_from)
        self._valid_to = fold_column(columns.valid_to)
        self._action = fold_column(columns.action)
        self._no_action = frozenset(fold_word(word) for word in options.no_action)

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        record: dict[str, str] = orjson.loads(payload)
        get = record.get
        family, given = get(self._family, ""), tuple(get(self._given, "").split())
        if not family and not given:
            raise BadRecordError(self._family, "the record has no name at all")
        licence = self._licence(record)
        lenient = licence.status in GRAVE
        name = NameFacts(
            family=family, given=given, middle=get(self._middle, ""), suffix=get(self._suffix, "")
        )
        check_text(self._family, family, *given, name.middle, lenient=lenient)
        return PersonFacts(
            names=(name,),
            birth_date=read_date(self._birth_date, get(self._birth_date), iso, lenient=lenient),
            deceased=licence.status == "deceased",
            licences=(licence,),
        )

    def _licence(self, record: dict[str, str]) -> LicenceFacts:
        get, system = record.get, self._options.vocabulary
        raw_profession, raw_status = get(self._profession, ""), get(self._status, "")
        status = self._vocabulary.status(system, raw_status)
        lenient = status in GRAVE
        number = get(self._number, "")
        return LicenceFacts(
            key=number or raw_profession,
            number=number,
            jurisdiction=self._options.jurisdiction,
            profession=self._vocabulary.profession(system, raw_profession),
            raw_profession=raw_profession,
            status=status,
            raw_status=raw_status,
            issued=read_date(self._issued, get(self._issued), iso, lenient=lenient),
            valid_from=read_date(self._valid_from, get(self._valid_from), iso, lenient=lenient),
            valid_to=read_end_date(self._valid_to, get(self._valid_to), iso, lenient=lenient),
            restrictions=self._restrictions(get(self._action, "")),
        )

    def _restrictions(self, action: str) -> tuple[RestrictionFacts, ...]:
        """Tell of a disciplinary action, also beside an active licence.

        The feed only says that there has been or is one, not whether it still limits anything: kind `unknown`, so
        that a human reads the authority's order before anyone says yes.
        """
        if not action or fold_word(action) in self._no_action:
            return ()
        kind = self._vocabulary.restriction(self._options.vocabulary, action)
        return (RestrictionFacts(kind=kind, code=action, text=f"{self._options.columns.action}: {action}"),)
