"""How it stands, for a person, for monitoring and as metrics: on both sizes, and as an operator asks."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from indexer import cli_status
from indexer.compare import compare
from indexer.feeds.descriptor import load_feed
from indexer.rebuild import rebuild
from indexer.status import Standing, as_dict, as_text, metrics, people, problems, standing
from registry.database import writing
from registry.metrics import METRICS
from registry.records import search_indices
from registry.records import tables as t
from registry.search import IndexEngine
from registry.search.document import Operation
from registry.settings import CONFIG
from tests.support.engines import index_of
from tests.support.publishing import licence_keys, publish_all, quiet
from tests.support.publishing import people as some_people
from tests.support.world import KEYS, World, licence, make_settings, person

NOW = datetime.now(UTC)


def stand(world: World, index: IndexEngine) -> Standing:
    index.refresh()
    return standing(world.engine, index, world.settings)


def trouble(world: World, found: Standing) -> list[str]:
    return problems(found, world.settings)


@pytest.fixture
def published(house: World, index: IndexEngine) -> World:
    """Five people, published."""
    house.load(some_people(5))
    publish_all(house, index)
    return house


# --- on both sizes -----------------------------------------------------------------------------------------------------


def test_a_house_in_order_is_told_as_such(published: World, index: IndexEngine) -> None:
    compare(published.engine, index, published.settings, quiet)
    found = stand(published, index)
    assert trouble(published, found) == []
    told = as_dict(found, people(published.engine))
    assert told["practitioners"] == 5
    assert told["outbox"] == {"waiting": 0, "oldestSeconds": None, "deadLetters": 0}
    expected = {"name": index.current_index(), "documents": 5, "expectedDocuments": 5, "available": True}
    assert told["index"].items() >= (expected | {"problem": None, "building": None, "previous": None}).items()
    assert told["index"]["comparison"]["expected"] == 5
    lines = as_text(found, 5).splitlines()
    assert lines[0].startswith("test                 fresh  last success ")
    assert lines[1:3] == [
        "5 practitioners in SQL",
        "0 changes wait to be published (oldest 0 s), 0 dead letters",
    ]
    assert lines[3].startswith(f"index {index.current_index()}: 5 documents, SQL says 5; in use since 20")
    assert lines[4].endswith(": 0 missing, 0 extra, 0 stale, 0 repaired")


def test_a_lost_document_is_seen_by_its_count_and_named_by_a_comparison(
    published: World, index: IndexEngine
) -> None:
    index.bulk([Operation(licence_keys(published)[0], 10**9, None)])
    [lost] = trouble(published, stand(published, index))
    assert lost.startswith(
        "the index holds 4 documents, SQL says 5, and no change waits: run `indexer compare"
    )
    assert compare(published.engine, index, published.settings, quiet).missing == 1
    assert "1 missing, 0 extra and 0 stale documents" in trouble(published, stand(published, index))[0]
    compare(published.engine, index, published.settings, quiet, repair=True)
    publish_all(published, index)
    assert trouble(published, stand(published, index)) == []


def test_an_index_that_another_hand_put_in_use_is_told(published: World, index: IndexEngine) -> None:
    before = index.current_index()
    made = index.create_index()
    index.finish_index(made)
    index.swap(made, replacing=before)
    found = trouble(published, stand(published, index))
    assert (
        f"the engine uses {made}, SQL took {before} to be in use: run `indexer publish`, which settles it"
        in found
    )
    assert any("holds 0 documents, SQL says 5" in one for one in found)
    publish_all(published, index)
    assert any(
        f"{made} is in use and was not made here" in one
        for one in trouble(published, stand(published, index))
    )
    compare(published.engine, index, published.settings, quiet, repair=True)
    publish_all(published, index)
    assert trouble(published, stand(published, index)) == []


def test_an_unfinished_rebuild_is_told_with_how_far_it_came(published: World, index: IndexEngine) -> None:
    with published.engine.connect() as connection:
        middle = list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id)))[2]
    with writing(published.engine).begin() as connection:
        search_indices.begun(connection, "half", 1, datetime.now(UTC))
        search_indices.note(connection, "half", filled_to=middle)
    found = stand(published, index)
    assert trouble(published, found) == []
    building = as_dict(found, 5)["index"]["building"]
    assert building["name"] == "half"
    assert 0 < building["share"] < 1
    assert as_text(found, 5).splitlines()[-1].startswith("index half is being built since ")
    later = replace(found.index, now=found.now + timedelta(minutes=31))
    assert "has not got on since" in trouble(published, replace(found, index=later))[0]
    rebuild(published.engine, index, published.settings, quiet)
    assert as_dict(stand(published, index), 5)["index"]["building"] is None


def test_a_house_without_an_index_says_what_to_do(house: World, index: IndexEngine) -> None:
    house.load(some_people(2))
    found = standing(house.engine, index, house.settings)
    assert trouble(house, found) == [
        "search by name does not work: There is no search index yet; run `indexer rebuild`."
    ]
    told = as_dict(found, 2)["index"]
    assert (told["name"], told["documents"], told["available"]) == (None, 0, False)
    assert "index none: 0 documents" in as_text(found, 2)


def test_metrics_tell_the_same_as_the_status(published: World, index: IndexEngine) -> None:
    found = stand(published, index)
    families = {
        family.name: family for family in text_string_to_metric_families(metrics(found, published.settings))
    }
    told = as_dict(found, 5)
    assert families["registry_index_documents"].samples[0].value == told["index"]["documents"]
    assert (
        families["registry_index_expected_documents"].samples[0].value == told["index"]["expectedDocuments"]
    )
    assert families["registry_index_info"].samples[0].labels == {"index": told["index"]["name"]}
    # The service alone asks the access database.
    assert [sample.labels for sample in families["registry_database_up"].samples] == [{"database": "records"}]
    left_out = {metric.name for metric in METRICS} - set(families)
    assert {name.split("_")[2] for name in left_out} == {
        "build",
        "comparison",
        "lists",
        "callers",
        "log",
        "requests",
    }


def test_an_engine_that_is_away_is_part_of_the_answer(tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path,
        REGISTRY_SEARCH__ENGINE="opensearch",
        REGISTRY_SEARCH__OPENSEARCH__URLS='["http://127.0.0.1:1"]',
        REGISTRY_SEARCH__OPENSEARCH__INDEXER_RETRIES="0",
    )
    world = World(settings)
    world.load(some_people(1))
    search = index_of(world)
    found = standing(world.engine, search, settings)
    search.close()
    world.close()
    assert found.index.counted is None
    assert [one.partition(":")[0] for one in problems(found, settings)] == ["search by name does not work"]
    assert "registry_search_up 0.0" in metrics(found, settings)


# --- what goes wrong with feeds -------------------------------------------------------------------------------------------


def test_problems_of_feeds_are_told_until_they_are_mended(small_world: World) -> None:
    small_world.load({"a": person("Ek", licences=[licence("1")])}, finished_at=NOW)
    index = index_of(small_world)
    publish_all(small_world, index)
    well = stand(small_world, index)
    assert trouble(small_world, well) == []
    assert trouble(small_world, replace(well, now=NOW + timedelta(hours=49))) == [
        f"test is STALE: its last good run ended {NOW:%Y-%m-%d %H:%M} UTC, promised is one every 48 hours"
    ]
    small_world.describe_feed("other")
    assert "other is STALE: it has had no good run" in trouble(small_world, stand(small_world, index))[0]
    with writing(small_world.engine).begin() as connection:
        connection.execute(sa.delete(t.feed).where(t.feed.c.id == "other"))
        connection.execute(sa.insert(t.outbox).values(practitioner_id=1, created_at=NOW, dead=True))
        run = {"feed_id": "test", "started_at": NOW, "finished_at": NOW}
        for number, state, reason in ((101, "held", "3 of 4 vanished"), (102, "failed", "")):
            values = {**run, "id": number, "state": state, "held_reason": reason, "error": "half a file"}
            connection.execute(sa.insert(t.feed_run).values(values))
    found = stand(small_world, index)
    index.close()
    assert trouble(small_world, found) == [
        "test: the last pull (run 102) failed: half a file",
        "test: run 101 is held: 3 of 4 vanished. Look at it; if it is right: indexer approve 101",
        "1 change could not be published and was given up: see `indexer dead-letters list`",
    ]
    assert "1 held" in as_text(found, 1)
    described = [load_feed(CONFIG / "feeds" / f"{name}.toml") for name in ("colorado", "gmc")]
    never = [
        one
        for one in problems(found, small_world.settings, described=described)
        if "never been pulled" in one
    ]
    assert never == ["colorado has a schedule and has never been pulled"]


# --- the commands ---------------------------------------------------------------------------------------------------------

Run = Callable[..., Result]


@pytest.fixture
def run(small_world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    environ = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": small_world.settings.database.url,
        "REGISTRY_SEARCH__TANTIVY__PATH": small_world.settings.search.tantivy.path,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    @click.group()
    def group() -> None:
        """The room's commands alone."""

    cli_status.add_commands(group)

    def command(*arguments: str, expect: int = 0, **environ: str) -> Result:
        result = CliRunner().invoke(group, arguments, env=environ)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        return result

    return command


