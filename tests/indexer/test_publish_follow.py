"""A publisher that stays, and the commands `publish` and `dead-letters`, as an operator runs them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from indexer.cli import main
from indexer.index_work import publishing_engine
from indexer.publish import publish_forever
from registry.database import writing
from registry.errors import SearchUnavailableError
from registry.records import tables as t
from registry.search import IndexEngine
from registry.settings import ROOT, Search
from tests.services.opensearch import OpenSearchServer
from tests.support.engines import index_of, large_house
from tests.support.publishing import (
    ODD,
    Trying,
    expected_versions,
    found,
    licence_keys,
    people,
    publish_all,
    stored_versions,
)
from tests.support.waiting import until
from tests.support.world import KEYS, World, licence, person

SIV = person("Lindqvist", "Siv", licences=[licence("7")])


class EnoughError(Exception):
    """The publisher has been watched for long enough."""


class Watch:
    """A `wait` that does things between two looks of a publisher, and then ends it."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = iter(steps)
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        step = next(self._steps, None)
        if step is None:
            raise EnoughError
        step()


def follow(world: World, engine: IndexEngine | Trying, *steps: Callable[[], object]) -> list[float]:
    """Let a publisher stay while the steps happen, one after each of its rounds; return its pauses."""
    watch = Watch(*steps)
    with pytest.raises(EnoughError):
        publish_forever(world.engine, cast("IndexEngine", engine), world.settings, wait=watch)
    return watch.pauses


def nothing() -> None:
    """Let another round go by."""


def test_changes_are_published_as_they_are_committed(house: World, index: IndexEngine) -> None:
    seen: list[int] = []
    pauses = follow(
        house,
        index,
        lambda: house.load({"siv": SIV}, snapshot=False),
        lambda: seen.append(house.count(t.outbox)),
        lambda: house.load({"siv": person("Alm", "Siv", licences=[licence("7")])}, snapshot=False),
        lambda: seen.append(house.count(t.outbox)),
    )

    assert seen == [0, 0]
    assert pauses == [house.settings.index.publish_poll_s] * 5
    assert found(index, "Siv Alm") == 1
    assert stored_versions(index) == expected_versions(house)


def test_an_engine_without_room_is_left_alone_longer_and_longer(house: World, index: IndexEngine) -> None:
    publish_all(house, index)
    house.load(people(2))
    trying = Trying(index, full=7)
    pauses = follow(house, trying, *[nothing] * 8)

    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 0.25, 0.25]
    assert house.count(t.outbox) == 0


