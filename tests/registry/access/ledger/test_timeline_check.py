"""What a timeline proves, over logs of every small size: nothing changed, left out, put in or moved goes unseen."""

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.ledger import heads
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.findings import TimelineReport
from registry.access.ledger.hashing import HASH_BYTES, Frontier, leaf_hash
from registry.access.ledger.heads import Head, SignedHead
from registry.access.ledger.keys import KeyRing
from registry.access.ledger.leaves import encode
from registry.access.ledger.timeline_check import check_timeline
from registry.access.ledger.timeline_lines import (
    VERSION,
    Closing,
    HeadLine,
    Line,
    Opening,
    Other,
    Shown,
    WholeLeaf,
)
from tests.registry.access.ledger.house import OTHER_KEY_TEXT, RING, key

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
LOG = "0" * 32
KEY = key()
MOST = 40


def at(minute: int) -> str:
    moment = (BEGIN + timedelta(minutes=minute)).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='microseconds')}Z"


def leaf(position: int) -> bytes:
    """Return an event written half a minute before the end of its minute."""
    nonce = hashlib.sha256(str(position).encode()).digest()[:16]
    event = (position + 1, at(position), "i", "s", "c", f"o{position % 2}", "p", "verify", "q", "yes", "r")
    return encode(nonce, event, [position + 7])


LEAVES = [leaf(position) for position in range(MOST)]
HASHES = [leaf_hash(data) for data in LEAVES]


def signed(sizes: Sequence[int]) -> list[SignedHead]:
    """Sign heads over the first so many leaves, each in the minute after its last event."""
    made: list[SignedHead] = []
    tree = Frontier()
    for number, size in enumerate(sizes, start=1):
        while tree.size < size:
            tree.append(HASHES[tree.size])
        previous = made[-1].digest if made else ""
        head = Head(heads.VERSION, LOG, number, size, tree.root().hex(), previous, at(size))
        made.append(heads.sign(head, KEY))
    return made


def lines(sizes: Sequence[int], begin: int, *, whole: bool = True) -> list[Line]:
    """Return the timeline of what the heads from `begin` (0: the first) on cover, without its last entry's time."""
    every = signed(sizes)
    before = every[begin - 1] if begin else None
    first = before.head.size if before else 0
    last = every[-1].head.size
    tree = Frontier()
    for one in HASHES[:first]:
        tree.append(one)
    edge = tree.dump()
    withheld = [] if whole else ["nonce", "people", "question"]
    made: list[Line] = [
        Opening(
            VERSION,
            LOG,
            at(first + 1),
            at(last),
            0,
            withheld,
            at(last),
            "somebody",
            first,
            last,
            [edge[start : start + HASH_BYTES].hex() for start in range(0, len(edge), HASH_BYTES)],
            before.text if before else None,
            0,
        )
    ]
    shown = 0
    for start, head in zip([first, *(one.head.size for one in every[begin:])], every[begin:], strict=False):
        for position in range(start, head.head.size):
            if position == first:
                made.append(Other(position, HASHES[position].hex(), "other-time"))
                continue
            event: dict[str, Any] = orjson.loads(LEAVES[position])
            told = {name: value for name, value in event.items() if name not in withheld}
            made.append(Shown(position, HASHES[position].hex(), 1, told))
            shown += 1
        made.append(HeadLine(head.text))
    made.append(Closing(shown, last - first - shown, len(every) - begin, 0))
    return made


def text(written: Sequence[Line]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in written)


def checked(data: bytes, ring: KeyRing = RING, **rest: Any) -> TimelineReport:  # noqa: ANN401 - passed on
    return check_timeline(io.BytesIO(data), ring, **rest)


def kinds(data: bytes, **rest: Any) -> set[str]:  # noqa: ANN401 - passed on
    report = checked(data, **rest)
    assert report.holds == (not report.findings)
    return {one.kind for one in report.findings}


