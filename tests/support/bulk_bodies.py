"""Bulk requests and their answers, as bytes, taken apart and put together: what a busy or a picky engine does to them."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

_REFUSALS = {
    429: "circuit_breaking_exception",
    503: "cluster_manager_not_discovered_exception",
}
_CROWDED = {
    "status": 429,
    "error": {
        "type": "rejected_execution_exception",
        "reason": "rejected execution of coordinating operation",
    },
}


def refusal(status: int) -> bytes:
    """Return what the engine says when it refuses a whole request."""
    error = {"type": _REFUSALS.get(status, "exception"), "reason": "refused by a test"}
    return orjson.dumps({"error": {"root_cause": [error], **error}, "status": status})


def _actions(body: bytes) -> Iterator[tuple[str, dict[str, Any], list[bytes]]]:
    """Give each action's kind, its parameters and its lines."""
    lines = iter(body.split(b"\n"))
    for line in lines:
        if line:
            ((kind, parameters),) = orjson.loads(line).items()
            yield kind, parameters, [line] if kind == "delete" else [line, next(lines)]


def crowded(body: bytes, every: int) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Take every `every`-th action out of a bulk request.

    Returns:
        What is left, and what makes the answer to it that to the whole: with 429 for what was taken out.
    """
    kinds, kept = [], []
    for number, (kind, _, lines) in enumerate(_actions(body)):
        taken_out = number % every == 0
        kinds.append((kind, taken_out))
        if not taken_out:
            kept += lines

    def merge(answer: bytes) -> bytes:
        told = orjson.loads(answer)
        # An answer that was asked for errors only has no items when there are none.
        done = iter(
            told.get("items") or [{kind: {"status": 200}} for kind, taken_out in kinds if not taken_out]
        )
        items = [{kind: _CROWDED} if taken_out else next(done) for kind, taken_out in kinds]
        return orjson.dumps({**told, "errors": True, "items": items})

    return b"".join(line + b"\n" for line in kept), merge


def spoiled(body: bytes, document: str, field: str) -> bytes:
    """Put a word into a field of one document of a bulk request."""
    lines: list[bytes] = []
    for _, parameters, action in _actions(body):
        if parameters.get("_id") == document and len(action) > 1:
            action[1] = orjson.dumps({**orjson.loads(action[1]), field: "no number"})
        lines += action
    return b"".join(line + b"\n" for line in lines)


def documents(body: bytes) -> list[str]:
    """Return the ids of the documents that a bulk request is about."""
    return [str(parameters.get("_id")) for _, parameters, _ in _actions(body)]
