"""The service as it runs: gunicorn with the project's own configuration, forked workers, real connections.

The parent is made to use its databases before the workers are forked (`warm_app`), which is what makes a shared
connection show (failure F11).
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.publish import publish
from registry.settings import ROOT
from tests.registry.access.harness import AUDIENCE, Idp, running_idp
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.support.engines import index_of
from tests.support.world import KEYS, World, make_settings

WARM_APP = """
from app import app
from registry.web.context import Context

context: Context = app.extensions["registry-context"]
assert app.test_client().get("/readyz").status_code == 200
assert context.truth.pool.checkedin() > 0, "the parent holds a connection as it forks"
"""


@dataclass
class Running:
    """A service under gunicorn."""

    url: str
    idp: Idp
    log: Path

    def headers(self) -> dict[str, str]:
        scopes = "registry:search registry:read registry:verify"
        return {"Authorization": f"Bearer {self.idp.token(scope=scopes)}"}

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers(), timeout=20)

    def lines(self, name: str) -> str:
        return (self.log / name).read_text("utf-8")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def _gunicorn(folder: Path, idp: Idp, environ: dict[str, str]) -> Iterator[Running]:
    (folder / "warm_app.py").write_text(WARM_APP, "utf-8")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "config" / "gunicorn.conf.py")]
    command += ["--bind", f"127.0.0.1:{port}", "--pythonpath", f"{folder},{ROOT}", "warm_app:app"]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stdout=out, stderr=err)
        try:
            _wait(url, process, folder)
            yield Running(url, idp, folder)
        finally:
            process.terminate()
            ended = process.wait(timeout=40)
        assert ended == 0, "the service did not stop cleanly"


def _wait(url: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/livez")
        except httpx.TransportError:
            assert process.poll() is None, (folder / "err").read_text("utf-8")
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no answer: {(folder / 'err').read_text('utf-8')}")


def _environ(folder: Path, idp: Idp, database: str) -> dict[str, str]:
    return {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": database,
        "REGISTRY_SEARCH__TANTIVY__PATH": str(folder / "index"),
        "REGISTRY_TOKENS__ISSUER": idp.issuer,
        "REGISTRY_TOKENS__AUDIENCE": AUDIENCE,
        # These tests are about connections; a crowded machine may take its time.
        "REGISTRY_DATABASE__SQLITE_BUSY_TIMEOUT_MS": "30000",
        "REGISTRY_DATABASE__POOL_TIMEOUT_S": "30",
        "REGISTRY_DATABASE__STATEMENT_TIMEOUT_MS": "30000",
        "REGISTRY_TOKENS__TIMEOUT_S": "30",
        "WEB_CONCURRENCY": "4",
        "WEB_THREADS": "4",
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with four workers that knows everyone, on each database; at the end it must stop cleanly."""
    tmp_path = tmp_path_factory.mktemp("running")
    database = f"sqlite:///{tmp_path / 'registry.db'}"
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("kept_postgres_database")
        database = fresh()
    world = World(make_settings(tmp_path, database))
    world.load(everyone())
    engine = index_of(world)
    publish(world.engine, engine, world.settings, lambda _phase, _amount: None)
    engine.close()
    world.close()
    with running_idp() as idp, _gunicorn(tmp_path, idp, _environ(tmp_path, idp, database)) as running:
        yield running


def test_forked_workers_answer_mixed_questions_without_a_mix_up(running: Running) -> None:
    questions: list[tuple[str, str, object, str]] = [
        ("GET", "/v1/practitioners?name=anna+lindqvist", None, '"total":1'),
        ("GET", "/v1/practitioners?licenceNumber=LK-7", None, "Bo Holm"),
        (
            "POST",
            "/v1/verifications",
            {"personalIdentityNumber": ANNA_NUMBER, "purpose": "lookup"},
            '"answer":"yes"',
        ),
        ("POST", "/v1/verifications", {"licenceNumber": "LK-7", "purpose": "lookup"}, '"answer":"no"'),
        ("GET", "/v1/feeds", None, "Testregistret"),
        ("GET", "/readyz", None, '"status":"ok"'),
    ]

    def ask(number: int) -> str:
        method, url, body, expected = questions[number % len(questions)]
        answer = client.request(method, url, json=body)
        return "right" if expected in answer.text else f"{answer.status_code} {answer.text}"

    with running.client() as client, ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(ask, range(300)))
    assert outcomes == {"right": 300}, running.lines("err")
    assert "request failed" not in running.lines("err")


def test_nothing_of_a_query_or_a_person_reaches_the_servers_logs(running: Running) -> None:
    with running.client() as client:
        found = client.get(
            "/v1/practitioners?familyName=lindqvist", headers={"Referer": "http://x/?name=berglund"}
        )
        client.get(f"/v1/practitioners/{ANNA_NUMBER}")
        client.get("/v1/practitioners?name=800503-9808")
        client.get("/v1/a%0Ab%22")
    _raw(running.url, b"GET /v1/practitioners?name=lindqvist HTTP/9\r\n\r\n", "400")
    lines = {line["path"]: line for line in _access_lines(running, found.headers["X-Request-Id"], paths=4)}
    asked = lines["/v1/practitioners"]
    assert (asked["status"], asked["method"]) == (400, "GET")
    assert {"/v1/practitioners/[personal number]", '/v1/a\nb"'} <= lines.keys()
    logs = running.lines("out") + running.lines("err")
    # Six digits of the number, not its last four: those stand in some moment's microseconds by chance.
    for secret in ("lindqvist", "berglund", "800503", "Bearer"):
        assert secret not in logs


def test_the_server_tells_no_software(running: Running) -> None:
    with running.client() as client:
        assert client.get("/livez").headers["Server"] == "registry"


def _access_lines(running: Running, first: str, *, paths: int) -> list[dict[str, Any]]:
    """Return the access log from a request on; a line is written after its answer, so it may come a moment later."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in running.lines("out").splitlines() if line.endswith("}")]
        since = next((at for at, line in enumerate(lines) if line["requestId"] == first), len(lines))
        if len(lines) - since >= paths:
            return lines[since:]
        time.sleep(0.05)
    raise AssertionError(f"the access log lacks lines:\n{running.lines('out')}")


@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        (b"GET /v1/feeds?x=" + b"berglund" * 700 + b" HTTP/1.1\r\n\r\n", "414", "uri-too-long"),
        (
            b"GET /v1/feeds HTTP/1.1\r\nX-Long: " + b"berglund" * 2000 + b"\r\n\r\n",
            "431",
            "headers-too-large",
        ),
        (b"BERGLUND\r\n\r\n", "400", "bad-request"),
    ],
)
def test_what_the_server_refuses_by_itself_has_the_same_shape(
    running: Running, request_: bytes, status: str, slug: str
) -> None:
    head, _, body = _raw(running.url, request_, status).partition("\r\n\r\n")
    assert "application/problem+json" in head
    assert json.loads(body)["type"].endswith(f"/problems/{slug}")
    assert "berglund" not in body.lower()


def _raw(url: str, request: bytes, status: str) -> str:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = connection.recv(65_536).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    return answer


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"WEB_THREADS": "many"}, "WEB_THREADS"),
        ({"WEB_THREADS": "99"}, "database.pool_size"),
        ({"REGISTRY_PRIVACY__DIGEST_KEY": ""}, "privacy.digest_key"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_says_which(
    tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "config" / "gunicorn.conf.py")]
    command += ["--bind", f"127.0.0.1:{_free_port()}", "app:app"]
    settings = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": f"sqlite:///{tmp_path / 'r.db'}",
    }
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings, **environ},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert re.search(words, ended.stderr.decode())
