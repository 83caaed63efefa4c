"""An index for tests that need one but no SQL truth behind it."""

from registry.search.port import IndexEngine


def index_in_use(engine: IndexEngine) -> str:
    """The index in use, an empty new one if there was none."""
    index = engine.current_index()
    if index is None:
        index = engine.create_index()
        engine.finish_index(index)
        engine.swap(index, replacing=None)
    return index
