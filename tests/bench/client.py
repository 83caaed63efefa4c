"""A process: a light HTTP client that keeps some connections busy and notes how long each answer took.

    python -m tests.bench.client SPEC RESULT

One thread and ready requests, so that little of the processors is taken from the service that is measured. Each
connection sends its next request when it has the answer to the last one. Loopback only.
"""

import selectors
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_CLOSE = b"connection: close"
_BUFFER = 1 << 16
_FINE = "200"


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: whole requests, sent in turn from the first on.

    Attributes:
        warm_up: requests sent before counting begins.
        most: requests counted at most.
        seconds: counting ends at the latest after so many.
        keep: how many bodies of answers to give back.
        more: by the place of a request, what its connection asks after it as part of the same question; the answer to a
            question is the one to its last request.
    """

    port: int
    requests: list[bytes]
    connections: int
    warm_up: int
    most: int
    seconds: float
    keep: int = 0
    more: dict[int, list[bytes]] = {}


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: milliseconds of each counted answer, seconds in all, answers by status.

    Attributes:
        places: of each latency, the place of its question among the requests.
    """

    latencies_ms: list[float]
    seconds: float
    statuses: dict[str, int]
    bodies: list[bytes]
    reconnects: int
    places: list[int] = []

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies_ms) / self.seconds


class _Connection:
    """One connection, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.socket = self._connect()
        self.received = bytearray()
        self.sent_at = 0.0
        self.wanted = -1
        self.opened = 0
        self.place = 0
        self.rest: list[bytes] = []

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def reconnect(self) -> None:
        self.socket.close()
        self.socket = self._connect()
        self.opened += 1

    def ask(self, place: int, request: bytes, rest: Sequence[bytes]) -> None:
        """Send the first request of a question; the rest follow its answer one by one."""
        self.place, self.rest = place, list(rest)
        self.sent_at = time.perf_counter()
        self.send(request)

    def send(self, request: bytes) -> None:
        self.received.clear()
        self.wanted = -1
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; tell whether the answer is whole.

        Raises:
            ConnectionError: the server closed in the middle.
        """
        data = self.socket.recv(_BUFFER)
        if not data:
            raise ConnectionError("the server closed the connection before its answer was whole")
        self.received += data
        if self.wanted < 0:
            end = self.received.find(_HEAD_END)
            if end < 0:
                return False
            self.wanted = end + len(_HEAD_END) + _content_length(bytes(self.received[:end]).lower())
        return len(self.received) >= self.wanted

    @property
    def body(self) -> bytes:
        return bytes(self.received[self.received.find(_HEAD_END) + len(_HEAD_END) :])

    @property
    def status(self) -> str:
        return self.received[9:12].decode("latin-1")

    @property
    def closing(self) -> bool:
        return _CLOSE in bytes(self.received[: self.received.find(_HEAD_END)]).lower()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line.removeprefix(_LENGTH))
    raise ValueError("an answer without Content-Length; this client takes no other")


class _Run:
    """One run of a spec."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        # The warm-up takes the last requests, so that the first one counted is the first one of the spec.
        self._sent = -spec.warm_up
        self._answered = 0
        self._began = time.perf_counter()
        self._latencies: list[float] = []
        self._statuses: dict[str, int] = {}
        self._bodies: list[bytes] = []
        self._places: list[int] = []

    def run(self) -> Load:
        connections = [_Connection(self._spec.port) for _ in range(self._spec.connections)]
        try:
            with selectors.DefaultSelector() as selector:
                self._ask(selector, connections)
        finally:
            for one in connections:
                one.socket.close()
        return Load(
            latencies_ms=self._latencies,
            seconds=time.perf_counter() - self._began,
            statuses=self._statuses,
            bodies=self._bodies,
            reconnects=sum(one.opened for one in connections),
            places=self._places,
        )

    def _ask(self, selector: selectors.BaseSelector, connections: list[_Connection]) -> None:
        for one in connections:
            selector.register(one.socket, selectors.EVENT_READ, one)
            self._next(one)
        while selector.get_map():
            for key, _ in selector.select(timeout=60):
                one = key.data
                if not one.receive():
                    continue
                if one.rest and one.status == _FINE and not one.closing:
                    one.send(one.rest.pop(0))
                    continue
                self._note(one)
                selector.unregister(one.socket)
                if self._over:
                    continue
                if one.closing:
                    one.reconnect()
                selector.register(one.socket, selectors.EVENT_READ, one)
                self._next(one)

    def _next(self, one: _Connection) -> None:
        place = self._sent % len(self._spec.requests)
        one.ask(place, self._spec.requests[place], self._spec.more.get(place, ()))
        self._sent += 1

    def _note(self, one: _Connection) -> None:
        now = time.perf_counter()
        self._answered += 1
        if self._answered <= self._spec.warm_up:
            self._began = now
            return
        self._latencies.append((now - one.sent_at) * 1000)
        self._places.append(one.place)
        self._statuses[one.status] = self._statuses.get(one.status, 0) + 1
        if len(self._bodies) < self._spec.keep:
            self._bodies.append(one.body)

    @property
    def _over(self) -> bool:
        passed = time.perf_counter() - self._began
        return len(self._latencies) >= self._spec.most or (
            passed > self._spec.seconds and self._answered > self._spec.warm_up
        )


def main(spec: Path, result: Path) -> None:
    """Run one spec."""
    load = _Run(msgspec.json.decode(spec.read_bytes(), type=Spec)).run()
    result.write_bytes(msgspec.json.encode(load))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
