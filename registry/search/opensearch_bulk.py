"""Sending operations to OpenSearch in bulk: bounded bodies, patience with a busy cluster, one outcome each."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from registry.search.document import Operation
from registry.search.opensearch_client import kind_of
from registry.search.port import NO_INDEX, Outcome

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

_Line = tuple[Operation, bytes]


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
    outcomes: dict[int, Outcome] = {}
    params = {
        "require_alias": "true" if require_alias else "false",
        "filter_path": "items.*.status,items.*.error",
    }
    waiting = [(position, (op, _line(op))) for position, op in enumerate(operations)]
    for attempt in range(settings.indexer_retries + 1):
        if attempt:
            time.sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
        for chunk in _chunks(waiting, settings.bulk_bytes):
            told = _send_chunk(client, target, params, [line for _, line in chunk])
            outcomes.update(zip((position for position, _ in chunk), told, strict=True))
        waiting = [item for item in waiting if outcomes[item[0]].state == "retry"]
        if not waiting or all(outcomes[position].reason == NO_INDEX for position, _ in waiting):
            break
    return [outcomes[position] for position in range(len(operations))]


def _line(operation: Operation) -> bytes:
    action = {"index": {"_id": operation.id, "version": operation.version, "version_type": "external_gte"}}
    return b"%b\n%b\n" % (orjson.dumps(action), orjson.dumps(operation.stored))


def _chunks(waiting: list[tuple[int, _Line]], most: int) -> Iterator[list[tuple[int, _Line]]]:
    chunk: list[tuple[int, _Line]] = []
    size = 0
    for item in waiting:
        length = len(item[1][1])
        if chunk and size + length > most:
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += length
    if chunk:
        yield chunk


def _send_chunk(
    client: "OpenSearch", target: str, params: dict[str, str], lines: list[_Line]
) -> list[Outcome]:
    from opensearchpy.exceptions import OpenSearchException

    operations = [operation for operation, _ in lines]
    try:
        answer = client.bulk(index=target, body=b"".join(body for _, body in lines), params=dict(params))
    except OpenSearchException as error:
        kind = kind_of(error)
        _log.warning("bulk request failed", kind=kind, status=getattr(error, "status_code", None))
        reason = NO_INDEX if kind == _NO_INDEX_KIND else f"the search engine did not take the request: {kind}"
        return [Outcome(operation, "retry", reason) for operation in operations]
    items: list[dict[str, Any]] = [item["index"] for item in answer["items"]]
    return [_outcome(operation, item) for operation, item in zip(operations, items, strict=True)]


def _outcome(operation: Operation, item: dict[str, Any]) -> Outcome:
    status, error = item["status"], item.get("error")
    if status == _CONFLICT:
        return Outcome(operation, "superseded")
    if error is None:
        return Outcome(operation, "done")
    kind = error.get("type", "unknown")
    if kind == _NO_INDEX_KIND:
        return Outcome(operation, "retry", NO_INDEX)
    if status in _LATER or kind in _LATER_KINDS:
        return Outcome(operation, "retry", kind)
    # The engine's own sentence repeats the document's values; the field's name is what helps.
    field = _FIELD.search(error.get("reason", ""))
    return Outcome(operation, "failed", f"{kind}: {field[1] or field[2]}" if field else kind)
