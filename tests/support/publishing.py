"""Publishing in tests: a real engine that is made to refuse, people to publish, and what the index then finds."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any, Literal, cast

import msgspec
import sqlalchemy as sa

from indexer.publish import Published, publish
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search import IndexEngine, SearchQuery
from registry.search.document import Operation
from registry.search.port import Outcome
from tests.support.world import World, licence, person

TODAY = date(2026, 11, 22)
ODD = "field too odd"


def quiet(*_: object) -> None:
    """Show no progress."""


def no_wait(_seconds: float) -> None:
    """Go on at once."""


def people(count: int, given: str = "Liv", first: int = 0) -> dict[str, PersonFacts]:
    """Return people with one licence each, by source key."""
    return {
        str(n): person("Ek", f"{given}{n}", licences=[licence(str(1000 + n))]) for n in range(first, count)
    }


def publish_all(
    world: World, engine: "Engine", *, wait: Callable[[float], None] = no_wait, **limits: int
) -> Published:
    """Publish what waits; with limits of section `[indexer]`."""
    section = msgspec.structs.replace(world.settings.indexer, **limits)
    settings = msgspec.structs.replace(world.settings, indexer=section)
    return publish(world.engine, cast("IndexEngine", engine), settings, quiet, wait=wait)


def found(engine: "Engine", text: str) -> int:
    """Return how many people a search finds."""
    engine.refresh()
    return engine.search(SearchQuery(text=text), TODAY).total


def stored_versions(engine: "Engine") -> dict[str, int]:
    """Return every document about people with its version."""
    engine.refresh()
    return dict(engine.scan())


def licence_keys(world: World) -> list[int]:
    """Return the keys of all licences' documents, the oldest licence first."""
    with world.engine.connect() as connection:
        return [
            number * 2 for number in connection.scalars(sa.select(t.licence.c.id).order_by(t.licence.c.id))
        ]


def expected_versions(world: World) -> dict[str, int]:
    """Return the documents that the index should hold, from SQL by plain reading: of licences that stand, of people shown."""
    person_, licence_ = t.practitioner.c, t.licence.c
    with world.engine.connect() as connection:
        rows = connection.execute(
            sa.select(licence_.id, person_.version)
            .join_from(t.licence, t.practitioner, licence_.practitioner_id == person_.id)
            .where(licence_.gone_run_id.is_(None) & ~person_.protected & person_.merged_into_id.is_(None))
        )
        return {f"l{row.id}": row.version for row in rows}


class Trying:
    """The real engine, which can be told to refuse documents, to have no room, and to let something happen meanwhile.

    Attributes:
        refuse: keys of documents that it will never take.
        full: so many further calls of `bulk` for which it has no room.
        no_room: keys of documents that it has no room for at the moment.
        meanwhile: called once, after the next `bulk` has been done and before its outcome is told.
        sent: operations that it was given.
    """

    def __init__(self, engine: IndexEngine, *, refuse: Collection[int] = (), full: int = 0) -> None:
        self._engine = engine
        self.refuse, self.full = set(refuse), full
        self.no_room: set[int] = set()
        self.meanwhile: Callable[[], object] | None = None
        self.sent: list[Operation] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the engine has
        return getattr(self._engine, name)

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        """Apply what may be applied."""
        self.sent += operations
        if self.full > 0:
            self.full -= 1
            return [Outcome(operation, "retry", "no room") for operation in operations]
        kept_out: dict[int, Literal["failed", "retry"]] = {
            **dict.fromkeys(self.refuse, "failed"),
            **dict.fromkeys(self.no_room, "retry"),
        }
        good = [operation for operation in operations if operation.key not in kept_out]
        taken = iter(self._engine.bulk(good, index))
        outcomes = [
            Outcome(one, kept_out[one.key], ODD) if one.key in kept_out else next(taken) for one in operations
        ]
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return outcomes


Engine = IndexEngine | Trying
