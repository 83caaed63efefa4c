"""Verifying the whole log: every event against its entry, every entry against the trees, every head against the next.

The log is read once from its beginning, in parts, so memory does not grow with it. A head holds the digest of the one before,
so a signature proves all heads before it that are linked: only the last of each key is checked, and each before a
broken link. What the first damage hides is not lost: with the next head whose edge fits its root the tree goes on.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from registry.access.ledger import heads, leaves
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.findings import TOLD, Findings, Report
from registry.access.ledger.hashing import Frontier
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.keys import KeyRing
from registry.access.ledger.leaves import Leaf
from registry.access.ledger.times import Times
from registry.access.ledger.waiting import look_at_waiting, look_beyond
from registry.access.tables import access_ledger_head, access_ledger_leaf
from registry.database import of_one_moment

_HEAD, _LEAF = access_ledger_head.c, access_ledger_leaf.c
# Rows read in one go.
_PART = 2000
_IN_LOG = "in the log"


def verify(
    engine: Engine,
    ring: KeyRing,
    *,
    kept: Collection[SignedHead] = (),
    overdue_s: float,
    now: datetime | None = None,
) -> Report:
    """Verify the whole log, beside a running service and a running seal.

    Args:
        engine: the access database, without the service's statement timeout.
        ring: keys that are trusted; those of the settings, or of a file that was kept elsewhere.
        kept: heads that were kept elsewhere: each must be in the log as it was.
        overdue_s: events that have waited longer than this to be sealed are a finding.
        now: this moment, UTC.

    Raises:
        LedgerError: the database can't be read.
    """
    try:
        # What is sealed meanwhile is not looked at, so that nothing of it seems to be left over.
        with of_one_moment(engine).connect() as connection, leaves.as_it_is(connection):
            walk = Walk(connection, ring, kept, timedelta(seconds=max(overdue_s, 0.0)))
            walk.run()
            return walk.report((now or datetime.now(UTC)) - timedelta(seconds=overdue_s))
    except SQLAlchemyError as error:
        # Only the kind: an error's own words may hold values.
        raise LedgerError(f"The access database can't be read to its end ({type(error).__name__}).") from None


def _readable(text: object) -> SignedHead | None:
    try:
        return heads.read(text)
    except ValueError:
        return None


class Walk:
    """One way through the log, from its first head to the one that was the last when it began."""

    def __init__(
        self, connection: sa.Connection, ring: KeyRing, kept: Collection[SignedHead], tolerance: timedelta
    ) -> None:
        self._connection, self._ring, self._tolerance = connection, ring, tolerance
        self._findings = Findings()
        self._kept: dict[int, list[SignedHead]] = {}
        for one in kept:
            self._kept.setdefault(one.head.number, []).append(one)
        self._compared = 0
        self._previous: SignedHead | None = None  # the head before, None if it is missing or can't be read
        self._last: SignedHead | None = None
        self._has_looked = False  # for the newest head that is proven
        self._next_number = 1
        self._tree = Frontier()
        self._whole = True  # every leaf up to here is in the tree
        self._position = 0
        self._covered = 0  # leaves of the last head that could be read
        self._leaves: Iterator[Leaf] = iter(())
        self._leaf: Leaf | None = None
        self._times = Times(tolerance)
        self._highest = 0  # of the ids of the events in the entries so far
        self._settled = -1  # up to this id every event is sealed, as the heads note it

    def run(self) -> None:
        """Look at everything that is sealed."""
        for one in (each for many in self._kept.values() for each in many):
            if not heads.holds(one, self._ring):
                self._unsigned(one, "kept elsewhere")
        self._leaves = leaves.all_sealed(self._connection, _PART)
        self._leaf = next(self._leaves, None)
        for row in self._heads():
            self._one(row)
        if self._previous:
            self._signature(self._previous)
        for number, many in sorted(self._kept.items()):
            self._findings.add(
                "kept-elsewhere",
                f"Head {number}, of which {len(many)} are kept elsewhere, is not in the log: heads were removed.",
                head=number,
            )

    def _heads(self) -> Iterator[Any]:
        above = 0
        while rows := self._connection.execute(
            sa.select(_HEAD.number, _HEAD.size, _HEAD.signed, _HEAD.frontier, _HEAD.settled_id)
            .where(_HEAD.number > above)
            .order_by(_HEAD.number)
            .limit(_PART)
        ).all():
            yield from rows
            above = rows[-1].number

    def _one(self, row: Any) -> None:  # noqa: ANN401 - a row
        number = row.number
        if number != self._next_number:
            told = (
                f"{self._next_number} to {number - 1}" if number - 1 > self._next_number else f"{number - 1}"
            )
            self._findings.add("head-missing", f"Removed: head {told}.", head=self._next_number)
            self._broken()
        self._next_number = number + 1
        signed = _readable(row.signed)
        if signed is None or signed.head.number != number:
            self._findings.add(
                "head-changed",
                f"Head {number} can't be read, or is another one: it was changed.",
                head=number,
            )
            self._broken()
            return
        self._link(signed, row)
        self._times.under(signed.head.sealed_at)
        self._consume(signed.head.size, number)
        self._note(row)
        self._root(signed, leaves.raw(row.frontier))
        self._compare(signed)
        self._previous = self._last = signed
        self._covered = signed.head.size

    def _broken(self) -> None:
        """Go on after a head that the next one can't be compared with."""
        if self._previous:
            self._signature(self._previous)
        self._previous = None

    def _link(self, signed: SignedHead, row: Any) -> None:  # noqa: ANN401 - a row
        head, before = signed.head, self._previous
        if head.size != row.size:
            self._findings.add(
                "head-changed", f"Head {row.number} says another size than its row.", head=row.number
            )
        if before is None:
            if row.number == 1 and head.previous:
                self._findings.add("head-changed", "Head 1 says that there was one before it.", head=1)
            return
        if head.previous != before.digest or head.log != before.head.log or head.size <= before.head.size:
            self._findings.add(
                "head-changed",
                f"Head {before.head.number} is not the one that head {row.number} was put on: one of the two was changed "
                "or replaced.",
                head=before.head.number,
            )
            self._signature(before)
            return
        if head.sealed_at < before.head.sealed_at:
            self._findings.add(
                "head-changed",
                f"Head {row.number} says that it was sealed before head {before.head.number}.",
                head=row.number,
            )
        if signed.kid != before.kid:
            self._signature(before)

    def _note(self, row: Any) -> None:  # noqa: ANN401 - a row
        """Look whether a head notes as sealed what its entries don't reach: nobody could see events that wait then."""
        if not self._whole or row.settled_id <= self._highest:
            self._settled = max(self._settled, min(row.settled_id, self._highest))
            return
        self._findings.add(
            "head-changed",
            f"What head {row.number} notes about where unsealed events begin was changed: it is higher than every event "
            "that is sealed.",
            head=row.number,
        )

    def _consume(self, size: int, number: int) -> None:
        """Take the leaves that this head covers and the one before does not."""
        while self._position < size:
            leaf = self._leaf
            upto = min(size, leaf.position) if leaf else size
            if upto > self._position:
                self._missing(upto, number)
                continue
            assert leaf is not None
            self._highest = max(self._highest, leaf.event_id)
            if not leaf.fits:
                self._misfit(leaf, number)
            elif told := self._times.told(leaf.at, is_first=number == 1):
                self._findings.add(
                    "event-backdated",
                    f"Event {leaf.event_id} says that it was written {leaf.at}, but {told} (head {number}).",
                    event_id=leaf.event_id,
                    position=leaf.position,
                    head=number,
                )
            if self._whole:
                self._tree.append(leaf.stored)
            self._position += 1
            self._leaf = next(self._leaves, None)

    def _missing(self, upto: int, number: int) -> None:
        first, last = self._position, upto - 1
        told = f"{first} to {last}" if last > first else f"{first}"
        self._findings.add(
            "entry-missing",
            f"Removed from the ledger: entry {told}, sealed by head {number}.",
            position=first,
            head=number,
        )
        self._whole, self._position = False, upto

    def _misfit(self, leaf: Leaf, number: int) -> None:
        if leaf.data is None:
            self._findings.add(
                "event-removed",
                f"Event {leaf.event_id} was removed; it is entry {leaf.position}, sealed by head {number}.",
                event_id=leaf.event_id,
                position=leaf.position,
                head=number,
            )
            return
        self._findings.add(
            "event-changed",
            f"Event {leaf.event_id} is not what was sealed by head {number}: something in it, or in the list of people it "
            f"showed, was changed, removed or added (entry {leaf.position}).",
            event_id=leaf.event_id,
            position=leaf.position,
            head=number,
        )

    def _root(self, signed: SignedHead, edge: bytes) -> None:
        """Compare the tree with the signed root; go on with the edge that was kept if they differ and it fits."""
        number = signed.head.number
        whole = self._whole and self._tree.size == signed.head.size
        if whole and self._tree.root() == signed.root:
            if edge != self._tree.dump():
                self._findings.add(
                    "head-changed", f"The edge kept with head {number} was changed.", head=number
                )
            return
        if whole:
            first = self._covered
            self._findings.add(
                "root",
                f"Entries {first} to {signed.head.size - 1} are not those that head {number} sealed ({self._events(first, signed)}): "
                "an entry of the ledger was changed or replaced, perhaps its event with it, or the head itself.",
                position=first,
                head=number,
            )
        try:
            kept = Frontier.load(signed.head.size, edge)
        except ValueError:
            kept = None
        self._whole = kept is not None and kept.root() == signed.root
        if kept is not None and self._whole:
            self._tree = kept

    def _events(self, first: int, signed: SignedHead) -> str:
        lowest, highest = self._connection.execute(
            sa.select(sa.func.min(_LEAF.event_id), sa.func.max(_LEAF.event_id)).where(
                _LEAF.position >= first, _LEAF.position < signed.head.size
            )
        ).one()
        return f"event {lowest}" if lowest == highest else f"among events {lowest} to {highest}"

    def _compare(self, signed: SignedHead) -> None:
        number = signed.head.number
        for one in self._kept.pop(number, ()):
            if one.text == signed.text:
                self._compared += 1
            else:
                self._findings.add(
                    "kept-elsewhere",
                    f"Head {number} is another than the one that is kept elsewhere: the log was written anew.",
                    head=number,
                )

    def _signature(self, signed: SignedHead) -> None:
        if not heads.holds(signed, self._ring):
            self._unsigned(signed, _IN_LOG)

    def _unsigned(self, signed: SignedHead, where: str) -> None:
        number = signed.head.number
        reason = "is not trusted" if signed.kid not in self._ring.keys else "did not sign this"
        tail = ""
        # Looked for once: it may take as long as there are heads.
        if where == _IN_LOG and not self._has_looked:
            self._has_looked = True
            proven = self._newest_proven(number)
            tail = (
                f"; head {proven} is the newest before it that is proven"
                if proven
                else "; nothing before it is either"
            )
        self._findings.add(
            "signature",
            f"The signature of head {number} ({where}) does not hold: key {signed.kid} {reason}{tail}.",
            head=number,
        )

    def _newest_proven(self, below: int) -> int:
        """Return the number of the newest head below whose own signature holds, 0 if there is none."""
        while rows := self._connection.execute(
            sa.select(_HEAD.number, _HEAD.signed)
            .where(_HEAD.number < below)
            .order_by(_HEAD.number.desc())
            .limit(_PART)
        ).all():
            for row in rows:
                below = row.number
                signed = _readable(row.signed)
                if signed and heads.holds(signed, self._ring):
                    return below
        return 0

    def report(self, overdue: datetime) -> Report:
        """Look at what is not sealed, and tell everything.

        Args:
            overdue: events written before this moment must be sealed.
        """
        look_beyond(self._connection, self._findings, self._covered)
        waiting, since = look_at_waiting(
            self._connection, self._findings, size=self._covered, settled=self._settled, overdue=overdue
        )
        return Report(
            holds=not self._findings.count,
            events=self._last.head.size if self._last else 0,
            heads=self._next_number - 1,
            not_sealed_yet=waiting,
            not_sealed_since=since,
            found=self._findings.count,
            findings=self._findings.told[:TOLD],
            last=self._last.told() if self._last else None,
            compared=self._compared,
        )
