"""Fetching refuses wrong files, heals what was interrupted, and says loudly what is missing."""

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.services import assemble
from tests.services.digests import Artifact, DigestError, read_digests
from tests.services.java import find_java, java_at
from tests.services.missing import ServiceMissingError, services_required

_PROJECT = Path(__file__).parents[2]
_DIGEST = hashlib.sha256(b"right").hexdigest()
_JAR = Artifact(_DIGEST, "org.example", "tool", "1.0", "jar", "modules/reindex")


def _run(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=_PROJECT,
        env=os.environ | environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def _program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def small_server(downloads: Path) -> list[Artifact]:
    """A server zip and a module of the right shape, a few bytes each, with their true digests."""
    downloads.mkdir()
    with zipfile.ZipFile(downloads / "opensearch-9.9.zip", "w") as archive:
        archive.writestr("opensearch-9.9/bin/opensearch", "start")
        archive.writestr("opensearch-9.9/lib/core.jar", "core")
    (downloads / "tool-1.0.jar").write_bytes(b"right")
    server = hashlib.sha256((downloads / "opensearch-9.9.zip").read_bytes()).hexdigest()
    modules = [replace(_JAR, place=f"modules/{name}") for name in ("mapper-extras", "reindex")]
    return [Artifact(server, "org.example", "opensearch", "9.9", "zip", "."), *modules]


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "services"
    folder.mkdir()
    monkeypatch.setenv("REGISTRY_SERVICES_DIR", str(folder))
    return folder


def test_a_file_with_another_digest_is_refused_and_nothing_is_put_together(
    services: Path, tmp_path: Path
) -> None:
    artifacts = small_server(tmp_path / "downloads")
    (tmp_path / "downloads" / "tool-1.0.jar").write_bytes(b"wrong")
    with pytest.raises(DigestError, match=r"tool-1\.0\.jar is not the file .*It was not used") as raised:
        assemble.assemble(artifacts, tmp_path / "downloads")
    assert hashlib.sha256(b"wrong").hexdigest() in str(raised.value)
    assert _DIGEST in str(raised.value)
    assert list(services.iterdir()) == []


def test_a_file_that_did_not_come_is_named(tmp_path: Path) -> None:
    with pytest.raises(DigestError, match=r"tool-1\.0\.jar was not delivered"):
        _JAR.verify(tmp_path)


def test_the_server_is_put_together_readable_for_all_with_its_modules(services: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        server = assemble.assemble(small_server(tmp_path / "downloads"), tmp_path / "downloads")
    finally:
        os.umask(before)
    assert server == services / "opensearch-9.9"
    assert (server / "bin" / "opensearch").stat().st_mode & 0o777 == 0o755
    assert (server / "modules" / "reindex" / "tool-1.0.jar").stat().st_mode & 0o777 == 0o644
    descriptor = (server / "modules" / "reindex" / "plugin-descriptor.properties").read_text()
    assert "opensearch.version=9.9\n" in descriptor
    assert [path.name for path in services.iterdir()] == ["opensearch-9.9"]


@pytest.mark.parametrize("damage", ["shortened", "removed", "unfinished", "other digests"])
def test_a_damaged_or_outdated_server_is_noticed_and_replaced(
    damage: str, services: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = tmp_path / "downloads"
    artifacts = small_server(downloads)
    monkeypatch.setattr(assemble, "read_digests", lambda: artifacts)
    server = assemble.assemble(artifacts, downloads)
    assert assemble.is_assembled()
    if damage == "shortened":
        (server / "lib" / "core.jar").write_bytes(b"c")
    elif damage == "removed":
        (server / "lib" / "core.jar").unlink()
    elif damage == "unfinished":
        (server / "assembled.json").write_bytes(b"{")
    else:
        (downloads / "tool-1.0.jar").write_bytes(b"newer")
        digest = hashlib.sha256(b"newer").hexdigest()
        artifacts[1:] = [replace(artifact, sha256=digest) for artifact in artifacts[1:]]
    assert not assemble.is_assembled()
    assemble.assemble(artifacts, downloads)
    assert assemble.is_assembled()
    assert (server / "lib" / "core.jar").read_bytes() == b"core"


def test_what_an_interrupted_fetch_left_is_removed_and_is_never_taken_for_a_server(services: Path) -> None:
    (services / ".assembling-abc" / "server").mkdir(parents=True)
    assert not assemble.is_assembled()
    assemble.remove_leftovers()
    assert list(services.iterdir()) == []


def test_every_module_has_an_artifact_and_every_place_is_inside_the_server() -> None:
    places = {artifact.place for artifact in read_digests()}
    assert places == {".", "modules/mapper-extras", "modules/reindex"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("abc", "line 1: write"),
        (f"{_DIGEST} org.example:tool:1.0 .", "line 1: write"),
        ("abc org.example:tool:1.0:jar .", "64 hexadecimal digits"),
    ],
)
def test_a_misspelt_digest_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "digests.txt"
    path.write_text(f"{line}\n")
    with pytest.raises(DigestError, match=message):
        read_digests(path)


def test_a_tampered_delivery_ends_the_fetch_with_an_error(services: Path, tmp_path: Path) -> None:
    names = " ".join(artifact.file_name for artifact in read_digests())
    delivers = f'cd "$(dirname "$4")" && for name in {names}; do echo other > "$name"; done'
    _program(tmp_path / "bin", "mvn", delivers)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = _run("-m", "tests.services.fetch", environment={"PATH": path, "REGISTRY_REQUIRE_SERVICES": "0"})
    assert done.returncode == 1, done.stdout
    assert "REFUSED: opensearch-3.4.0.zip is not the file" in done.stdout
    assert [path.name for path in services.iterdir()] == [".lock"]


@pytest.mark.parametrize("required", ["0", "1"])
@pytest.mark.parametrize(
    ("maven", "reason"),
    [(None, "no `mvn` to fetch it with"), ("echo '[ERROR] offline'; exit 1", "Maven could not fetch it")],
    ids=["no Maven", "Maven fails"],
)
def test_what_cannot_be_fetched_is_one_loud_line(
    maven: str | None, reason: str, required: str, services: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    if maven:
        _program(tmp_path / "bin", "mvn", maven)
    path = f"{tmp_path / 'bin'}{os.pathsep}/bin" if maven else str(tmp_path / "bin")
    done = _run(
        "-m", "tests.services.fetch", environment={"PATH": path, "REGISTRY_REQUIRE_SERVICES": required}
    )
    assert done.returncode == int(required), done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SERVICE MISSING: OpenSearch:")]
    assert reason in line
    assert "make services" in line


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ('JAVA_VERSION="25.0.3"\nMODULES="java.base"\n', (25, 0, 3)),
        ('IMPLEMENTOR="x"\nJAVA_VERSION="21"\n', (21,)),
        ('JAVA_VERSION="1.8.0_402"\n', (1, 8, 0)),
        ("nothing of use\n", None),
    ],
)
def test_the_version_of_a_java_is_read(release: str, version: tuple[int, ...] | None, tmp_path: Path) -> None:
    _program(tmp_path / "bin", "java", "exit 1")
    (tmp_path / "release").write_text(release)
    java = java_at(tmp_path)
    assert (java.version if java else None) == version


def test_a_java_without_a_release_file_is_asked(tmp_path: Path) -> None:
    _program(tmp_path / "bin", "java", "echo 'openjdk version \"22.0.1\" 2024-04-16' >&2")
    java = java_at(tmp_path)
    assert java is not None
    assert java.version == (22, 0, 1)


def test_a_forced_java_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "bin", "java", "exit 1")
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.15"\n')
    monkeypatch.setenv("OPENSEARCH_JAVA_HOME", str(tmp_path))
    with pytest.raises(ServiceMissingError, match="no Java 21 or newer found in OPENSEARCH_JAVA_HOME"):
        find_java()


