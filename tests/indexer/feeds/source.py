"""A small HTTP server that answers as a test says, faults included, and remembers what it was asked."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    content: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One answer.

    `cut` sends only so many bytes of the body, then hangs up; `chunked` sends it in chunks instead of with its length;
    `drip_s` pauses so long after each byte, headers included.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    length: bool = True
    chunked: bool = False
    drip_s: float = 0.0


@dataclass
class Source:
    """The running server: `routes` answer by path, `everything` all other paths; `asked` is every request so far."""

    url: str
    routes: dict[str, Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    everything: Answer = Answer(status=404)

    def gives(self, path: str, *answers: Answer) -> str:
        """Answer this path with these in turn, the last one for ever; return the address."""
        left = list(answers)
        self.routes[path] = lambda _: left.pop(0) if len(left) > 1 else left[0]
        return self.url + path

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.close_connection = True
    if answer.drip_s:
        _drip(handler, answer)
        return
    handler.send_response(answer.status)
    for name, value in {"Connection": "close", **answer.headers}.items():
        handler.send_header(name, value)
    if answer.chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    elif answer.length:
        handler.send_header("Content-Length", str(len(answer.body)))
    handler.end_headers()
    sent = answer.body if answer.cut is None else answer.body[: answer.cut]
    if answer.chunked:
        sent = b"%x\r\n%b\r\n" % (len(sent), sent) + (b"0\r\n\r\n" if answer.cut is None else b"")
    with suppress(ConnectionError):  # whoever asked may have seen enough
        handler.wfile.write(sent)


def _drip(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {len(answer.body)}\r\n\r\n"
    with suppress(OSError):
        for byte in head.encode() + answer.body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(answer.drip_s)


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Source]:
    """Serve on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                parts.path,
                {name: values[0] for name, values in parse_qs(parts.query).items()},
                {name.lower(): value for name, value in self.headers.items()},
                self.command,
                self.rfile.read(int(self.headers.get("Content-Length", "0"))),
            )
            source.asked.append(asked)
            route = source.routes.get(parts.path)
            _send(self, route(asked) if route else source.everything)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        # The handshake is left to the thread of the request: the one that accepts must not die of it.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    source = Source(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}")
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
