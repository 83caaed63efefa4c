import csv
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.feeds import MalformedFeedError, TruncatedFeedError
from indexer.feeds.text import Encoding, Lines, check_final_newline

TEXT = "Nummer;Namn\r\n1;Åsa Öberg\r\n2;Ærø\r\n"
LIMIT = 1000


def lines(path: Path, data: bytes, encoding: Encoding = "utf-8", limit: int = LIMIT) -> list[str]:
    path.write_bytes(data)
    with Lines(path, encoding, limit) as found:
        return list(found)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("iso-8859-1"), "iso-8859-1"),
    ],
)
def test_every_encoding_gives_the_same_lines(path: Path, data: bytes, encoding: Encoding) -> None:
    assert lines(path, data, encoding) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("declared", ["utf-8", "utf-16", "utf-16-be", "cp1252", "iso-8859-1"])
def test_a_byte_order_mark_wins_over_what_is_declared(path: Path, mark: str, declared: Encoding) -> None:
    found = lines(path, TEXT.encode(mark), declared)
    assert found == TEXT.splitlines(keepends=True)
    assert not found[0].startswith("\ufeff")


def test_utf_16_of_the_other_byte_order_is_told_by_its_mark(path: Path) -> None:
    assert lines(path, b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-8") == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (b"abc\nbl\xe5b\xe4r\n", "utf-8", ["byte 6 ", "options.encoding", "cp1252"]),
        (b"\xef\xbb\xbfabc\nbl\xe5b\xe4r\n", "cp1252", ["no utf-8 text", "byte 9 "]),
        (b"x" * 70_000 + b"\xe5" + b"x" * 70_000, "utf-8", ["byte 70000 "]),
        ("å".encode() * 40_000 + b"\xff", "utf-8", ["byte 80000 "]),
        (b"abc\x81\n", "cp1252", ["no cp1252 text", "byte 3 "]),
        (b"a\x00b\x00", "utf-8", ["zero byte (at 1)", "utf-16-le"]),
        (TEXT.encode("utf-16-le"), "utf-16", ["no byte order mark", "utf-16-le"]),
        (b"a\x00\x00\xd8b\x00\n\x00", "utf-16-le", ["no utf-16-le text", "byte 2 "]),
        (TEXT.encode("utf-32"), "utf-8", ["UTF-32"]),
    ],
)
def test_bytes_of_another_encoding_are_told_of_with_their_place_and_never_guessed(
    path: Path, data: bytes, encoding: Encoding, words: list[str]
) -> None:
    with pytest.raises(MalformedFeedError) as caught:
        lines(path, data, encoding, 1 << 20)
    assert all(word in caught.value.detail for word in [*words, path.name]), caught.value.detail


@pytest.mark.parametrize(
    ("data", "encoding"),
    [(TEXT.encode() + "å".encode()[:1], "utf-8"), (TEXT.encode("utf-16")[:-1], "utf-16")],
)
def test_a_file_that_ends_inside_a_character_is_cut_short(
    path: Path, data: bytes, encoding: Encoding
) -> None:
    with pytest.raises(TruncatedFeedError, match="inside a character"):
        lines(path, data, encoding)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(path: Path, newline: str) -> None:
    text = newline.join(["a,b", '1,"x', 'y"', ""])
    path.write_bytes(text.encode())
    with Lines(path, "utf-8", LIMIT) as found:
        assert list(csv.reader(found, strict=True)) == [["a", "b"], ["1", f"x{newline}y"]]


def test_other_separators_are_no_line_ends(path: Path) -> None:
    assert lines(path, "a\u2028b\x85c\x0bd\n".encode()) == ["a\u2028b\x85c\x0bd\n"]


@pytest.mark.parametrize(
    ("data", "pieces", "cut"),
    [
        (b"12345\n1\n", ["12345", "\n", "1\n"], True),
        (b"123456789012\nab\n", ["12345", "67890", "12\n", "ab\n"], True),
        (b"1234567890", ["12345", "67890"], True),
        (b"1234\n1234\n", ["1234\n", "1234\n"], False),
        (b"1234\r\nab\r\n", ["1234\r", "\n", "ab\r\n"], False),
    ],
)
def test_a_line_beyond_the_limit_comes_in_pieces_and_says_so(
    path: Path, data: bytes, pieces: list[str], cut: bool
) -> None:
    path.write_bytes(data)
    with Lines(path, "utf-8", 5) as found:
        assert list(found) == pieces
        assert found.cut is cut


