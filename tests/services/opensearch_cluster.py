"""A real OpenSearch cluster on 127.0.0.1: `with OpenSearchCluster() as cluster: cluster.urls`."""

import contextlib
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from tests.services import assemble, secured
from tests.services.missing import ServiceStartError
from tests.services.opensearch_node import PORT_TRIES, Node, Program, find_program, port_was_taken
from tests.services.started import Started
from tests.services.workspace import Workspace, free_port

NAMES = ("search-1", "search-2", "search-3")
ATTRIBUTES: tuple[Mapping[str, str], ...] = ({"zone": "a"}, {"zone": "b"}, {"zone": "c"})
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Security:
    """What makes a cluster speak TLS and ask for users.

    Attributes:
        configurations: for each node's name a folder that is laid over its configuration: `opensearch.yml` with the
            plugin's settings, certificates, the plugin's own files.
        administrator: trusts the cluster's certificates and shows the administrator's.
    """

    configurations: Mapping[str, Path]
    administrator: ssl.SSLContext


class OpenSearchCluster(Started):
    """Three nodes (or as many as `names`), each in a zone of its own, gone with their data at the end.

    `attributes` are what each node says of its place.
    `security` starts them with the security plugin; `heap` is each node's. All share a folder for snapshots.
    Raises `ServiceMissingError` if the server or Java is not there, `ServiceStartError` if it does not start.
    """

    def __init__(
        self,
        *,
        names: Sequence[str] = NAMES,
        attributes: Sequence[Mapping[str, str]] = ATTRIBUTES,
        security: Security | None = None,
        heap: str = "512m",
        quick_start: bool = True,
        start_seconds: float = 300.0,
    ) -> None:
        self._program = find_program(
            secured.server_folder() if security else assemble.server_folder(),
            stands=secured.is_assembled if security else assemble.is_assembled,
            name=secured.NAME if security else "OpenSearch",
            heap=heap,
            quick_start=quick_start,
        )
        self.attributes = dict(zip(names, attributes, strict=True))
        self._security = security
        self._start_seconds = start_seconds
        self._workspace: Workspace | None = None
        self.nodes: tuple[Node, ...] = ()
        self.start_duration = 0.0

    @property
    def urls(self) -> tuple[str, ...]:
        """The nodes' addresses, dead or alive; they stay the same."""
        return tuple(map(self._url, self.nodes))

    @property
    def snapshots(self) -> Path:
        """The folder for snapshots, which every node reaches."""
        assert self._workspace is not None, "the cluster was not started"
        return self._workspace.path / "snapshots"

    @cached_property
    def administrator(self) -> httpx.Client:
        """A client with all rights; give it whole addresses."""
        return httpx.Client(
            verify=self._security.administrator if self._security else True, timeout=60.0, trust_env=False
        )

    def start(self) -> None:
        """Start all nodes on fresh data and wait until they are one cluster."""
        assert self._workspace is None, "it was started before; start single nodes with `begin` and `joined`"
        began = time.monotonic()
        workspace = self._workspace = Workspace("cluster", self._program.account)
        self.snapshots.mkdir()
        self._program.account.own(self.snapshots)
        program = self._program.within_reach(workspace.path)
        for tries_left in reversed(range(PORT_TRIES)):
            self.nodes = tuple(self._node(program, workspace, name) for name in self.attributes)
            try:
                for node in self.nodes:
                    self.begin(node)
                for node in self.nodes:
                    self.joined(node)
                break
            except ServiceStartError as error:
                if not (tries_left and port_was_taken(error)):
                    raise
                for node in self.nodes:
                    node.remove()
        self.start_duration = time.monotonic() - began

    def begin(self, node: Node) -> None:
        """Start a node's process; `joined` waits until it serves."""
        hosts = ",".join(f"127.0.0.1:{each.transport}" for each in self.nodes)
        settings = {
            "cluster.name": "registry-tests",
            "discovery.seed_hosts": hosts,
            "cluster.initial_cluster_manager_nodes": ",".join(self.attributes),
            "path.repo": str(self.snapshots),
            **{f"node.attr.{name}": value for name, value in self.attributes[node.name].items()},
        }
        node.begin(settings)

    def joined(self, node: Node) -> None:
        """Wait until a node answers and knows as many nodes as run."""

        def knows_all() -> bool:
            running = sum(each.running for each in self.nodes)
            # With the plugin a node serves once it has read users and roles, which the first start only makes.
            if self._security and not self._ask(node, "/_plugins/_security/health"):
                return False
            answer = self._ask(node, "/_cluster/health", local="true")
            return answer is not None and int(answer["number_of_nodes"]) == running

        node.wait(knows_all, seconds=self._start_seconds)

    def wait_for(self, status: str, seconds: float = 180.0, *, without: Node | None = None) -> None:
        """Wait until the nodes know each other and no others, and the cluster has a status ("green") and is at rest.

        `without`: a node that hangs and that the others must have given up.
        """
        deadline = time.monotonic() + seconds
        while not self._has(status, without):
            if time.monotonic() > deadline:
                raise ServiceStartError(f"the cluster was not {status} after {seconds:g} s")
            time.sleep(_POLL_SECONDS)

    def manager(self) -> Node:
        """Return the node that manages the cluster now."""
        for node in self.nodes:
            if node.running and (told := self._ask(node, "/_cat/cluster_manager", format="json")):
                return next(each for each in self.nodes if each.name == told[0]["node"])
        raise ServiceStartError("no node tells who manages the cluster")

    def mend(self) -> None:
        """Let every node run again and wait for green."""
        for node in self.nodes:
            if node.running:
                node.resume()
            else:
                self.begin(node)
        for node in self.nodes:
            self.joined(node)
        self.wait_for("green")

    def close(self) -> None:
        """End the nodes and remove their data."""
        if "administrator" in self.__dict__:
            self.administrator.close()
        for node in self.nodes:
            node.close()
        self.nodes = ()
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def _node(self, program: Program, workspace: Workspace, name: str) -> Node:
        node = Node(program, workspace, name, port=free_port(), transport=free_port())
        if self._security:
            node.configure(self._security.configurations[name])
        return node

    def _url(self, node: Node) -> str:
        return f"{'https' if self._security else 'http'}://127.0.0.1:{node.port}"

    def _has(self, status: str, without: Node | None) -> bool:
        running = [node for node in self.nodes if node.running and node is not without]
        for node in running:
            told = self._ask(node, "/_cluster/health", local="true")
            if told is None or told["number_of_nodes"] != len(running):
                return False
        told = self._ask(running[0], "/_cluster/health")
        return told is not None and told["status"] == status and told["relocating_shards"] == 0

    def _ask(self, node: Node, path: str, **params: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what a node answers, None if it does not."""
        with contextlib.suppress(httpx.TransportError):
            answer = self.administrator.get(f"{self._url(node)}{path}", params=params, timeout=5.0)
            if answer.status_code == httpx.codes.OK:
                return answer.json()
        return None
