"""Rows of a Socrata dataset with one licence each, to facts.

Such a dataset has no key for a person: each row is its own practitioner, never joined to another on a name.
"""

from collections.abc import Iterator
from functools import lru_cache

import orjson

from indexer.feeds.options import SocrataOptions
from indexer.feeds.socrata_columns import fold_column
from indexer.normalize.errors import BadRecordError
from indexer.normalize.values import GRAVE, check_text, iso, read_date, read_end_date
from registry.records.facts import LicenceFacts, NameFacts, PersonFacts, RestrictionFacts, Status
from registry.vocabulary import UNKNOWN, Vocabulary, fold_word

_REMEMBERED_WORDS = 8192


class SocrataNormalizer:
    """Turns payloads of `indexer.feeds.socrata_rows` into facts."""

    def __init__(self, options: SocrataOptions, vocabulary: Vocabulary) -> None:
        columns = options.columns
        self._options = options
        self._vocabulary = vocabulary
        self._number = fold_column(columns.number)
        self._profession = fold_column(columns.profession)
        self._status = fold_column(columns.status)
        self._status_reason = fold_column(columns.status_reason)
        self._name = fold_column(columns.name)
        self._family = fold_column(columns.family)
        self._given = fold_column(columns.given)
        self._middle = fold_column(columns.middle)
        self._suffix = fold_column(columns.suffix)
        self._birth_date = fold_column(columns.birth_date)
        self._issued = fold_column(columns.issued)
        self._valid_from = fold_column(columns.valid_from)
        self._valid_to = fold_column(columns.valid_to)
        self._actions = [
            (name, fold_column(name)) for name in (columns.action, *columns.more_actions) if name
        ]
        no_action = frozenset(fold_word(word) for word in options.no_action)
        # A feed has few words for it, in millions of rows.
        self._is_action = lru_cache(_REMEMBERED_WORDS)(lambda word: fold_word(word) not in no_action)
        self._suffixes = frozenset(fold_word(word) for word in options.name_suffixes)

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        record: dict[str, str] = orjson.loads(payload)
        name = self._whole_name(record.get(self._name, "")) if self._name else self._parts(record)
        if not name.family and not name.given:
            raise BadRecordError(self._name or self._family, "the record has no name at all")
        licence = self._licence(record)
        lenient = licence.status in GRAVE
        check_text(
            self._name or self._family, name.family, *name.given, name.middle, name.text, lenient=lenient
        )
        return PersonFacts(
            names=(name,),
            birth_date=read_date(self._birth_date, record.get(self._birth_date), iso, lenient=lenient),
            deceased=licence.status == "deceased",
            licences=(licence,),
        )

    def _parts(self, record: dict[str, str]) -> NameFacts:
        get = record.get
        return NameFacts(
            family=get(self._family, ""),
            given=tuple(get(self._given, "").split()),
            middle=get(self._middle, ""),
            suffix=get(self._suffix, ""),
        )

    def _whole_name(self, text: str) -> NameFacts:
        """Split a name that came whole. Where it is cut is a guess, so the name as written stands beside the parts."""
        before, comma, after = text.partition(",")
        words = before.split()
        suffix = ""
        if comma and fold_word(after) in self._suffixes:
            suffix, comma, after = after.strip(), "", ""
        if comma:
            return NameFacts(family=" ".join(words), given=tuple(after.split()), text=text)
        # A name of one or two words is no suffix, whatever it looks like.
        if len(words) > 2 and fold_word(words[-1]) in self._suffixes:  # noqa: PLR2004 - given, family, suffix
            suffix = words.pop()
        if self._options.name_order == "family-given":
            family, given = words[:1], words[1:]
        else:
            family, given = words[-1:], words[:-1]
        return NameFacts(
            family=" ".join(family),
            given=tuple(given[:1]),
            middle=" ".join(given[1:]),
            suffix=suffix,
            text=text,
        )

    def _licence(self, record: dict[str, str]) -> LicenceFacts:
        get, system = record.get, self._options.vocabulary
        raw_profession = get(self._profession, "")
        status, raw_status = self._read_status(get(self._status, ""), get(self._status_reason, ""))
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
            restrictions=tuple(self._restrictions(record)),
        )

    def _read_status(self, word: str, reason: str) -> tuple[Status, str]:
        """Return our status and the authority's words.

        A reason that nobody has mapped never leaves a yes standing, but doesn't hide that a licence has ended.
        """
        system, status = self._options.vocabulary, self._vocabulary.status
        if not reason:
            return status(system, word), word
        told = f"{word}: {reason}" if word else reason
        both, alone = status(system, told), status(system, word)
        return (alone if both == UNKNOWN and alone in GRAVE else both), told

    def _restrictions(self, record: dict[str, str]) -> Iterator[RestrictionFacts]:
        """Tell of a disciplinary action, also beside an active licence.

        The feed only says that there has been or is one, not whether it still limits anything: kind `unknown`, so
        that a human reads the authority's order before anyone says yes.
        """
        for name, column in self._actions:
            action = record.get(column, "")
            if action and self._is_action(action):
                kind = self._vocabulary.restriction(self._options.vocabulary, action)
                yield RestrictionFacts(kind=kind, code=action, text=f"{name}: {action}")
