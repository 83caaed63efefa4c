"""The real services do what the tests rely on, and are cleared away however a run ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from tests.services.account import choose_account, within_reach
from tests.services.opensearch import OpenSearchServer
from tests.services.postgres import PostgresDatabases, PostgresServer
from tests.services.workspace import Workspace, free_port
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

_PROJECT = Path(__file__).parents[2]
_NAMES_INDEX = {
    "settings": {"number_of_replicas": 1},
    "mappings": {"dynamic": "strict", "properties": {"name": {"type": "keyword"}}},
}


def _found(client: httpx.Client, index: str, words: str) -> list[str]:
    query = {"query": {"prefix": {"name": words}}}
    answer = client.post(f"/{index}/_search", json=query).raise_for_status()
    return [hit["_id"] for hit in answer.json()["hits"]["hits"]]


def test_opensearch_indexes_finds_by_prefix_and_deletes_by_query(
    opensearch_url: str, opensearch_prefix: str
) -> None:
    index = f"{opensearch_prefix}names"
    with httpx.Client(base_url=opensearch_url, timeout=30) as client:
        client.put(f"/{index}", json=_NAMES_INDEX).raise_for_status()
        document = {"name": "åsa lindström"}
        client.put(f"/{index}/_doc/7?refresh=true", json=document).raise_for_status()
        assert _found(client, index, "åsa l") == ["7"]
        assert _found(client, index, "lund") == []
        assert client.put(f"/{index}/_doc/8", json={"other": 1}).status_code == 400
        query: dict[str, Any] = {"query": {"match_all": {}}}
        deleted = client.post(f"/{index}/_delete_by_query?refresh=true", json=query).raise_for_status()
        assert deleted.json()["deleted"] == 1


def test_a_paused_opensearch_gives_no_answer_and_a_killed_one_keeps_its_data(
    stoppable_opensearch: OpenSearchServer,
) -> None:
    server = stoppable_opensearch
    address = server.url
    with httpx.Client(base_url=address, timeout=30) as client:
        client.put("/kept/_doc/1?refresh=true", json={"name": "kept"}).raise_for_status()
        server.pause()
        with pytest.raises(httpx.ReadTimeout):
            client.get("/", timeout=0.5)
        server.resume()
        assert client.get("/kept/_doc/1").json()["found"] is True
        server.kill()
        with pytest.raises(httpx.TransportError):
            client.get("/")
        assert not server.running
        server.start()
        assert server.url == address
        assert client.get("/kept/_doc/1").json()["found"] is True
        client.delete("/kept").raise_for_status()


@pytest.mark.parametrize(
    ("fixture", "major"),
    [("fresh_postgres_database", range(18, 100)), ("fresh_debian_postgres_database", range(15, 100))],
    ids=["wheel", "debian"],
)
def test_postgres_gives_each_caller_its_own_database(
    request: pytest.FixtureRequest, fixture: str, major: range
) -> None:
    fresh: Callable[[], str] = request.getfixturevalue(fixture)
    first, second = (url.replace("+psycopg", "") for url in (fresh(), fresh()))
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE practitioner (id integer PRIMARY KEY, name text)")
        connection.execute("INSERT INTO practitioner VALUES (1, 'Åsa')")
        row = connection.execute("SELECT upper(name) FROM practitioner").fetchone()
        assert row == ("ÅSA",)
        assert connection.info.server_version // 10_000 in major
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('practitioner')").fetchone() == (None,)


def test_a_test_database_is_gone_after_its_test(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'registry_test%'")
        assert connection.info.dbname in {name for (name,) in names}


def test_a_crashed_postgres_recovers_what_was_committed_and_leaves_nothing_behind(
    postgres_server: PostgresServer,
) -> None:
    with PostgresServer() as server:
        folder = Path(server.url.partition("host=")[2])
        database = server.create_database("kept").replace("+psycopg", "")
        with psycopg.connect(database) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
        server.kill()
        server.start()
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT id FROM kept").fetchone() == (1,)
        copy = server.create_database("copied", template="kept").replace("+psycopg", "")
        with psycopg.connect(copy) as connection:
            assert connection.execute("SELECT id FROM kept").fetchone() == (1,)
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(copy)
        server.start()
        with psycopg.connect(copy) as connection:
            assert connection.execute("SELECT id FROM kept").fetchone() == (1,)
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_a_benchmark_can_ask_for_a_database_that_waits_for_the_disk(
    durable: bool, fsync: str, postgres_server: PostgresServer
) -> None:
    with (
        PostgresServer(durable=durable) as server,
        psycopg.connect(server.url.replace("+psycopg", "")) as connection,
    ):
        assert connection.execute("SHOW fsync").fetchone() == (fsync,)


_STARTS_AND_WAITS = """
import sys, time
from tests.services.postgres import PostgresServer
server = PostgresServer().__enter__()
print(server.url.partition("host=")[2], flush=True)
time.sleep(600)
"""


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_no_server_and_no_folder(
    number: signal.Signals, postgres_server: PostgresServer
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STARTS_AND_WAITS],
        cwd=_PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        assert not _gone(server)
        run.send_signal(number)
    until(lambda: not folder.exists() and _gone(server))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers under another account")
def test_files_in_a_closed_folder_are_brought_within_the_servers_reach(tmp_path: Path) -> None:
    account = choose_account("this test", "nobody")
    closed = tmp_path / "closed"
    program = closed / "tree" / "inner" / "bin" / "tool"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho served\n")
    program.chmod(0o700)
    (closed / "tree" / "inner" / "link").symlink_to("bin/tool")
    closed.chmod(0o700)
    workspace = Workspace("test", account)
    try:
        assert not account.can_read(program)
        base = within_reach(
            closed, ["tree/inner"], "tree/inner/bin/tool", account=account, folder=workspace.path
        )
        assert base == workspace.path
        assert account.run([base / "tree" / "inner" / "link"]) == "served\n"
        assert program.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        workspace.close()
    assert not workspace.path.exists()


def test_an_impossible_heap_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(ValueError, match="as in 512m or 2g"):
        OpenSearchServer(heap="512")


def test_a_database_name_that_needs_quoting_is_refused() -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        PostgresDatabases("postgresql+psycopg://nobody@/none").create("a b")


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    ports = {free_port() for _ in range(5)}
    assert all(20_000 <= port < 32_000 for port in ports)


def test_chromium_shows_a_page(chromium_browser: "Browser") -> None:
    context = chromium_browser.new_context()
    page = context.new_page()
    page.set_content("<title>Register</title><p id=a>Legitimerad <b>sjuksköterska</b></p>")
    assert page.title() == "Register"
    assert page.locator("#a").inner_text() == "Legitimerad sjuksköterska"
    context.close()
