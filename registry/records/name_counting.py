"""Counting from SQL truth how many people bear each name: the database groups, so that memory grows with names, not people."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from registry.names import words
from registry.records import tables as t
from registry.records.expected import SHOWN
from registry.records.name_counts import KINDS, Counted, Kind

_NAME, _PERSON = t.practitioner_name.c, t.practitioner.c
_STREAMED = 10_000
# A name that one person bears is not listed: it would tell of that person, and most such are misspelt.
LEAST_BEARERS = 2
_OF_KIND: dict[Kind, sa.ColumnElement[str]] = {
    "given": sa.case(
        (_NAME.middle != "", _NAME.given + " " + _NAME.middle),
        ((_NAME.given == "") & (_NAME.family == ""), _NAME.text),
        else_=_NAME.given,
    ),
    "family": sa.case(
        (_NAME.middle != "", _NAME.middle + " " + _NAME.family),
        ((_NAME.given == "") & (_NAME.family == ""), _NAME.text),
        else_=_NAME.family,
    ),
}


@dataclass
class _Tally:
    """What is known of the names of one kind: people per word as it is written."""

    written: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, people: int) -> None:
        for word in set(text.split()):
            self.written[word] += people

    def counted(self, kind: Kind) -> Iterator[Counted]:
        """Give each key once, with the spelling that most people have."""
        people: Counter[str] = Counter()
        display: dict[str, tuple[int, str]] = {}
        for text, count in self.written.items():
            for key, shown in _keys(text).items():
                people[key] += count
                if (count, shown) > display.get(key, (0, "")):
                    display[key] = count, shown
        for key, count in people.items():
            if count >= LEAST_BEARERS:
                yield Counted(kind, key, count, display[key][1])


def _keys(text: str) -> dict[str, str]:
    """Return the keys of a word as it is written, each with the part of it that it stands for ("Lind" of "Lind-Ek")."""
    found: dict[str, str] = {}
    for whole in words(text):
        parts = [part for part in text.replace("'", "-").replace("’", "-").split("-") if part]
        for key in whole.typed:
            found.setdefault(key, text)
        for position, word in enumerate(whole.parts):
            shown = parts[position] if len(parts) == len(whole.parts) else word.written.title()
            for key in word.typed:
                found.setdefault(key, shown)
    return found


def count_names(connection: sa.Connection) -> tuple[list[Counted], int]:
    """Count the bearers of every name that several people bear, and all people who are listed.

    Official names of people who are neither protected nor merged. Reads all names: about two seconds a million people.
    """
    counted: list[Counted] = []
    for kind in KINDS:
        tally, text = _Tally(), _OF_KIND[kind]
        grouped = (
            sa.select(text, sa.func.count(sa.distinct(_NAME.practitioner_id)))
            .join_from(t.practitioner_name, t.practitioner, _PERSON.id == _NAME.practitioner_id)
            .where(SHOWN & (_NAME.use == "official"))
            .group_by(text)
        )
        with connection.execute(grouped, execution_options={"yield_per": _STREAMED}) as rows:
            for name, people in rows:
                if name:
                    tally.add(name, people)
        counted += tally.counted(kind)
    return counted, connection.scalar(
        sa.select(sa.func.count()).select_from(t.practitioner).where(SHOWN)
    ) or 0
