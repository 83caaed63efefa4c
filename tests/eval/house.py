"""A register of an evaluation set in the real parts: loaded by the loader into SQL, indexed by a rebuild."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from indexer.rebuild import rebuild
from registry.records import read
from registry.records import tables as t
from registry.records.facts import NameFacts, PersonFacts
from registry.records.read import Practitioner
from registry.search import IndexEngine
from tests.eval.model import Entry
from tests.support.engines import index_of, small_house
from tests.support.world import World, licence

ENGINES = ("tantivy", "opensearch")


@dataclass
class House:
    """A register that can be asked.

    Attributes:
        people: whom each practitioner is, by id.
    """

    world: World
    engine: IndexEngine
    people: dict[int, str]

    @cached_property
    def connection(self) -> sa.Connection:
        """A reading connection of its own."""
        return self.world.engine.connect()

    def practitioners(self, ids: Sequence[int]) -> list[Practitioner]:
        """Read people from SQL truth, as verification does."""
        return [one for one in read.practitioners(self.connection, ids).values() if one.listed]


def facts(entry: Entry) -> PersonFacts:
    """Return an entry as a source record says it."""
    names = [NameFacts(family=entry.family, given=tuple(entry.given.split()))]
    names += [
        NameFacts(use="former", family=family, given=tuple(given.split())) for given, family in entry.former
    ]
    return PersonFacts(
        names=tuple(name for name in names if name.display()),
        birth_date=entry.birth_date,
        licences=(licence(f"E{entry.person}"),),
    )


@contextmanager
def open_house(entries: Sequence[Entry], engine: str, url: str = "", prefix: str = "eval") -> Iterator[House]:
    """Give a house that holds the entries; `url` of a running OpenSearch where that is the engine."""
    environ = {}
    if engine == "opensearch":
        environ = {
            "REGISTRY_SEARCH__ENGINE": "opensearch",
            "REGISTRY_SEARCH__OPENSEARCH__URLS": f'["{url}"]',
            "REGISTRY_SEARCH__OPENSEARCH__PREFIX": prefix,
            "REGISTRY_SEARCH__OPENSEARCH__TIMEOUT_S": "10",
        }
    with TemporaryDirectory(prefix="eval-") as folder:
        world = small_house(Path(folder), **environ)
        try:
            world.load({f"E{entry.person}": facts(entry) for entry in entries})
            search = index_of(world)
            try:
                rebuild(world.engine, search, world.settings, lambda *_: None, fresh=True)
                house = House(world, search, _people(world))
                yield house
                house.connection.close()
            finally:
                for index in search.indices() if engine == "opensearch" else ():
                    if index != search.current_index():
                        search.drop(index)
                search.close()
        finally:
            world.close()


def _people(world: World) -> dict[int, str]:
    record = t.source_record.c
    with world.engine.connect() as connection:
        rows = connection.execute(sa.select(record.practitioner_id, record.key)).all()
    return {row.practitioner_id: row.key.removeprefix("E") for row in rows}


def engine_version(engine: str, url: str = "") -> str:
    """Return what the engine is, for the report."""
    if engine == "tantivy":
        return f"Tantivy {version('tantivy')}"
    import httpx

    return f"OpenSearch {httpx.get(url, trust_env=False).json()['version']['number']}"
