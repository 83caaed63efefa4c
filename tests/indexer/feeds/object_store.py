"""A real server that speaks S3 (SeaweedFS, from a wheel) on this machine, and a way there that can fail."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

BUCKET, REGION = "feeds", "eu-north-1"
KEY, SECRET = "AKIAREGISTRY", "s3cret-of-the-one-user"
_UP_WITHIN_S = 60.0


@dataclass
class Store:
    """The running server. Only `KEY` with `SECRET` may read."""

    url: str

    @property
    def bucket(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.url,
            region=REGION,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )

    def put(self, name: str, data: bytes) -> None:
        obstore.put(self.bucket, name, data, use_multipart=False)

    def remove(self, name: str) -> None:
        obstore.delete(self.bucket, name)

    def empty(self) -> None:
        for page in obstore.list(self.bucket):
            for entry in page:
                self.remove(entry["path"])


@contextmanager
def storing(folder: Path) -> Iterator[Store]:
    """Run a storage with one bucket and one user in a fresh folder; whoever else comes is refused."""
    user = {
        "name": "registry",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin"],
    }
    (folder / "users.json").write_text(json.dumps({"identities": [user]}))
    (folder / "data").mkdir()
    names = ("master", "volume", "filer", "s3")
    ports = dict(zip((*names, *(f"{name}.grpc" for name in names)), _free_ports(8), strict=True))
    command = [
        *(str(Path(sys.executable).with_name("weed")), "-logtostderr=true", "server"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", "-filer", "-s3"),
        *(f"-{name}.port={ports[name]}" for name in names),
        *(f"-{name}.port.grpc={ports[name + '.grpc']}" for name in names),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={folder / 'users.json'}"),
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=5"),
    ]
    store = Store(f"http://127.0.0.1:{ports['s3']}")
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _wait(store, server, folder / "log")
            yield store
        finally:
            server.kill()


def _wait(store: Store, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _UP_WITHIN_S
    while True:
        try:
            store.put("up", b"")  # makes the bucket too
        except BaseError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"The storage does not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
        else:
            return


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in taken]
    for server in taken:
        server.close()
    return ports


Fault = Callable[[str, dict[str, str]], int | str | None]


@dataclass
class Way:
    """A proxy to a storage.

    Attributes:
        fault: asked before each request with its path and headers: a status to answer instead, "cut" to hang up in the
            middle of the answer, or None to let it pass.
        asked: path and range of all requests so far.
    """

    url: str
    fault: Fault = lambda _path, _headers: None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def reads(self) -> list[str]:
        """The ranges asked for."""
        return [span for _, span in self.asked if span]


@contextmanager
def way_to(store: Store) -> Iterator[Way]:
    """Run a proxy to a storage. It passes on what was signed for it, so the host's name in requests stays as it is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.close_connection = True
            headers = {name.lower(): value for name, value in self.headers.items()}
            way.asked.append((self.path, headers.get("range", "")))
            fault = way.fault(self.path, headers)
            if isinstance(fault, int):
                self.send_response(fault)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            answer = httpx.request(self.command, store.url + self.path, headers=headers, timeout=30)
            body = b"" if self.command == "HEAD" else answer.content
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    way = Way(f"http://127.0.0.1:{server.server_address[1]}")
    try:
        yield way
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
