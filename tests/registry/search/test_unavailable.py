"""When an engine is away, slow, locked, damaged or of another version: a clear error, nothing lost, nothing invented."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from registry.errors import SearchUnavailableError
from registry.search import IndexEngine, SearchQuery, open_engine, tantivy_writer
from registry.search.document import documents, operations
from registry.search.opensearch import OpenSearchEngine
from registry.search.port import NO_INDEX
from registry.search.tantivy import UNREADABLE
from registry.search.tantivy_writer import LOCKED
from registry.settings import Search
from tests.registry.search.people import TODAY, Register, limits, person
from tests.services.opensearch import OpenSearchServer
from tests.services.workspace import free_port

EVA = SearchQuery(text="eva")


def cluster(folder: Path, url: str, **changes: object) -> Search:
    """Settings of a cluster that is not waited for."""
    made = limits(folder, engine="opensearch")
    told = {"urls": (url,), "prefix": "away", "retries": 0, "indexer_retries": 0, **changes}
    return msgspec.structs.replace(made, opensearch=msgspec.structs.replace(made.opensearch, **told))


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Register]:
    settings = limits(tmp_path)
    engine = open_engine(settings, indexer=True)
    yield Register(engine, settings)
    engine.close()


def test_without_an_index_a_search_says_what_to_do(engine: IndexEngine) -> None:
    with pytest.raises(SearchUnavailableError) as caught:
        engine.search(EVA, TODAY)
    assert caught.value.detail == NO_INDEX
    assert caught.value.status == 503


def test_an_engine_that_does_not_answer_makes_search_unavailable_and_keeps_changes(tmp_path: Path) -> None:
    engine = OpenSearchEngine(cluster(tmp_path, f"http://127.0.0.1:{free_port()}"), indexer=True)
    with pytest.raises(SearchUnavailableError):
        engine.search(EVA, TODAY)
    health = engine.health()
    assert (health.ok, health.index, health.documents) == (False, None, None)
    outcomes = engine.bulk(operations(person("Eva Ek")))
    assert {outcome.state for outcome in outcomes} == {"retry"}
    for call in (engine.indices, engine.create_index, engine.refresh, engine.count):
        with pytest.raises(SearchUnavailableError):
            call()
    with pytest.raises(SearchUnavailableError):
        next(engine.scan())
    engine.close()


def test_an_engine_that_hangs_holds_a_request_no_longer_than_its_timeout(
    tmp_path: Path, stoppable_opensearch: OpenSearchServer
) -> None:
    engine = OpenSearchEngine(cluster(tmp_path, stoppable_opensearch.url, timeout_s=0.3))
    assert not engine.health().ok  # no index yet, but it answers
    stoppable_opensearch.pause()
    with pytest.raises(SearchUnavailableError) as caught:
        engine.search(EVA, TODAY)
    assert "too slow" in caught.value.detail
    stoppable_opensearch.resume()
    engine.close()


def test_a_change_waits_while_another_process_builds_the_same_index(
    embedded: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tantivy_writer, "_LOCK_WAIT_S", 0.1)
    index = embedded.engine.create_index()
    assert [o.state for o in embedded.engine.bulk(documents(person("Eva Ek")), index)] == ["done"]
    other = open_engine(embedded.settings, indexer=True)
    (outcome,) = other.bulk(documents(person("Eva Berg")), index)
    assert (outcome.state, outcome.reason) == ("retry", LOCKED)
    embedded.engine.finish_index(index)
    assert [o.state for o in other.bulk(documents(person("Eva Berg")), index)] == ["done"]
    other.close()
    assert embedded.engine.count(index) == 2


def test_what_another_process_publishes_is_found_at_once(embedded: Register) -> None:
    embedded.publish(person("Eva Ek"))
    assert embedded.search("eva").total == 1
    script = (
        "import sys; from pathlib import Path\n"
        "from registry.search import open_engine\n"
        "from tests.registry.search.people import limits, person, operations\n"
        "engine = open_engine(limits(Path(sys.argv[1])), indexer=True)\n"
        "changes = operations(person('Eva Other', id=5_000_000))\n"
        "sys.exit(any(o.state != 'done' for o in engine.bulk(changes)))"
    )
    folder = Path(embedded.settings.tantivy.path).parent
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=60)
    assert embedded.search("eva").total == 2


def test_a_damaged_index_is_unavailable_not_empty(embedded: Register) -> None:
    embedded.publish(person("Eva Ek"))
    index = Path(embedded.settings.tantivy.path) / embedded.index
    (index / "meta.json").write_text("{}")
    fresh = open_engine(embedded.settings, indexer=True)
    with pytest.raises(SearchUnavailableError) as caught:
        fresh.search(EVA, TODAY)
    assert caught.value.detail == UNREADABLE
    assert fresh.health().problem == UNREADABLE
    assert {o.state for o in fresh.bulk(operations(person("Bo Ek")))} == {"retry"}
    fresh.close()


@pytest.mark.parametrize("pointer", ["", "../../etc", "registry-licences-gone"])
def test_a_pointer_that_names_no_index_is_no_index(embedded: Register, pointer: str) -> None:
    (Path(embedded.settings.tantivy.path) / "current").write_text(pointer)
    assert embedded.engine.current_index() is None
    with pytest.raises(SearchUnavailableError):
        embedded.search("eva")


def test_an_index_in_use_whose_folder_is_gone_is_unavailable(embedded: Register) -> None:
    folder = Path(embedded.settings.tantivy.path)
    (folder / embedded.index).rename(folder / "elsewhere")
    with pytest.raises(SearchUnavailableError) as caught:
        embedded.search("eva")
    assert caught.value.detail == UNREADABLE
    with pytest.raises(SearchUnavailableError):
        embedded.engine.count(embedded.index)


def test_leftovers_of_a_crash_are_no_indices(embedded: Register) -> None:
    folder = Path(embedded.settings.tantivy.path)
    name = embedded.index.replace("-2", "-3")
    (folder / f".new-{name}").mkdir()
    (folder / f".dropped-{name}").mkdir()
    assert embedded.engine.indices() == [embedded.index]
    embedded.engine.drop(embedded.engine.create_index())
    assert not (folder / f".dropped-{name}").exists()


def test_a_folder_that_can_not_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file")
    engine = open_engine(limits(tmp_path), indexer=True)
    with pytest.raises(SearchUnavailableError):
        engine.create_index()
    assert not engine.health().ok
    assert {o.state for o in engine.bulk(operations(person("Bo Ek")))} == {"retry"}


def test_a_commit_that_fails_leaves_the_changes_to_the_caller(embedded: Register) -> None:
    index = embedded.engine.create_index()
    assert [o.state for o in embedded.engine.bulk(documents(person("Eva Ek")), index)] == ["done"]
    shutil.rmtree(Path(embedded.settings.tantivy.path) / index)
    (outcome,) = embedded.engine.bulk(documents(person("Eva Berg")), index)
    assert outcome.state == "retry"
    assert "can't be written" in outcome.reason
    embedded.publish(person("Bo Ek"))


def test_the_lock_of_an_index_in_use_is_not_kept(embedded: Register) -> None:
    index = embedded.engine.create_index()
    embedded.engine.swap(index, replacing=embedded.index)
    assert [o.state for o in embedded.engine.bulk(documents(person("Eva Ek")), index)] == ["done"]
    other = open_engine(embedded.settings, indexer=True)
    assert [o.state for o in other.bulk(documents(person("Eva Berg")))] == ["done"]
    other.close()


def test_a_request_never_shows_in_the_clients_log(
    tmp_path: Path, stoppable_opensearch: OpenSearchServer, caplog: pytest.LogCaptureFixture
) -> None:
    engine = OpenSearchEngine(cluster(tmp_path, stoppable_opensearch.url))
    with caplog.at_level("DEBUG"), pytest.raises(SearchUnavailableError):
        engine.search(SearchQuery(text="Evangelina"), TODAY)
    assert "evangelina" not in caplog.text.lower()
    engine.close()
