"""Engines that stop, lie or are of another version, for tests of rebuilds. All else is done by the real engine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy import event

from indexer.compare import Compared, compare
from registry.records import search_indices
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.records.search_indices import Known
from registry.search import IndexEngine
from registry.search.document import Operation
from registry.search.port import Outcome
from registry.settings import Index, Settings
from tests.support.publishing import quiet
from tests.support.world import World, licence, person


class KilledError(BaseException):
    """Ends a rebuild as nothing that it could handle does."""


@dataclass
class Steps:
    """Counts what a rebuild does to engine and database, and stops it at one of these steps."""

    stop_at: int | None = None
    taken: list[str] = field(default_factory=list)

    def take(self, name: str) -> None:
        """Stop here, or go on."""
        if len(self.taken) == self.stop_at:
            raise KilledError(name)
        self.taken.append(name)

    @contextmanager
    def watching(self, engine: sa.Engine) -> Iterator[None]:
        """Count commits of the database too, each before it is made."""

        def commit(_connection: sa.Connection) -> None:
            self.take("commit")

        event.listen(engine, "commit", commit)
        try:
            yield
        finally:
            event.remove(engine, "commit", commit)


class Stopping:
    """The real engine, each call counted as a step before it is made."""

    def __init__(self, engine: IndexEngine, steps: Steps) -> None:
        self._engine, self._steps = engine, steps

    def __getattr__(self, name: str) -> object:
        found = getattr(self._engine, name)

        def call(*args: object, **kwargs: object) -> object:
            self._steps.take(name)
            return found(*args, **kwargs)

        return call if callable(found) else found


class Disturbed:
    """The real engine, but for what a test does instead."""

    def __init__(self, engine: IndexEngine, **instead: Callable[..., Any]) -> None:
        self._engine, self._instead = engine, instead

    def __getattr__(self, name: str) -> object:
        return self._instead.get(name) or getattr(self._engine, name)


def disturbed(engine: IndexEngine, **instead: Callable[..., Any]) -> IndexEngine:
    """Return the engine with some methods replaced."""
    return cast("IndexEngine", Disturbed(engine, **instead))


def stopping(engine: IndexEngine, steps: Steps) -> IndexEngine:
    """Return the engine with its calls counted."""
    return cast("IndexEngine", Stopping(engine, steps))


def altering(
    engine: IndexEngine, change: Callable[[Operation], Operation | None], *, refuse: bool = False
) -> IndexEngine:
    """Return the engine that stores another document, or none, in place of some, and says that all is well.

    Args:
        change: returns what to store instead; None: nothing.
        refuse: what is not stored is refused aloud.
    """

    def bulk(operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        sent = [changed for operation in operations if (changed := change(operation))]
        told = {outcome.operation.key: outcome for outcome in engine.bulk(sent, index)}
        missing = ("failed", "field too odd") if refuse else ("done", "")
        return [
            Outcome(one, told[one.key].state, told[one.key].reason)
            if one.key in told
            else Outcome(one, cast("Any", missing[0]), missing[1])
            for one in operations
        ]

    return disturbed(engine, bulk=bulk)


# So different that none is found by another's name, however it is misspelt.
NAMES = (
    "Berta", "Gustav", "Hjördis", "Ingemar", "Kerstin", "Ludvig", "Margareta", "Nils", "Olof", "Petronella",
    "Rolf", "Sixten", "Torbjörn", "Ulla", "Valdemar", "Yngve", "Zacharias", "Åsa", "Östen", "Fabian",
    "Charlotta", "Didrik", "Eufemia", "Joakim", "Xerxes", "Agaton", "Quintus", "Wilhelmina", "Hedvig", "Cajsa",
)  # fmt: skip


def people(count: int, family: str = "Ek") -> dict[str, PersonFacts]:
    """People with one licence each; the same keys each time."""
    return {
        str(n): person(family, NAMES[n % len(NAMES)], licences=[licence(str(1000 + n))]) for n in range(count)
    }


def with_index(settings: Settings, **values: int) -> Settings:
    """Return settings with other values in section `[index]`."""
    changed: Index = msgspec.structs.replace(settings.index, **values)
    return msgspec.structs.replace(settings, index=changed)


def compared(world: World, engine: IndexEngine) -> Compared:
    """Compare SQL and index at once, without patience for what is on its way."""
    return compare(world.engine, engine, with_index(world.settings, compare_rounds=1), quiet, full=True)


def indices(world: World) -> dict[str, Known]:
    """What SQL knows of the indices."""
    with world.engine.connect() as connection:
        return search_indices.known(connection)


def states(world: World) -> dict[str, str]:
    """The state of each index, as SQL knows it."""
    return {name: row.state for name, row in indices(world).items()}


def first_licence(world: World) -> int:
    """The lowest licence id there is."""
    with world.engine.connect() as connection:
        number: int | None = connection.scalar(sa.select(sa.func.min(t.licence.c.id)))
    assert number is not None
    return number
