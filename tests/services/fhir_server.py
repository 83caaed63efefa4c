"""A real FHIR R4 server with Practitioners in memory: `with FhirServer() as server: server.url`.

It is HAPI's own plain server; the two small classes in `fhir/`, which say what it serves, are compiled at each start.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx

from tests.services.account import choose_account, within_reach
from tests.services.assemble import move_into_place, scratch_folder, services_folder, stands_whole
from tests.services.digests import Artifact, read_digests
from tests.services.java import find_java
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.started import Started
from tests.services.workspace import ServerProcess, Workspace, free_port

NAME = "FHIR server"
_FOLDER = Path(__file__).with_name("fhir")
_PORT_TAKEN = ("BindException", "Failed to bind", "Address already in use")
_PORT_TRIES = 3
_STEPS = 1  # raise it when the steps of `assemble` change


def read_fhir_digests() -> list[Artifact]:
    """Return what the server consists of."""
    return read_digests(_FOLDER / "digests.txt")


def server_folder(artifacts: Sequence[Artifact]) -> Path:
    """Return where the server's files stand, or would stand."""
    (base,) = (artifact for artifact in artifacts if artifact.name == "hapi-fhir-server")
    return services_folder() / f"fhir-{base.version}"


def is_assembled() -> bool:
    """Tell whether the server's files stand complete and are those of today's digest file."""
    artifacts = read_fhir_digests()
    return stands_whole(server_folder(artifacts), _recipe(artifacts))


def assemble(artifacts: Sequence[Artifact], downloads: Path) -> Path:
    """Verify every artifact in `downloads` and move them into place in one step.

    Raises `DigestError` if a file is not the right one.
    """
    files = {artifact: artifact.verify(downloads) for artifact in artifacts}
    target = server_folder(artifacts)
    with scratch_folder() as scratch:
        server = scratch / "server"
        for artifact, path in files.items():
            (server / artifact.place).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, server / artifact.place / artifact.file_name)
        move_into_place(server, target, _recipe(artifacts), scratch)
    return target


def _recipe(artifacts: Sequence[Artifact]) -> str:
    return hashlib.sha256(repr((_STEPS, list(artifacts))).encode()).hexdigest()


class FhirServer(Started):
    """A FHIR server on a free port of 127.0.0.1, gone with all that it holds at the end.

    Raises `ServiceMissingError` if the server or Java is not there, `ServiceStartError` if it does not start.
    """

    def __init__(self, *, start_seconds: float = 120.0) -> None:
        if not is_assembled():
            raise ServiceMissingError(
                NAME,
                reason=f"it is not in {services_folder()}",
                remedy="run `make services` (needs Maven)",
            )
        self._java = find_java(NAME)
        self._account = choose_account(NAME, "nobody", "daemon")
        self._start_seconds = start_seconds
        self._workspace: Workspace | None = None
        self._process: ServerProcess | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The server's base address; Practitioners are at `{url}/Practitioner`."""
        return f"http://127.0.0.1:{self._port}/fhir"

    def clear(self) -> None:
        """Forget every resource and every version."""
        for resource in ("Practitioner", "PractitionerRole"):
            httpx.post(f"{self.url}/{resource}/$expunge", trust_env=False).raise_for_status()

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def start(self) -> None:
        """Start the server."""
        workspace = self._workspace = Workspace("fhir", self._account)
        jars = self._within_reach(workspace.path)
        classpath = self._compile(workspace.path, jars)
        for tries_left in reversed(range(_PORT_TRIES)):
            self._port = free_port()
            try:
                self._run(workspace, classpath)
                break
            except ServiceStartError as error:
                # Between our look and the server's start another program took the port.
                if not (tries_left and any(word in str(error) for word in _PORT_TAKEN)):
                    raise

    def _within_reach(self, folder: Path) -> Path:
        """Put the server and Java where their account can read them; return the server's folder."""
        name = server_folder(read_fhir_digests()).name
        base = within_reach(services_folder(), [name], f"{name}/lib", account=self._account, folder=folder)
        java = self._java.home
        within = within_reach(
            java.parent, [java.name], f"{java.name}/bin/java", account=self._account, folder=folder
        )
        self._java = replace(self._java, home=within / java.name)
        return base / name

    def _compile(self, folder: Path, server: Path) -> str:
        """Compile what the server serves; return the class path with it."""
        classes = folder / "classes"
        sources = folder / "sources"
        shutil.copytree(_FOLDER, sources)
        for path in (sources, *sources.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        classes.mkdir()
        self._account.own(classes)
        (compiler,) = (server / "compiler").glob("ecj-*.jar")
        classpath = os.pathsep.join(map(str, sorted((server / "lib").glob("*.jar"))))
        command: list[str | Path] = [
            self._java.home / "bin" / "java",
            "-jar",
            compiler,
            "-17",
            "-nowarn",
            "-encoding",
            "UTF-8",
        ]
        command += ["-cp", classpath, "-d", classes, *sorted(sources.glob("*.java"))]
        try:
            self._account.run(command)
        except (OSError, subprocess.SubprocessError) as error:
            told = getattr(error, "output", None) or error
            raise ServiceStartError(f"its classes could not be compiled: {told}") from error
        return f"{classes}{os.pathsep}{classpath}"

    def _run(self, workspace: Workspace, classpath: str) -> None:
        log = workspace.path / "server.log"
        log.unlink(missing_ok=True)
        self._process = ServerProcess(
            [
                self._java.home / "bin" / "java",
                *("-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={workspace.path}"),
                *("-cp", classpath, "Directory", str(self._port)),
            ],
            workspace=workspace,
            account=self._account,
            environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(workspace.path)},
            log=log,
            last_signal=signal.SIGKILL,  # it keeps nothing
        )
        self._process.wait_until(self._healthy, seconds=self._start_seconds)

    def _healthy(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{self.url}/metadata", timeout=5.0, trust_env=False)
            return answer.status_code == httpx.codes.OK
        return False