def told(result: Result) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(result.stdout)


def test_the_commands_answer_an_operator(
    run: Run, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "feeds").mkdir()
    shutil.copy(CONFIG / "feeds" / "gmc.toml", tmp_path / "feeds")
    monkeypatch.setenv("REGISTRY_FEEDS_DIR", str(tmp_path / "feeds"))
    small_world.load(some_people(3))
    assert "no search index yet" in run("status", "--check", expect=1).output
    index = index_of(small_world)
    publish_all(small_world, index)
    index.close()
    assert run("status", "--check").output == "All is well.\n"
    assert told(run("status", "--check", "--json")) == []
    assert told(run("status", "--json"))["index"]["expectedDocuments"] == 3
    assert "3 documents, SQL says 3; in use since 20" in run("status").output
    assert "registry_index_documents 3.0\n" in run("metrics").stdout
    with writing(small_world.engine).begin() as connection:
        connection.execute(sa.insert(t.outbox).values(practitioner_id=1, created_at=NOW, dead=True))
    assert told(run("status", "--check", "--json", expect=1)) == [
        "1 change could not be published and was given up: see `indexer dead-letters list`"
    ]


def test_the_quarantine_of_a_feed_is_listed_row_by_row(run: Run, small_world: World) -> None:
    small_world.load(some_people(1))
    assert run("status", "test").output == "The last run put nothing in quarantine.\n"
    with writing(small_world.engine).begin() as connection:
        last = connection.scalar(sa.select(sa.func.max(t.feed_run.c.id)))
        row = {"feed_id": "test", "run_id": last, "row_number": 7, "key": "A1", "field": "issued"}
        connection.execute(
            sa.insert(t.quarantined_record).values(row | {"reason": "no date", "echo": "31/31"})
        )
    assert run("status", "test").output == "row 7 A1 issued: no date | 31/31\n"
    assert told(run("status", "test", "--json"))[0]["field"] == "issued"
    assert "nobody has never been pulled. Known feeds: test." in run("status", "nobody", expect=1).output


def test_metrics_fail_when_the_database_does_so_that_the_file_keeps_its_age(run: Run, tmp_path: Path) -> None:
    nowhere = {"REGISTRY_DATABASE__URL": f"sqlite:///{tmp_path / 'empty.db'}"}
    result = run("metrics", expect=1, **nowhere)
    assert "registry migrate" in result.output
    assert result.stdout == ""
