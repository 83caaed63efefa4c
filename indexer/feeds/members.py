"""The files in a zip, unpacked into the spool one by one.

A zip is not believed: names say nothing about where something is written, declared sizes are checked against what
comes out, and an archive that another reader could read otherwise (two files of one name) is refused.
"""

import errno
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from indexer.feeds.errors import FeedTooLargeError, MalformedFeedError, TruncatedFeedError
from indexer.feeds.patterns import Patterns, as_patterns, matches
from indexer.feeds.spool import Spool
from indexer.feeds.unpack import check_expansion

_CHUNK = 1 << 18
_MAGIC = b"PK"
# A directory is read whole into memory before the first member; this much lists some hundred thousand.
_MAX_DIRECTORY = 32 << 20
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_END_MAGIC, _LOCATOR_MAGIC, _LOCATOR_SIZE = b"PK\x05\x06", b"PK\x06\x07", 20
_LONGEST_COMMENT = 0xFFFF
_ENCRYPTED = 0x1
_PACKED = (".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz")
_LISTED = 10
_LONGEST_NAME = 80


def extract(archive: Path, patterns: Patterns, files: Spool, max_ratio: float) -> list[str]:
    """Unpack the members that match, in order of name; return their names.

    Args:
        archive: the zip file.
        patterns: names or patterns, compared with the whole name and with its last part; none = the only file in it.
        files: where they go, a part each.
        max_ratio: how many times larger than the archive they may be; 0 = no limit.

    Raises:
        TruncatedFeedError: the archive is cut short or damaged.
        FeedTooLargeError: it grows beyond the limits.
        MalformedFeedError: it is no zip, is encrypted, holds archives, or does not hold what is looked for.
    """
    try:
        _check_directory(archive)
        with zipfile.ZipFile(archive) as opened:
            return _Archive(opened, archive.stat().st_size, files, max_ratio).extract(patterns)
    except (zipfile.BadZipFile, EOFError, zlib.error, struct.error, UnicodeError, OverflowError) as error:
        raise _damaged(archive) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the file's beginning: the directory is damaged
            raise
        raise _damaged(archive) from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise MalformedFeedError(
            "The zip uses what this registry doesn't read. Ask the authority for an ordinary zip (deflate)."
        ) from error


def safe_name(name: str) -> str:
    """Return the last part of a name, fit for a file of our own and for a message."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]", "_", last)[-_LONGEST_NAME:].lstrip(".") or "part"


class _Archive:
    def __init__(self, opened: zipfile.ZipFile, size: int, files: Spool, max_ratio: float) -> None:
        self._zip = opened
        self._size = size
        self._files = files
        self._max_ratio = max_ratio
        self._out = 0

    def extract(self, patterns: Patterns) -> list[str]:
        members = self._wanted(patterns)
        for member in members:
            _check_member(member)
        # What the archive itself says is enough to refuse it early; what comes out is counted all the same.
        declared = sum(member.file_size for member in members)
        self._files.check_size(declared)
        check_expansion(self._size, declared, self._max_ratio)
        for member in members:
            with self._zip.open(member) as packed, self._files.part(safe_name(member.filename)) as part:
                self._copy(packed, part.write, member.file_size)
        return [member.filename for member in members]

    def _wanted(self, patterns: Patterns) -> list[zipfile.ZipInfo]:
        members = self._zip.infolist()
        if not all(member.filename for member in members):
            raise MalformedFeedError("The zip holds a file without a name. Ask the source for a sound one.")
        found = [member for member in members if not member.is_dir()]
        if as_patterns(patterns):
            wanted = [
                member
                for member in found
                if matches(member.filename, patterns) or matches(member.filename.rpartition("/")[2], patterns)
            ]
        else:
            wanted = found
        if not wanted or (not as_patterns(patterns) and len(wanted) > 1):
            names = ", ".join(safe_name(member.filename) for member in found[:_LISTED])
            raise MalformedFeedError(
                f"The zip holds {len(found)} files ({names}); say with source.members which of them to read."
            )
        if len({member.filename for member in wanted}) < len(wanted):
            raise MalformedFeedError("The zip holds two files of one name: which one is meant is unknown.")
        return sorted(wanted, key=lambda member: member.filename)

    def _copy(self, packed: IO[bytes], write: Callable[[bytes], None], declared: int) -> None:
        size = 0
        while data := packed.read(_CHUNK):
            size += len(data)
            self._out += len(data)
            check_expansion(self._size, self._out, self._max_ratio)
            write(data)
        if size != declared:
            raise TruncatedFeedError("The zip is damaged: a file in it is not as long as the zip says.")


def _check_member(member: zipfile.ZipInfo) -> None:
    name = safe_name(member.filename)
    if member.flag_bits & _ENCRYPTED:
        raise MalformedFeedError(f"{name} in the zip is encrypted; ask for it without, over a safe way.")
    if name.lower().endswith(_PACKED):
        raise MalformedFeedError(f"{name} in the zip is an archive itself; only one level is unpacked.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedFeedError(
            f"{name} in the zip is packed in a way that this registry doesn't read (method {member.compress_type}); "
            "ask the authority for an ordinary zip (deflate)."
        )


def _check_directory(archive: Path) -> None:
    """Refuse a directory too large to be read into memory, before it is."""
    with archive.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END.size - _LONGEST_COMMENT - _END_64.size - _LOCATOR_SIZE))
        tail = file.read()
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        raise _damaged(archive)
    directory = _END.unpack_from(tail, at)[5]
    locator = at - _LOCATOR_SIZE
    if locator >= _END_64.size and tail.startswith(_LOCATOR_MAGIC, locator):
        directory = _END_64.unpack_from(tail, locator - _END_64.size)[8]
    if directory > _MAX_DIRECTORY:
        raise FeedTooLargeError("The zip's list of files is larger than any feed's; it is not read.")


def _damaged(archive: Path) -> MalformedFeedError:
    with archive.open("rb") as file:
        begins_as_zip = file.read(2) == _MAGIC
    if begins_as_zip:
        return TruncatedFeedError("The zip is cut short or damaged.")
    return MalformedFeedError("The feed is no zip; see what the source gives, and source.unpack.")
