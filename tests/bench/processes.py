"""Starting what must run beside the measurement, or in a process of its own, and ending it whatever happens."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from registry.settings import ROOT
from tests.services.account import Account
from tests.services.workspace import ServerProcess, Workspace

T = TypeVar("T")


class BenchError(Exception):
    """A part did not come up, ended badly, or gave another answer than it must; nothing was measured."""


def plain_environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without its own registry settings, and with those given.

    What is measured is not watched by coverage, which would be measured, too.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REGISTRY_", "COVERAGE_PROCESS_"))
        or name.startswith(("REGISTRY_BENCH_", "REGISTRY_SERVICES_"))
    }
    # Modules of the tests are found wherever a process works.
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def job(name: str, environ: Mapping[str, str], folder: Path, kind: type[T], **arguments: Any) -> T:  # noqa: ANN401 - JSON values
    """Run a job of `tests.bench.worker` in a process of its own and return its result.

    Raises:
        BenchError: it failed; the message has the end of its log.
    """
    log, result = folder / f"{name}.log", folder / f"{name}.json"
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.worker", name, str(result)],
            cwd=folder,
            env=dict(environ),
            input=msgspec.json.encode(arguments),
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise BenchError(f"The job {name} failed:\n{log.read_text('utf-8', 'replace')[-3000:]}")
    return msgspec.json.decode(result.read_bytes(), type=kind)


@contextlib.contextmanager
def workspace() -> Iterator[Workspace]:
    """Give a folder that is removed, and whose processes are ended, even if this process is killed."""
    made = Workspace("bench", Account("the caller"))
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def running(
    arguments: list[str],
    environ: Mapping[str, str],
    space: Workspace,
    log: Path,
    *,
    ready: str,
    patience_s: float,
) -> Iterator[int]:
    """Run a Python module until the block ends; yield its process id as soon as `ready` (an address) answers 200.

    Raises:
        ServiceStartError: it ended, or did not answer in time.
    """
    process = ServerProcess(
        [sys.executable, "-m", *arguments],
        workspace=space,
        account=Account("the caller"),
        environment=dict(environ),
        log=log,
        last_signal=signal.SIGTERM,
    )
    try:
        process.wait_until(lambda: _answers(ready), seconds=patience_s)
        yield process._process.pid
    finally:
        process.end()


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
