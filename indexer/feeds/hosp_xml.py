"""HOSP person XML: each person element becomes one JSON record, streamed.

The form is HospPersonType of licensetopractice 2.0. It is read by name, not by schema: the published schema lacks
profession codes that exist, and a strict reader would drop those people. Elements of other namespaces are extensions
(`xs:any`) and are left out. A document with a DOCTYPE is refused: no register needs entities.

The record is built at once, not when its payload is asked for: what an element holds can't be told from its bytes alone
(prefixes, comments, encodings), and writing it anew to compare and parsing it again to read cost as much as building it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.options import HospOptions
from indexer.feeds.rows import BadRow, SourceRow, canonical, echo

# Elements that may stand several times; always a list, so that one or two of them look alike.
REPEATED = frozenset(
    {"samtligaFornamn", "legitimation", "specialistbevis", "behorighetsbegransning", "ovrigBehorighet"}
)
# What an echo may hold. Neither names nor dates: the row may be of a person with protected identity.
_ECHOED = ("hospId", "legitimation")
# What tells whom a protected record is about, and that it is one.
_WHO = ("hospId", "personId", "tidigarePersonId")
_MARK = "skyddadIdentitet"
_TAIL_BYTES = 4096
_FALSE = ("false", "0")

Data: TypeAlias = dict[str, Any]


def parse(parts: Sequence[Path], options: HospOptions, max_record_bytes: int) -> Iterator[SourceRow | BadRow]:
    """Yield every person of the documents, in order.

    Raises:
        TruncatedFeedError: a document ends in the middle.
        MalformedFeedError: a document is no XML, or has a DOCTYPE.
    """
    names = _Names(options.namespace)
    row = 0
    for part in parts:
        for element in _people(part, options):
            row += 1
            yield _record(element, row, names, max_record_bytes)


def _people(part: Path, options: HospOptions) -> Iterator[etree._Element]:
    """Yield person elements, each complete, and forget each before the next."""
    try:
        with part.open("rb") as file:
            events = etree.iterparse(
                file,
                events=("end",),
                tag=(f"{{*}}{options.person_element}",),
                resolve_entities=False,
                load_dtd=False,
                no_network=True,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            first = True
            for _, element in events:
                if first:
                    _refuse_doctype(element, part)
                    first = False
                yield element
                _forget(element)
            _refuse_doctype(events.root, part)
    except etree.XMLSyntaxError as error:
        raise _broken(part, error) from error


def _refuse_doctype(element: etree._Element, part: Path) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise MalformedFeedError(
            f"{part.name} has a DOCTYPE, which may hide entities; the feed must come without one."
        )


def _forget(element: etree._Element) -> None:
    """Free a person and what stands before it, so that memory stays flat."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _broken(part: Path, error: etree.XMLSyntaxError) -> MalformedFeedError:
    """Tell a document that ends in the middle from one that is wrong, by whether it ends with a closing tag."""
    line = error.position[0]
    with part.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        # Without the zero bytes of UTF-16, the marks are the same in every encoding.
        tail = file.read().replace(b"\0", b"").rstrip()
    if not tail.endswith(b">") or b"</" not in tail[tail.rfind(b"<") :] or "Premature end" in error.msg:
        return TruncatedFeedError(f"{part.name} ends in the middle (line {line}). Fetch it again.")
    return MalformedFeedError(
        f"{part.name} is no well-formed XML (line {line}): ask the authority for a new file."
    )


class _Names(dict[str, str]):
    """Local names of the namespace's tags, "" for tags of others; remembered, for there are millions of elements."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._start = f"{{{namespace}}}"

    def __missing__(self, tag: str) -> str:
        name = tag.removeprefix(self._start) if tag.startswith(self._start) else ""
        self[tag] = name
        return name


def _record(element: etree._Element, row: int, names: _Names, max_record_bytes: int) -> SourceRow | BadRow:
    repeated: list[str] = []
    record = _data(element, names, repeated)
    key = _key(record)
    if not key:
        reason = "the person has no hospId, so nothing tells which record it is"
        return BadRow(row, "", "hospId", reason, "", _of_protected(record, repeated))
    if repeated:
        reason = "the element stands more than once"
        return BadRow(row, key, repeated[0], reason, _echo(record), _of_protected(record, repeated))
    payload = canonical(record)
    if len(payload) > max_record_bytes:
        reason = f"the record is larger than {max_record_bytes} bytes"
        return BadRow(row, key, "", reason, _echo(record), _of_protected(record, repeated))
    return SourceRow(row, key, payload)


def _of_protected(record: Data, repeated: list[str]) -> bytes:
    """Return who a bad record is about if it is marked, perhaps twice, as of a protected person; else nothing."""
    if not is_protected(record) and not any(name.startswith(_MARK) for name in repeated):
        return b""
    return canonical({name: record[name] for name in _WHO if name in record} | {_MARK: "true"})


def _data(element: etree._Element, names: _Names, repeated: list[str]) -> Data:
    """Turn an element into a dict: children by local name, empty ones left out."""
    data: Data = {}
    for child in element:
        name = names[child.tag]
        if not name:
            continue
        value: Data | str = _data(child, names, repeated) if len(child) else (child.text or "").strip()
        if not value:
            continue
        if name in REPEATED:
            data.setdefault(name, []).append(value)
        elif name in data:
            repeated.append(name)
        else:
            data[name] = value
    return data


def is_protected(record: Data) -> bool:
    """Tell whether a record is marked as of a person with protected identity."""
    note = str(record.get("skyddadIdentitetUpplysning", ""))
    return is_marked_protected(str(record.get("skyddadIdentitet", "")), note)


def is_marked_protected(flag: str, note: str) -> bool:
    """Read the mark: true unless the flag is absent or clearly false, for one that can't be read must not reveal anyone.

    Args:
        flag: skyddadIdentitet (xs:boolean).
        note: skyddadIdentitetUpplysning, which only stands beside a protected identity.
    """
    return bool(note) or (bool(flag) and flag.casefold() not in _FALSE)


def _key(record: Data) -> str:
    hosp_id = record.get("hospId")
    return str(hosp_id.get("extension", "")) if isinstance(hosp_id, dict) else str(hosp_id or "")


def _echo(record: Data) -> str:
    return echo(canonical({name: record[name] for name in _ECHOED if name in record}).decode())
