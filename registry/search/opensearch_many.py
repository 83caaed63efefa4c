"""Many searches in one request (`_msearch`): the way there and back, and the client's work for it, are paid once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from registry.errors import SearchUnavailableError
from registry.search.opensearch_client import explained, our_errors

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

# Searches of one request: more of them gain nothing, and an answer that is lost loses less.
TOGETHER = 50
# The cluster works on several of them at once, so that all are done long before each has had its own time in turn. What is
# waited for a cluster that hangs is this many times one search's time, for each try.
_PATIENCE = 5
_OK = 200


def together(
    client: "OpenSearch", index: str, bodies: Sequence[dict[str, Any]], timeout_s: float
) -> list[dict[str, Any] | SearchUnavailableError]:
    """Ask several searches; each answer is as of a search of its own, or the error that one would be.

    Args:
        client: of the cluster.
        index: name or alias.
        bodies: as for a search.
        timeout_s: what each search may take before it is given up.

    Raises:
        SearchUnavailableError: none of them was answered.
    """
    header = {
        "index": index,
        # Half an answer would look like "not found".
        "allow_partial_search_results": False,
        "cancel_after_time_interval": f"{int(timeout_s * 1000)}ms",
    }
    lines = [orjson.dumps(line) for body in bodies for line in (header, body)]
    with our_errors("search"):
        answer = client.msearch(
            body=b"\n".join([*lines, b""]).decode(), params={"request_timeout": timeout_s * _PATIENCE}
        )
    return [_one(each) for each in answer["responses"]]


def _one(answer: dict[str, Any]) -> dict[str, Any] | SearchUnavailableError:
    status = answer.get("status", _OK)
    if "error" not in answer and status == _OK:
        return answer
    error = answer.get("error")
    kind = error.get("type", "") if isinstance(error, dict) else ""
    told = SearchUnavailableError(explained(status, kind))
    told.__cause__ = RefusedError(status)
    return told


class RefusedError(Exception):
    """One search of several was refused.

    Attributes:
        status_code: what the cluster answered, as the client's own errors have it.
    """

    def __init__(self, status_code: int) -> None:
        super().__init__(status_code)
        self.status_code = status_code
