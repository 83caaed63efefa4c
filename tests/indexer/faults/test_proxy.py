"""The proxy itself, in front of a server of its own: what it lets through, and what each fault does."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest

from tests.support.bulk_bodies import documents
from tests.support.fault_proxy import Fault, FaultProxy, Kind


class _Engine(BaseHTTPRequestHandler):
    """Takes every document whose numbers are numbers, and keeps what it took."""

    protocol_version = "HTTP/1.1"
    taken: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = body.split(b"\n")[1::2]
        items = []
        for name, line in zip(documents(body), lines, strict=True):
            good = isinstance(orjson.loads(line)["birth_from"], int)
            if good:
                self.server.taken.append(name)  # type: ignore[attr-defined]
            items.append({"index": {"status": 201 if good else 400}})
        answer = orjson.dumps({"items": items})
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def taken() -> list[str]:
    return []


@pytest.fixture
def proxy(taken: list[str]) -> Iterator[FaultProxy]:
    engine = ThreadingHTTPServer(("127.0.0.1", 0), _Engine)
    engine.taken = taken  # type: ignore[attr-defined]
    engine.daemon_threads = False
    thread = threading.Thread(target=engine.serve_forever, args=(0.05,))
    thread.start()
    try:
        with FaultProxy(f"http://127.0.0.1:{engine.server_port}") as found:
            yield found
    finally:
        engine.shutdown()
        thread.join()
        engine.server_close()


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=10) as found:
        yield found


def bulk(*names: str) -> bytes:
    return b"".join(
        orjson.dumps(line) + b"\n"
        for name in names
        for line in ({"index": {"_id": name}}, {"birth_from": 19800101})
    )


def statuses(answer: httpx.Response) -> list[Any]:
    return [item["index"]["status"] for item in answer.json()["items"]]


def test_without_a_fault_everything_passes(client: httpx.Client, proxy: FaultProxy, taken: list[str]) -> None:
    assert [statuses(client.post("/_bulk", content=bulk("a", "b"))) for _ in range(3)] == [[201, 201]] * 3
    assert taken == ["a", "b"] * 3
    assert proxy.counts() == {"none": 3}


def test_a_refused_request_never_reaches_the_server_and_faults_end(
    client: httpx.Client, proxy: FaultProxy, taken: list[str]
) -> None:
    with proxy.faults(Fault("answer", status=503, times=2)):
        told = [client.post("/_bulk", content=bulk("a")).status_code for _ in range(3)]
        other = client.post("/other", content=bulk("b")).status_code
    assert (told, other, taken) == ([503, 503, 200], 200, ["a", "b"])
    assert proxy.counts() == {"answer 503": 2, "none": 1}


@pytest.mark.parametrize(("kind", "reached"), [("cut", []), ("cut-after", ["a"]), ("half", ["a"])])
def test_a_cut_connection_may_or_may_not_have_done_its_work(
    client: httpx.Client, proxy: FaultProxy, taken: list[str], kind: Kind, reached: list[str]
) -> None:
    with proxy.faults(Fault(kind)), pytest.raises(httpx.RemoteProtocolError):
        client.post("/_bulk", content=bulk("a"))
    assert taken == reached
    assert client.post("/_bulk", content=bulk("b")).status_code == 200


def test_a_busy_server_does_a_part_and_says_which(
    client: httpx.Client, proxy: FaultProxy, taken: list[str]
) -> None:
    with proxy.faults(Fault("crowd", every=2)):
        answer = client.post("/_bulk", content=bulk("a", "b", "c", "d", "e"))
    assert statuses(answer) == [429, 201, 429, 201, 429]
    assert answer.json()["errors"] is True
    assert taken == ["b", "d"]


def test_one_document_is_spoiled_and_its_neighbours_are_not(
    client: httpx.Client, proxy: FaultProxy, taken: list[str]
) -> None:
    with proxy.faults(Fault("spoil", document="b")):
        answer = client.post("/_bulk", content=bulk("a", "b", "c"))
    assert statuses(answer) == [201, 400, 201]
    assert taken == ["a", "c"]


def test_a_delayed_request_is_answered_all_the_same(client: httpx.Client, proxy: FaultProxy) -> None:
    with proxy.faults(Fault("delay", seconds=0.2)):
        answer = client.post("/_bulk", content=bulk("a"))
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_behind_a_server_that_is_gone_the_proxy_is_gone_too() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Engine) as gone:
        url = f"http://127.0.0.1:{gone.server_port}"
    with FaultProxy(url) as proxy, pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{proxy.url}/_bulk", content=bulk("a"))
    assert proxy.seen("_bulk")[0].status is None
