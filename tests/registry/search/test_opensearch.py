"""What only a cluster can do to us, and what we may do to it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opensearchpy.exceptions import ConnectionTimeout

from registry.errors import SearchUnavailableError
from registry.search import SearchQuery, opensearch_bulk
from registry.search.document import Operation, licence_key
from registry.search.opensearch import OpenSearchEngine
from registry.search.port import NO_INDEX
from registry.settings import Search, Secret
from tests.registry.search.people import TODAY, Register, limits, person


@pytest.fixture
def settings(tmp_path: Path, opensearch_url: str, opensearch_prefix: str) -> Search:
    made = limits(tmp_path, engine="opensearch")
    cluster = msgspec.structs.replace(
        made.opensearch, urls=(opensearch_url,), prefix=opensearch_prefix, timeout_s=10.0
    )
    return msgspec.structs.replace(made, opensearch=cluster)


class Scripted:
    """A server on loopback that gives prepared answers in turn, the last one for ever, and keeps what it was asked."""

    def __init__(self, *answers: tuple[int, dict[str, Any] | str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.asked.append((self.path, dict(self.headers), body))
                status, told = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


Script = Callable[..., Scripted]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setattr(opensearch_bulk, "_FIRST_PAUSE_S", 0.01)
    made: list[Scripted] = []

    def make(*answers: tuple[int, dict[str, Any] | str]) -> Scripted:
        made.append(Scripted(*answers))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def engine_for(settings: Search, server: Scripted, **changes: object) -> OpenSearchEngine:
    told = msgspec.structs.replace(settings.opensearch, urls=(server.url,), **changes)
    return OpenSearchEngine(msgspec.structs.replace(settings, opensearch=told), indexer=True)


def put(number: int, **body: object) -> Operation:
    return Operation(licence_key(number), 1, {"practitioner_id": number, "siblings": False, **body})


def items(*told: int | tuple[int, str, str]) -> tuple[int, dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    for one in told:
        status, error = (
            (one, {}) if isinstance(one, int) else (one[0], {"error": {"type": one[1], "reason": one[2]}})
        )
        answers.append({"index": {"status": status, **error}})
    return 200, {"items": answers}


LATE = (409, "version_conflict_engine_exception", "")
BUSY = (429, {"error": {"type": "rejected_execution_exception"}})


def test_a_busy_cluster_is_asked_again_for_what_it_did_not_take_only(
    settings: Search, scripted: Script
) -> None:
    server = scripted(BUSY, items(201, (429, "circuit_breaking_exception", ""), LATE), items(200))
    engine = engine_for(settings, server)
    outcomes = engine.bulk([put(1), put(2), put(3)])
    assert [o.state for o in outcomes] == ["done", "done", "superseded"]
    assert [body.count(b"\n") for _, _, body in server.asked] == [6, 6, 2]
    assert b'"_id":"l2"' in server.asked[2][2]
    engine.close()


def test_a_cluster_that_stays_busy_leaves_the_changes_to_the_caller(
    settings: Search, scripted: Script
) -> None:
    server = scripted(BUSY)
    engine = engine_for(settings, server, indexer_retries=3)
    outcomes = engine.bulk([put(1), put(2)])
    assert [o.state for o in outcomes] == ["retry", "retry"]
    assert len(server.asked) == 4
    engine.close()


@pytest.mark.parametrize("kind", ["cluster_block_exception", "unavailable_shards_exception"])
def test_a_full_disk_is_waited_for_not_held_against_the_document(
    settings: Search, scripted: Script, kind: str
) -> None:
    server = scripted(items((403, kind, "disk usage exceeded flood-stage watermark")), items(201))
    engine = engine_for(settings, server)
    assert [o.state for o in engine.bulk([put(1)])] == ["done"]
    engine.close()


def test_the_reason_of_a_refusal_names_the_field_and_no_value(settings: Search, scripted: Script) -> None:
    sentence = "failed to parse field [valid_to] of type [integer]. Preview of field's value: 'Eva Ek'"
    server = scripted(items((400, "mapper_parsing_exception", sentence), (400, "odd_exception", "about Eva")))
    engine = engine_for(settings, server)
    outcomes = engine.bulk([put(1), put(2)])
    assert [(o.state, o.reason) for o in outcomes] == [
        ("failed", "mapper_parsing_exception: valid_to"),
        ("failed", "odd_exception"),
    ]
    engine.close()


def test_bulk_requests_are_no_larger_than_the_setting(settings: Search, scripted: Script) -> None:
    changes = [put(n, written=["x" * 200]) for n in range(9)]
    server = scripted(items(*[201] * 3))
    engine = engine_for(settings, server, bulk_bytes=1300)
    assert {o.state for o in engine.bulk(changes)} == {"done"}
    assert [len(body) <= 1300 for _, _, body in server.asked] == [True] * 3
    engine.close()


def test_nothing_to_do_asks_nothing(settings: Search, scripted: Script) -> None:
    server = scripted(BUSY)
    engine = engine_for(settings, server)
    assert engine.bulk([]) == []
    assert server.asked == []
    engine.close()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"timed_out": True, "hits": {"hits": []}}),
        (500, {"error": {"type": "boom", "reason": "about Eva"}}),
        (401, "Unauthorized"),
        (200, "<html>not json</html>"),
    ],
    ids=["half an answer", "an error", "no access", "something else"],
)
def test_an_answer_that_is_none_is_never_taken_for_nobody_found(
    settings: Search, scripted: Script, answer: tuple[int, Any]
) -> None:
    engine = engine_for(settings, scripted(answer), retries=0)
    with pytest.raises(SearchUnavailableError) as caught:
        engine.search(SearchQuery(text="Eva"), TODAY)
    assert "Eva" not in caught.value.detail
    engine.close()


def test_user_and_password_are_sent_and_names_are_not_in_the_address(
    settings: Search, scripted: Script
) -> None:
    server = scripted((500, {}))
    engine = engine_for(settings, server, username=Secret("reader"), password=Secret("pass"))
    with pytest.raises(SearchUnavailableError):
        engine.search(SearchQuery(text="Eva Ek"), TODAY)
    path, headers, body = server.asked[0]
    assert headers["authorization"].startswith("Basic ")
    assert "eva" not in path.lower()
    assert b'"eva"' in body
    engine.close()


def test_a_write_without_an_index_in_use_makes_none(register: Register, settings: Search) -> None:
    client = register.engine._client  # type: ignore[attr-defined]
    alias = f"{settings.opensearch.prefix}-licences"
    client.indices.delete_alias(index=register.index, name=alias)
    (outcome,) = register.engine.bulk([put(1)])
    assert (outcome.state, outcome.reason) == ("retry", NO_INDEX)
    assert not client.indices.exists(index=alias)


def test_an_index_that_took_the_aliass_name_gives_way(register: Register, settings: Search) -> None:
    client = register.engine._client  # type: ignore[attr-defined]
    alias = f"{settings.opensearch.prefix}-licences"
    client.indices.delete_alias(index=register.index, name=alias)
    client.index(index=alias, body={"made": "by mistake"})
    assert register.engine.current_index() is None
    register.engine.swap(register.index, replacing=None)
    assert register.engine.current_index() == register.index
    register.publish(person("Eva Ek"))
    assert register.search("eva").total == 1


def test_a_swap_whose_answer_is_lost_is_known_to_be_done_or_not(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    indices = register.engine._client.indices  # type: ignore[attr-defined]
    update = indices.update_aliases
    new = register.engine.create_index()

    def lose_answer(**told: Any) -> None:  # noqa: ANN401 - passed on
        update(**told)
        raise ConnectionTimeout("N/A", "lost", TimeoutError())

    def lose_request(**_: object) -> None:
        raise ConnectionTimeout("N/A", "lost", TimeoutError())

    monkeypatch.setattr(indices, "update_aliases", lose_request)
    with pytest.raises(SearchUnavailableError):
        register.engine.swap(new, replacing=register.index)
    assert register.engine.current_index() == register.index
    monkeypatch.setattr(indices, "update_aliases", lose_answer)
    register.engine.swap(new, replacing=register.index)
    assert register.engine.current_index() == new


def test_an_alias_that_a_hand_gave_to_other_indices_too_names_one_after_a_swap(
    register: Register, settings: Search
) -> None:
    client = register.engine._client  # type: ignore[attr-defined]
    alias = f"{settings.opensearch.prefix}-licences"
    foreign, left, new = f"{alias}-by-hand", register.engine.create_index(), register.engine.create_index()
    client.indices.create(index=foreign)
    for name in (foreign, left):
        client.indices.put_alias(index=name, name=alias)
    current = register.engine.current_index()
    assert current == left  # the newest counts
    register.engine.swap(new, replacing=current)
    assert list(client.indices.get_alias(name=alias)) == [new]
    client.indices.delete_alias(index=new, name=alias)
    client.indices.put_alias(index=foreign, name=alias)
    assert register.engine.current_index() is None
    register.engine.swap(new, replacing=None)
    assert list(client.indices.get_alias(name=alias)) == [new]
    client.indices.delete(index=foreign)