def test_without_work_it_still_looks_which_index_is_in_use(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.publish._INDEX_LOOK_S", 0.0)
    publish_all(house, index)
    house.load(people(2))
    publish_all(house, index)
    seen: list[str | None] = []
    lost = cast("str", index.current_index())

    def lose() -> None:
        """As an operator who has put an empty index in use, and dropped the other one."""
        empty = index.create_index()
        index.finish_index(empty)
        index.swap(empty, replacing=lost)
        with writing(house.engine).begin() as connection:
            connection.execute(
                sa.text("UPDATE search_index SET name = :name, state = 'previous'"), {"name": empty}
            )

    follow(house, index, lose, nothing, lambda: seen.append(index.current_index()))

    assert seen != [lost]
    assert stored_versions(index) == expected_versions(house)


def test_it_outlasts_an_engine_and_a_database_that_are_away(
    small_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = index_of(small_world)
    publish_all(small_world, engine)
    small_world.load({"siv": SIV})
    trying = Trying(engine)

    def away() -> str:
        raise SearchUnavailableError("The search engine can't be reached or was too slow.")

    class AwayError(Exception):
        sqlite_errorname = "SQLITE_BUSY"

    def locked(*_: object) -> bool:
        raise sa.exc.OperationalError("SELECT secret", {}, AwayError("secret"))

    def fails() -> None:
        monkeypatch.undo()
        monkeypatch.setattr("indexer.publish_round.index_in_use", locked)

    monkeypatch.setattr(trying, "current_index", away, raising=False)
    monkeypatch.setattr("indexer.publish_round.index_in_use", lambda *_: away())
    pauses = follow(small_world, trying, nothing, fails, monkeypatch.undo, nothing)

    assert pauses == [0.5, 1.0, 2.0, 0.25, 0.25]
    told = "".join(capsys.readouterr())
    assert told.count("publishing has to wait") == 3
    assert "AwayError" in told
    assert "secret" not in told
    assert small_world.count(t.outbox) == 0
    engine.close()


def test_an_engine_that_is_away_is_waited_for(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    stoppable_opensearch: OpenSearchServer,
    opensearch_prefix: str,
) -> None:
    world = large_house(tmp_path, fresh_postgres_database, stoppable_opensearch.url, opensearch_prefix)
    engine = publishing_engine(world.settings)
    publish_all(world, engine)
    world.load({"siv": SIV})
    stoppable_opensearch.kill()
    pauses = follow(world, engine, nothing, stoppable_opensearch.start, nothing)

    assert pauses == [0.5, 1.0, 0.25, 0.25]
    assert stored_versions(engine) == expected_versions(world)
    engine.close()
    world.close()


def test_a_publishers_engine_makes_no_pauses_of_its_own(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be made while rows are held."""
    opened: list[Search] = []
    monkeypatch.setattr("indexer.index_work.open_engine", lambda settings, **_: opened.append(settings))
    publishing_engine(small_world.settings)

    search = small_world.settings.search
    patience = msgspec.structs.replace(search.opensearch, indexer_retries=0)
    assert opened == [msgspec.structs.replace(search, opensearch=patience)]
    assert search.opensearch.indexer_retries > 0


# --- the commands -----------------------------------------------------------------------------------------------------


def environ_of(world: World) -> dict[str, str]:
    search = world.settings.search
    return {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": world.settings.database.url,
        "REGISTRY_SEARCH__ENGINE": search.engine,
        "REGISTRY_SEARCH__TANTIVY__PATH": search.tantivy.path,
        "REGISTRY_SEARCH__OPENSEARCH__URLS": json.dumps(search.opensearch.urls),
        "REGISTRY_SEARCH__OPENSEARCH__PREFIX": search.opensearch.prefix,
    }


@contextmanager
def following(world: World, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "indexer.cli", "publish", "--follow"],
            env={**os.environ, **environ_of(world)},
            stderr=stderr,
            cwd=ROOT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_follow_publishes_until_it_is_told_to_stop(
    house: World, index: IndexEngine, tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "publisher.log"
    with following(house, log) as process:
        # The first build publishes what is there by itself, until it says so.
        until(lambda: "index in use" in log.read_text("utf-8"))
        house.load({"siv": SIV}, snapshot=False)
        until(lambda: house.count(t.outbox) == 0)
        until(lambda: found(index, "Siv Lindqvist") == 1)
        process.send_signal(number)
        assert process.wait(60) == 0

    lines = log.read_text("utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines if line.startswith("{")]
    # The first build counts names, in its own time.
    assert [event for event in events if event != "names counted"][-2:] == ["published", "publisher stopped"]
    assert house.count(t.lease) == 0


def invoke(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str, expect: int = 0) -> Any:  # noqa: ANN401 - JSON
    for name, value in environ_of(world).items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == expect, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout or result.output


def test_publish_says_what_it_did(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    small_world.load(people(2))
    first = invoke(small_world, monkeypatch, "publish")
    assert first.startswith("There was no search index; registry-licences-")
    assert "was made and holds what had waited.\n0 changes published as 0 documents" in first
    small_world.load({"siv": SIV}, snapshot=False)
    assert invoke(small_world, monkeypatch, "publish").endswith(
        "1 changes published as 1 documents and deletions; 0 failed.\n"
    )
    assert invoke(small_world, monkeypatch, "publish", "--json")["documents"] == 0


def test_dead_letters_are_listed_and_tried_again(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = index_of(small_world)
    publish_all(small_world, engine)
    small_world.load(people(3))
    keys = licence_keys(small_world)
    publish_all(small_world, Trying(engine, refuse=keys[:2]), publish_attempts=1)
    engine.close()

    listed = invoke(small_world, monkeypatch, "dead-letters", "list", "--json")
    assert [(one["document"], one["reason"], one["tries"]) for one in listed] == [
        (f"l{keys[0] // 2}", ODD, 1),
        (f"l{keys[1] // 2}", ODD, 1),
    ]
    with small_world.engine.connect() as connection:
        numbers = connection.scalars(sa.select(t.outbox.c.practitioner_id).order_by(t.outbox.c.id)).all()
    assert [one["practitioner"] for one in listed] == list(numbers)
    text = invoke(small_world, monkeypatch, "dead-letters", "list", "--limit", "1")
    assert text.count("\n") == 1
    assert f"practitioner {numbers[0]}" in text
    assert ODD in text

    wrong = invoke(
        small_world, monkeypatch, "dead-letters", "retry", "1000000", str(listed[0]["id"]), expect=1
    )
    assert "There is no dead letter 1000000." in wrong
    assert len(invoke(small_world, monkeypatch, "dead-letters", "list", "--json")) == 2

    one = invoke(small_world, monkeypatch, "dead-letters", "retry", str(listed[0]["id"]), "--json")
    assert one == {"retried": [listed[0]["id"]]}
    assert (
        invoke(small_world, monkeypatch, "dead-letters", "retry") == "1 changes wait to be published again.\n"
    )
    assert "2 changes published" in invoke(small_world, monkeypatch, "publish")
    assert invoke(small_world, monkeypatch, "dead-letters", "list") == "Nothing was given up.\n"


def test_a_stray_document_that_was_given_up_is_nobodys(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = index_of(small_world)
    publish_all(small_world, engine)
    with writing(small_world.engine).begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO outbox (practitioner_id, created_at, document_key) "
                "VALUES (0, '2026-11-22 08:00:00.000000', 2000000)"
            )
        )
    publish_all(small_world, Trying(engine, refuse=[2_000_000]), publish_attempts=1)
    engine.close()

    (letter,) = invoke(small_world, monkeypatch, "dead-letters", "list", "--json")
    assert (letter["practitioner"], letter["document"]) == (None, "l1000000")
    assert "nobody known" in invoke(small_world, monkeypatch, "dead-letters", "list")


def test_publish_tells_what_was_refused_and_what_has_to_wait(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = index_of(small_world)
    publish_all(small_world, engine)
    small_world.load(people(3))
    refusing = Trying(engine, refuse=licence_keys(small_world)[:1])
    refusing.no_room = set(licence_keys(small_world)[1:2])
    monkeypatch.setattr("indexer.cli_publish.publishing_engine", lambda _settings: refusing)
    monkeypatch.setenv("REGISTRY_INDEXER__PUBLISH_ATTEMPTS", "1")
    monkeypatch.setenv("REGISTRY_SEARCH__OPENSEARCH__INDEXER_RETRIES", "0")

    told = invoke(small_world, monkeypatch, "publish", expect=1)
    assert told.splitlines() == [
        "1 changes published as 3 documents and deletions; 1 failed.",
        "1 were given up; see `indexer dead-letters list`.",
        "1 wait: the search engine takes no more at the moment.",
    ]
