"""The temporary folder of one server and the server process in it, both cleared away however the run ends."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from tests.services import guardian
from tests.services.account import Account
from tests.services.missing import ServiceStartError

# Below the range from which systems hand out ports to outgoing connections: a server that is stopped and
# started again finds its port free.
_PORTS = range(20_000, 32_000)
_SOCKET_PATH_BYTES = 80  # a Unix socket's path may have 103 to 107 bytes, the socket's own name included
_LOG_TAIL_LINES = 25
_POLL_SECONDS = 0.1


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which nothing listens just now."""
    for port in random.SystemRandom().sample(_PORTS, k=200):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServiceStartError("no free port found on 127.0.0.1 in 200 tries; stop some servers and try again")


class Workspace:
    """A fresh folder that belongs to the server's account, watched by a guardian process.

    `close()` removes it; if the caller dies first, the guardian ends the watched processes and removes it.
    """

    def __init__(self, service: str, account: Account) -> None:
        self.path = _make_folder(service, account)
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd="/",
            start_new_session=True,
        )
        self._tell(f"folder {self.path}")

    def watch(self, process: subprocess.Popen[bytes], first_signal: signal.Signals) -> None:
        """Have the process (leader of its own group) ended if the caller dies."""
        self._tell(f"watch {process.pid} {int(first_signal)}")

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Say that the process has ended and its number may belong to another one."""
        self._tell(f"forget {process.pid}")

    def close(self) -> None:
        """Let the guardian clear up, and wait until it has."""
        pipe = self._pipe
        if not pipe.closed:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._guardian.wait()
        guardian.remove_folder(self.path)  # there only if somebody ended the guardian

    @property
    def _pipe(self) -> IO[str]:
        assert self._guardian.stdin is not None
        return self._guardian.stdin

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # without a guardian the server still serves
            self._pipe.write(line + "\n")
            self._pipe.flush()


def _make_folder(service: str, account: Account) -> Path:
    tried: list[str] = []
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        if len(os.fsencode(parent)) > _SOCKET_PATH_BYTES or not Path(parent).is_dir():
            continue
        folder = Path(tempfile.mkdtemp(prefix=f"{guardian.FOLDER_PREFIX}{service}-", dir=parent))
        account.own(folder)
        if account.can_read(folder):
            return folder
        folder.rmdir()
        tried.append(parent)
    raise ServiceStartError(
        f"no temporary folder that the account {account.name} can reach (tried {', '.join(tried) or 'none'}); "
        "set TMPDIR to a short path open to all, such as one made with mode 1777",
    )


class ServerProcess:
    """One run of a server program: its own process group, its output in a log file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        workspace: Workspace,
        account: Account,
        environment: dict[str, str],
        log: Path,
        last_signal: signal.Signals,
    ) -> None:
        self._workspace = workspace
        self._log = log
        self._last_signal = last_signal
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
                cwd=workspace.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        workspace.watch(self._process, last_signal)

    @property
    def running(self) -> bool:
        """Tell whether the process has not ended (a paused one still runs)."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def wait_until(self, healthy: Callable[[], bool], *, seconds: float) -> None:
        """Poll until `healthy()`; raises `ServiceStartError` if the process ends or time is up before."""
        deadline = time.monotonic() + seconds
        while not healthy():
            if not self.running:
                self.end()
                raise ServiceStartError(f"it ended with code {self._process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.end()
                raise ServiceStartError(f"it was not healthy after {seconds:g} s:\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def end(self, first_signal: signal.Signals | None = None, *, patience: float = 20.0) -> None:
        """End the process: `first_signal` (its usual last signal if None), then SIGKILL after `patience` s."""
        self.send(first_signal or self._last_signal)
        self.send(signal.SIGCONT)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._process.wait()
        self._workspace.forget(self._process)

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])
