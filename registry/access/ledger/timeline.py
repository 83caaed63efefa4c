"""The timeline of an incident: what the log holds of a stretch of time, in a file that proves itself.

The entries of a timeline begin where one head ends and end where another does. The tree of the second head grows out of the
edge of the first by exactly these entries, so whoever has the file can tell, without the database, that each is as it was
sealed and that none between is left out. Memory does not grow with the stretch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.days import LATE, first_id
from registry.access.ledger import heads, leaves
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.hashing import HASH_BYTES, Frontier
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.leaves import Leaf, instant
from registry.access.ledger.timeline_lines import (
    FIELDS,
    VERSION,
    Closing,
    HeadLine,
    Line,
    Missing,
    Opening,
    Other,
    RefusedLine,
    Removed,
    Shown,
    WholeLeaf,
    Why,
)
from registry.access.log import NOBODY
from registry.access.refusals import refused_between
from registry.access.tables import access_event, access_ledger_head, access_ledger_leaf
from registry.database import of_one_moment

_HEAD, _LEAF, _EVENT = access_ledger_head.c, access_ledger_leaf.c, access_event.c
# Entries read in one go.
_PART = 2000
_VERIFY = "Run `registry log verify` to see what was changed."
Write = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a timeline is to hold.

    Attributes:
        begin, end: the stretch, aware; `end` itself is outside.
        organisation: only its events are shown, as the log writes it; None: everybody's.
        questions: show what was asked, too.
        people: show whom events showed (ids of practitioners), not only how many.
        margin_s: see `Opening`.
        by: who makes it.
    """

    begin: datetime
    end: datetime
    organisation: str | None = None
    questions: bool = False
    people: bool = False
    margin_s: float = 600
    by: str = ""

    @property
    def withheld(self) -> list[str]:
        """The fields of a leaf that are left out.

        The nonce goes with any other: with it, what is withheld could be found by trying what it may have been.
        """
        left_out = [
            name for name, given in (("people", self.people), ("question", self.questions)) if not given
        ]
        return sorted(("nonce", *left_out)) if left_out else []


@dataclass(slots=True)
class Made:
    """What was written; see `Closing` and `Opening`.

    Attributes:
        sealed_until: when the last head was sealed that is in it.
        is_closed: the stretch had ended, by the margin, when it was: nothing that is sealed later should belong to it.
    """

    events: int = 0
    others: int = 0
    heads: int = 0
    damaged: int = 0
    refused: int = 0
    not_sealed_yet: int = 0
    sealed_until: str = ""
    is_closed: bool = False


def write_timeline(
    engine: Engine,
    asked: Asked,
    write: Write,
    *,
    write_leaf: Write | None = None,
    now: datetime | None = None,
) -> Made:
    """Write the timeline, line by line, as the log was when this began.

    Args:
        engine: the access database, without the service's statement timeout.
        asked: what it is to hold.
        write: takes each line, with its end.
        write_leaf: takes the lines of the second file: whole leaves of all entries; None: none is made.
        now: this moment, UTC.

    Raises:
        LedgerError: nothing is sealed, or a head can't be read.
    """
    with of_one_moment(engine).connect() as connection, leaves.as_it_is(connection):
        return _Writing(connection, asked, write, write_leaf).run(now or datetime.now(UTC))


