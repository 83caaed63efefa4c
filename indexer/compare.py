"""Comparing SQL truth with the index, document by document: missing, extra, stale."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.engine import Engine

from indexer.expected import expected
from registry.search.document import document_id, document_key
from registry.search.port import IndexEngine

Progress = Callable[[str, int], None]
_EXAMPLES = 20
_SHOWN_EVERY = 10_000


@dataclass
class Compared:
    """What differs. `examples` names some documents of each kind."""

    expected: int = 0
    missing: int = 0
    extra: int = 0
    stale: int = 0
    examples: dict[str, list[str]] = field(default_factory=lambda: {"missing": [], "extra": [], "stale": []})

    @property
    def differs(self) -> bool:
        """Whether SQL and index say different things."""
        return bool(self.missing or self.extra or self.stale)

    def note(self, kind: str, key: int) -> None:
        """Count one difference."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(document_id(key))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return asdict(self)


def compare(engine: Engine, search: IndexEngine, progress: Progress) -> Compared:
    """Walk both sides in the order of their keys, in flat memory.

    Raises:
        SearchUnavailableError: the engine can't be read.
    """
    search.refresh()
    result = Compared()
    scanned = search.scan()
    with engine.connect() as connection, closing(scanned):  # type: ignore[type-var]
        index = _keyed(scanned)
        have = next(index, None)
        for key, version in expected(connection):
            result.expected += 1
            while have is not None and have[0] < key:
                result.note("extra", have[0])
                have = next(index, None)
            if have is None or have[0] > key:
                result.note("missing", key)
                continue
            if have[1] != version:
                result.note("stale", key)
            have = next(index, None)
            if result.expected % _SHOWN_EVERY == 0:
                progress("compare", result.expected)
        while have is not None:
            result.note("extra", have[0])
            have = next(index, None)
    return result


def _keyed(scanned: Iterator[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    for identity, version in scanned:
        yield document_key(identity), version
