"""One OpenSearch process: what it runs from, its folder, its ports, its start and its end."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.services import assemble
from tests.services.account import Account, choose_account, within_reach
from tests.services.java import Java, find_java
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.workspace import ServerProcess, Workspace

_HEAP = re.compile(r"[1-9]\d*[mg]")
_GC_LOG = re.compile(r"^(\S*-Xlog:gc)", re.MULTILINE)
_VECTOR = re.compile(r"^(\S*--add-modules=jdk\.incubator\.vector)", re.MULTILINE)
PORT_TAKEN = ("BindException", "BindHttpException", "Address already in use")
PORT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Program:
    """What nodes run from: the server's folder, Java and its options, and the account they run under."""

    home: Path
    java: Java
    account: Account
    java_options: str

    def within_reach(self, folder: Path) -> "Program":
        """Return the same, linked or copied into `folder` where the account can't read it as it stands.

        Raises:
            ServiceStartError: Java does not run.
        """
        account = self.account
        name, java = self.home.name, self.java.home
        base = within_reach(
            self.home.parent, [name], f"{name}/bin/opensearch", account=account, folder=folder
        )
        java_base = within_reach(
            java.parent, [java.name], f"{java.name}/bin/java", account=account, folder=folder
        )
        return replace(self, home=base / name, java=replace(self.java, home=java_base / java.name))

    def adapt_options(self, folder: Path) -> None:
        """Point Java's dumps into a node's folder, and leave out what this Java has not got."""
        path = folder / "config" / "jvm.options"
        options = path.read_text(encoding="utf-8")
        options = _GC_LOG.sub(r"# \1", options)
        options = options.replace("HeapDumpPath=data", f"HeapDumpPath={folder}/logs")
        options = options.replace("ErrorFile=logs/", f"ErrorFile={folder}/logs/")
        try:
            has_vector_module = self.java.has_vector_module(self.account)
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceStartError(
                f"Java in {self.java.home} does not run as {self.account.name}: {error}"
            ) from error
        if not has_vector_module:
            options = _VECTOR.sub(r"# \1", options)
        path.write_text(options, encoding="utf-8")


def find_program(
    home: Path, *, stands: Callable[[], bool], name: str, heap: str, quick_start: bool
) -> Program:
    """Return what nodes run from.

    `heap` is the Java heap of a node; `quick_start` keeps Java to its quick compiler.
    Raises `ServiceMissingError` if the server or Java is not there, `ValueError` for an impossible heap.
    """
    if not _HEAP.fullmatch(heap):
        raise ValueError(f"heap {heap!r}: write a whole number of megabytes or gigabytes, as in 512m or 2g")
    if not stands():
        raise ServiceMissingError(
            name,
            reason=f"it is not in {assemble.services_folder()}",
            remedy="run `make services` (needs Maven)",
        )
    options = f"-Xms{heap} -Xmx{heap}" + (" -XX:TieredStopAtLevel=1" if quick_start else "")
    return Program(home, find_java(), choose_account("OpenSearch", "nobody", "daemon"), options)


class Node:
    """A node in a folder of its own below the workspace's, on fixed ports; its data outlives `end`."""

    def __init__(
        self, program: Program, workspace: Workspace, name: str, *, port: int, transport: int
    ) -> None:
        self.name, self.port, self.transport = name, port, transport
        self.folder = workspace.path / name
        self._program, self._workspace = program, workspace
        self._process: ServerProcess | None = None
        self.folder.mkdir()
        program.account.own(self.folder)
        shutil.copytree(program.home / "config", self.folder / "config")
        for inner in ("data", "logs", "tmp", "config"):
            (self.folder / inner).mkdir(exist_ok=True)
            program.account.own(self.folder / inner)
        program.adapt_options(self.folder)

    @property
    def running(self) -> bool:
        """Tell whether the node's process is there (a paused one is)."""
        return self._process is not None and self._process.running

    def configure(self, source: Path) -> None:
        """Lay the files of a folder over the node's configuration; only its account may read them there."""
        target = self.folder / "config"
        shutil.copytree(source, target, dirs_exist_ok=True)
        for path in (target, *target.rglob("*")):
            self._program.account.own(path)
            path.chmod(0o700 if path.is_dir() else 0o600)

    def begin(self, settings: Mapping[str, str]) -> None:
        """Start the process; `wait` tells when it serves."""
        folder = self.folder
        own = {
            "node.name": self.name,
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(self.transport),
            "path.data": f"{folder}/data",
            "path.logs": f"{folder}/logs",
            # A nearly full disk would otherwise block all writes.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        log = folder / "server.log"
        log.unlink(missing_ok=True)  # a log tail tells about this start only
        program = self._program
        self._process = ServerProcess(
            [
                program.home / "bin" / "opensearch",
                *(f"-E{name}={value}" for name, value in {**own, **settings}.items()),
            ],
            workspace=self._workspace,
            account=program.account,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "LC_ALL": "C.UTF-8",
                "HOME": str(folder),
                "OPENSEARCH_JAVA_HOME": str(program.java.home),
                "OPENSEARCH_JAVA_OPTS": program.java_options,
                "OPENSEARCH_PATH_CONF": f"{folder}/config",
                "OPENSEARCH_TMPDIR": f"{folder}/tmp",
            },
            log=log,
            last_signal=signal.SIGKILL,  # at the end its data goes anyway
        )

    def wait(self, healthy: Callable[[], bool], *, seconds: float) -> None:
        """Poll until `healthy()`; raises `ServiceStartError` if the process ends or time is up before."""
        self._running.wait_until(healthy, seconds=seconds)

    def stop(self) -> None:
        """Shut the node down in good order."""
        self._running.end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node as a crash would."""
        self._running.end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the node: connections are still taken but nothing is answered, until `resume()`."""
        self._running.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused node go on."""
        self._running.send(signal.SIGCONT)

    def close(self) -> None:
        """End the process if there is one."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def remove(self) -> None:
        """End the process and remove its folder, so that another node can stand there."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder)

    @property
    def _running(self) -> ServerProcess:
        assert self._process is not None, f"node {self.name} was not started"
        return self._process


def port_was_taken(error: ServiceStartError) -> bool:
    """Tell whether a start failed because, between our look and it, another program took a port."""
    return any(word in str(error) for word in PORT_TAKEN)
