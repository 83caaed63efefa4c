"""Sending operations to OpenSearch in bulk: bounded bodies, patience with a busy cluster, one outcome each."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from registry.search.document import Operation
from registry.search.opensearch_client import kind_of
from registry.search.port import NO_INDEX, UNWRITABLE, Outcome

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from registry.settings import OpenSearchSettings

_log = structlog.get_logger(__name__)
_CONFLICT = 409
# Too busy, or some shard, disk or node not there at the moment.
_LATER = frozenset({429, 500, 502, 503, 504})
_LATER_KINDS = frozenset({"cluster_block_exception", "unavailable_shards_exception"})
_NO_INDEX_KIND = "index_not_found_exception"
_FIELD = re.compile(r"field \[([\w.]{1,64})\]|introduction of \[([\w.]{1,64})\]")
# Pauses before trying again: doubled each time up to the longest.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


def send(
    client: "OpenSearch",
    settings: "OpenSearchSettings",
    operations: Sequence[Operation],
    target: str,
    require_alias: bool,  # noqa: FBT001 - passed on as the API's own flag
) -> list[Outcome]:
    """Send operations to an index or alias and say what became of each, in order. Never raises.

    What the cluster has no room or time for is sent again `indexer_retries` times, with growing pauses.
    """
    params = {
        "require_alias": "true" if require_alias else "false",
        "filter_path": "items.*.status,items.*.error",
    }
    lines = [_line(operation) for operation in operations]
    told = {
        position: Outcome(operations[position], "failed", UNWRITABLE)
        for position, line in enumerate(lines)
        if not line
    }
    waiting = [position for position, line in enumerate(lines) if line]
    for attempt in range(settings.indexer_retries + 1):
        if attempt:
            time.sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
        for chunk in _chunks(waiting, lines, settings.bulk_bytes):
            body = b"".join([lines[position] for position in chunk])
            outcomes = _send_chunk(client, target, params, [operations[i] for i in chunk], body)
            told.update(zip(chunk, outcomes, strict=True))
        waiting = [position for position in waiting if told[position].state == "retry"]
        if all(told[position].reason == NO_INDEX for position in waiting):
            break
    return [told[position] for position in range(len(operations))]


def _line(operation: Operation) -> bytes:
    """Return an operation as it is sent, nothing if its document can't be written as JSON."""
    try:
        stored = orjson.dumps(operation.stored)
    except TypeError:
        return b""
    # An id holds nothing that JSON would write otherwise.
    return b'{"index":{"_id":"%b","version":%d,"version_type":"external_gte"}}\n%b\n' % (
        operation.id.encode(),
        operation.version,
        stored,
    )


def _chunks(waiting: Sequence[int], lines: Sequence[bytes], most: int) -> Iterator[list[int]]:
    """Cut the positions of lines into lists whose lines have at most `most` bytes together, or are a single one."""
    chunk: list[int] = []
    size = 0
    for position in waiting:
        length = len(lines[position])
        if chunk and size + length > most:
            yield chunk
            chunk, size = [], 0
        chunk.append(position)
        size += length
    if chunk:
        yield chunk


def _send_chunk(
    client: "OpenSearch", target: str, params: dict[str, str], operations: list[Operation], body: bytes
) -> list[Outcome]:
    from opensearchpy.exceptions import OpenSearchException

    try:
        answer = client.bulk(index=target, body=body, params=dict(params))
    except OpenSearchException as error:
        kind = kind_of(error)
        _log.warning("bulk request failed", kind=kind, status=getattr(error, "status_code", None))
        reason = NO_INDEX if kind == _NO_INDEX_KIND else f"the search engine did not take the request: {kind}"
        return [Outcome(operation, "retry", reason) for operation in operations]
    items: list[dict[str, Any]] = [item["index"] for item in answer["items"]]
    return [
        _outcome(operation, item) if "error" in item else Outcome(operation, "done")
        for operation, item in zip(operations, items, strict=True)
    ]


def _outcome(operation: Operation, item: dict[str, Any]) -> Outcome:
    """Say what became of an operation that the engine did not do."""
    status, error = item["status"], item["error"]
    if status == _CONFLICT:
        return Outcome(operation, "superseded")
    kind = error.get("type", "unknown")
    if kind == _NO_INDEX_KIND:
        return Outcome(operation, "retry", NO_INDEX)
    if status in _LATER or kind in _LATER_KINDS:
        return Outcome(operation, "retry", kind)
    # The engine's own sentence repeats the document's values; the field's name is what helps.
    field = _FIELD.search(error.get("reason", ""))
    return Outcome(operation, "failed", f"{kind}: {field[1] or field[2]}" if field else kind)
