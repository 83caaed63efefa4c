"""Many searches at once: each answered as it would be alone, on both engines."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from registry.errors import BadRequestError, RegistryError, SearchUnavailableError
from registry.search import IndexEngine, SearchPage, SearchQuery
from registry.search.opensearch import OpenSearchEngine
from registry.search.opensearch_client import UNREACHABLE
from registry.search.opensearch_many import TOGETHER
from registry.search.port import NO_INDEX
from tests.registry.search.people import TODAY, Register, person
from tests.registry.search.test_unavailable import cluster
from tests.services.workspace import free_port

ANSWER = b'{"error": {"type": "es_rejected_execution_exception"}, "status": 429}'

BORN = ["1980-05-13", "1980-05-31", "1981-05-13", "1962-11-30", "1980-05", "1980"]
GIVEN, FAMILY = ["Anna", "Hanna", "Karl", "Siv"], ["Lindqvist", "Lindkvist", "Berg", "Öberg"]


def some_questions(rnd: random.Random, count: int) -> list[SearchQuery]:
    return [
        SearchQuery(
            text=f"{rnd.choice(GIVEN)} {rnd.choice(FAMILY)}",
            birth_date=rnd.choice(BORN),
            limit=rnd.choice([3, 100]),
            candidates=rnd.choice(["near", "wide"]),
        )
        for _ in range(count)
    ]


def told(answer: SearchPage | RegistryError) -> object:
    return (type(answer), answer.detail) if isinstance(answer, RegistryError) else answer


def alone(engine: IndexEngine, query: SearchQuery, today: date = TODAY) -> object:
    try:
        return engine.search(query, today)
    except RegistryError as error:
        return told(error)


def test_each_search_is_answered_as_alone_and_in_order(register: Register) -> None:
    rnd = random.Random(7)
    register.publish(
        *(person(f"{g} {f}", birth_date=rnd.choice(BORN)) for g in GIVEN for f in FAMILY for _ in range(3))
    )
    questions = some_questions(rnd, 2 * TOGETHER + 7)
    # Beside them what is no search for candidates, and what is none at all.
    questions[3] = SearchQuery(text="anna", limit=5)
    questions[TOGETHER] = SearchQuery(text="!", candidates="wide")
    questions[-1] = SearchQuery(text="anna", limit=0)
    answers = register.engine.search_many(questions, TODAY)
    assert [told(one) for one in answers] == [alone(register.engine, one) for one in questions]
    wrong = [place for place, one in enumerate(answers) if isinstance(one, BadRequestError)]
    assert wrong == [TOGETHER, len(questions) - 1]
    assert sum(bool(one.hits) for one in answers if isinstance(one, SearchPage)) > TOGETHER


def test_no_search_at_all_is_answered_by_nothing(register: Register) -> None:
    assert register.engine.search_many([], TODAY) == []


def test_without_an_index_each_says_what_to_do(engine: IndexEngine) -> None:
    questions = [*some_questions(random.Random(1), 3), SearchQuery(text="anna")]
    answers = engine.search_many([*questions, SearchQuery(text="anna", limit=0)], TODAY)
    assert [told(one) for one in answers[:-1]] == [(SearchUnavailableError, NO_INDEX)] * 4
    assert isinstance(answers[-1], BadRequestError)


def test_a_cluster_that_does_not_answer_makes_each_unavailable(tmp_path: object) -> None:
    engine = OpenSearchEngine(cluster(tmp_path, f"http://127.0.0.1:{free_port()}"))  # type: ignore[arg-type]
    answers = engine.search_many(some_questions(random.Random(2), 3), TODAY)
    assert [type(one) for one in answers] == [SearchUnavailableError] * 3
    engine.close()


@contextmanager
def listener(answer: bytes = b"") -> Iterator[tuple[str, list[socket.socket]]]:
    """Run a server that takes connections and never answers, or always with the same refusal."""
    came: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            came.append(connection)
            if answer:
                connection.recv(1_000_000)
                head = (
                    f"HTTP/1.1 429 x\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
                )
                connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + answer)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        server.shutdown(socket.SHUT_RDWR)
    for connection in came:
        connection.close()


def test_a_cluster_that_hangs_is_waited_for_once_and_not_for_each_group(tmp_path: Path) -> None:
    with listener() as (url, came):
        engine = OpenSearchEngine(cluster(tmp_path, url, timeout_s=0.1))
        questions = [*some_questions(random.Random(3), 4 * TOGETHER), SearchQuery(text="anna")]
        answers = engine.search_many([*questions, SearchQuery(text="!", candidates="wide")], TODAY)
        engine.close()
    assert {told(one) for one in answers[:-1]} == {(SearchUnavailableError, UNREACHABLE)}
    assert isinstance(answers[-1], BadRequestError)
    assert len(came) == 1


def test_a_cluster_that_answers_with_a_refusal_is_asked_for_each_group(tmp_path: Path) -> None:
    with listener(ANSWER) as (url, came):
        engine = OpenSearchEngine(cluster(tmp_path, url))
        answers = engine.search_many(some_questions(random.Random(4), 2 * TOGETHER + 1), TODAY)
        engine.close()
    assert [type(one) for one in answers] == [SearchUnavailableError] * len(answers)
    assert len(came) == 3
