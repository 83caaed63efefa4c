"""Pytest fixtures over the real services; loaded by `pytest_plugins` in tests/conftest.py.

Each server is started when the first test asks for it and serves the whole run; where several processes share the
tests (`pytest -n`), each starts its own. A missing one skips its tests and is named on a loud line at the end of the
run; with `REGISTRY_REQUIRE_SERVICES=1` it fails them.
"""

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.services.chromium import find_chromium, open_browser
from tests.services.fhir_server import FhirServer
from tests.services.keycloak import Keycloak, running_keycloak
from tests.services.missing import ServiceMissingError, services_required
from tests.services.opensearch import OpenSearchServer
from tests.services.postgres import (
    PostgresDatabases,
    PostgresServer,
    find_debian_postgres,
)
from tests.services.sharing import shared

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_MISSING = "missing service"
_numbers = itertools.count(1)
_CLEAN_UP_SECONDS = 30.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test tell what it lacked, also to another process."""
    report = yield
    error = call.excinfo.value.__context__ if call.excinfo else None
    if isinstance(error, ServiceMissingError):
        report.user_properties.append((_MISSING, (error.service, error.reason, error.remedy)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    told = (told for report in skipped for name, told in report.user_properties if name == _MISSING)
    missing = Counter(map(tuple, told))
    for (service, reason, remedy), count in missing.items():
        error = ServiceMissingError(service, reason=reason, remedy=remedy)
        left_out = f"{count} test{'' if count == 1 else 's'}"
        terminalreporter.write_line(error.loud_line(left_out), yellow=True, bold=True)


@contextlib.contextmanager
def or_left_out() -> Iterator[None]:
    """Turn a missing service into a skip that the summary shouts about, or into a failure."""
    try:
        yield
    except ServiceMissingError as error:
        if services_required():
            pytest.fail(f"{error} (REGISTRY_REQUIRE_SERVICES is set)", pytrace=False)
        # What is missing is the skip's context, from where the report takes it.
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def opensearch_server(request: pytest.FixtureRequest) -> Iterator[OpenSearchServer]:
    """The run's own OpenSearch, also when `REGISTRY_TEST_OPENSEARCH_URL` names another for ordinary tests."""
    with or_left_out():
        server = OpenSearchServer()
    with server:
        yield server


@pytest.fixture
def stoppable_opensearch(opensearch_server: OpenSearchServer) -> Iterator[OpenSearchServer]:
    """The same server for a test that stops, kills or pauses it; it answers again afterwards."""
    opensearch_server.start()
    yield opensearch_server
    opensearch_server.resume()
    opensearch_server.start()


@pytest.fixture(scope="session")
def opensearch_url(request: pytest.FixtureRequest) -> str:
    """The address of an OpenSearch: the one that `REGISTRY_TEST_OPENSEARCH_URL` names, else the run's own."""
    if named := os.environ.get("REGISTRY_TEST_OPENSEARCH_URL"):
        return named
    server: OpenSearchServer = request.getfixturevalue("opensearch_server")
    return server.url


@pytest.fixture
def opensearch_prefix(opensearch_url: str) -> Iterator[str]:
    """A prefix for index and alias names that no other test has; indices with it are removed afterwards."""
    prefix = f"test-{_unique()}-"
    yield prefix
    with httpx.Client(base_url=opensearch_url, timeout=_CLEAN_UP_SECONDS) as client:
        listed = client.get(f"/_cat/indices/{prefix}*", params={"h": "index", "expand_wildcards": "all"})
        for index in listed.text.split():
            client.delete(f"/{index}")


@pytest.fixture(scope="session")
def running_fhir_server(request: pytest.FixtureRequest) -> Iterator[FhirServer]:
    """The run's own FHIR server, with whatever the last test left in it."""
    with or_left_out():
        server = FhirServer()
    with server:
        yield server


@pytest.fixture
def fhir_server(running_fhir_server: FhirServer) -> FhirServer:
    """The same, empty."""
    running_fhir_server.clear()
    return running_fhir_server


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """The run's own Keycloak with two realms; one serves all processes that share the tests (tests.services.keycloak)."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with contextlib.ExitStack() as using:
        with or_left_out():
            told = using.enter_context(shared(folder, "keycloak", running_keycloak))
        yield Keycloak(**told)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """The run's own PostgreSQL (the wheel's)."""
    with or_left_out():
        server = PostgresServer()
    with server:
        yield server


@pytest.fixture(scope="session")
def debian_postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """Debian's PostgreSQL, the oldest release that the registry supports."""
    with or_left_out():
        server = PostgresServer(find_debian_postgres())
    with server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> PostgresDatabases:
    """Makes databases on the server that `REGISTRY_TEST_DATABASE_URL` names, else on the run's own."""
    if named := os.environ.get("REGISTRY_TEST_DATABASE_URL"):
        return PostgresDatabases(named)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.databases


@pytest.fixture
def fresh_postgres_database(postgres_databases: PostgresDatabases) -> Iterator[Callable[[], str]]:
    """Makes a new empty database at each call and returns its URL; all are dropped after the test."""
    with _droppable(postgres_databases) as make:
        yield make


@pytest.fixture(scope="module")
def kept_postgres_database(postgres_databases: PostgresDatabases) -> Iterator[Callable[[], str]]:
    """The same for what several tests of a file share: all are dropped after the last of them."""
    with _droppable(postgres_databases) as make:
        yield make


@pytest.fixture
def fresh_debian_postgres_database(debian_postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """The same on Debian's PostgreSQL."""
    with _droppable(debian_postgres_server.databases) as make:
        yield make


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """The URL of a new empty database, dropped after the test."""
    with _droppable(postgres_databases) as make:
        yield make()


@pytest.fixture
def debian_postgres_url(debian_postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new empty database on Debian's PostgreSQL, dropped after the test."""
    with _droppable(debian_postgres_server.databases) as make:
        yield make()


@pytest.fixture(scope="session")
def chromium_path(request: pytest.FixtureRequest) -> Path:
    """The browser program, for Playwright's `executable_path` (see `chromium.chromium_arguments`)."""
    with or_left_out():
        return find_chromium()


@pytest.fixture(scope="session")
def chromium_browser(chromium_path: Path) -> Iterator["Browser"]:
    """A running headless browser; take a new context from it in each test."""
    with open_browser() as browser:
        yield browser


def _unique() -> str:
    return f"{os.getpid()}-{next(_numbers)}"


@contextlib.contextmanager
def _droppable(databases: PostgresDatabases) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def make() -> str:
        name = f"registry_test_{_unique()}".replace("-", "_")
        url = databases.create(name)
        made.append(name)
        return url

    try:
        yield make
    finally:
        for name in made:
            databases.drop(name)
