"""`indexer rebuild` as an operator meets it."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from indexer.cli import main
from indexer.lock import only_one
from registry.search import open_engine
from tests.indexer.disturbed import people
from tests.support.engines import index_of
from tests.support.world import KEYS, World

Run = Callable[..., Result]


@pytest.fixture
def run(small_world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    settings = small_world.settings
    environ = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": settings.database.url,
        "REGISTRY_SEARCH__TANTIVY__PATH": settings.search.tantivy.path,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str, expect: int = 0) -> Result:
        result = CliRunner().invoke(main, ["rebuild", *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        return result

    return command


def test_a_rebuild_says_what_is_in_use_and_how_to_go_back(small_world: World, run: Run) -> None:
    small_world.load(people(3))
    first = json.loads(run("--json").stdout)
    second = run().stdout
    third = run("--back").stdout

    assert (first["documents"], first["before"], first["changed"]) == (3, None, True)
    assert f"3 documents; searches use it now. {first['index']} is kept: `indexer rebuild --back`." in second
    assert third.splitlines()[-1].startswith(f"{first['index']}: 3 documents; searches use it now.")


def test_a_rebuild_that_was_continued_says_so(small_world: World, run: Run) -> None:
    small_world.load(people(1))
    engine = index_of(small_world)
    first = json.loads(run("--json").stdout)["index"]

    def meddle(*_: object) -> None:
        engine.swap(engine.create_index(), replacing=first)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.rebuild.check_mapping", meddle)
        refused = run(expect=1).output
    continued = run().stdout

    assert f"is in use, not {first}" in refused
    assert "An unfinished rebuild was continued." in continued
    engine.close()


def test_in_place_says_when_there_is_nothing_to_do_and_when_it_can_not_be(
    small_world: World, run: Run
) -> None:
    assert "There is no index in use to add fields to" in run("--in-place", expect=1).output
    name = json.loads(run("--json").stdout)["index"]

    assert run("--in-place").stdout.endswith(f"{name} has all fields already; nothing was done.\n")


def test_options_that_contradict_each_other_are_refused(run: Run) -> None:
    assert "Use one of --back, --in-place and --fresh." in run("--back", "--fresh", expect=2).output


def test_a_second_rebuild_and_a_way_back_that_is_not_there_are_told_plainly(
    small_world: World, run: Run
) -> None:
    with only_one(small_world.engine, "rebuild"):
        assert "Error: rebuild is running already." in run(expect=1).output
    run("--fresh")

    assert "Error: There is no previous index to go back to." in run("--back", expect=1).output
    engine = open_engine(small_world.settings.search)
    assert engine.health().ok
    engine.close()
