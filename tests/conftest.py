"""Fixtures that every room uses.

Strategy: a test builds the smallest registry that shows its point, with people made in the test itself, loaded by the
real loader. Where both sizes of the house must behave alike, the test asks for `world` and runs on each database.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import coverage
import hypothesis
import pytest
import structlog

from registry.logs import LibraryLog
from registry.search import IndexEngine
from tests.support.engines import index_of, large_house, small_house
from tests.support.world import World, make_settings

pytest_plugins = ["tests.services.plugin"]


def _trace_only_here() -> None:
    """Take coverage of the processes that run the tests, not of the hundreds that these start: tracing made those half as long again."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


_trace_only_here()

# The same examples each time in `make test`, new ones in `make soak`: a run that fails says something about what was changed. No
# example has a deadline, for a busy machine takes its time.
hypothesis.settings.register_profile("registry", deadline=None, derandomize=True)
hypothesis.settings.register_profile("registry-soak", deadline=None)
hypothesis.settings.load_profile("registry-soak" if os.environ.get("REGISTRY_TEST_SOAK") else "registry")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `make soak` find every property whose number of examples grows with it (tests.indexer.feeds.fuzzing)."""
    for item in items:
        if (
            isinstance(item, pytest.Function)
            and hasattr(item.module, "EXAMPLES")
            and getattr(item.obj, "is_hypothesis_test", False)
        ):
            item.add_marker(pytest.mark.soak)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Take no coverage of properties: tracing their thousands of examples takes as long as they do, and what they reach tests by
    example must reach as well.
    """
    is_property = isinstance(item, pytest.Function) and getattr(item.obj, "is_hypothesis_test", False)
    tracing = coverage.Coverage.current() if is_property else None
    if tracing is None:
        return (yield)
    tracing.stop()
    try:
        return (yield)
    finally:
        tracing.start()
        _trace_only_here()


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Take back what a test did to this process's log (`configure_logs`), so that no test depends on which came before."""
    root, ours = logging.getLogger(), structlog.get_config()
    handlers, level, raises = list(root.handlers), root.level, logging.raiseExceptions
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    configured = structlog.is_configured()
    yield
    root.handlers[:] = [one for one in root.handlers if one in handlers or not isinstance(one, LibraryLog)]
    root.setLevel(level)
    logging.raiseExceptions = raises
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    if configured:
        structlog.configure(**ours)
    else:
        structlog.reset_defaults()


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[World]:
    """A registry on SQLite."""
    world = World(make_settings(tmp_path))
    yield world
    world.close()


FRESH = {"postgresql": "fresh_postgres_database", "postgresql-15": "fresh_debian_postgres_database"}


@pytest.fixture(params=["sqlite", *FRESH])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A registry on each database; 15 is the oldest PostgreSQL that is supported."""
    url = None
    if request.param in FRESH:
        fresh: Callable[[], str] = request.getfixturevalue(FRESH[request.param])
        url = fresh()
    world = World(make_settings(tmp_path, url))
    yield world
    world.close()


@pytest.fixture(params=["small", "large"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A registry on either size: SQLite and Tantivy, PostgreSQL and OpenSearch."""
    if request.param == "small":
        world = small_house(tmp_path)
    else:
        database = request.getfixturevalue("fresh_postgres_database")
        url = request.getfixturevalue("opensearch_url")
        world = large_house(tmp_path, database, url, request.getfixturevalue("opensearch_prefix"))
    yield world
    world.close()


@pytest.fixture
def index(house: World) -> Iterator[IndexEngine]:
    """The search engine of the house, as the indexer opens it."""
    engine = index_of(house)
    yield engine
    engine.close()