@pytest.mark.parametrize(("value", "required"), [("", False), ("0", False), ("no", False), ("1", True)])
def test_services_are_required_when_the_environment_says_so(
    value: str, required: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_REQUIRE_SERVICES", value)
    assert services_required() is required


_THREE_TESTS = """
def test_one(opensearch_url): raise AssertionError("never reached")
def test_two(opensearch_prefix): raise AssertionError("never reached")
def test_three(): assert True
"""


@pytest.mark.parametrize("processes", ["0", "2"])
@pytest.mark.parametrize("required", ["0", "1"])
def test_a_missing_service_skips_its_tests_loudly_or_fails_them(
    required: str, processes: str, services: Path, tmp_path: Path
) -> None:
    (tmp_path / "test_inner.py").write_text(_THREE_TESTS)
    done = _run(
        *("-m", "pytest", "-p", "tests.services.plugin", "-p", "no:cacheprovider", "-n", processes),
        *("-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path / "test_inner.py")),
        environment={"REGISTRY_REQUIRE_SERVICES": required, "REGISTRY_TEST_OPENSEARCH_URL": ""},
    )
    loud = [line for line in done.stdout.splitlines() if line.startswith("SERVICE MISSING")]
    if required == "1":
        assert done.returncode == 1
        assert "1 passed, 2 errors" in done.stdout
        assert "OpenSearch is missing" in done.stdout
        assert loud == []
    else:
        assert done.returncode == 0, done.stdout
        assert "1 passed, 2 skipped" in done.stdout
        (line,) = loud
        assert line.startswith("SERVICE MISSING: OpenSearch: 2 tests left out, it is not in")
        assert line.endswith("To get it: run `make services` (needs Maven)")
