"""Rows of lists in CSV and Excel to facts, as the list's feed file says.

A row is one licence of one person. Rows of one person come together by their personal identity number, where the list
has it, and by nothing else.

Bad news is not held back (see `indexer.normalize.values`): where the row says that a licence does not hold, is
restricted, or that the person is protected, a date or number that can't be read is left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson

from indexer.feeds.tabular_header import fold_column
from indexer.feeds.tabular_options import NameOrder, SpecialtyColumn, TabularOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.table_dates import NO_END, READERS
from indexer.normalize.values import (
    GRAVE,
    check_text,
    personal_number,
    read_date,
    read_end_date,
    twelve_digits,
)
from registry.dates import parse_iso
from registry.identifiers import personal_system
from registry.records.facts import (
    IdentifierFacts,
    IdentifierUse,
    LicenceFacts,
    NameFacts,
    PersonFacts,
    RestrictionFacts,
    SpecialtyFacts,
    Status,
)
from registry.vocabulary import Vocabulary, fold_word

_USES: dict[str, IdentifierUse] = {"personal_number": "official", "former_personal_number": "old"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A record by folded column name, and whether it is bad news (then no date or number holds it back)."""

    record: dict[str, str]
    lenient: bool = False

    def get(self, column: str) -> str:
        return self.record.get(fold_column(column), "") if column else ""


