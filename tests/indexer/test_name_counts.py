"""Names are counted anew whenever the index has been rebuilt or compared."""

import sqlalchemy as sa

from indexer.compare import compare
from indexer.name_counts import count_anew, count_anew_if_possible
from indexer.rebuild import rebuild
from registry.records.index_tables import name_count
from registry.records.name_counts import NameCounts, read
from registry.search import open_engine
from tests.support.publishing import quiet
from tests.support.world import World, licence, person


def counts(world: World) -> NameCounts:
    with world.engine.connect() as connection:
        return read(connection)


def test_a_rebuild_and_a_comparison_count_names(small_world: World) -> None:
    world = small_world
    people = {str(n): person("Lindqvist", "Anna", licences=[licence(str(n))]) for n in range(3)}
    world.load(people)
    search = open_engine(world.settings.search, indexer=True)
    rebuild(world.engine, search, world.settings, quiet)
    assert (counts(world).people, counts(world).bearers("lindqvist")) == (3, 3)
    world.load(people | {"9": person("Lindqvist", "Eva", licences=[licence("9")])})
    assert counts(world).bearers("lindqvist") == 3
    compare(world.engine, search, world.settings, quiet, repair=True)
    search.close()
    assert (counts(world).people, counts(world).bearers("lindqvist")) == (4, 4)


def test_a_count_that_fails_leaves_the_last_one_and_stops_nothing(small_world: World) -> None:
    world = small_world
    world.load({str(n): person("Ek", "Bo", licences=[licence(str(n))]) for n in range(2)})
    assert count_anew(world.engine, world.settings.index) == 2
    with world.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE practitioner_name RENAME TO away"))
    count_anew_if_possible(world.engine, world.settings.index)
    assert counts(world).bearers("ek") == 2
    with world.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(name_count)) == 3
