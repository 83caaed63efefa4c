"""Faults on the way to a running server are named, and nothing but a run's own folder is ever removed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.services import guardian
from tests.services.account import Account, choose_account
from tests.services.chromium import find_chromium
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.opensearch import OpenSearchServer
from tests.services.postgres import PostgresServer
from tests.services.workspace import ServerProcess, Workspace

_PROJECT = Path(__file__).parents[2]


def _java(home: Path, body: str) -> None:
    (home / "bin").mkdir(parents=True)
    for folder in (home, home / "bin"):
        folder.chmod(0o755)
    (home / "release").write_text('JAVA_VERSION="25.0.1"\n')
    (home / "bin" / "java").write_text(f"#!/bin/sh\n{body}\n")
    (home / "bin" / "java").chmod(0o755)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("exit 3", "does not run as"),
        ("[ $1 = --list-modules ] && exit 0; echo the java is broken; exit 3", "the java is broken"),
    ],
    ids=["does not run", "fails to start the server"],
)
def test_a_java_that_does_not_work_is_an_error_and_never_a_skip(
    body: str,
    message: str,
    opensearch_server: OpenSearchServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _java(tmp_path / "java", body)
    monkeypatch.setenv("OPENSEARCH_JAVA_HOME", str(tmp_path / "java"))
    with pytest.raises(ServiceStartError, match=message), OpenSearchServer() as server:
        assert not server.running


def test_a_server_that_never_answers_is_ended_and_its_log_is_told() -> None:
    account = choose_account("this test", "nobody")
    workspace = Workspace("test", account)
    try:
        process = ServerProcess(
            ["sh", "-c", "trap '' TERM; echo still thinking; while :; do sleep 0.1; done"],
            workspace=workspace,
            account=account,
            environment={"PATH": os.defpath},
            log=workspace.path / "server.log",
            last_signal=signal.SIGKILL,
        )
        with pytest.raises(ServiceStartError, match=r"not healthy after 0\.5 s:\nstill thinking"):
            process.wait_until(lambda: False, seconds=0.5)
        assert not process.running
    finally:
        workspace.close()


def test_a_missing_browser_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_TEST_CHROMIUM", "no-such-browser")
    with pytest.raises(
        ServiceMissingError, match=r"no program no-such-browser found.*apt-get install chromium"
    ):
        find_chromium()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers under another account")
def test_root_without_an_account_to_switch_to_is_told_what_to_do() -> None:
    with pytest.raises(ServiceMissingError, match="useradd --system no-such-account"):
        choose_account("this test", "no-such-account")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers under another account")
def test_a_closed_temporary_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    workspace = Workspace("test", choose_account("this test", "nobody"))
    try:
        assert not workspace.path.is_relative_to(tmp_path)
        assert list(tmp_path.iterdir()) == []
    finally:
        workspace.close()


def test_a_workspace_whose_guardian_was_ended_still_clears_up() -> None:
    workspace = Workspace("test", Account("the caller"))
    workspace._guardian.kill()
    workspace._guardian.wait()
    workspace.close()
    assert not workspace.path.exists()


def test_the_guardian_removes_nothing_but_a_runs_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "registry-test-1").mkdir()
    for name in ("mine", "registry-test-1"):
        guardian.remove_folder(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


_USES_BOTH = """
import httpx, psycopg
def test_engine(opensearch_url, opensearch_prefix):
    assert opensearch_url == {url!r}
    httpx.put(f"{{opensearch_url}}/{{opensearch_prefix}}index").raise_for_status()
def test_database(postgres_url):
    assert {folder!r} in postgres_url
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE fresh (id integer)")
"""


def test_running_servers_named_by_the_environment_are_used_and_left_clean(
    opensearch_server: OpenSearchServer, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    folder = postgres_server.url.partition("host=")[2]
    (tmp_path / "test_inner.py").write_text(_USES_BOTH.format(url=opensearch_server.url, folder=folder))
    before = _left_by_others(opensearch_server, postgres_server)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.services.plugin", "-p", "no:cacheprovider"),
            *("-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path / "test_inner.py")),
        ],
        cwd=_PROJECT,
        env=os.environ
        | {
            "REGISTRY_TEST_OPENSEARCH_URL": opensearch_server.url,
            "REGISTRY_TEST_DATABASE_URL": postgres_server.url,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "2 passed" in done.stdout, done.stdout
    assert _left_by_others(opensearch_server, postgres_server) == before


def _left_by_others(engine: OpenSearchServer, database: PostgresServer) -> tuple[set[str], set[str]]:
    indices = httpx.get(f"{engine.url}/_cat/indices?h=index", timeout=30).text.split()
    with psycopg.connect(database.url.replace("+psycopg", "")) as connection:
        names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    return set(indices), names
