import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.feeds import FeedError, FeedTooLargeError, MalformedFeedError, TruncatedFeedError
from indexer.feeds.unpack import FREE_BYTES, Inflow, check_expansion, gunzip, refuse_page
from tests.indexer.feeds.fuzzing import EXAMPLES

TEXT = b"NPI,Name\n" + b"1234567893,Example\n" * 300
PACKED = gzip.compress(TEXT[:2000], mtime=0) + gzip.compress(TEXT[2000:], mtime=0)


class Sink:
    """Where an Inflow writes."""

    def __init__(self) -> None:
        self.data = b""
        self.begun = 1

    def write(self, data: bytes) -> None:
        self.data += data

    def start_again(self) -> None:
        self.data = b""
        self.begun += 1


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(1, 500), max_size=30))
def test_however_the_pieces_come_the_text_is_the_same(sizes: list[int]) -> None:
    pieces, rest = [], PACKED
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert b"".join(gunzip([*pieces, rest])) == TEXT


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_any_bytes_give_the_packed_text_or_one_clear_error(data: st.DataObject) -> None:
    damaged = bytearray(PACKED)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    try:
        text = b"".join(gunzip([cut], 200))
    except FeedError:
        return
    # What can still be read: bytes of the header that tell nothing were changed, or it ends with a member.
    assert text in (TEXT, TEXT[:2000])


@pytest.mark.parametrize("rest", [b"\0\0\0\0", b"more", PACKED[:5]])
def test_what_follows_the_packed_text_must_be_packed_too(rest: bytes) -> None:
    with pytest.raises(TruncatedFeedError):
        list(gunzip([PACKED + rest]))


def test_what_grows_beyond_its_share_is_refused_what_is_small_is_not() -> None:
    check_expansion(10, FREE_BYTES, 200)
    check_expansion(1 << 20, 200 << 20, 200)
    check_expansion(1, 1 << 40, 0)
    with pytest.raises(FeedTooLargeError, match="more than 200 times"):
        check_expansion(1 << 20, (200 << 20) + 1, 200)


def test_two_layers_come_off_and_a_new_beginning_forgets_the_old() -> None:
    sink = Sink()
    inflow = Inflow(sink, gzip=True)
    inflow.begin(encoded=True)
    twice = gzip.compress(PACKED)
    inflow.write(twice[:50])
    assert (inflow.size, sink.begun) == (50, 1)
    inflow.begin(encoded=True)
    inflow.write(twice)
    inflow.finish()
    assert (sink.data, sink.begun, inflow.size) == (TEXT, 2, len(twice))


def test_an_outer_layer_without_its_end_is_noticed() -> None:
    inflow = Inflow(Sink(), gzip=True)
    inflow.write(zlib.compress(TEXT, wbits=31)[:-4])
    with pytest.raises(TruncatedFeedError):
        inflow.finish()


@pytest.mark.parametrize("text", [b"<HTML", b"\n<!doctype HTML", b"\xef\xbb\xbf<html"])
def test_a_page_is_known_by_its_beginning_also_byte_by_byte(text: bytes) -> None:
    inflow = Inflow(Sink(), pages=False)
    for byte in text[:-1]:
        inflow.write(bytes([byte]))
    with pytest.raises(MalformedFeedError):
        inflow.write(text[-1:])


@pytest.mark.parametrize(
    "text", [b"", b"<htm", b"<?xml version='1.0'?><html>", b'{"html":1}', b"name,<html>\n"]
)
def test_data_is_no_page(text: bytes) -> None:
    refuse_page(text)
    inflow = Inflow(sink := Sink(), pages=False)
    inflow.write(text)
    assert sink.data == text
