"""A real OpenSearch server of one node with fresh data: `with OpenSearchServer() as server: server.url`."""

import contextlib
import time

import httpx

from tests.services import assemble
from tests.services.missing import ServiceStartError
from tests.services.opensearch_node import PORT_TRIES, Node, find_program, port_was_taken
from tests.services.started import Started
from tests.services.workspace import Workspace, free_port

_HEALTH = {"wait_for_status": "yellow", "timeout": "1s"}  # yellow: one node has no place for replicas
_SETTINGS = {"discovery.type": "single-node", "cluster.name": "registry-tests"}


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
        self._program = find_program(
            assemble.server_folder(),
            stands=assemble.is_assembled,
            name="OpenSearch",
            heap=heap,
            quick_start=quick_start,
        )
        self._start_seconds = start_seconds
        self._workspace: Workspace | None = None
        self._node: Node | None = None
        self.start_duration = 0.0

    @property
    def url(self) -> str:
        """The server's address; it stays the same over `stop()` and `start()`."""
        return f"http://127.0.0.1:{self._node.port if self._node else 0}"

    @property
    def running(self) -> bool:
        """Tell whether the server's process is there (a paused one is)."""
        return self._node is not None and self._node.running

    def start(self) -> None:
        """Start the server, on fresh data the first time and on the kept data after `stop()` or `kill()`.

        It does nothing when the server runs already.
        """
        if self.running:
            return
        began = time.monotonic()
        if self._node is not None:
            self._run(self._node)
        else:
            self._start_anew()
        self.start_duration = time.monotonic() - began

    def stop(self) -> None:
        """Shut the server down in good order; its data and address stay for the next `start()`."""
        self._started.stop()

    def kill(self) -> None:
        """End the server as a crash would; its data and address stay for the next `start()`."""
        self._started.kill()

    def pause(self) -> None:
        """Freeze the server: connections are still taken but nothing is answered, until `resume()`."""
        self._started.pause()

    def resume(self) -> None:
        """Let a paused server go on."""
        self._started.resume()

    def close(self) -> None:
        """End the server and remove its data."""
        if self._node is not None:
            self._node.close()
            self._node = None
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    @property
    def _started(self) -> Node:
        assert self._node is not None, "the server was not started"
        return self._node

    def _start_anew(self) -> None:
        workspace = self._workspace = Workspace("opensearch", self._program.account)
        program = self._program.within_reach(workspace.path)
        for tries_left in reversed(range(PORT_TRIES)):
            node = Node(program, workspace, "one", port=free_port(), transport=free_port())
            self._node = node
            try:
                self._run(node)
                break
            except ServiceStartError as error:
                if not (tries_left and port_was_taken(error)):
                    raise
                node.remove()

    def _run(self, node: Node) -> None:
        node.begin(_SETTINGS)
        node.wait(self._healthy, seconds=self._start_seconds)

    def _healthy(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{self.url}/_cluster/health", params=_HEALTH, timeout=5.0, trust_env=False)
            return answer.status_code == httpx.codes.OK
        return False
