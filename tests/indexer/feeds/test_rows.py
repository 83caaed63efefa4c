from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from indexer.feeds.rows import BadRow, GoneRow, Parsed, Row, SourceRow, UnreadRows, batches, one_by_one


def read(number: int, raw: bytes) -> SourceRow | BadRow:
    return SourceRow(number, str(number), raw) if raw else BadRow(number, "", "", "empty", "")


@st.composite
def parsed(draw: st.DrawFn) -> list[Parsed]:
    """Draw what a parser may yield: rows by themselves and rows nobody has looked at, numbered through."""
    found: list[Parsed] = []
    number = 1
    for kind in draw(st.lists(st.sampled_from(["row", "bad", "gone", "unread"]), max_size=30)):
        match kind:
            case "row":
                found.append(SourceRow(number, str(number), b"x"))
            case "bad":
                found.append(BadRow(number, "", "", "", ""))
            case "gone":
                found.append(GoneRow(number, str(number)))
            case _:
                raw = draw(st.lists(st.sampled_from([b"", b"x"]), min_size=1, max_size=9))
                found.append(UnreadRows(number, raw, read))
                number += len(raw) - 1
        number += 1
    return found


@given(told=parsed(), size=st.integers(1, 12))
def test_batches_hold_every_row_once_in_order_and_no_more_than_is_asked_and_a_block(
    told: list[Parsed], size: int
) -> None:
    made = list(batches(told, size))
    flat = chain.from_iterable(
        one_by_one([part]) if isinstance(part, UnreadRows) else part for batch in made for part in batch
    )
    assert list(flat) == list(one_by_one(told))
    counts = [sum(len(p.raw) if isinstance(p, UnreadRows) else len(p) for p in batch) for batch in made]
    assert all(0 < count < size + 9 for count in counts)
    assert all(count >= size for count in counts[:-1])


def test_rows_nobody_has_looked_at_are_read_one_by_one_with_their_numbers() -> None:
    rows: list[Row] = list(one_by_one([UnreadRows(7, [b"x", b"", b"y"], read)]))
    assert [row.row for row in rows] == [7, 8, 9]
    assert [type(row) for row in rows] == [SourceRow, BadRow, SourceRow]
