"""The load client against a server that answers in pieces, closes connections, or dies."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from tests.bench.client import Load, Spec, main

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@contextmanager
def serving(pieces: list[bytes], *, keep: bool) -> Iterator[int]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                while self.rfile.readline().strip():
                    pass
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
                if not keep:
                    return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def asked(port: int, folder: Path, *, connections: int) -> Load:
    spec = Spec(
        port=port, requests=[REQUEST], connections=connections, warm_up=3, most=20, seconds=30, keep=1
    )
    (folder / "spec").write_bytes(msgspec.json.encode(spec))
    main(folder / "spec", folder / "result")
    return msgspec.json.decode((folder / "result").read_bytes(), type=Load)


@pytest.mark.parametrize("connections", [1, 4])
def test_answers_in_pieces_are_counted_once_they_are_whole(tmp_path: Path, connections: int) -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhe", b"llo"]
    with serving(pieces, keep=True) as port:
        load = asked(port, tmp_path, connections=connections)
    assert load.bodies == [b"hello"]
    assert load.reconnects == 0
    # Those still under way when enough had come are counted too.
    assert 20 <= len(load.latencies_ms) < 20 + connections
    assert load.statuses == {"200": len(load.latencies_ms)}


def test_a_connection_that_the_server_closes_is_opened_again(tmp_path: Path) -> None:
    head = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with serving([head], keep=False) as port:
        load = asked(port, tmp_path, connections=1)
    assert load.statuses == {"503": 20}
    assert load.reconnects == 22  # not after the last of 3 + 20 answers


def test_half_an_answer_is_an_error_not_a_figure(tmp_path: Path) -> None:
    with (
        serving([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"], keep=False) as port,
        pytest.raises(ConnectionError, match="before its answer was whole"),
    ):
        asked(port, tmp_path, connections=1)