def whole_leaves(first: int, last: int) -> io.BytesIO:
    every = (WholeLeaf(position, LEAVES[position].decode()) for position in range(first, last))
    return io.BytesIO(b"".join(msgspec.json.encode(one) + b"\n" for one in every))


def test_every_range_between_two_heads_of_every_small_log_is_proven() -> None:
    for size in range(1, MOST + 1):
        for first in range(size):
            report = checked(text(lines([first, size] if first else [size], 1 if first else 0)))
            assert report.holds, report.findings
            assert (report.events, report.proven, report.others) == (size - first - 1, size - first - 1, 1)


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[int], int]:
    sizes = sorted(draw(st.sets(st.integers(1, MOST), min_size=1, max_size=5)))
    return sizes, draw(st.integers(0, len(sizes) - 1))


@given(logs(), st.booleans(), st.data())
def test_a_line_less_more_or_elsewhere_is_found(
    log: tuple[list[int], int], whole: bool, data: st.DataObject
) -> None:
    good = lines(*log, whole=whole)
    assert checked(text(good)).holds
    index = data.draw(st.integers(0, len(good) - 1))
    without = [*good[:index], *good[index + 1 :]]
    if index:
        assert kinds(text(without))
    else:
        with pytest.raises(LedgerError, match="no timeline"):
            checked(text(without))
    assert kinds(text([*good[: index + 1], *good[index:]]))
    other = data.draw(st.integers(1, len(good) - 1))
    if index and other != index:
        good[index], good[other] = good[other], good[index]
        assert kinds(text(good))


@given(logs(), st.booleans(), st.data())
def test_an_entry_left_out_is_found_though_all_else_is_made_to_fit(
    log: tuple[list[int], int], whole: bool, data: st.DataObject
) -> None:
    """Positions, counts and the first line are those of a log that never had it; only heads can't be made."""
    good = lines(*log, whole=whole)
    entries = [index for index, line in enumerate(good) if isinstance(line, Shown | Other)]
    gone = data.draw(st.sampled_from(entries))
    made: list[Line] = []
    for index, line in enumerate(good):
        if index == gone:
            continue
        if isinstance(line, Opening):
            made.append(msgspec.structs.replace(line, last=line.last - 1))
        elif isinstance(line, Closing):
            shown = isinstance(good[gone], Shown)
            made.append(
                msgspec.structs.replace(line, events=line.events - shown, others=line.others - (not shown))
            )
        elif index > gone and isinstance(line, Shown | Other):
            made.append(msgspec.structs.replace(line, position=line.position - 1))
        else:
            made.append(line)
    assert kinds(text(made)) & {"root", "entry-missing"}


@given(logs(), st.data())
def test_a_changed_hash_is_found(log: tuple[list[int], int], data: st.DataObject) -> None:
    good = lines(*log, whole=False)
    entries = [index for index, line in enumerate(good) if isinstance(line, Shown | Other)]
    index = data.draw(st.sampled_from(entries))
    line = good[index]
    assert isinstance(line, Shown | Other)
    good[index] = msgspec.structs.replace(line, hash=leaf_hash(b"another").hex())
    assert kinds(text(good)) == {"root"}


@given(logs(), st.sampled_from(["answer", "at", "subject", "people", "question", "nonce", "id"]), st.data())
def test_a_changed_event_is_named(log: tuple[list[int], int], name: str, data: st.DataObject) -> None:
    good = lines(*log)
    shown = [index for index, line in enumerate(good) if isinstance(line, Shown)]
    if not shown:
        return
    index = data.draw(st.sampled_from(shown))
    line = good[index]
    assert isinstance(line, Shown)
    other = {"people": [1], "id": 99, "at": at(0)}.get(name, "another")
    good[index] = msgspec.structs.replace(line, event={**line.event, name: other})
    (found,) = checked(text(good)).findings
    assert (found.kind, found.position) == ("event-changed", line.position)


