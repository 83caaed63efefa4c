"""The FHIR server does what the tests rely on, and is a real one."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services import fhir_server as service
from tests.services.digests import DigestError
from tests.services.fhir_server import FhirServer
from tests.services.missing import ServiceMissingError, ServiceStartError


@pytest.fixture
def client(fhir_server: FhirServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fhir_server.url, timeout=30, trust_env=False) as client:
        yield client


def _put(client: httpx.Client, key: str, family: str = "Doe") -> None:
    resource = {"resourceType": "Practitioner", "id": key, "name": [{"family": family}]}
    headers = {"Content-Type": "application/fhir+json"}
    client.put(f"/Practitioner/{key}", json=resource, headers=headers).raise_for_status()


def _get(client: httpx.Client, address: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(address).raise_for_status().json()
    return found


def test_it_says_that_it_is_a_fhir_r4_server(client: httpx.Client) -> None:
    statement = _get(client, "/metadata?_format=json")
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert "HAPI" in statement["software"]["name"]


def test_it_gives_a_search_in_pages_that_stand_still(client: httpx.Client) -> None:
    for key in ("a", "b", "c"):
        _put(client, key)
    first = _get(client, "/Practitioner?_count=2")
    _put(client, "d")
    (following,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
    second = _get(client, following)
    keys = [entry["resource"]["id"] for entry in first["entry"] + second["entry"]]
    assert (keys, first["total"], second["total"]) == (["a", "b", "c"], 3, 3)
    assert "next" not in [link["relation"] for link in second["link"]]


def test_its_history_names_versions_newest_first_and_deletions_without_a_resource(
    client: httpx.Client,
) -> None:
    _put(client, "a", "Old")
    _put(client, "a", "New")
    client.delete("/Practitioner/a").raise_for_status()
    history = _get(client, "/Practitioner/_history?_since=2020-01-01T00:00:00Z")
    told = [(entry["request"]["method"], entry["response"]["etag"]) for entry in history["entry"]]
    assert told == [("DELETE", 'W/"3"'), ("PUT", 'W/"2"'), ("PUT", 'W/"1"')]
    assert "resource" not in history["entry"][0]
    assert _get(client, "/Practitioner/_history?_since=2099-01-01T00:00:00Z")["total"] == 0
    assert _get(client, "/Practitioner")["total"] == 0


def test_it_finds_what_changed_after_a_moment(client: httpx.Client) -> None:
    _put(client, "a")
    moment = _get(client, "/Practitioner/a")["meta"]["lastUpdated"].replace("+00:00", "Z")
    assert _get(client, f"/Practitioner?_lastUpdated=ge{moment}")["total"] == 1
    assert _get(client, "/Practitioner?_lastUpdated=ge2099-01-01")["total"] == 0


def test_it_says_what_is_wrong_in_an_outcome(client: httpx.Client) -> None:
    answer = client.get("/Practitioner?no-such-parameter=1")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "services"
    folder.mkdir()
    monkeypatch.setenv("REGISTRY_SERVICES_DIR", str(folder))
    return folder


def test_a_file_with_another_digest_is_refused(services: Path, tmp_path: Path) -> None:
    artifacts = service.read_fhir_digests()
    for artifact in artifacts:
        (tmp_path / artifact.file_name).write_bytes(b"other")
    with pytest.raises(DigestError, match="is not the file"):
        service.assemble(artifacts, tmp_path)
    assert list(services.iterdir()) == []


def test_the_files_are_put_together_and_damage_is_noticed(
    services: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"jar").hexdigest()
    artifacts = [replace(artifact, sha256=digest) for artifact in service.read_fhir_digests()]
    for artifact in artifacts:
        (tmp_path / artifact.file_name).write_bytes(b"jar")
    monkeypatch.setattr(service, "read_fhir_digests", lambda: artifacts)
    server = service.assemble(artifacts, tmp_path)
    assert service.is_assembled()
    assert {path.parent.name for path in server.rglob("*.jar")} == {"lib", "compiler"}
    next(server.rglob("jetty-io-*.jar")).write_bytes(b"j")
    assert not service.is_assembled()


def test_a_server_that_was_not_fetched_is_missing(services: Path) -> None:
    with pytest.raises(ServiceMissingError, match=r"FHIR server is missing.*make services"):
        FhirServer()


def test_a_java_that_does_not_work_is_an_error_and_never_a_skip(
    running_fhir_server: FhirServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho the java is broken; exit 3\n")
    for path in (program, program.parent, program.parent.parent):
        path.chmod(0o755)
    (tmp_path / "java" / "release").write_text('JAVA_VERSION="25.0.1"\n')
    monkeypatch.setenv("OPENSEARCH_JAVA_HOME", str(tmp_path / "java"))
    with pytest.raises(ServiceStartError, match="could not be compiled: the java is broken"), FhirServer():
        pass
