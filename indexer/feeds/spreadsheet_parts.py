"""The members of a workbook's zip file: found by their relations (Open Packaging Conventions), read with bounds."""

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lxml import etree

from indexer.feeds.errors import FeedTooLargeError, MalformedFeedError

# Unpacked bytes of one member. A full sheet (1,048,576 rows) of thirty columns has about one gigabyte.
MAX_MEMBER_BYTES = 4 << 30
# Unpacked bytes for each packed one, once a member is larger than `RATIO_FROM`. Real sheets have 5 to 25.
MAX_RATIO = 200
RATIO_FROM = 16 << 20
# Unpacked bytes of parts that are read whole (list of sheets, relations, styles), and of one row or shared text.
MAX_SMALL_BYTES = 16 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Source:
    """A member that counts what it gives, so that neither a bomb nor a single endless row gets far."""

    def __init__(self, file: IO[bytes], packed: int, part: Path, limit: int) -> None:
        self._file = file
        self._packed = packed
        self._part = part
        self._limit = limit
        self._read = 0
        self._since = 0

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes.

        Raises:
            FeedTooLargeError: more than allowed came.
        """
        data = self._file.read(size)
        self._read += len(data)
        self._since += len(data)
        if self._read > self._limit or (self._read > RATIO_FROM and self._read > MAX_RATIO * self._packed):
            raise FeedTooLargeError(
                f"{self._part.name} unpacks to more than a workbook of its size may ({self._limit} bytes, or "
                f"{MAX_RATIO} times its own). Ask the authority for CSV."
            )
        if self._since > MAX_SMALL_BYTES:
            raise FeedTooLargeError(
                f"{self._part.name} has a row or text of more than {MAX_SMALL_BYTES} bytes."
            )
        return data

    def record_ends(self) -> None:
        """Note that a row or text ended here."""
        self._since = 0


@contextmanager
def open_member(
    archive: zipfile.ZipFile, path: str, part: Path, limit: int = MAX_MEMBER_BYTES
) -> Iterator[Source]:
    """Open a member for reading.

    Raises:
        MalformedFeedError: there is none of that name, or it is packed in another way than Excel does.
    """
    try:
        info = archive.getinfo(path)
    except KeyError as error:
        raise MalformedFeedError(
            f"{part.name} is no Excel workbook: it lacks {path or 'a list of its parts'!r}."
        ) from error
    if info.compress_type not in _METHODS or info.flag_bits & 1:
        raise MalformedFeedError(
            f"{part.name} is packed in a way that Excel does not use. Ask for a plain .xlsx."
        )
    with archive.open(info) as file:
        yield Source(file, info.compress_size, part, limit)


def small_part(archive: zipfile.ZipFile, path: str, part: Path) -> etree._Element:
    """Read a part whole.

    Raises:
        MalformedFeedError: it is missing, or has a DOCTYPE.
    """
    with open_member(archive, path, part, MAX_SMALL_BYTES) as source:
        data = source.read()
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True))
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedFeedError(
            f"{part.name} has a DOCTYPE inside, which no workbook needs and which may hide entities."
        )
    return root


def relations(archive: zipfile.ZipFile, of: str, part: Path) -> dict[str, tuple[str, str]]:
    """Return what a part refers to: id -> (kind, path of the member). `of` is "" for the package itself."""
    folder, name = posixpath.split(of)
    root = small_part(archive, posixpath.join(folder, "_rels", f"{name}.rels"), part)
    found = {}
    for element in root.iter("{*}Relationship"):
        path = posixpath.normpath(posixpath.join("/", folder, element.get("Target", "")))
        found[element.get("Id", "")] = (element.get("Type", ""), path.lstrip("/"))
    return found
