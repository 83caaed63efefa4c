"""Zip files: what is in them is read, and nothing else is believed."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.feeds import FeedError, FeedTooLargeError, MalformedFeedError, TruncatedFeedError
from indexer.feeds.members import extract, safe_name
from indexer.feeds.sources import FileSource
from indexer.feeds.spool import Spool
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.fuzzing import EXAMPLES

CSV = b"NPI,Name\n1,A\n"
# What lies in a weekly file of NPPES.
WEEKLY = {
    "npidata_pfile_20261109-20261115_fileheader.csv": b"NPI,Name\n",
    "npidata_pfile_20261109-20261115.csv": CSV,
    "othername_pfile_20261109-20261115.csv": b"NPI\n",
    "NPPES_Data_Dissemination_CodeValues.pdf": b"%PDF",
}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


Unzip = Callable[..., list[bytes]]


@pytest.fixture
def unzip(fetched: Fetch, tmp_path: Path) -> Unzip:
    def read(packed: bytes, *members: str, settings: Indexer | None = None) -> list[bytes]:
        path = tmp_path / "feed.zip"
        path.write_bytes(packed)
        source = FileSource(path=str(path), members=members)
        result = fetched(source, settings=settings) if settings else fetched(source)
        assert all(part.stat().st_mode & 0o777 == 0o600 for part in result.parts)
        return [part.read_bytes() for part in result.parts]

    return read


def test_only_the_members_that_match_are_read(unzip: Unzip) -> None:
    assert unzip(zipped(WEEKLY), "npidata_pfile_*[0-9].csv") == [CSV]


def test_members_come_in_order_of_name(unzip: Unzip) -> None:
    packed = zipped({"b/2.csv": b"2", "a/3.csv": b"3", "b/1.csv": b"1", "b/": b""})
    assert unzip(packed, "*.csv") == [b"3", b"1", b"2"]
    assert unzip(packed, "b/*.csv") == [b"1", b"2"]
    assert unzip(packed, "b/2.csv", "3.csv") == [b"3", b"2"]


def test_the_only_member_needs_no_name(unzip: Unzip) -> None:
    assert unzip(zipped({"folder/": b"", "folder/feed.csv": CSV})) == [CSV]


@pytest.mark.parametrize("members", [(), ("nothing*.csv",)])
def test_it_must_be_clear_which_members_are_meant(unzip: Unzip, members: tuple[str, ...]) -> None:
    with pytest.raises(MalformedFeedError, match=r"holds 4 files \(npidata.*source\.members"):
        unzip(zipped(WEEKLY), *members)


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.csv",
        "/etc/evil.csv",
        "..\\..\\evil.csv",
        "C:\\evil.csv",
        "a\n\x1b[31mevil.csv",
        "../..",
        ".hidden",
    ],
)
def test_a_name_says_nothing_about_where_it_is_written(unzip: Unzip, tmp_path: Path, name: str) -> None:
    assert unzip(zipped({name: CSV})) == [CSV]
    written = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"feed.zip", "spool-0"}
    assert safe_name(name).replace("_", "").replace(".", "").isalnum() or safe_name(name) == "part"


def test_an_encrypted_member_is_refused(unzip: Unzip) -> None:
    packed = bytearray(zipped({"feed.csv": CSV}))
    packed[6] |= 1
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(MalformedFeedError, match=r"feed\.csv in the zip is encrypted"):
        unzip(bytes(packed))


@pytest.mark.parametrize("name", ["inner.zip", "feed.csv.GZ", "feed.tar", "feed.7z"])
def test_an_archive_in_the_archive_is_refused(unzip: Unzip, name: str) -> None:
    with pytest.raises(MalformedFeedError, match="only one level is unpacked"):
        unzip(zipped({name: zipped({"feed.csv": CSV})}))


def test_a_spreadsheet_is_no_archive(unzip: Unzip) -> None:
    """The deactivation report of NPPES is a zip with a workbook in it."""
    workbook = zipped({"xl/workbook.xml": b"<x/>"})
    assert unzip(zipped({"NPPES Deactivated NPI Report 20261110.xlsx": workbook})) == [workbook]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(unzip: Unzip, method: int) -> None:
    with pytest.raises(MalformedFeedError, match="ordinary zip"):
        unzip(zipped({"feed.csv": CSV}, method))


def test_two_members_of_one_name_are_refused(unzip: Unzip) -> None:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("feed.csv", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("feed.csv", b"2")
    with pytest.raises(MalformedFeedError, match="two files of one name"):
        unzip(packed.getvalue(), "*.csv")


def test_a_member_without_a_name_is_told_of(unzip: Unzip) -> None:
    packed = zipped({"a": CSV})
    # Its name is a zero byte, which is where `zipfile` ends a name.
    nameless = packed.replace(b"\0\0\0a", b"\0\0\0\0")
    assert nameless.count(b"a") == packed.count(b"a") - 2
    with pytest.raises(MalformedFeedError, match="a file without a name"):
        unzip(nameless)


def test_damaged_content_is_noticed(unzip: Unzip) -> None:
    packed = bytearray(zipped({"feed.csv": b"x" * 1000}, zipfile.ZIP_STORED))
    packed[500] ^= 1
    with pytest.raises(TruncatedFeedError, match="cut short or damaged"):
        unzip(bytes(packed))


@pytest.mark.parametrize("kept", [2, 30, 100, -1, -22, -40])
def test_a_zip_cut_short_is_refused(unzip: Unzip, kept: int) -> None:
    with pytest.raises(TruncatedFeedError, match="cut short or damaged"):
        unzip(zipped({"feed.csv": random.Random(1).randbytes(400)})[:kept])


def test_a_directory_that_points_before_the_beginning_is_damaged(unzip: Unzip) -> None:
    packed = bytearray(zipped({"feed.csv": CSV}))
    at = packed.rindex(b"PK\x05\x06") + 16
    struct.pack_into("<L", packed, at, struct.unpack_from("<L", packed, at)[0] + 100)
    with pytest.raises(TruncatedFeedError, match="cut short or damaged"):
        unzip(bytes(packed))


@pytest.mark.parametrize("data", [b"", b"<html>", CSV])
def test_what_is_no_zip_is_told_of(unzip: Unzip, data: bytes) -> None:
    with pytest.raises(MalformedFeedError, match="is no zip"):
        unzip(data)


def test_a_bomb_is_refused_by_what_it_declares(unzip: Unzip, settings: Indexer) -> None:
    packed = zipped({f"{number}.csv": bytes(10_000_000) for number in range(4)})
    with pytest.raises(FeedTooLargeError, match=r"indexer\.max_expansion_ratio"):
        unzip(packed, "*")
    with pytest.raises(FeedTooLargeError, match=r"indexer\.max_feed_bytes"):
        unzip(packed, "*", settings=replace(settings, max_feed_bytes=30_000_000))


def test_a_bomb_that_lies_about_its_size_is_refused_by_what_comes_out(unzip: Unzip) -> None:
    """The directory says one byte; reading stops there, and the checksum does not fit."""
    packed = bytearray(zipped({"feed.csv": bytes(40_000_000)}))
    struct.pack_into("<L", packed, packed.rindex(b"PK\x01\x02") + 24, 1)
    with pytest.raises(FeedError):
        unzip(bytes(packed))


def test_members_that_share_their_bytes_are_bounded_together(unzip: Unzip) -> None:
    """A bomb without nesting: a thousand entries of the directory point at one packed member."""
    one = zipped({"0000.csv": bytes(200_000)})
    at = one.index(b"PK\x01\x02")
    local, entry = one[:at], one[at : one.index(b"PK\x05\x06")]
    count = 1000
    directory = b"".join(entry.replace(b"0000.csv", b"%04d.csv" % number) for number in range(count))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(local), 0)
    with pytest.raises(FeedError):
        unzip(local + directory + end, "*")


@pytest.mark.parametrize("zip64", [False, True])
def test_a_huge_directory_is_not_read_into_memory(unzip: Unzip, zip64: bool) -> None:
    directory, size = b"PK\x01\x02" + bytes(100), 1 << 30
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF if zip64 else size, 0, 0)
    if zip64:
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, 0)
        end = record + struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1) + end
    with pytest.raises(FeedTooLargeError, match="list of files"):
        unzip(directory + end)


def test_large_archives_of_the_newer_form_are_read(unzip: Unzip) -> None:
    with (
        zipfile.ZipFile(packed := io.BytesIO(), "w") as archive,
        archive.open("a.csv", "w", force_zip64=True) as file,
    ):
        file.write(CSV)
    assert unzip(packed.getvalue()) == [CSV]


SOUND = zipped({"a.csv": CSV * 50, "b.csv": CSV}, zipfile.ZIP_DEFLATED)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(SOUND)
    for _ in range(draw(st.integers(1, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    start = draw(st.integers(0, 20))
    return bytes(data[start if start > 15 else 0 : len(data) - draw(st.integers(0, 30))])


@tuned(max_examples=EXAMPLES, deadline=None)
@given(data=st.one_of(mutated(), st.binary(max_size=200).map(lambda noise: SOUND[:60] + noise + SOUND[-90:])))
def test_any_bytes_give_members_or_one_clear_error(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("zip", numbered=True)
    (folder / "feed.zip").write_bytes(data)
    files = Spool(folder / "spool", 1_000_000, lambda _: None)
    try:
        names = extract(folder / "feed.zip", "*", files, 200)
    except FeedError:
        return
    read = [part.read_bytes() for part in files.parts]
    # What is taken is what was packed: its checksum says so.
    with zipfile.ZipFile(folder / "feed.zip") as archive:
        assert [zlib.crc32(part) for part in read] == [archive.getinfo(name).CRC for name in names]
