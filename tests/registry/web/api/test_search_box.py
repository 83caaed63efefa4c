"""GET /v1/practitioners: the box, how people compare, what is said when nobody is found."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.registry.web.people import crowd, hidden
from tests.registry.web.service import Service
from tests.registry.web.test_finding import house_of_words
from tests.support.world import person


@pytest.fixture(scope="module")
def words(full: Service) -> Service:
    """A service that knows everyone and some more; nothing changes it."""
    full.load(house_of_words())
    return full


def _search(service: Service, q: str, rest: str = "") -> dict[str, Any]:
    answer = service.get(f"/v1/practitioners?q={quote(q)}{rest}")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.get_json()
    return body


def _names(body: dict[str, Any]) -> list[str]:
    return [item["name"] for item in body["items"]]


def test_the_same_answer_on_either_size(sized: Service) -> None:
    sized.load(house_of_words())
    body = _search(sized, "ssk anna lindkvist 1980-05-03")
    assert _names(body) == ["Anna Maria Lindqvist"]
    match = body["items"][0]["match"]
    assert match["level"] in {"strong", "possible"}
    assert match["score"] > 0
    assert match["name"] == {"use": "official", "text": "Anna Maria Lindqvist"}
    assert "family-sound" in [note["code"] for note in match["notes"]]
    assert body["understood"] == {
        "name": "anna lindkvist",
        "birthDate": "1980-05-03",
        "licenceNumber": None,
        "professions": ["registered-nurse"],
        "pieces": body["understood"]["pieces"],
        "asName": '"ssk anna lindkvist 1980-05-03"',
    }
    assert [piece["kind"] for piece in body["understood"]["pieces"]] == ["profession", "name", "birth-date"]
    assert (body["remarks"], body["didYouMean"], body["empty"]) == ([], None, None)
    facets = _search(sized, "karin")["facets"]
    assert facets["county"] == [
        {"code": "Skåne län", "name": {"sv": "Skåne län", "en": "Skåne län"}, "count": 1}
    ]
    assert [value["code"] for value in facets["specialty"]] == ["Kirurgi"]
    for query in ("county=Sk%C3%A5ne+l%C3%A4n", "specialty=Kirurgi", "q=doktor"):
        assert _names(sized.get(f"/v1/practitioners?{query}").get_json()) == ["Karin Doktor"]


def test_a_former_name_is_told(words: Service) -> None:
    (item,) = _search(words, "anna berg")["items"]
    assert item["match"]["name"] == {"use": "former", "text": "Anna Berg"}
    assert "former-name" in [note["code"] for note in item["match"]["notes"]]


def test_no_note_of_a_list_tells_a_birth_date(words: Service) -> None:
    for q in ("anna lindqvist 1980-05-03", "anna lindqvist 1980", "karl lindqvist 1955-01-01"):
        body = _search(words, q)
        assert body["items"]
        assert not any(
            digit.isdigit()
            for item in body["items"]
            for digit in json.dumps(item["match"]["notes"], ensure_ascii=False)
        )


def test_filters_alone_compare_nobody(words: Service) -> None:
    body = words.get("/v1/practitioners?status=active").get_json()
    assert body["items"]
    assert all(item["match"] is None for item in body["items"])
    assert body["understood"] is None


def test_the_newest_licence_comes_first_when_asked_so(words: Service) -> None:
    body = words.get(
        "/v1/practitioners?profession=midwife&profession=registered-nurse&sort=issued"
    ).get_json()
    assert _names(body)[:2] == ["Karin Doktor", "Berit Lindkvist"]


def test_a_reading_that_found_nobody_gives_way_and_says_so(words: Service) -> None:
    body = _search(words, "RN-999 anna lindqvist")
    assert _names(body) == ["Anna Maria Lindqvist"]
    assert [remark["code"] for remark in body["remarks"]] == ["number-unknown"]
    assert body["understood"]["licenceNumber"] == "RN-999"


def test_nobody_found_says_what_was_searched_how_fresh_and_what_to_try(words: Service) -> None:
    body = _search(words, "läkare xerxes", "&status=active")
    empty = body["empty"]
    assert [note["code"] for note in empty["searchedTerms"]] == ["name", "profession", "status"]
    assert [(tip["code"], tip["q"]) for tip in empty["tips"]] == [
        ("as-name", '"läkare xerxes"'),
        ("without-filters", None),
        ("former-name", None),
        ("check-by-number", None),
    ]
    (feed,) = empty["feeds"]
    assert (feed["id"], feed["fresh"]) == ("test", True)
    assert feed["lastSuccessAt"].endswith("Z")


def test_hidden_people_are_answered_as_nobody(words: Service) -> None:
    for hers, nobodys in (("hanna skyddad", "xanna xkyddad"), ("RN-66", "RN-67")):
        about, other = _search(words, hers), _search(words, nobodys)
        assert (about["items"], about["total"], about["didYouMean"]) == ([], 0, None)
        assert (about["facets"], about["remarks"]) == (other["facets"], other["remarks"])
        assert json.dumps(about["empty"]).replace(hers, nobodys) == json.dumps(other["empty"])


def test_whoever_was_hidden_a_moment_ago_is_in_no_page_count_or_facet(service: Service) -> None:
    service.load({"hanna": person("Skyddad", "Hanna"), **crowd(3)})
    service.world.load({"hanna": hidden(), **crowd(3)})
    for rest in ("", "&sort=name", "&page=2", "&page=40", "&limit=1&page=2"):
        body = _search(service, "skyddad", rest)
        assert (body["items"], body["total"], body["didYouMean"]) == ([], 0, None), rest
        assert not any(body["facets"].values()), rest


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("q=", "invalid-query"),
        ("q=" + "x" * 201, "invalid-query"),
        ("q=%00", "invalid-query"),
        ("q=a+b+c+d+e+f+g+h+i", "bad-request"),
        # Nothing is asked: the answer would be everybody
        ("q=---", "bad-request"),
        ("q=%3F%3F%3F", "bad-request"),
        ("q=*", "bad-request"),
        ("q=%22", "bad-request"),
        ("q=((((%5B%5D", "bad-request"),
        ("q=%F0%9F%98%80", "bad-request"),
        ("name=%3F%3F%3F", "bad-request"),
        ("q=anna&page=51", "bad-request"),
        # 39 words in fewer letters than are allowed, and a number as long as all of them
        ("q=" + "anna+" * 39, "bad-request"),
        ("q=" + "-".join(["anna"] * 39), "bad-request"),
        ("q=" + "1" * 200, "bad-request"),
        ("q=anna+19800503-9808", "personal-number-in-url"),
        ("q=1980-05-03-9808", "personal-number-in-url"),
        ("q=anna&q=bo", "invalid-query"),
        ("county=%00", "invalid-query"),
        ("specialty=" + "x" * 101, "invalid-query"),
    ],
)
def test_a_wrong_box_is_refused(words: Service, query: str, slug: str) -> None:
    answer = words.get(f"/v1/practitioners?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith(f"/problems/{slug}")


@pytest.mark.parametrize(
    "written", ["anna*", "an?a", "names:anna", "/an.*/", "_exists_:names", "[anna TO bo]"]
)
def test_signs_of_query_languages_part_words_and_mean_nothing(words: Service, written: str) -> None:
    plain = "".join(sign if sign.isalnum() else " " for sign in written)
    assert _names(_search(words, written)) == _names(_search(words, f'"{plain}"'))


@pytest.mark.parametrize("written", ["anna~2", "anna^9"])
def test_nor_do_they_beside_a_digit(words: Service, written: str) -> None:
    body = _search(words, written)
    assert (body["items"], body["understood"]["licenceNumber"]) == ([], written)


def test_the_box_stands_in_the_access_log_with_everyone_shown(words: Service) -> None:
    _search(words, "lindqvist ssk")
    event = words.events()[-1]
    assert json.loads(event.question) == {"q": "lindqvist ssk", "page": 1}
    assert event.answer == "3"
    assert len(words.subjects(event.id)) == 3


def test_links_keep_the_box(words: Service) -> None:
    assert _search(words, "läkare")["links"]["self"] == "/v1/practitioners?q=l%C3%A4kare&page=1"
    assert words.get("/v1/practitioners").get_json()["links"]["self"] == "/v1/practitioners?page=1"
