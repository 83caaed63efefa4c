"""The NPI Registry over HTTP on this machine, with the quirks of the real one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import stamina
from flask import Response

from indexer.feeds import (
    FeedChangedError,
    FeedTooLargeError,
    FeedUnavailableError,
    Fetched,
    MalformedFeedError,
    Previous,
    SourceRow,
    TruncatedFeedError,
    is_complete,
    one_by_one,
    parse,
)
from indexer.feeds.npi_registry_source import NpiRegistrySource
from indexer.sandbox.npi_registry import NpiRegistry, running
from indexer.sandbox.nppes_people import NppesPeople, NppesPerson
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Described, Fetch
from tests.support.samples import SAMPLES, needs_samples

PEOPLE = NppesPeople(400, seed=9)
EVERYONE = [PEOPLE.person(i, 0) for i in range(400)]
IN_USE = {person.npi for person in EVERYONE if not person.emptied}
NEBRASKA = {"state": "NE", "country_code": "US"}


@contextmanager
def asking(registry: NpiRegistry) -> Iterator[Callable[..., NpiRegistrySource]]:
    """Serve a registry; gives what makes sources for it. Attempts follow each other without their pauses."""
    with running(registry) as url, stamina.set_testing(testing=True, attempts=100, cap=True):
        yield lambda *queries, **keys: NpiRegistrySource(url=url, queries=queries, **{"pause_ms": 0, **keys})


def results(fetched: Fetched) -> list[dict[str, Any]]:
    (part,) = fetched.parts
    return [orjson.loads(line) for line in part.read_bytes().splitlines()]


def numbers(fetched: Fetched) -> list[str]:
    return [str(result["number"]) for result in results(fetched)]


def test_a_query_is_read_page_by_page_until_one_is_not_full(fetched: Fetch) -> None:
    wanted = [person.npi for person in EVERYONE if person.state == "NE" and not person.emptied]
    registry = NpiRegistry(EVERYONE)
    with asking(registry) as source:
        result = fetched(source(NEBRASKA, page_size=5))
    assert numbers(result) == wanted
    assert [query["skip"] for query in registry.asked] == [str(5 * at) for at in range(len(wanted) // 5 + 1)]
    assert {query["version"] for query in registry.asked} == {"2.1"}
    assert {query["enumeration_type"] for query in registry.asked} == {"NPI-1"}


def test_the_count_of_a_page_is_not_taken_for_the_total(fetched: Fetch) -> None:
    """Six full pages of two say `result_count` 2 each."""
    registry = NpiRegistry(EVERYONE[:60])
    with asking(registry) as source:
        result = fetched(source({"country_code": "US", "city": "SACRAMENTO"}, page_size=2))
    wanted = {p.npi for p in EVERYONE[:60] if p.city == "SACRAMENTO" and not p.emptied}
    assert len(wanted) > 4
    assert set(numbers(result)) == wanted


def test_what_is_fetched_is_never_the_whole_register(feed: Described, fetched: Fetch) -> None:
    with asking(NpiRegistry(EVERYONE)) as source:
        result = fetched(source(NEBRASKA))
    assert result.complete is False
    assert not is_complete(feed("npi-registry"), result)


def test_an_empty_answer_is_no_error_and_removes_nobody(
    feed: Described, fetched: Fetch, settings: Indexer
) -> None:
    with asking(NpiRegistry([])) as source:
        result = fetched(source({"last_name": "NOBODY"}))
    assert numbers(result) == []
    assert list(one_by_one(parse(feed("npi-registry"), result, settings))) == []


def test_people_whom_several_queries_find_come_once(fetched: Fetch) -> None:
    with asking(NpiRegistry(EVERYONE)) as source:
        result = fetched(source(NEBRASKA, {"city": "KEARNEY"}, {"number": next(iter(IN_USE))}))
    found = numbers(result)
    assert len(found) == len(set(found))


def test_the_same_answers_again_are_not_modified(fetched: Fetch) -> None:
    with asking(NpiRegistry(EVERYONE)) as source:
        first = fetched(source(NEBRASKA))
        again = fetched(source(NEBRASKA), Previous(first.etag, first.digest))
    assert not first.not_modified
    assert again.not_modified


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"state": "NE"}, r"state=NE: 04 No valid search criteria provided \(generic\)"),
        ({"last_name": "NOBODY", "country_code": "US"}, None),
    ],
)
def test_errors_that_come_with_status_200_are_told(
    fetched: Fetch, query: dict[str, str], told: str | None
) -> None:
    registry = NpiRegistry(EVERYONE)
    with asking(registry) as source:
        if told is None:
            assert numbers(fetched(source(query))) == []
            return
        with pytest.raises(FeedUnavailableError, match=told):
            fetched(source(query))
    assert len(registry.asked) == 1


def trimmed(times: int) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
    """Hold back all results but two, as a server does that runs out of time."""
    return lambda number, answer: {**answer, "results": answer["results"][:2]} if number <= times else answer


def test_a_page_that_holds_fewer_results_than_it_says_is_asked_for_again(fetched: Fetch) -> None:
    registry = NpiRegistry(EVERYONE, spoil=trimmed(2))
    with asking(registry) as source:
        result = fetched(source(NEBRASKA))
    assert len(numbers(result)) > 2
    assert len(registry.asked) == 3


def test_a_page_that_always_holds_fewer_results_than_it_says_is_never_taken(fetched: Fetch) -> None:
    with (
        asking(NpiRegistry(EVERYONE, spoil=trimmed(99))) as source,
        pytest.raises(
            TruncatedFeedError, match=r"for state=NE, country_code=US says \d+ results but holds 2"
        ),
    ):
        fetched(source(NEBRASKA))


def test_the_server_is_tried_again_when_it_is_busy(fetched: Fetch) -> None:
    registry = NpiRegistry(
        EVERYONE, spoil=lambda number, answer: Response(status=429) if number == 1 else answer
    )
    with asking(registry) as source:
        assert numbers(fetched(source(NEBRASKA)))
    assert len(registry.asked) == 2


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        ({"results": []}, MalformedFeedError, "without results"),
        ({"result_count": 0}, MalformedFeedError, "without results"),
        ({"result_count": 1, "results": ["x"]}, MalformedFeedError, "no answer of the NPI Registry"),
        (
            {"result_count": 9, "results": [{"number": i} for i in range(9)]},
            MalformedFeedError,
            "holds 9 results",
        ),
        ({"Errors": []}, FeedUnavailableError, "refuses"),
        ([], MalformedFeedError, "no answer of the NPI Registry"),
        ("{}}", MalformedFeedError, "no JSON"),
        ('{"result_count": 0, "res', TruncatedFeedError, "ends in the middle"),
        ("<html>maintenance</html>", MalformedFeedError, "text/html"),
    ],
)
def test_what_is_no_answer_is_refused(
    fetched: Fetch, answer: object, error: type[Exception], told: str
) -> None:
    def spoil(_number: int, _answer: dict[str, Any]) -> Response:
        if isinstance(answer, str):
            kind = "text/html" if answer.startswith("<") else "application/json"
            return Response(answer, mimetype=kind)
        return Response(orjson.dumps(answer), mimetype="application/json")

    with asking(NpiRegistry(EVERYONE, spoil=spoil)) as source, pytest.raises(error, match=told):
        fetched(source(NEBRASKA, page_size=5))


def shared(last: str, count: int, first: str = "ANN", postal_code: str = "95814") -> list[NppesPerson]:
    """People who share a name and place."""
    base = EVERYONE[0]._replace(deactivated="", other=None, state="NE")
    start = sum(map(ord, last + first + postal_code)) * 1000
    return [
        base._replace(npi=f"9{start + at:09}", last=last, first=first, postal_code=postal_code)
        for at in range(count)
    ]


def small(
    fetched: Fetch, people: list[NppesPerson], query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Fetch from a registry that gives ten results a question at most, in pages of two."""
    monkeypatch.setattr("indexer.feeds.npi_registry.MAX_SKIP", 8)
    with asking(NpiRegistry(people)) as source:
        return numbers(fetched(source(query, page_size=2)))


