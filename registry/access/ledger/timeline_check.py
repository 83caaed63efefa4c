"""Checking a timeline: all it takes is the file, the public keys and, for what is withheld, the second file."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import msgspec
import orjson

from registry.access.ledger import heads
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.findings import Findings, TimelineReport
from registry.access.ledger.hashing import Frontier, leaf_hash
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.keys import KeyRing
from registry.access.ledger.leaves import instant
from registry.access.ledger.timeline import people_in, why_not
from registry.access.ledger.timeline_lines import (
    FIELDS,
    MAX_LINE_BYTES,
    VERSION,
    AnyLine,
    Closing,
    HeadLine,
    Missing,
    Opening,
    Other,
    RefusedLine,
    Removed,
    Shown,
    WholeLeaf,
    read_lines,
)


def check_timeline(
    file: BinaryIO, ring: KeyRing, *, whole: BinaryIO | None = None, kept: Collection[SignedHead] = ()
) -> TimelineReport:
    """Check a timeline; reads each file once, memory does not grow with them.

    Args:
        file: the timeline.
        ring: public keys that are trusted.
        whole: the second file, with the whole leaves.
        kept: heads that were kept elsewhere: those with numbers in the file must be in it as they were.

    Raises:
        LedgerError: this is no timeline at all.
    """
    lines = read_lines(file)
    number, opening = next(lines, (0, None))
    if not isinstance(opening, Opening) or opening.version != VERSION:
        raise LedgerError(
            "This is no timeline as `registry log timeline` writes it: its first line is another."
        )
    check = _Check(opening, ring, {one.head.number: one for one in kept}, whole)
    for number, line in lines:
        check.line(number, line)
    return check.report()


class _Check:
    def __init__(
        self, opening: Opening, ring: KeyRing, kept: dict[int, SignedHead], whole: BinaryIO | None
    ) -> None:
        self._opening, self._ring, self._kept, self._whole = opening, ring, kept, whole
        self._leaf_decoder = msgspec.json.Decoder(WholeLeaf)
        self._findings = Findings()
        self._events = self._proven = self._others = self._others_proven = self._heads = self._compared = 0
        self._damaged = self._refused = 0
        self._position = opening.first
        self._closing: Closing | None = None
        self._previous: SignedHead | None = None
        self._is_readable = True
        self._tree: Frontier | None = None
        self._begin()

    def _begin(self) -> None:
        opening = self._opening
        edge = b"".join(bytes.fromhex(one) for one in opening.edge)
        try:
            tree = Frontier.load(opening.first, edge)
        except ValueError:
            self._wrong("What it says of the log before its first entry does not fit together.")
            return
        if opening.before is None:
            if opening.first:
                self._wrong(
                    "It does not begin with the log, and the head before its first entry is not in it."
                )
                return
            self._tree = tree
            return
        before = self._signed(opening.before)
        if before is None:
            return
        self._previous = before
        self._compare(before)
        if before.head.size != opening.first or before.root != tree.root():
            self._findings.add(
                "root",
                f"What it says of the log before its first entry is not what head {before.head.number} sealed.",
                head=before.head.number,
            )
            return
        if before.head.sealed_at >= opening.from_:
            self._wrong(
                f"It begins after head {before.head.number}, which was sealed {before.head.sealed_at}, when the stretch had begun: "
                "what was sealed before may belong to it.",
            )
        self._tree = tree

    def _wrong(self, detail: str) -> None:
        self._findings.add("timeline", detail)

    def _signed(self, text: str) -> SignedHead | None:
        try:
            one = heads.read(text)
        except ValueError:
            self._findings.add("head-changed", "A head of the timeline can't be read: it was changed.")
            return None
        if one.head.log != self._opening.log:
            self._findings.add(
                "head-changed", f"Head {one.head.number} is of another log.", head=one.head.number
            )
        return one

    def line(self, number: int, line: AnyLine | None) -> None:
        """Look at the next line."""
        if self._closing or not self._is_readable:
            self._wrong(f"Line {number} stands after its end.")
            return
        match line:
            case Shown() | Other() | Removed():
                self._entry(line)
            case Missing():
                self._damaged += line.last - line.first
                self._findings.add(
                    "entry-missing",
                    f"Entries {line.first} to {line.last - 1} had been removed from the ledger when the timeline was made: they, and all "
                    "after them, are not proven.",
                    position=line.first,
                )
                self._tree, self._position = None, max(self._position, line.last)
            case HeadLine():
                self._head(line.head)
            case RefusedLine():
                self._refused += 1
            case Closing():
                self._closing = line
            case _:
                self._is_readable = False
                self._wrong(f"Line {number} is not one of a timeline: the file was changed or cut off there.")

    def _entry(self, line: Shown | Other | Removed) -> None:
        if line.position != self._position:
            if line.position > self._position:
                self._findings.add(
                    "entry-missing",
                    f"Left out of the timeline: entry {self._position} to {line.position - 1}.",
                    position=self._position,
                )
            else:
                self._findings.add(
                    "entry-surplus",
                    f"Entry {line.position} stands in the timeline where {self._position} should: it was put in or moved.",
                    position=line.position,
                )
            self._tree = None
            self._position = max(self._position, line.position)
        self._position += 1
        if self._tree is not None:
            self._tree.append(bytes.fromhex(line.hash))
        sealed = self._sealed(line)
        if isinstance(line, Removed):
            self._damaged += 1
            self._findings.add(
                "event-removed",
                f"Event {line.event_id} had been removed from the log when the timeline was made; it is entry {line.position}.",
                event_id=line.event_id,
                position=line.position,
            )
        elif isinstance(line, Other):
            self._others += 1
            self._left_out(line, sealed)
        else:
            self._events += 1
            self._shown(line, sealed)

    def _sealed(self, line: Shown | Other | Removed) -> dict[str, Any] | None:
        """Return what was sealed, from the second file; None where it does not tell."""
        if self._whole is None:
            return None
        text = self._whole.readline(MAX_LINE_BYTES + 1)
        try:
            found = self._leaf_decoder.decode(text)
        except (msgspec.MsgspecError, ValueError):
            self._whole = None
            self._wrong(
                f"The file of leaves ends before entry {line.position}, or can't be read from there on."
            )
            return None
        if found.position != line.position:
            self._whole = None
            self._wrong(
                f"The file of leaves has entry {found.position} where entry {line.position} should be."
            )
            return None
        if found.leaf is None:
            return None
        if leaf_hash(found.leaf.encode()) != bytes.fromhex(line.hash):
            # What was changed before the timeline was made is told where it stands in the timeline.
            if not isinstance(line, Shown) or line.as_sealed:
                self._changed(line.position, "the file of leaves does not hold what was sealed")
            return None
        event = _event(found.leaf)
        if event is None:
            self._changed(line.position, "what was sealed, as the file of leaves has it, is no event")
        return event

    def _changed(self, position: int, why: str, event_id: object = None) -> None:
        named = event_id if isinstance(event_id, int) else None
        self._findings.add(
            "event-changed",
            f"Entry {position}{'' if named is None else f', event {named},'} is not what was sealed: {why}.",
            event_id=named,
            position=position,
        )

    def _shown(self, line: Shown, sealed: dict[str, Any] | None) -> None:
        event, opening = line.event, self._opening
        named = event.get("id")
        if not line.as_sealed:
            self._damaged += 1
            self._changed(line.position, "it had been changed in the log when the timeline was made", named)
            return
        expected = [name for name in FIELDS if name not in opening.withheld]
        if sorted(event) != expected:
            self._changed(line.position, "it has other fields than the first line tells", named)
            return
        if why_not(event, opening.from_, opening.to, opening.organisation):
            self._changed(line.position, "it does not belong to the stretch or the organisation", named)
            return
        if sealed is None and expected == list(FIELDS):
            sealed = event if _is_leaf(event, line.hash) else {}
        if sealed is None:
            return
        differs = [name for name in expected if name not in sealed or sealed[name] != event[name]]
        if differs or people_in(sealed) != line.people:
            self._changed(line.position, f"compare {', '.join(differs) or 'people'}", named)
            return
        self._proven += 1

    def _left_out(self, line: Other, sealed: dict[str, Any] | None) -> None:
        if sealed is None:
            return
        opening = self._opening
        if why_not(sealed, opening.from_, opening.to, opening.organisation) == line.why:
            self._others_proven += 1
            return
        self._findings.add(
            "left-out",
            f"Event {sealed.get('id')} (entry {line.position}) is not shown as if it had another time or organisation; it has not.",
            event_id=sealed.get("id"),
            position=line.position,
        )

    def _head(self, text: str) -> None:
        self._heads += 1
        signed, before = self._signed(text), self._previous
        if signed is None:
            return
        head = signed.head
        if before is None:
            if head.number != 1 or head.previous:
                self._findings.add(
                    "head-missing",
                    f"The head before head {head.number} is not in the timeline.",
                    head=head.number,
                )
        elif head.number != before.head.number + 1 or head.previous != before.digest:
            self._findings.add(
                "head-changed",
                f"Head {head.number} was not put on head {before.head.number}: one was changed, or heads between were removed.",
                head=head.number,
            )
            self._signature(before)
        elif signed.kid != before.kid:
            self._signature(before)
        self._previous = signed
        self._compare(signed)
        self._root(signed, before)

    def _root(self, signed: SignedHead, before: SignedHead | None) -> None:
        number, size = signed.head.number, signed.head.size
        first = max(before.head.size if before else 0, self._opening.first)
        if size != self._position:
            kind, told = (
                ("entry-missing", "left out") if size > self._position else ("entry-surplus", "put in")
            )
            self._findings.add(
                "entry-missing" if kind == "entry-missing" else "entry-surplus",
                f"Entries were {told}: head {number} covers the log up to entry {size - 1}, the timeline has it after {self._position - 1}.",
                position=min(size, self._position),
                head=number,
            )
            self._tree, self._position = None, max(size, self._position)
        if self._tree is not None and self._tree.root() != signed.root:
            self._findings.add(
                "root",
                f"Entries {first} to {size - 1} are not those that head {number} sealed: one was changed, left out or put in there, or "
                "the head is another. From there on the timeline proves nothing.",
                position=first,
                head=number,
            )
            self._tree = None

    def _compare(self, signed: SignedHead) -> None:
        one = self._kept.get(signed.head.number)
        if one is None:
            return
        if one.text == signed.text:
            self._compared += 1
            return
        self._findings.add(
            "kept-elsewhere",
            f"Head {signed.head.number} is another than the one that is kept elsewhere.",
            head=signed.head.number,
        )

    def _signature(self, signed: SignedHead) -> None:
        if heads.holds(signed, self._ring):
            return
        reason = "is not trusted" if signed.kid not in self._ring.keys else "did not sign this"
        self._findings.add(
            "signature",
            f"The signature of head {signed.head.number} does not hold: key {signed.kid} {reason}.",
            head=signed.head.number,
        )

    def report(self) -> TimelineReport:
        """Look at the end, and tell everything."""
        opening, last = self._opening, self._previous
        if last is None:
            self._wrong("There is no head in it, so nothing is proven.")
        else:
            self._signature(last)
            if last.head.size != opening.last or self._position != opening.last:
                self._wrong(
                    "Its end is not where its first line says: it was cut off, or something was put in."
                )
        self._end(last)
        counted = Closing(self._events, self._others, self._heads, self._damaged, self._refused)
        if self._closing != counted and self._is_readable:
            self._wrong(
                "Its last line does not tell what is in it: it was cut off, or something was taken out or put in."
                if self._closing
                else "It has no last line: it was cut off."
            )
        if self._whole is not None and self._whole.read(1):
            self._wrong("The file of leaves goes on after the timeline's last entry.")
        return TimelineReport(
            holds=not self._findings.count,
            from_=opening.from_,
            to=opening.to,
            organisation=opening.organisation,
            made_at=opening.made_at,
            made_by=opening.made_by,
            events=self._events,
            proven=self._proven,
            others=self._others,
            others_proven=self._others_proven,
            refused=self._refused,
            heads=self._heads,
            sealed_until=last.head.sealed_at if last else "",
            not_sealed_yet=opening.not_sealed_yet,
            compared=self._compared,
            found=self._findings.count,
            findings=self._findings.told,
        )

    def _end(self, last: SignedHead | None) -> None:
        opening, sealed = self._opening, last.head.sealed_at if last else ""
        try:
            due = str(
                instant(
                    datetime.fromisoformat(opening.to).astimezone(UTC) + timedelta(seconds=opening.margin_s)
                )
            )
        except (ValueError, OverflowError):
            self._wrong("The end of the stretch is no time.")
            return
        if sealed < due:
            self._findings.add(
                "open",
                f"The last head in it was sealed {sealed or 'never'}, before {due}: events of the stretch that were sealed after that head are "
                "not in it. Make it again when a later head is sealed.",
                head=last.head.number if last else None,
            )


def _is_leaf(event: dict[str, Any], hashed: str) -> bool:
    """Tell whether an event, whole, is the leaf with this hash."""
    try:
        data = orjson.dumps({name: event[name] for name in FIELDS})
    except TypeError:  # a number that no leaf can hold
        return False
    return leaf_hash(data) == bytes.fromhex(hashed)


def _event(leaf: str) -> dict[str, Any] | None:
    """Return what a leaf says; None if that is no event."""
    try:
        event = orjson.loads(leaf)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
