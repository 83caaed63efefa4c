"""One document in ten thousand that the engine will never take (failure F7): the others go on, and it is told by name."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.projection import NoDocumentError
from indexer.publish import Published, publish
from indexer.rebuild import rebuild
from indexer.sending import RebuildError
from registry.records import tables as t
from registry.search import IndexEngine
from registry.search.document import Operation
from registry.search.port import Outcome
from tests.indexer.faults.houses import FaultHouse, large, people, small
from tests.support.engines import index_of
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.publishing import quiet

COUNT = 10_000
BAD = str(COUNT // 2)
# Given up at the first refusal: pauses between tries are shown elsewhere.
AT_ONCE = {"REGISTRY_INDEXER__PUBLISH_ATTEMPTS": "1"}


class Spoiling:
    """The real engine, reached with a word in place of a number in one document, so that the engine itself refuses it."""

    def __init__(self, engine: IndexEngine, document: str) -> None:
        self._engine, self._document = engine, document

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        return self._engine.bulk([self._spoiled(one) for one in operations], index)

    def _spoiled(self, one: Operation) -> Operation:
        if one.id != self._document or one.body is None:
            return one
        return Operation(one.key, one.version, {**one.body, "birth_from": "no number"})


class Spoiler:
    """A house one of whose documents is spoiled on its way to the engine: by a proxy, or in the process itself."""

    def __init__(self, house: FaultHouse, proxy: FaultProxy | None) -> None:
        self.house, self._proxy = house, proxy

    def publish(self, document: str) -> Published:
        """Publish with a document spoiled."""
        with self._spoiled(document) as engine:
            return publish(self.house.world.engine, engine, self.house.world.settings, quiet)

    def rebuild(self, document: str) -> None:
        """Rebuild with a document spoiled."""
        with self._spoiled(document) as engine:
            rebuild(self.house.world.engine, engine, self.house.world.settings, quiet)

    @contextmanager
    def _spoiled(self, document: str) -> Iterator[IndexEngine]:
        engine = index_of(self.house.world)
        try:
            if self._proxy:
                with self._proxy.faults(Fault("spoil", document=document)):
                    yield engine
            else:
                yield Spoiling(engine, document)  # type: ignore[misc] # all but one method is the engine's
        finally:
            engine.close()


@pytest.fixture(params=["small", "large"])
def spoiler(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Spoiler]:
    """A house of either size."""
    with ExitStack() as stack:
        proxy = None
        if request.param == "small":
            house = small(tmp_path, **AT_ONCE)
        else:
            database: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
            url = request.getfixturevalue("opensearch_url")
            proxy = stack.enter_context(FaultProxy(url))
            house = large(
                tmp_path, database, url, request.getfixturevalue("opensearch_prefix"), proxy, **AT_ONCE
            )
        stack.callback(house.close)
        yield Spoiler(house, proxy)


def document_of(house: FaultHouse, key: str) -> str:
    """Return the id of the document about the licence of the person with this source key."""
    licence, record = t.licence, t.source_record
    with house.world.engine.connect() as connection:
        number = connection.scalar(
            sa.select(licence.c.id)
            .join(record, record.c.id == licence.c.source_record_id)
            .where(record.c.key == key)
        )
    return f"l{number}"


def practitioner_of(house: FaultHouse, key: str) -> int | None:
    """Return the id of the person with this source key."""
    record = t.source_record.c
    with house.world.engine.connect() as connection:
        return connection.scalar(sa.select(record.practitioner_id).where(record.key == key))


def set_birth_date(house: FaultHouse, key: str, value: str) -> None:
    """Damage a row, or mend it, as nothing of ours would."""
    person, whose = t.practitioner, practitioner_of(house, key)
    with house.world.engine.begin() as connection:
        connection.execute(sa.update(person).where(person.c.id == whose).values(birth_date=value))


def test_one_bad_document_in_ten_thousand_is_a_dead_letter_with_its_reason_and_is_mended_by_a_retry(
    spoiler: Spoiler,
) -> None:
    house = spoiler.house
    house.load(people(1))
    house.run("publish")
    house.load(people(COUNT - 1, first=1))
    bad = document_of(house, BAD)

    told = spoiler.publish(bad)

    assert (told.practitioners, told.failed, told.dead) == (COUNT - 2, 1, 1)
    assert (house.waiting(), house.dead()) == (0, 1)
    assert house.have().keys() == house.wanted().keys() - {bad}
    compared = house.run("compare", expect=1)
    assert (compared["expected"], compared["missing"], compared["extra"], compared["stale"]) == (
        COUNT,
        1,
        0,
        0,
    )
    assert compared["examples"]["missing"] == [bad]
    (letter,) = house.run("dead-letters", "list")
    assert letter["document"] == bad
    assert "birth_from" in letter["reason"]
    assert "no number" not in letter["reason"]

    house.run("dead-letters", "retry")
    house.run("publish")
    house.equal(COUNT)


def test_a_rebuild_that_meets_a_bad_document_names_it_and_leaves_the_index_in_use(spoiler: Spoiler) -> None:
    house = spoiler.house
    house.load(people(300))
    house.run("publish")
    before = house.have()
    bad = document_of(house, "150")

    with pytest.raises(RebuildError, match=f"{bad}.*birth_from"):
        spoiler.rebuild(bad)

    assert house.have() == before
    engine = index_of(house.world)
    assert len(engine.indices()) == 1
    engine.close()
    house.equal(300)


def test_a_rebuild_names_whom_it_can_make_no_document_of_and_goes_on_when_the_fact_is_right(
    spoiler: Spoiler,
) -> None:
    house = spoiler.house
    house.load(people(300))
    house.run("publish")
    before = house.have()
    set_birth_date(house, "150", "rubbish")

    with pytest.raises(
        NoDocumentError, match=f"practitioner {practitioner_of(house, '150')} .ValueError."
    ) as told:
        spoiler.rebuild("")

    assert "rubbish" not in told.value.detail
    assert house.have() == before
    set_birth_date(house, "150", "1980-02-03")
    spoiler.rebuild("")
    house.equal(300)


def test_one_bad_document_in_an_empty_house_keeps_nobody_else_out(spoiler: Spoiler) -> None:
    """The first index is made by a rebuild, which stops at a bad document; the publisher does not."""
    house = spoiler.house
    house.load(people(300))
    bad = document_of(house, "150")

    told = spoiler.publish(bad)

    assert told.dead == 1
    assert house.have().keys() == house.wanted().keys() - {bad}
    house.run("dead-letters", "retry")
    house.run("publish")
    house.equal(300)


def test_a_person_of_whom_no_document_can_be_made_is_a_dead_letter_and_keeps_nobody_else_out(
    spoiler: Spoiler,
) -> None:
    house = spoiler.house
    house.load(people(300))
    house.run("publish")
    house.load(people(300, "Siv"))
    set_birth_date(house, "150", "rubbish")

    told = spoiler.publish("")

    assert (told.practitioners, told.failed, told.dead) == (299, 1, 1)
    (letter,) = house.run("dead-letters", "list")
    assert "rubbish" not in letter["reason"]
    set_birth_date(house, "150", "1980-02-03")
    house.run("dead-letters", "retry")
    house.run("publish")
    house.equal(300)
