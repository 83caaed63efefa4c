"""A cluster of three nodes with TLS, users and roles, made as docs/cluster.md says: its own commands and settings are used."""

import json
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from registry.settings import CONFIG
from tests.cluster import documented
from tests.services import secured
from tests.services.missing import ServiceMissingError
from tests.services.opensearch_cluster import NAMES, OpenSearchCluster, Security
from tests.support.waiting import until

SERVICE, INDEXER = "registry-service", "registry-indexer"
_TOOLS = ("bash", "curl", "openssl")
_URL = "https://search-1.example.org:9200"
_INDICES = "registry-licences*"


@dataclass(frozen=True)
class SecuredCluster:
    """The running cluster, and a folder with what the page's commands made: certificates and passwords."""

    cluster: OpenSearchCluster
    folder: Path

    def environ(self, user: str) -> dict[str, str]:
        """Return the settings with which a process of ours reaches the cluster as a user, credentials from files."""
        return {
            "REGISTRY_SEARCH__ENGINE": "opensearch",
            "REGISTRY_SEARCH__OPENSEARCH__URLS": json.dumps(self.cluster.urls),
            "REGISTRY_SEARCH__OPENSEARCH__USERNAME": user,
            "REGISTRY_SEARCH__OPENSEARCH__PASSWORD": f"file:{self.folder / f'{user}.password'}",
            "REGISTRY_SEARCH__OPENSEARCH__CA_FILE": str(self.folder / "ca.pem"),
            "REGISTRY_SEARCH__OPENSEARCH__REPLICAS": "2",
            "REGISTRY_SEARCH__OPENSEARCH__RETRIES": "2",
        }

    @property
    def url(self) -> str:
        """The address of a node that runs."""
        nodes = zip(self.cluster.nodes, self.cluster.urls, strict=True)
        return next(url for node, url in nodes if node.running)

    def client(self, user: str | None) -> httpx.Client:
        """Return a client with a user's rights, or without any."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        auth = (user, (self.folder / f"{user}.password").read_text().strip()) if user else None
        return httpx.Client(base_url=self.url, verify=context, auth=auth, timeout=60.0, trust_env=False)

    def run(self, name: str, replacing: Mapping[str, str] | None = None) -> str:
        """Run a block of the page as an administrator."""
        before = documented.block("administrator", {_URL: self.url})
        return documented.run(name, self.folder, replacing, before)

    def ask(self, path: str) -> httpx.Response:
        """Return what the administrator is answered."""
        return self.cluster.administrator.get(f"{self.url}{path}").raise_for_status()

    def copies(self) -> dict[str, list[str]]:
        """Return the nodes that hold a copy of each shard of the index in use, once all have been filled."""
        found: dict[str, list[str]] = {}
        for row in until(self._started, 120):
            found.setdefault(row["shard"], []).append(row["node"])
        return found

    def _started(self) -> list[dict[str, str]]:
        """Return all shards of the index in use if all have started; a busy machine takes its time."""
        rows: list[dict[str, str]] = self.ask(
            "/_cat/shards/registry-licences?format=json&h=shard,node,state"
        ).json()
        return rows if all(row["state"] == "STARTED" for row in rows) else []

    def clear(self) -> None:
        """Remove what a test left."""
        self.cluster.mend()
        for index in self.ask(f"/_cat/indices/{_INDICES}?h=index").text.split():
            self.cluster.administrator.delete(f"{self.url}/{index}").raise_for_status()


def secure(folder: Path) -> Security:
    """Make certificates and each node's configuration.

    Raises:
        ServiceMissingError: a program that the page uses is not there.
    """
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise ServiceMissingError(
            secured.NAME,
            reason=f"no {' or '.join(missing)} found",
            remedy=f"install it (Debian: `apt-get install {' '.join(missing)}`)",
        )
    here = {f"192.0.2.1{number}": "127.0.0.1" for number in (1, 2, 3)}
    documented.run("certificates", folder, here, documented.block("issuing"))
    configurations = {name: _configuration(folder, name) for name in NAMES}
    administrator = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    administrator.load_cert_chain(folder / "administrator.pem", folder / "administrator-key.pem")
    return Security(configurations, administrator)


def _configuration(folder: Path, name: str) -> Path:
    """Make what is laid over a node's own configuration."""
    made = folder / f"{name}.d"
    made.mkdir()
    (made / "opensearch.yml").write_text(documented.block("opensearch.yml"), "utf-8")
    for target, source in (("node", name), ("node-key", f"{name}-key"), ("ca", "ca")):
        shutil.copy(folder / f"{source}.pem", made / f"{target}.pem")
    # As an installed plugin has it; the published zip keeps it beside the code.
    shutil.copytree(
        secured.server_folder() / "plugins/opensearch-security/config", made / "opensearch-security"
    )
    documented.run("no demo users", made)
    return made


def let_in(cluster: OpenSearchCluster, folder: Path) -> SecuredCluster:
    """Make the roles and users of service and indexer, and set the cluster up."""
    (folder / "config").symlink_to(CONFIG)
    made = SecuredCluster(cluster, folder)
    made.run("roles")
    made.run("cluster settings")
    return made
