"""The second sandbox authority: Washington's data set on a Socrata server (SODA 2).

A JSON array for success and an object for errors; 1000 rows unless asked, at most 50,000; no stable order without
`$order=:id`; `$select=count(*)`; the whole as CSV.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_file

from indexer.sandbox import formats
from indexer.sandbox.faults import Faults
from indexer.sandbox.published import Edition, Published
from indexer.sandbox.registers import OFFSET

DATA_SET = "qxh8-f4bd"
ROWS_PATH = f"/resource/{DATA_SET}.json"
CSV_PATH = f"/api/views/{DATA_SET}/rows.csv"
METADATA_PATH = f"/api/views/{DATA_SET}.json"
DEFAULT_LIMIT = 1_000
MAX_LIMIT = 50_000
_CHUNK = 1 << 16
_KNOWN = ("$limit", "$offset", "$order", "$select", "$$app_token")


class _QueryError(Exception):
    """The query can't be answered; the text says why."""


@dataclass(frozen=True)
class _Query:
    """What was asked for, checked."""

    limit: int
    offset: int
    ordered: bool
    counting: bool


def washington(published: Published, faults: Faults) -> Blueprint:
    """Return the data set's routes: rows as JSON pages, the whole as CSV, and the metadata."""
    routes = Blueprint("washington", __name__)
    asked = count(1)

    @routes.get(ROWS_PATH)
    def rows() -> Response:
        edition, query = published.now, _query()
        if query.counting:
            return _described(edition, jsonify([{"count": str(edition.registers.washington.rows)}]))
        limit = query.limit // 2 if faults.of("washington") == "short-pages" else query.limit
        # Without an order the real server promises none: here every answer begins somewhere else.
        turned = 0 if query.ordered else next(asked) * 7919
        return _page(edition, query.offset, limit, turned)

    @routes.get(CSV_PATH)
    def export() -> Response:
        registers = published.now.registers
        response = send_file(
            published.now.folder / "washington.csv",
            mimetype="text/csv",
            as_attachment=True,
            download_name="rows.csv",
            etag=registers.etags["washington.csv"],
            last_modified=registers.published_at,
            conditional=True,
        )
        return _described(published.now, response)

    @routes.get(METADATA_PATH)
    def metadata() -> Response:
        return jsonify(
            id=DATA_SET,
            name="Health Care Provider Credential Data",
            assetType="dataset",
            rowsUpdatedAt=int(published.now.registers.published_at.timestamp()),
            columns=[
                {
                    "name": name,
                    "fieldName": field,
                    "dataTypeName": "calendar_date" if field in formats.WASHINGTON_DATES else "text",
                    "position": place,
                }
                for place, (field, name) in enumerate(formats.WASHINGTON_COLUMNS.items(), 1)
            ],
        )

    @routes.errorhandler(_QueryError)
    def refuse(error: _QueryError) -> tuple[Response, int]:
        return jsonify(code="query.soql.invalid", error=True, message=str(error)), 400

    return routes


def _query() -> _Query:
    if unknown := sorted(set(request.args) - set(_KNOWN)):
        raise _QueryError(f"The sandbox does not know {unknown[0]}; it knows {', '.join(_KNOWN)}.")
    select, order = request.args.get("$select", ""), request.args.get("$order", "")
    if select.replace(" ", "").casefold() not in {"", "count(*)"}:
        raise _QueryError(f"The sandbox can only $select count(*), not {select}.")
    if order.casefold() not in {"", ":id", ":id asc"}:
        raise _QueryError(f"The sandbox only orders by :id, not by {order}.")
    limit = _whole("$limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT:
        raise _QueryError(f"Invalid value for $limit: {limit} is more than {MAX_LIMIT}.")
    return _Query(limit=limit, offset=_whole("$offset", 0), ordered=bool(order), counting=bool(select))


def _whole(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdecimal():
        raise _QueryError(f"Invalid value for {name}: {text!r} is not a whole number.")
    return int(text)


def _page(edition: Edition, offset: int, limit: int, turned: int) -> Response:
    total = edition.registers.washington.rows
    first, last = min(offset, total), min(offset + limit, total)
    spans = [(first, last)]
    if turned and total:
        start = (first + turned) % total
        spans = [(start, min(start + last - first, total)), (0, max(start + last - first - total, 0))]
    ranges = _bytes_of(edition.folder / "washington.offsets", spans)
    length = sum(end - begin for begin, end in ranges)
    # Every row begins with a comma; the first one's gives way to the bracket.
    body = _array(edition.folder / "washington.rows", ranges) if length else iter([b"[]\n"])
    response = Response(body, mimetype="application/json")
    response.content_length = length + 2 if length else 3
    response.set_etag(f"{edition.registers.etags['washington.rows'][:32]}.{offset}.{limit}.{turned}")
    _described(edition, response).make_conditional(request)
    return response


def _described(edition: Edition, response: Response) -> Response:
    """Put on what SODA tells about the data set with every answer."""
    response.last_modified = edition.registers.published_at
    response.headers["X-SODA2-Truth-Last-Modified"] = response.headers["Last-Modified"]
    return response


def _bytes_of(offsets: Path, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    with offsets.open("rb") as file:

        def at(row: int) -> int:
            file.seek(row * OFFSET.size)
            (place,) = OFFSET.unpack(file.read(OFFSET.size))
            return int(place)

        return [(at(first), at(last)) for first, last in spans if last > first]


def _array(rows: Path, ranges: list[tuple[int, int]]) -> Iterator[bytes]:
    yield b"["
    skip = 1
    with rows.open("rb") as file:
        for begin, end in ranges:
            file.seek(begin + skip)
            left = end - begin - skip
            skip = 0
            while left > 0:
                chunk = file.read(min(_CHUNK, left))
                left -= len(chunk)
                yield chunk
    yield b"]\n"
