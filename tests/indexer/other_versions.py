"""The engine of a house as another version of the software opens it: with more fields, or without some."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from registry.search import IndexEngine
from tests.registry.search.versions_of_mapping import changed, engine_of
from tests.support.world import World


@contextmanager
def other_version(
    world: World, *, more: Mapping[str, Any] | None = None, without: str = ""
) -> Iterator[IndexEngine]:
    """Open the engine of a house with another mapping."""
    with TemporaryDirectory() as folder:
        mapping = changed(Path(folder), more=more, less=without)
    engine = engine_of(world.settings.search, mapping)
    yield engine
    engine.close()
