"""GET /v1/suggestions: what might be meant, and what must never be told so."""

from urllib.parse import quote

import pytest

from registry.web.suggestions import suggest
from tests.registry.web.people import hidden
from tests.registry.web.service import Service
from tests.support.world import licence, person


def _shared(service: Service) -> Service:
    many = {
        f"n{i}": person("Lindqvist", "Anna", birth_date=str(1950 + i), licences=[licence(f"N-{i}")])
        for i in range(3)
    }
    service.load({**many, "only": person("Zetterholm", "Åsa", licences=[licence("Z-1")]), "hanna": hidden()})
    return service


def _texts(service: Service, q: str) -> list[str]:
    answer = service.get(f"/v1/suggestions?q={quote(q)}")
    assert answer.status_code == 200
    return [item["text"] for item in answer.get_json()["items"]]


def test_names_that_several_share_are_suggested_on_either_size(sized: Service) -> None:
    _shared(sized)
    assert _texts(sized, "lind") == ["Lindqvist"]
    assert _texts(sized, "anna li") == ["Anna Lindqvist"]
    for single in ("zett", "åsa ze", "skyd", "hanna s", "asa"):
        assert _texts(sized, single) == [], single


@pytest.fixture(scope="module")
def shared(full: Service) -> Service:
    """A service whose people share names; nothing changes it."""
    return _shared(full)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("ssk anna li", ["ssk Anna Lindqvist"]),
        ("sjuksköt", ["sjuksköterska", "sjuksköterskestudent med tillstånd"]),
        # As one word for each: other forms of the same tell nothing more
        ("sjuk", ["sjukgymnast", "sjuksköterska", "sjukhuskurator"]),
        ("anna sjuksköterskeleg", ["anna sjuksköterskelegitimation"]),
        ("medical doc", ["medical doctor"]),
        ("anna lindqvist 1980", []),
        ("123456", []),
        ("anna ", []),
        ('"sjuks', []),
        ("sj", []),
        ("xyzzy", []),
    ],
)
def test_the_end_of_what_was_typed_is_completed(shared: Service, typed: str, suggested: list[str]) -> None:
    assert [one.text for one in suggest(shared.context, typed)] == suggested


def test_too_long_a_text_has_no_suggestions(shared: Service) -> None:
    assert suggest(shared.context, "sjuk" * 60) == ()
    assert suggest(shared.context, "") == ()


def test_suggesting_leaves_no_line_in_the_access_log_and_may_be_kept_by_the_caller(shared: Service) -> None:
    before = len(shared.events())
    answer = shared.get("/v1/suggestions?q=lind")
    assert len(shared.events()) == before
    assert answer.headers["Cache-Control"] == "private, max-age=60"
    assert answer.headers["Vary"] == "Authorization"


def test_suggestions_need_the_scope_of_the_search(shared: Service) -> None:
    assert shared.ask("GET", "/v1/suggestions?q=lind", scopes=("registry:read",)).status_code == 403
    assert shared.ask("GET", "/v1/suggestions?q=lind", scopes=None).status_code == 401


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("", "invalid-query"),
        ("q=", "invalid-query"),
        ("q=" + "x" * 201, "invalid-query"),
        ("q=a&limit=3", "invalid-query"),
        ("q=19800503-9808", "personal-number-in-url"),
    ],
)
def test_a_wrong_question_is_refused(shared: Service, query: str, slug: str) -> None:
    answer = shared.get(f"/v1/suggestions?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith(f"/problems/{slug}")