class TabularNormalizer:
    """Turns payloads of `indexer.feeds.tabular` into facts."""

    def __init__(self, options: TabularOptions, vocabulary: Vocabulary) -> None:
        self._options = options
        self._columns = options.columns
        self._vocabulary = vocabulary
        self._parse = READERS[options.dates]
        self._no = frozenset(fold_word(word) for word in options.no)

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        row = _Row(orjson.loads(payload))
        columns = self._columns
        protected = self._is_set(row.get(columns.protected))
        status = self._vocabulary.status(self._options.vocabulary, self._raw_status(row))
        restrictions = tuple(self._restrictions(row))
        row = _Row(row.record, protected or bool(restrictions) or status in GRAVE or status == "restricted")
        self._check_widths(row)
        names = tuple(self._names(row))
        if not names and not row.lenient:
            raise BadRecordError(columns.name or columns.family, "the record has no name at all")
        for name in names:
            texts = (name.text, name.family, *name.given, name.middle, name.prefix, name.suffix)
            check_text(columns.name or columns.family, *texts, lenient=row.lenient)
        return PersonFacts(
            names=names,
            identifiers=tuple(self._identifiers(row)),
            birth_date=self._date(row, columns.birth_date) or self._date(row, columns.birth_year, parse_iso),
            deceased=status == "deceased",
            protected=protected,
            county=row.get(columns.county),
            licences=(self._licence(row, status, restrictions),),
        )

    def _licence(self, row: _Row, status: Status, restrictions: tuple[RestrictionFacts, ...]) -> LicenceFacts:
        columns, options = self._columns, self._options
        number, profession = row.get(columns.number), options.profession or row.get(columns.profession)
        return LicenceFacts(
            key=number or profession or "?",
            number=number,
            jurisdiction=options.jurisdiction,
            profession=self._vocabulary.profession(options.vocabulary, profession),
            raw_profession=profession,
            status=status,
            raw_status=self._raw_status(row),
            issued=self._date(row, columns.issued),
            valid_from=self._date(row, columns.valid_from),
            valid_to=self._end(row, columns.valid_to),
            specialties=tuple(s for spec in options.specialties for s in self._specialties(row, spec)),
            restrictions=restrictions,
        )

    def _raw_status(self, row: _Row) -> str:
        return self._options.status or row.get(self._columns.status)

    def _is_set(self, text: str) -> bool:
        return bool(text) and fold_word(text) not in self._no

    def _check_widths(self, row: _Row) -> None:
        for column, width in self._options.widths.items():
            length = len(row.get(column))
            if length and length != width and not row.lenient:
                raise BadRecordError(
                    column,
                    f"{width} characters were expected, {length} came; leading zeros may have been lost",
                )

    def _names(self, row: _Row) -> Iterable[NameFacts]:
        columns = self._columns
        official = self._official(row)
        if official is not None:
            yield official
            if former := row.get(columns.former_family):
                yield NameFacts(use="former", family=former, given=official.given, middle=official.middle)
        if other := row.get(columns.other_name):
            yield NameFacts(use="alias", text=other)

    def _official(self, row: _Row) -> NameFacts | None:
        columns = self._columns
        if columns.name:
            return split_name(row.get(columns.name), self._options.name_order)
        family, given = row.get(columns.family), tuple(row.get(columns.given).split())
        if not family and not given:
            return None
        return NameFacts(
            family=family,
            given=given,
            middle=row.get(columns.middle),
            prefix=row.get(columns.prefix),
            suffix=row.get(columns.suffix),
        )

    def _identifiers(self, row: _Row) -> Iterable[IdentifierFacts]:
        for role, use in _USES.items():
            column = getattr(self._columns, role)
            text = row.get(column)
            digits = self._personal(column, text, lenient=row.lenient) if text else None
            if digits:
                yield IdentifierFacts(system=personal_system(digits), value=digits, use=use)
        for system, column in self._options.identifiers.items():
            if value := row.get(column):
                yield IdentifierFacts(system=system, value=value)

    def _personal(self, column: str, text: str, *, lenient: bool) -> str | None:
        try:
            digits = twelve_digits(text, self._options.ten_digits_from)
        except ValueError as error:
            if lenient:
                return None
            raise BadRecordError(column, str(error)) from error
        return personal_number(column, digits, lenient=lenient)

    def _specialties(self, row: _Row, spec: SpecialtyColumn) -> Iterable[SpecialtyFacts]:
        since = read_date(spec.date, row.get(spec.date), self._parse, lenient=True)
        if not spec.column:
            if row.get(spec.date):
                yield SpecialtyFacts(code=spec.code, text=spec.code, system=spec.system, valid_from=since)
            return
        text = row.get(spec.column)
        for word in text.split(spec.separator) if spec.separator else (text,):
            if word.strip():
                yield SpecialtyFacts(
                    code=word.strip(), text=word.strip(), system=spec.system, valid_from=since
                )

    def _restrictions(self, row: _Row) -> Iterable[RestrictionFacts]:
        for spec in self._options.restrictions:
            word = row.get(spec.column)
            if self._is_set(word):
                code = spec.code or word
                yield RestrictionFacts(
                    kind=self._vocabulary.restriction(self._options.vocabulary, code),
                    code=code,
                    text=f"{spec.column}: {word}",
                    valid_from=read_date(spec.column, row.get(spec.valid_from), self._parse, lenient=True),
                    valid_to=self._end(row, spec.valid_to, lenient=True),
                )

    def _date(self, row: _Row, column: str, parse: Callable[[str], str] | None = None) -> str | None:
        return read_date(column, row.get(column), parse or self._parse, lenient=row.lenient)

    def _end(self, row: _Row, column: str, *, lenient: bool = False) -> str | None:
        text = row.get(column)
        if text in NO_END:
            return None
        return read_end_date(column, text, self._parse, lenient=lenient or row.lenient)


def split_name(text: str, order: NameOrder) -> NameFacts | None:
    """Take a whole name apart as its list writes it; what can't be taken apart stays whole."""
    if not text:
        return None
    if order == "family, given":
        family, comma, given = text.partition(",")
        if not comma:
            return NameFacts(text=text)
        return NameFacts(
            family=family.strip(),
            given=tuple(given.split()),
            text=f"{given.strip()} {family.strip()}".strip(),
        )
    words = text.split()
    if len(words) == 1:
        return NameFacts(text=text)
    if order == "given-family":
        return NameFacts(family=words[-1], given=tuple(words[:-1]), text=text)
    return NameFacts(family=words[0], given=tuple(words[1:]), text=f"{' '.join(words[1:])} {words[0]}")