def test_what_is_withheld_is_proven_by_the_second_file() -> None:
    data = text(lines([3, 8, 12], 1, whole=False))
    report = checked(data)
    assert (report.holds, report.events, report.proven, report.others_proven) == (True, 8, 0, 0)
    report = checked(data, whole=whole_leaves(3, 12))
    assert (report.holds, report.events, report.proven, report.others_proven) == (True, 8, 8, 1)
    told = data.decode()
    assert '"nonce":' not in told
    assert '"question":' not in told


def test_the_second_file_betrays_what_the_first_says_wrong() -> None:
    good = lines([3, 8, 12], 1, whole=False)
    line = good[3]
    assert isinstance(line, Shown)
    for wrong, kind in (
        (msgspec.structs.replace(line, event={**line.event, "answer": "no"}), "event-changed"),
        (msgspec.structs.replace(line, people=2), "event-changed"),
        (Other(line.position, line.hash, "other-time"), "left-out"),
    ):
        data = text([*good[:3], wrong, *good[4:]])
        assert kind in kinds(data, whole=whole_leaves(3, 12))
    assert "event-changed" in kinds(
        text(good), whole=io.BytesIO(whole_leaves(3, 12).getvalue().replace(b"yes", b"no!"))
    )
    for start, end in ((3, 11), (3, 13), (4, 12)):
        assert "timeline" in kinds(text(good), whole=whole_leaves(start, end))


def test_heads_must_be_trusted_linked_and_those_that_were_kept() -> None:
    good = lines([3, 8, 12], 1)
    data = text(good)
    assert {one.kind for one in checked(data, KeyRing([key(OTHER_KEY_TEXT)])).findings} == {"signature"}
    every = signed([3, 8, 12])
    assert checked(data, kept=every).compared == 3
    assert kinds(data, kept=signed([3, 7])) == {"kept-elsewhere"}
    other = heads.sign(msgspec.structs.replace(every[1].head, previous="1" * 64), KEY)
    swapped = [
        HeadLine(other.text) if isinstance(line, HeadLine) and line.head == every[1].text else line
        for line in good
    ]
    assert kinds(text(swapped)) == {"head-changed"}
    for one, two in pairwise(every):
        assert two.head.previous == one.digest


def test_a_stretch_that_had_not_ended_is_open() -> None:
    opening, *rest = lines([3, 8], 1)
    assert isinstance(opening, Opening)
    assert kinds(text([msgspec.structs.replace(opening, to=at(9)), *rest])) == {"open"}
    assert kinds(text([msgspec.structs.replace(opening, margin_s=1), *rest])) == {"open"}
    assert "timeline" in kinds(text([msgspec.structs.replace(opening, from_=at(3)), *rest]))


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_file_that_was_cut_off_is_told(cut: int) -> None:
    assert kinds(text(lines([3, 8], 1))[:-cut]) - {"open"} == ({"timeline"} if cut > 1 else set())


@pytest.mark.parametrize("data", [b"", b"{}\n", b'{"line":"end"}\n', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_timeline_is_refused(data: bytes) -> None:
    with pytest.raises(LedgerError, match="no timeline"):
        checked(data)


@pytest.mark.parametrize("value", ["1" + "0" * 30, "[" * 50_000 + "]" * 50_000, '{"a":1}', "null"])
def test_values_that_no_leaf_can_hold_are_told(value: str) -> None:
    data = text(lines([3, 8], 1)).replace(b'"id":6', b'"id":' + value.encode())
    assert kinds(data) & {"event-changed", "timeline"}


@pytest.mark.parametrize("forged", ["no JSON", "[]", '{"people":5}'])
def test_a_leaf_that_is_no_event_is_told_though_its_hash_is(forged: str) -> None:
    good = lines([3, 8], 1, whole=False)
    line = good[3]
    assert isinstance(line, Shown)
    good[3] = msgspec.structs.replace(line, hash=leaf_hash(forged.encode()).hex())
    every = whole_leaves(3, 8).getvalue().splitlines(keepends=True)
    every[2] = msgspec.json.encode(WholeLeaf(line.position, forged)) + b"\n"
    assert kinds(text(good), whole=io.BytesIO(b"".join(every))) == {"event-changed", "root"}
