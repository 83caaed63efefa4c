"""What can go wrong with an authority's answer, on demand: for tests and for showing how the registry takes it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeGuard, get_args

from flask import Response, request

from indexer.sandbox import formats
from indexer.sandbox.errors import SandboxError

Authority = Literal["hosp", "washington", "fhir"]
Fault = Literal[
    "truncated", "aborted", "empty", "blank", "short-pages", "wrong-type", "slow", "error", "throttled"
]
AUTHORITIES: tuple[Authority, ...] = get_args(Authority)
FAULTS: tuple[Fault, ...] = get_args(Fault)

_CHUNK = 65_536
_NOBODY = {
    "application/xml": formats.HOSP_HEAD + formats.HOSP_FOOT,
    "application/json": "[]",
    "text/csv": ",".join(formats.WASHINGTON_COLUMNS.values()) + "\n",
}
_NO_ROWS = '[{"count":"0"}]'


class Faults:
    """Which authority answers badly at the moment, and how.

    - truncated: half of the body, well delivered, as if the file had been cut
    - aborted: half of the body, then the connection breaks
    - empty: a well-formed answer that holds nobody
    - blank: no body at all, with 200
    - short-pages: Washington's pages hold half of what was asked for, without a word
    - wrong-type: a login page, with 200
    - slow: a pause before every 64 KiB (`pause_s` seconds)
    - error: 503 with Retry-After
    - throttled: 429 with Retry-After for every other request
    """

    def __init__(self, pause_s: float = 0.05) -> None:
        self._pause_s = pause_s
        self._now: dict[Authority, Fault] = {}
        self._asked: Counter[str] = Counter()

    def set(self, authority: str, fault: str | None) -> None:
        """Let an authority answer with a fault from now on; None ends it.

        Raises:
            SandboxError: there is no such authority or fault.
        """
        if not _is_authority(authority):
            raise SandboxError(f"There is no authority {authority!r}; there are {', '.join(AUTHORITIES)}.")
        if fault is None:
            self._now.pop(authority, None)
        elif _is_fault(fault):
            self._now[authority] = fault
        else:
            raise SandboxError(f"There is no fault {fault!r}; there are {', '.join(FAULTS)}.")

    def clear(self) -> None:
        """End all faults."""
        self._now.clear()

    def as_dict(self) -> dict[str, str]:
        """Return the faults in force, by authority."""
        return {authority: str(fault) for authority, fault in self._now.items()}

    def of(self, authority: Authority) -> Fault | None:
        """Return the authority's fault at the moment."""
        return self._now.get(authority)

    def refusal(self, authority: Authority) -> Response | None:
        """Return an answer that is given instead of any other, or None."""
        fault = self._now.get(authority)
        if fault == "error":
            return _refused(503, "Service Unavailable")
        if fault == "throttled":
            self._asked[authority] += 1
            if self._asked[authority] % 2:
                return _refused(429, "Too many requests")
        return None

    def spoil(self, authority: Authority, response: Response) -> Response:
        """Return the answer as the fault makes it; only whole bodies (200) are touched."""
        fault = self._now.get(authority)
        if fault is None or response.status_code != 200 or request.method != "GET":  # noqa: PLR2004 - HTTP OK
            return response
        if fault == "wrong-type":
            return _replaced(
                response, "<!doctype html><title>Log in</title><p>Your session has ended.", "text/html"
            )
        kind = response.mimetype or ""
        if "$select" in request.args:
            return _replaced(response, _NO_ROWS, kind) if fault == "empty" else response
        # An export's manifest stays as it is; the files that it lists are spoilt.
        return (
            response
            if authority == "fhir" and kind == "application/json"
            else self._body(fault, response, kind)
        )

    def _body(self, fault: Fault, response: Response, kind: str) -> Response:
        if fault == "slow":
            return _streamed(response, self._slowly(response.iter_encoded()), response.content_length)
        if fault in {"truncated", "aborted"}:
            length = response.content_length or 0
            half = _first(response.iter_encoded(), length // 2)
            return _streamed(response, half, length // 2 if fault == "truncated" else length)
        if fault == "empty":
            return _replaced(response, _NOBODY.get(kind, ""), kind)
        return _replaced(response, "", kind) if fault == "blank" else response

    def _slowly(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            for start in range(0, len(chunk), _CHUNK):
                time.sleep(self._pause_s)
                yield chunk[start : start + _CHUNK]


def _is_authority(text: str) -> TypeGuard[Authority]:
    return text in AUTHORITIES


def _is_fault(text: str) -> TypeGuard[Fault]:
    return text in FAULTS


def _refused(status: int, message: str) -> Response:
    response = Response(f'{{"error":true,"message":"{message}"}}', status, mimetype="application/json")
    response.headers["Retry-After"] = "1"
    return response


def _first(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return


def _streamed(response: Response, body: Iterator[bytes], length: int | None) -> Response:
    close = _taken_over(response)
    response.response = _closing(body, close)
    if length is not None:
        response.content_length = length
    return response


def _replaced(response: Response, text: str, mimetype: str) -> Response:
    _taken_over(response)()
    response.set_data(text)
    response.mimetype = mimetype
    return response


def _taken_over(response: Response) -> Callable[[], None]:
    """Return what closes the body that was to be sent.

    It is not left to the response: a server that meets a client gone does not always close what it was sending.
    """
    response.direct_passthrough = False
    close: Callable[[], None] = getattr(response.response, "close", _nothing)
    return close


def _nothing() -> None:
    """Close nothing."""


def _closing(body: Iterator[bytes], close: Callable[[], None]) -> Iterator[bytes]:
    try:
        yield from body
    finally:
        close()
