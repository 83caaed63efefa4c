"""`indexer compare` as an operator meets it: what it says, what it exits with, and what to do next."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from indexer.cli import main
from indexer.cli_compare import as_text
from indexer.compare import Compared
from indexer.lock import only_one
from registry.search import IndexEngine
from registry.search.document import Operation, document_id
from tests.indexer.damage import ALIEN, filled, invent, lose
from tests.support.engines import index_of
from tests.support.publishing import people
from tests.support.world import KEYS, World

Run = Callable[..., Result]


@pytest.fixture
def engine(small_world: World) -> Iterator[IndexEngine]:
    found = index_of(small_world)
    yield found
    found.close()


@pytest.fixture
def run(small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    environ = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": small_world.settings.database.url,
        "REGISTRY_SEARCH__TANTIVY__PATH": str(tmp_path / "index"),
        "REGISTRY_INDEX__COMPARE_PAUSE_S": "0.01",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str, expect: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == expect, result.output
        return result

    return command


def test_without_differences_it_exits_with_0(run: Run, small_world: World, engine: IndexEngine) -> None:
    filled(small_world, engine, people(3))

    assert "3 documents expected; 0 missing, 0 extra, 0 stale." in run("compare").stdout
    assert run("compare", "--full").stdout == run("compare").stdout


def test_differences_are_named_repaired_and_gone_after_publishing(
    run: Run, small_world: World, engine: IndexEngine
) -> None:
    right = filled(small_world, engine, people(3))
    lose(engine, right[min(right)])
    invent(engine, ALIEN)

    told = run("compare", expect=1).stdout
    assert "1 missing, 1 extra, 0 stale" in told
    assert f"missing: {document_id(min(right))}\n" in told
    assert f"extra: {document_id(ALIEN)}\n" in told
    assert "Run `indexer compare --repair`, then `indexer publish`." in told

    repaired = run("compare", "--repair").stdout
    assert "Put in the queue: 2. Now run `indexer publish`." in repaired
    assert "Of 2 documents a change is on its way" in run("compare").stdout
    run("publish")
    assert "0 missing, 0 extra, 0 stale." in run("compare").stdout


def test_programs_are_told_the_same_as_json(run: Run, small_world: World, engine: IndexEngine) -> None:
    right = filled(small_world, engine, people(3))
    index = engine.current_index()
    lose(engine, right[min(right)])

    told = json.loads(run("compare", "--json", expect=1).stdout)
    assert told == {
        "index": index,
        "expected": 3,
        "missing": 1,
        "extra": 0,
        "stale": 0,
        "pending": 0,
        "repaired": 0,
        "ahead": 0,
        "mended": False,
        "differs": True,
        "examples": {"missing": [document_id(min(right))], "extra": [], "stale": []},
    }
    assert json.loads(run("compare", "--repair", "--json").stdout)["repaired"] == 1


def test_wrong_content_is_found_by_full(run: Run, small_world: World, engine: IndexEngine) -> None:
    right = filled(small_world, engine, people(3))
    one = right[min(right)]
    engine.bulk([Operation(one.key, one.version, {**(one.body or {}), "name_order": "z"})])

    run("compare")
    assert "1 stale" in run("compare", "--full", expect=1).stdout


def test_a_second_comparison_at_the_same_time_is_told_so(
    run: Run, small_world: World, engine: IndexEngine
) -> None:
    filled(small_world, engine, people(1))

    with only_one(small_world.engine, "compare"):
        assert "compare is running already" in run("compare", expect=1).output


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Compared("i", ahead=7), "The index knows versions up to 7 above all that SQL has drawn"),
        (Compared("i", ahead=7), "Run `indexer compare --repair`"),
        (Compared("i", ahead=7, mended=True), "SQL draws higher ones from now on."),
        (Compared("i", pending=2), "Of 2 documents a change is on its way"),
    ],
)
def test_what_else_there_is_to_know_is_said(found: Compared, says: str) -> None:
    assert says in as_text(found)
