"""The security plugin is put beside the plain server, whole or not at all; and a cluster does without it too."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.services import assemble, secured
from tests.services.digests import Artifact, DigestError
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.opensearch_cluster import OpenSearchCluster
from tests.services.opensearch_node import port_was_taken
from tests.services.test_fetch import small_server

_PLUGIN = "plugins/opensearch-security"
_DESCRIPTOR = (
    "name=opensearch-security\nextended.plugins=unpublished;optional=true\nhas.native.controller=false\n"
)


def small_plugin(downloads: Path) -> list[Artifact]:
    """A plugin of the right shape, and a jar that goes with it."""
    with zipfile.ZipFile(downloads / "plugin-9.9.zip", "w") as archive:
        archive.writestr("plugin-descriptor.properties", _DESCRIPTOR)
        archive.writestr("plugin.jar", "code")
    (downloads / "extra-1.0.jar").write_bytes(b"extra")
    digests = [
        hashlib.sha256((downloads / name).read_bytes()).hexdigest()
        for name in ("plugin-9.9.zip", "extra-1.0.jar")
    ]
    return [
        Artifact(digests[0], "org.example", "plugin", "9.9", "zip", _PLUGIN),
        Artifact(digests[1], "org.example", "extra", "1.0", "jar", _PLUGIN),
    ]


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A services folder with a plain server."""
    folder = tmp_path / "services"
    folder.mkdir()
    monkeypatch.setenv("REGISTRY_SERVICES_DIR", str(folder))
    artifacts = small_server(tmp_path / "downloads")
    monkeypatch.setattr(assemble, "read_digests", lambda: artifacts)
    monkeypatch.setattr(secured, "read_digests", lambda: artifacts)
    assemble.assemble(artifacts, tmp_path / "downloads")
    return folder


def test_the_plugin_is_added_to_a_copy_of_the_server(
    services: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = small_plugin(tmp_path / "downloads")
    monkeypatch.setattr(secured, "read_security_digests", lambda: plugin)
    assert not secured.is_assembled()
    server = secured.put_together(plugin, tmp_path / "downloads")
    assert secured.is_assembled()
    assert server == services / "opensearch-9.9-secured"
    assert (server / "bin" / "opensearch").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in (server / _PLUGIN).iterdir()) == [
        "extra-1.0.jar",
        "plugin-descriptor.properties",
        "plugin.jar",
    ]
    assert (server / _PLUGIN / "plugin-descriptor.properties").read_text().splitlines()[
        1
    ] == "extended.plugins="
    assert assemble.is_assembled()
    assert not (services / "opensearch-9.9" / "plugins").exists()
    monkeypatch.setattr(secured, "read_security_digests", lambda: [replace(plugin[0], version="10")])
    assert not secured.is_assembled()


def test_a_plugin_with_another_digest_is_refused(services: Path, tmp_path: Path) -> None:
    plugin = small_plugin(tmp_path / "downloads")
    (tmp_path / "downloads" / "extra-1.0.jar").write_bytes(b"other")
    with pytest.raises(DigestError, match=r"extra-1\.0\.jar is not the file"):
        secured.put_together(plugin, tmp_path / "downloads")
    assert [path.name for path in services.iterdir()] == ["opensearch-9.9"]


def test_everything_that_is_fetched_for_it_belongs_into_the_plugins_folder() -> None:
    assert {artifact.place for artifact in secured.read_security_digests()} == {_PLUGIN}


def test_a_missing_server_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_SERVICES_DIR", str(tmp_path))
    with pytest.raises(ServiceMissingError, match="run `make services`"):
        OpenSearchCluster()


def test_a_taken_port_is_told_from_other_reasons() -> None:
    assert port_was_taken(ServiceStartError("... BindHttpException[Failed to bind to 127.0.0.1:20000]"))
    assert not port_was_taken(ServiceStartError("it ended with code 1: OutOfMemoryError"))


def test_a_cluster_of_one_node_without_users_keeps_its_data_and_address(
    request: pytest.FixtureRequest,
) -> None:
    request.getfixturevalue("opensearch_url")  # left out, or failed, where there is no OpenSearch
    with OpenSearchCluster(names=("only",), attributes=({},)) as cluster:
        (url,), (node,) = cluster.urls, cluster.nodes
        assert cluster.manager() is node
        kept = {"index": {"number_of_replicas": 0}}
        httpx.put(f"{url}/kept", json={"settings": kept}, timeout=30).raise_for_status()
        cluster.wait_for("green")
        node.kill()
        assert not node.running
        with pytest.raises(ServiceStartError, match="no node tells"):
            cluster.manager()
        cluster.mend()
        assert cluster.urls == (url,)
        assert "kept" in httpx.get(f"{url}/_cat/indices?h=index", timeout=30).text.split()
        folder = cluster.snapshots.parent
    assert not folder.exists()
