"""An HTTP proxy in front of a real server that spoils what it is told to spoil, and passes everything else through."""

import http.client
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from tests.support.bulk_bodies import crowded, refusal, spoiled

Kind = Literal["answer", "cut", "cut-after", "half", "delay", "crowd", "spoil"]
_PATIENCE_S = 120.0
_POLL_S = 0.05
_JSON = [("Content-Type", "application/json")]
# Headers that are about one connection and not about the message.
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass
class Fault:
    """What becomes of some requests.

    Attributes:
        kind: `answer`: refused with `status`, never asked of the server; `cut`: the connection ends before the server is
            asked; `cut-after`: the server has done it, nobody hears so; `half`: half the answer, then the connection ends;
            `delay`: passed on after `seconds`; `crowd`: of a bulk request every `every`-th item is refused with 429 as by a
            busy engine, the others are done; `spoil`: the document `document` of a bulk request reaches the server with
            a word where a number belongs.
        path: regular expression that is found in the path with its query.
        times: how many requests it hits; None: until it is taken away.
        share: of the requests that fit.
        hits: how many it has hit.
    """

    kind: Kind
    path: str = "_bulk"
    status: int = 429
    seconds: float = 0.0
    every: int = 3
    document: str = ""
    field: str = "birth_from"
    times: int | None = None
    share: float = 1.0
    hits: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: when it came (`time.monotonic`), what it asked, what it was answered and which fault hit it."""

    at: float
    method: str
    path: str
    status: int | None
    fault: Kind | None


class FaultProxy(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1 for the length of a block: `with FaultProxy(server_url) as proxy: proxy.url`."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, upstream: str, seed: int = 1) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self._faults: list[Fault] = []
        self._seen: list[Seen] = []
        self._chance = random.Random(seed)
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL_S,), name="fault proxy")

    @property
    def url(self) -> str:
        """Where clients are sent in place of the real server."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def faults(self, *faults: Fault) -> Iterator[None]:
        """Have these faults for the length of the block; a request is hit by one of those that fit it, by chance."""
        with self._guard:
            self._faults = list(faults)
        try:
            yield
        finally:
            with self._guard:
                self._faults = []

    def seen(self, path: str = "", since: float = 0.0) -> list[Seen]:
        """Return the requests whose path holds `path`, in the order in which they were answered."""
        with self._guard:
            return [one for one in self._seen if re.search(path, one.path) and one.at >= since]

    def counts(self, path: str = "_bulk") -> Counter[str]:
        """Return how many requests were hit by each kind of fault, with status ("answer 429"), and how many by none."""
        return Counter(
            f"answer {one.status}" if one.fault == "answer" else one.fault or "none"
            for one in self.seen(path)
        )

    def fault_for(self, path: str) -> Fault | None:
        """Return what becomes of a request."""
        with self._guard:
            for fault in self._chance.sample(self._faults, len(self._faults)):
                left = fault.times is None or fault.hits < fault.times
                if left and re.search(fault.path, path) and self._chance.random() < fault.share:
                    fault.hits += 1
                    return fault
            return None

    def note(self, seen: Seen) -> None:
        """Remember a request."""
        with self._guard:
            self._seen.append(seen)

    def hold(self, connection: socket.socket, *, here: bool) -> None:
        """Remember which connections stand, so that `__exit__` can end them."""
        with self._guard:
            (self._open.add if here else self._open.discard)(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients that go away are what this is for."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        with self._guard:
            standing = list(self._open)
        for connection in standing:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


@dataclass
class _Answer:
    """What the real server said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: FaultProxy
    _server_side: http.client.HTTPConnection | None = None

    def setup(self) -> None:
        super().setup()
        self.server.hold(self.connection, here=True)

    def finish(self) -> None:
        self.server.hold(self.connection, here=False)
        self._let_go()
        with suppress(OSError):
            super().finish()

    def _handle(self) -> None:
        at = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault_for(self.path)
        status: int | None = None
        try:
            status = self._answered(body, fault)
        except (OSError, http.client.HTTPException):
            # The real server is gone, or the client: as if there were no proxy between them.
            self._let_go()
            self._cut()
        finally:
            self.server.note(Seen(at, self.command, self.path, status, fault.kind if fault else None))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle  # noqa: N815 - the names that the base class looks for

    def _answered(self, body: bytes, fault: Fault | None) -> int | None:
        """Answer, and return the status if the client got a whole answer."""
        match fault.kind if fault else None:
            case "cut":
                self._cut()
                return None
            case "answer":
                assert fault
                return self._reply(_Answer(fault.status, _JSON, refusal(fault.status)))
            case "delay":
                assert fault
                time.sleep(fault.seconds)
            case "spoil":
                assert fault
                body = spoiled(body, fault.document, fault.field)
            case "crowd":
                assert fault
                return self._crowded(body, fault.every)
            case _:
                pass
        told = self._ask(body)
        if fault and fault.kind == "cut-after":
            self._cut()
            return None
        return self._reply(told, half=bool(fault and fault.kind == "half"))

    def _crowded(self, body: bytes, every: int) -> int | None:
        """Let the server do a part of a bulk request, and refuse the rest item by item."""
        rest, merge = crowded(body, every)
        told = self._ask(rest) if rest else _Answer(200, _JSON, b"{}")
        if told.status == http.client.OK:
            told = _Answer(told.status, told.headers, merge(told.body))
        return self._reply(told)

    def _ask(self, body: bytes) -> _Answer:
        if self._server_side is None:
            self._server_side = http.client.HTTPConnection(*self.server.upstream, timeout=_PATIENCE_S)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        self._server_side.request(self.command, self.path, body or None, headers)
        answer = self._server_side.getresponse()
        return _Answer(answer.status, answer.getheaders(), answer.read())

    def _reply(self, answer: _Answer, *, half: bool = False) -> int | None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = len(answer.body)
        if self.command == "HEAD":
            length = next((int(v) for name, v in answer.headers if name.lower() == "content-length"), 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body[: length // 2] if half else answer.body)
        if half:
            self.wfile.flush()
            self._cut()
            return None
        return answer.status

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self._server_side is not None:
            self._server_side.close()
            self._server_side = None
