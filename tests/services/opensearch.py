"""A real OpenSearch server of one node with fresh data: `with OpenSearchServer() as server: server.url`."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import httpx

from tests.services import assemble
from tests.services.account import choose_account, within_reach
from tests.services.java import find_java
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.started import Started
from tests.services.workspace import ServerProcess, Workspace, free_port

_HEAP = re.compile(r"[1-9]\d*[mg]")
_HEALTH = {"wait_for_status": "yellow", "timeout": "1s"}  # yellow: one node has no place for replicas
_PORT_TAKEN = ("BindException", "BindHttpException", "Address already in use")
_PORT_TRIES = 3
_GC_LOG = re.compile(r"^(\S*-Xlog:gc)", re.MULTILINE)
_VECTOR = re.compile(r"^(\S*--add-modules=jdk\.incubator\.vector)", re.MULTILINE)


class OpenSearchServer(Started):
    """One OpenSearch node on a free port of 127.0.0.1, gone with its data at the end.

    `heap` is the Java heap (`512m` carries the tests, `2g` a benchmark of a million documents).
    `quick_start` keeps Java to its quick compiler: starts faster, answers slower; off for a benchmark.
    Raises `ServiceMissingError` if the server or Java is not there, `ServiceStartError` if it does not start.
    """

    def __init__(
        self,
        *,
        heap: str = "512m",
        quick_start: bool = True,
        start_seconds: float = 180.0,
    ) -> None:
        if not _HEAP.fullmatch(heap):
            raise ValueError(
                f"heap {heap!r}: write a whole number of megabytes or gigabytes, as in 512m or 2g"
            )
        if not assemble.is_assembled():
            raise ServiceMissingError(
                "OpenSearch",
                reason=f"it is not in {assemble.services_folder()}",
                remedy="run `make services` (needs Maven)",
            )
        self._java = find_java()
        self._account = choose_account("OpenSearch", "nobody", "daemon")
        self._java_options = f"-Xms{heap} -Xmx{heap}" + (" -XX:TieredStopAtLevel=1" if quick_start else "")
        self._start_seconds = start_seconds
        self._workspace: Workspace | None = None
        self._process: ServerProcess | None = None
        self._home = Path()
        self._port = 0
        self.start_duration = 0.0

    @property
    def url(self) -> str:
        """The server's address; it stays the same over `stop()` and `start()`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def running(self) -> bool:
        """Tell whether the server's process is there (a paused one is)."""
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Start the server, on fresh data the first time and on the kept data after `stop()` or `kill()`.

        It does nothing when the server runs already.
        """
        if self.running:
            return
        began = time.monotonic()
        first = self._workspace is None
        workspace = self._workspace or self._prepare()
        for tries_left in reversed(range(_PORT_TRIES)):
            if first:
                self._port = free_port()
            try:
                self._run(workspace)
                break
            except ServiceStartError as error:
                # Between our look and the server's start another program took the port.
                if not (first and tries_left and any(word in str(error) for word in _PORT_TAKEN)):
                    raise
        self.start_duration = time.monotonic() - began

    def stop(self) -> None:
        """Shut the server down in good order; its data and address stay for the next `start()`."""
        self._running.end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a crash would; its data and address stay for the next `start()`."""
        self._running.end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the server: connections are still taken but nothing is answered, until `resume()`."""
        self._running.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._running.send(signal.SIGCONT)

    def close(self) -> None:
        """End the server and remove its data."""
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    @property
    def _running(self) -> ServerProcess:
        assert self._process is not None, "the server was not started"
        return self._process

    def _prepare(self) -> Workspace:
        workspace = self._workspace = Workspace("opensearch", self._account)
        folder = workspace.path
        name = assemble.server_folder().name
        within = within_reach(
            assemble.services_folder(), [name], f"{name}/bin/opensearch", account=self._account, folder=folder
        )
        self._home = within / name
        java = self._java.home
        within = within_reach(
            java.parent, [java.name], f"{java.name}/bin/java", account=self._account, folder=folder
        )
        self._java = replace(self._java, home=within / java.name)
        shutil.copytree(self._home / "config", folder / "config")
        for inner in ("data", "logs", "tmp", "config"):
            (folder / inner).mkdir(exist_ok=True)
            self._account.own(folder / inner)
        self._adapt_options(folder)
        return workspace

    def _adapt_options(self, folder: Path) -> None:
        """Point Java's dumps into the run's folder, and leave out what this Java has not got."""
        path = folder / "config" / "jvm.options"
        options = path.read_text(encoding="utf-8")
        options = _GC_LOG.sub(r"# \1", options)
        options = options.replace("HeapDumpPath=data", f"HeapDumpPath={folder}/logs")
        options = options.replace("ErrorFile=logs/", f"ErrorFile={folder}/logs/")
        try:
            has_vector_module = self._java.has_vector_module(self._account)
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceStartError(
                f"Java in {self._java.home} does not run as {self._account.name}: {error}"
            ) from error
        if not has_vector_module:
            options = _VECTOR.sub(r"# \1", options)
        path.write_text(options, encoding="utf-8")

    def _run(self, workspace: Workspace) -> None:
        folder = workspace.path
        settings = {
            "discovery.type": "single-node",
            "cluster.name": "registry-tests",
            "node.name": "one",
            "network.host": "127.0.0.1",
            "http.port": str(self._port),
            "transport.port": str(free_port()),
            "path.data": f"{folder}/data",
            "path.logs": f"{folder}/logs",
            # A nearly full disk would otherwise block all writes.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        log = folder / "server.log"
        log.unlink(missing_ok=True)  # a log tail tells about this start only
        self._process = ServerProcess(
            [self._home / "bin" / "opensearch", *(f"-E{name}={value}" for name, value in settings.items())],
            workspace=workspace,
            account=self._account,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "LC_ALL": "C.UTF-8",
                "HOME": str(folder),
                "OPENSEARCH_JAVA_HOME": str(self._java.home),
                "OPENSEARCH_JAVA_OPTS": self._java_options,
                "OPENSEARCH_PATH_CONF": f"{folder}/config",
                "OPENSEARCH_TMPDIR": f"{folder}/tmp",
            },
            log=log,
            last_signal=signal.SIGKILL,  # at the end its data goes anyway
        )
        self._process.wait_until(self._healthy, seconds=self._start_seconds)

    def _healthy(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{self.url}/_cluster/health", params=_HEALTH, timeout=5.0, trust_env=False)
            return answer.status_code == httpx.codes.OK
        return False