def test_a_question_with_more_results_than_the_api_gives_is_split_by_last_name(
    fetched: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [
        *shared("SMITH", 6),
        *shared("SMITHSON", 6),
        *shared("SMYTHE", 4),
        *shared("SM", 1),
        *shared("SM'ITH", 1),
        *shared("SM ITH", 3),
    ]
    found = small(fetched, people, {"last_name": "SM*"}, monkeypatch)
    assert sorted(found) == sorted(person.npi for person in people)


def test_a_name_that_many_share_is_split_by_first_name_and_that_by_postal_code(
    fetched: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [
        *shared("LEE", 6, "ANN"),
        *shared("LEE", 3, "ANNE"),
        *shared("LEE", 6, "ANN", "688472944"),
    ]
    found = small(fetched, people, {"last_name": "LEE", "first_name": "ANN*"}, monkeypatch)
    assert sorted(found) == sorted(person.npi for person in people)


def test_a_question_that_can_t_be_narrowed_is_told(fetched: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.feeds.npi_registry.MAX_SKIP", 8)
    query = {"last_name": "LEE", "first_name": "ANN", "postal_code": "95814"}
    with (
        asking(NpiRegistry(shared("LEE", 11))) as source,
        pytest.raises(
            FeedTooLargeError, match=r"last_name=LEE, first_name=ANN, postal_code=95814.*can't be narrowed"
        ),
    ):
        fetched(source(query, page_size=2))


def test_the_largest_answer_of_the_api_is_split_too(fetched: Fetch) -> None:
    """1,200 results in six full pages: nothing tells whether there are more."""
    people = [*shared("BAKER", 1199), *shared("BACON", 1)]
    registry = NpiRegistry(people)
    with asking(registry) as source:
        found = numbers(fetched(source({"last_name": "BA*"})))
    assert len(found) == 1200
    assert [query["skip"] for query in registry.asked[:7]] == ["0", "200", "400", "600", "800", "1000", "0"]
    assert {"BAK*", "BAC*", "BA"} <= {query["last_name"] for query in registry.asked}


def test_a_question_that_needs_too_many_requests_is_told(fetched: Fetch) -> None:
    with (
        asking(NpiRegistry(EVERYONE)) as source,
        pytest.raises(FeedTooLargeError, match=r"asked 3 times, now for state=NE.*max_requests"),
    ):
        fetched(source(NEBRASKA, page_size=1, max_requests=3))


def test_pages_that_shift_while_they_are_read_are_read_again(fetched: Fetch) -> None:
    """Between the first two pages someone comes in front: one stands on both pages, another on none."""
    people = shared("LEE", 5)
    late = shared("LEA", 1)[0]

    def spoil(number: int, answer: dict[str, Any]) -> dict[str, Any]:
        if number == 1:
            registry.people = [late, *people]
        return answer

    registry = NpiRegistry(people, spoil=spoil)
    with asking(registry) as source:
        result = fetched(source({"last_name": "LE*"}, page_size=2))
    assert sorted(numbers(result)) == sorted(person.npi for person in [late, *people])


def test_a_number_that_always_comes_twice_is_the_registry_s_own_way(fetched: Fetch) -> None:
    people = shared("LEE", 3)
    with asking(NpiRegistry([*people, people[0]])) as source:
        result = fetched(source({"last_name": "LEE"}, page_size=3))
    assert sorted(numbers(result)) == sorted(person.npi for person in people)


def test_pages_that_never_fit_together_are_told(fetched: Fetch) -> None:
    people = shared("LEE", 6)

    def spoil(_number: int, answer: dict[str, Any]) -> dict[str, Any]:
        registry.people = (
            [*registry.people[1:], registry.people[0]] if len(registry.asked) % 3 else people[:5]
        )
        return answer

    registry = NpiRegistry(people, spoil=spoil)
    with (
        asking(registry) as source,
        pytest.raises(FeedChangedError, match="last_name=LEE overlap in another way"),
    ):
        fetched(source({"last_name": "LEE"}, page_size=4))


def test_numbers_are_asked_for_one_by_one_from_a_file(fetched: Fetch, tmp_path: Path) -> None:
    wanted = sorted(IN_USE)[:3]
    file = tmp_path / "numbers.txt"
    file.write_text(
        f"# of the clinic\n{wanted[0]}\n\n{wanted[1]} # Ann\n{wanted[2]}\n{wanted[0]}\n9000000007\n"
    )
    registry = NpiRegistry(EVERYONE)
    with asking(registry) as source:
        result = fetched(source(numbers_file=str(file)))
    assert numbers(result) == wanted
    assert [query["number"] for query in registry.asked] == [*wanted, "9000000007"]
    assert "enumeration_type" not in registry.asked[0]


@pytest.mark.parametrize(("text", "problem"), [(None, "can't be read"), ("123\n", "line 1: expected an NPI")])
def test_a_file_of_numbers_that_can_t_be_read_is_told(
    fetched: Fetch, tmp_path: Path, text: str | None, problem: str
) -> None:
    file = tmp_path / "numbers.txt"
    if text is not None:
        file.write_text(text)
    with asking(NpiRegistry(EVERYONE)) as source, pytest.raises(SettingsError, match=problem):
        fetched(source(numbers_file=str(file)))


def test_numbers_come_as_text_or_as_json_numbers(feed: Described, fetched: Fetch, settings: Indexer) -> None:
    keys = []
    for as_text in (True, False):
        with asking(NpiRegistry(EVERYONE, numbers_as_text=as_text)) as source:
            rows = list(one_by_one(parse(feed("npi-registry"), fetched(source(NEBRASKA)), settings)))
        keys.append([row.key for row in rows])
        assert all(isinstance(row, SourceRow) for row in rows)
    assert keys[0] == keys[1]
    assert keys[0]


def test_a_result_without_a_number_is_kept_for_the_parser_to_tell_of(fetched: Fetch) -> None:
    def spoil(_number: int, answer: dict[str, Any]) -> dict[str, Any]:
        for result in answer["results"]:
            del result["number"]
        return answer

    with asking(NpiRegistry(shared("LEE", 1), spoil=spoil)) as source:
        result = fetched(source({"last_name": "LEE"}))
    assert len(results(result)) == 1


@needs_samples
@pytest.mark.parametrize(
    ("recorded", "people"),
    [
        ("34c18d", 10),
        ("f62abe", 5),
        ("a2f836", 0),
        ("8bdc8b", 0),
        ("8d2d52", "04 No valid search criteria provided"),
        ("a769af", "says 200 results but holds 2"),
    ],
)
def test_recorded_answers(
    feed: Described, fetched: Fetch, settings: Indexer, recorded: str, people: int | str
) -> None:
    answer = (SAMPLES / "npi-registry-api" / f"api-{recorded}.json").read_bytes()
    registry = NpiRegistry([], spoil=lambda *_: Response(answer, mimetype="application/json"))
    with asking(registry) as source:
        if isinstance(people, str):
            with pytest.raises((FeedUnavailableError, TruncatedFeedError), match=people):
                fetched(source(NEBRASKA))
            return
        rows = list(one_by_one(parse(feed("npi-registry"), fetched(source(NEBRASKA)), settings)))
    assert len(rows) == people
    assert all(isinstance(row, SourceRow) for row in rows)
