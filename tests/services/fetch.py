"""`python -m tests.services.fetch` (`make services`): brings what the real services need, without root.

OpenSearch, its security plugin, the FHIR server and Keycloak come through Maven, are checked against their digest files and put
together in the services folder.
Java and PostgreSQL come with the development requirements as wheels. What is missing is named on one line
each. Exit code 0; 1 if a fetched file is not the right one, or if anything is missing under
`REGISTRY_REQUIRE_SERVICES=1`.
"""

import contextlib
import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import click

from tests.services import assemble, fhir_server, keycloak_files, secured
from tests.services.chromium import find_chromium
from tests.services.digests import Artifact, DigestError, read_digests
from tests.services.java import find_java
from tests.services.missing import ServiceMissingError, services_required
from tests.services.postgres import find_debian_postgres, find_wheel_postgres

# A fixed version: Maven's built-in default differs between its releases.
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
 <modelVersion>4.0.0</modelVersion>
 <groupId>registry.tests</groupId><artifactId>services</artifactId><version>1</version>
 <packaging>pom</packaging>
 <build><plugins><plugin>
  <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>
  <configuration><artifactItems>{items}</artifactItems></configuration>
 </plugin></plugins></build>
</project>
"""
_ITEM = "\n   <artifactItem><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version><type>{}</type></artifactItem>"
_MAVEN_SECONDS = 900.0
_MAVEN_LINES = 12
_GET_MAVEN = "install Maven (Debian: `apt-get install maven`) and run `make services` again"


def main() -> None:
    """Fetch what is missing, then say for each service which one the tests will use."""
    missing: list[ServiceMissingError] = []
    try:
        _report(missing, "OpenSearch", _provide_opensearch)
        _report(missing, secured.NAME, _provide_secured)
        _report(missing, fhir_server.NAME, _provide_fhir_server)
        _report(missing, keycloak_files.NAME, _provide_keycloak)
    except DigestError as error:
        click.secho(f"REFUSED: {error}", fg="red", bold=True, err=True)
        sys.exit(1)
    _report(missing, "Java", lambda: f"{(java := find_java()).label} ({java.home})")
    _report(missing, "PostgreSQL", lambda: find_wheel_postgres().label)
    _report(missing, "PostgreSQL of Debian", lambda: find_debian_postgres().label)
    _report(missing, "Chromium", lambda: str(find_chromium()))
    for left_out in missing:
        click.secho(left_out.loud_line("its tests are"), fg="yellow", bold=True, err=True)
    sys.exit(1 if missing and services_required() else 0)


def _report(missing: list[ServiceMissingError], name: str, provide: Callable[[], str]) -> None:
    try:
        click.echo(f"{name}: {provide()}")
    except ServiceMissingError as error:
        missing.append(error)


def _provide_opensearch() -> str:
    artifacts = read_digests()
    return _provide(
        "OpenSearch",
        artifacts,
        folder=assemble.server_folder(artifacts),
        stands=assemble.is_assembled,
        put_together=assemble.assemble,
    )


def _provide_secured() -> str:
    if not assemble.is_assembled():
        raise ServiceMissingError(
            secured.NAME, reason="OpenSearch itself is not there", remedy="run `make services` again"
        )
    return _provide(
        secured.NAME,
        secured.read_security_digests(),
        folder=secured.server_folder(),
        stands=secured.is_assembled,
        put_together=secured.put_together,
    )


def _provide_fhir_server() -> str:
    artifacts = fhir_server.read_fhir_digests()
    return _provide(
        fhir_server.NAME,
        artifacts,
        folder=fhir_server.server_folder(artifacts),
        stands=fhir_server.is_assembled,
        put_together=fhir_server.assemble,
    )


def _provide_keycloak() -> str:
    return _provide(
        keycloak_files.NAME,
        keycloak_files.read_keycloak_digests(),
        folder=keycloak_files.server_folder(),
        stands=keycloak_files.is_assembled,
        put_together=keycloak_files.assemble,
    )


def _provide(
    service: str,
    artifacts: Sequence[Artifact],
    *,
    folder: Path,
    stands: Callable[[], bool],
    put_together: Callable[[Sequence[Artifact], Path], Path],
) -> str:
    if stands():
        return f"{folder.name} (there already)"
    started = time.monotonic()
    with _alone():
        if not stands():  # another run may have done it while we waited
            assemble.remove_leftovers()
            with assemble.scratch_folder() as downloads:
                _download(service, artifacts, downloads)
                put_together(artifacts, downloads)
    return f"{folder.name} (fetched in {time.monotonic() - started:.0f} s)"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let one fetch at a time work in the services folder."""
    folder = assemble.services_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(service: str, artifacts: Sequence[Artifact], downloads: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ServiceMissingError(service, reason="no `mvn` to fetch it with", remedy=_GET_MAVEN)
    click.echo(f"{service}: fetching with Maven, some minutes on a slow line the first time ...")
    items = "".join(
        _ITEM.format(*map(escape, (item.group, item.name, item.version, item.kind))) for item in artifacts
    )
    pom = downloads / "pom.xml"
    pom.write_text(_POM.format(items=items), encoding="utf-8")
    command = [maven, "-q", "-B", "-f", str(pom), f"-DoutputDirectory={downloads}", _COPY]
    try:
        done = subprocess.run(
            command,
            cwd=downloads,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            errors="replace",
            timeout=_MAVEN_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ServiceMissingError(
            service,
            reason=f"Maven did not finish within {_MAVEN_SECONDS:.0f} s",
            remedy="run `make services` again",
        ) from None
    if done.returncode != 0:
        click.echo("\n".join(done.stdout.splitlines()[:_MAVEN_LINES]), err=True)
        raise ServiceMissingError(
            service,
            reason="Maven could not fetch it (its own words above)",
            remedy="check Maven's settings and the network, then run `make services` again",
        )


if __name__ == "__main__":
    main()