def test_a_file_without_line_ends_takes_no_memory(path: Path) -> None:
    path.write_bytes(b"x" * (8 << 20))
    tracemalloc.start()
    try:
        with Lines(path, "utf-8", 10_000) as found:
            count = sum(len(piece) for piece in found)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 8 << 20
    assert peak < 2 << 20


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_a_final_newline_is_seen_in_every_encoding(path: Path, codec: str, newline: str) -> None:
    declared: Encoding = "utf-16-be" if codec == "utf-16-be" else "cp1252"
    path.write_bytes(f"1;Åsa{newline}".encode(codec))
    check_final_newline(path, declared)
    path.write_bytes("1;Åsa".encode(codec))
    with pytest.raises(TruncatedFeedError, match="does not end with a newline"):
        check_final_newline(path, declared)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_does_not_end_with_a_newline(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(TruncatedFeedError):
        check_final_newline(path, "utf-8")


def test_half_a_utf_16_newline_is_none(path: Path) -> None:
    # The last two bytes are 0x0A 0x00 in little endian, but 0x000A ends only where a character begins.
    path.write_bytes(b"\xff\xfe" + "a\n".encode("utf-16-le") + "b".encode("utf-16-le"))
    with pytest.raises(TruncatedFeedError):
        check_final_newline(path, "utf-8")


# Lines with and without quotes, of both line ends, empty ones, long ones, a lone return, and a last one without end.
PIECES = ["a,b", "", "å,1", '"q",2', "x" * 30, "\ry", "z"]


@given(
    text=st.builds(
        lambda pieces, end, last: end.join(pieces) + (end if last else ""),
        st.lists(st.sampled_from(PIECES), max_size=40),
        st.sampled_from(["\n", "\r\n"]),
        st.booleans(),
    ),
    block=st.integers(1, 40),
    asked=st.lists(st.booleans(), min_size=100, max_size=100),
)
def test_plain_lines_and_single_ones_are_together_the_lines_of_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    block: int,
    asked: list[bool],
) -> None:
    path = tmp_path_factory.mktemp("lines") / "list.csv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.feeds.text._BLOCK", block)
        with Lines(path, "utf-8", LIMIT) as by_line:
            expected = [line.rstrip("\r\n") for line in by_line]
        found: list[str] = []
        with Lines(path, "utf-8", LIMIT) as mixed:
            single = iter(mixed)
            for plain in [*asked, *[False] * 100]:
                if plain and (some := mixed.plain()):
                    assert not any(b'"' in line or b"\r" in line for line in some)
                    found += [mixed.text(line) for line in some]
                elif (line := next(single, None)) is not None:
                    found.append(line.rstrip("\r\n"))
    assert [line for line in found if line] == [line for line in expected if line]
    assert [line for line in expected if line] == [
        line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line
    ]


@pytest.mark.parametrize(
    "data",
    [b"a,b\nc,d", b"a,b\r\nc,d\n", b"a\rb\n", b"a" * 50 + b"\n", "a,ö\n".encode("cp1252")],
    ids=["no last end", "two kinds of ends", "lone returns", "above the limit", "another encoding"],
)
def test_a_file_that_needs_care_gives_no_plain_lines(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    encoding: Encoding = "cp1252" if not data.isascii() else "utf-8"
    with Lines(path, encoding, 40) as found:
        assert found.plain() == []
        assert "".join(found).encode(encoding) == data


def test_a_plain_line_that_is_no_text_is_told_by_its_place(path: Path) -> None:
    path.write_bytes(b"abc\nbl\xe5b\xe4r\n")
    with Lines(path, "utf-8", LIMIT) as found:
        first, second = found.plain()
        assert found.text(first) == "abc"
        with pytest.raises(MalformedFeedError, match="byte 6 "):
            found.text(second)