@dataclass(slots=True)
class _Writing:
    connection: sa.Connection
    asked: Asked
    write: Write
    write_leaf: Write | None
    made: Made = field(default_factory=Made)
    begin: str = ""
    end: str = ""

    def run(self, now: datetime) -> Made:
        asked, made = self.asked, self.made
        self.begin, self.end = str(instant(asked.begin)), str(instant(asked.end))
        margin = timedelta(seconds=asked.margin_s)
        newest = self._newest()
        not_sealed, lowest, highest = self._sealed_entries(newest.head.size)
        made.not_sealed_yet = not_sealed
        begin, end = str(instant(asked.begin - margin)), str(instant(asked.end + margin))
        # The first head that may cover what belongs to the stretch, and the last. Where commits were later than the margin, or
        # clocks were set, others do: they are looked for by the entries themselves.
        first = self._first(lambda one: one.head.sealed_at >= begin or one.head.size > lowest)
        last = self._first(lambda one: one.head.sealed_at >= end and one.head.size > highest) or newest
        before = self._before(first.head.number if first else newest.head.number + 1)
        edge = self._edge(before)
        made.sealed_until, made.is_closed = last.head.sealed_at, last.head.sealed_at >= end
        start = before.head.size if before else 0
        self._line(
            Opening(
                version=VERSION,
                log=newest.head.log,
                from_=self.begin,
                to=self.end,
                margin_s=asked.margin_s,
                withheld=asked.withheld,
                made_at=str(instant(now)),
                made_by=asked.by,
                first=start,
                last=last.head.size,
                edge=edge,
                before=before.text if before else None,
                not_sealed_yet=not_sealed,
                organisation=asked.organisation,
            )
        )
        position = start
        for head in self._heads(before.head.number if before else 0, last.head.number):
            self._entries(position, head.head.size)
            position = max(position, head.head.size)
            self._line(HeadLine(head.text))
            made.heads += 1
        self._refused()
        self._line(Closing(made.events, made.others, made.heads, made.damaged, made.refused))
        return made

    def _line(self, line: Line) -> None:
        self.write(msgspec.json.encode(line) + b"\n")

    def _refused(self) -> None:
        """Write who was refused on the days that the stretch has a part of: counts of whole days, so nothing finer can be told."""
        asked = self.asked
        upto = (asked.end - timedelta(microseconds=1)).astimezone(UTC).date()
        for one in refused_between(self.connection, asked.begin.astimezone(UTC).date(), upto):
            if asked.organisation in {None, one.organisation}:
                self.made.refused += 1
                self._line(
                    RefusedLine(
                        str(one.day), one.kind, one.organisation, one.issuer, one.client_id, one.count
                    )
                )

    def _sealed_entries(self, size: int) -> tuple[int, int, int]:
        """Return how many events of the stretch are not sealed, and the lowest and highest position of those that are.

        Without one, the lowest is the size of the log and the highest -1: then neither moves a bound.
        """
        asked, connection = self.asked, self.connection
        first, last = first_id(connection, asked.begin - LATE), first_id(connection, asked.end + LATE)
        stretch = sa.and_(
            _EVENT.id >= first, _EVENT.id < last, _EVENT.at >= asked.begin, _EVENT.at < asked.end
        )
        joined = access_event.outerjoin(
            access_ledger_leaf, sa.and_(_LEAF.event_id == _EVENT.id, _LEAF.position < size)
        )
        events, sealed, lowest, highest = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.count(_LEAF.position),
                sa.func.min(_LEAF.position),
                sa.func.max(_LEAF.position),
            )
            .select_from(joined)
            .where(stretch)
        ).one()
        return events - sealed, size if lowest is None else lowest, -1 if highest is None else highest

    def _newest(self) -> SignedHead:
        text = self.connection.scalar(sa.select(_HEAD.signed).order_by(_HEAD.number.desc()).limit(1))
        if text is None:
            raise LedgerError(
                "Nothing is sealed yet, so a timeline could prove nothing. Run `registry log seal` first."
            )
        return _read(text)

    def _first(self, fits: Callable[[SignedHead], bool]) -> SignedHead | None:
        """Return the first head that fits, where all after it do; by halving, as times and sizes of heads rise."""
        low, high = 1, int(self.connection.scalar(sa.select(sa.func.max(_HEAD.number))) or 0) + 1
        found = None
        while low < high:
            middle = (low + high) // 2
            text = self.connection.scalar(
                sa.select(_HEAD.signed)
                .where(_HEAD.number >= middle, _HEAD.number < high)
                .order_by(_HEAD.number)
                .limit(1)
            )
            if text is None:
                high = middle
            elif fits(one := _read(text)):
                found, high = one, middle
            else:
                low = one.head.number + 1
        return found

    def _before(self, number: int) -> SignedHead | None:
        text = self.connection.scalar(
            sa.select(_HEAD.signed).where(_HEAD.number < number).order_by(_HEAD.number.desc()).limit(1)
        )
        return None if text is None else _read(text)

    def _edge(self, before: SignedHead | None) -> list[str]:
        if before is None:
            return []
        stored = self.connection.scalar(sa.select(_HEAD.frontier).where(_HEAD.number == before.head.number))
        dumped = leaves.raw(stored)
        try:
            fits = Frontier.load(before.head.size, dumped).root() == before.root
        except ValueError:
            fits = False
        if not fits:
            raise LedgerError(f"The edge kept with head {before.head.number} was changed. {_VERIFY}")
        return [dumped[at : at + HASH_BYTES].hex() for at in range(0, len(dumped), HASH_BYTES)]

    def _heads(self, after: int, upto: int) -> Iterator[SignedHead]:
        while rows := self.connection.execute(
            sa.select(_HEAD.number, _HEAD.signed)
            .where(_HEAD.number > after, _HEAD.number <= upto)
            .order_by(_HEAD.number)
            .limit(_PART)
        ).all():
            for row in rows:
                yield _read(row.signed)
            after = rows[-1].number

    def _entries(self, first: int, last: int) -> None:
        """Write the entries from position `first` to before `last`."""
        position = first
        for begin in range(first, last, _PART):
            for leaf in leaves.sealed(self.connection, begin, min(begin + _PART, last)):
                self._gap(position, leaf.position)
                self._entry(leaf)
                position = leaf.position + 1
        self._gap(position, last)

    def _gap(self, first: int, last: int) -> None:
        if first < last:
            self.made.damaged += last - first
            self._line(Missing(first, last))

    def _entry(self, leaf: Leaf) -> None:
        made, stored = self.made, leaf.stored.hex()
        if self.write_leaf:
            data = None if leaf.data is None else leaf.data.decode()
            self.write_leaf(msgspec.json.encode(WholeLeaf(leaf.position, data)) + b"\n")
        if leaf.data is None:
            made.damaged += 1
            self._line(Removed(leaf.position, stored, leaf.event_id))
            return
        event: dict[str, Any] = orjson.loads(leaf.data)
        # What was changed is always shown: its time and its organisation may be what was changed.
        if leaf.fits and (why := why_not(event, self.begin, self.end, self.asked.organisation)):
            made.others += 1
            self._line(Other(leaf.position, stored, why))
            return
        made.events += 1
        made.damaged += not leaf.fits
        withheld = self.asked.withheld
        told = {name: value for name, value in event.items() if name in FIELDS and name not in withheld}
        self._line(Shown(leaf.position, stored, people_in(event), told, leaf.fits))


def why_not(event: dict[str, Any], begin: str, end: str, organisation: str | None) -> Why | None:
    """Tell why an event is not shown in a timeline; None if it is."""
    at = event.get("at")
    if not isinstance(at, str) or not begin <= at < end:
        return "other-time"
    if organisation is not None and event.get("organisation") != organisation:
        return "other-organisation"
    return None


def people_in(event: dict[str, Any]) -> int:
    """Return how many people a leaf tells that its event showed."""
    people = event.get("people")
    return len([one for one in people if one != NOBODY]) if isinstance(people, list) else 0


def _read(text: object) -> SignedHead:
    try:
        return heads.read(text)
    except ValueError as error:
        raise LedgerError(f"A head can't be read. {_VERIFY}") from error
