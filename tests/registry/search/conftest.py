"""Both engines behind one fixture: a test that asks for `register` runs on each."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from registry.search import IndexEngine, open_engine
from registry.search.mapping import Mapping
from registry.settings import Search
from tests.registry.search.people import Register, limits
from tests.registry.search.versions_of_mapping import Open, engine_of

ENGINES = ("tantivy", "opensearch")


@pytest.fixture(params=ENGINES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Search:
    """Settings of an engine that holds nothing yet."""
    made = limits(tmp_path, engine=request.param)
    if request.param == "tantivy":
        return made
    url: str = request.getfixturevalue("opensearch_url")
    prefix: str = request.getfixturevalue("opensearch_prefix")
    cluster = msgspec.structs.replace(made.opensearch, urls=(url,), prefix=prefix, timeout_s=10.0)
    return msgspec.structs.replace(made, opensearch=cluster)


@pytest.fixture
def engine(settings: Search) -> Iterator[IndexEngine]:
    """An engine without an index."""
    made = open_engine(settings, indexer=True)
    yield made
    made.close()


@pytest.fixture
def register(engine: IndexEngine, settings: Search) -> Register:
    """An engine with an empty index in use."""
    return Register(engine, settings)


@pytest.fixture
def opened(register: Register, settings: Search) -> Iterator[Open]:
    """Opens the engine of another version on the indices of `register`."""
    made: list[IndexEngine] = []

    def open_(mapping: Mapping) -> Register:
        made.append(engine_of(settings, mapping))
        return Register(made[-1], settings)

    yield open_
    for engine in made:
        engine.close()
