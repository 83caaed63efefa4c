"""What the NPI Registry is asked, and how a question is split."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.feeds import load_feed
from indexer.feeds.npi_registry_source import NpiRegistrySource, split
from registry.errors import SettingsError
from registry.settings import CONFIG
from tests.indexer.feeds.fuzzing import EXAMPLES

QUERY = {"state": "NE", "last_name": "SM*"}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "queries is empty"),
        ({"queries": (QUERY,), "page_size": 201}, "page_size is 201"),
        ({"queries": (QUERY,), "page_size": 0}, "page_size is 0"),
        ({"queries": (QUERY,), "max_requests": 0}, "max_requests"),
        ({"queries": (QUERY,), "url": "http://registers.example/api/"}, "https"),
        ({"queries": (QUERY,), "pause_ms": -1}, "pause_ms"),
        ({"queries": ({"surname": "X"},)}, "'surname' is no search key"),
        ({"queries": ({**QUERY, "skip": "0"},)}, "'skip' is no search key"),
        ({"queries": ({},)}, "needs a search key"),
        ({"queries": ({"enumeration_type": "NPI-1"},)}, "needs a search key"),
        ({"queries": ({**QUERY, "enumeration_type": "NPI-2"},)}, "only people"),
        ({"queries": ({"organization_name": "CLINIC"},)}, "only people"),
        ({"queries": ({"last_name": " "},)}, "last_name is empty"),
        ({"queries": ({"last_name": "S*"},)}, "after two characters"),
        ({"queries": ({"last_name": "S *"},)}, "after two characters"),
        ({"queries": ({"last_name": "S*M"},)}, "only at the end"),
        ({"queries": ({"last_name": "19800101-9801"},)}, "personal identity number"),
        ({"queries": (QUERY, {"number": "1205234567"})}, ""),
        ({"numbers_file": "numbers.txt"}, ""),
    ],
)
def test_a_source_says_what_is_wrong_with_it(keys: dict[str, Any], problem: str) -> None:
    told = NpiRegistrySource(**keys).problem()
    assert problem in told
    assert bool(told) == bool(problem)


def test_a_feed_file_with_a_wrong_query_is_refused(tmp_path: Path) -> None:
    text = (CONFIG / "feeds" / "npi-registry.toml").read_text("utf-8")
    path = tmp_path / "npi-registry.toml"
    path.write_text(text.replace('state = "WY"', 'state = ""'))
    with pytest.raises(SettingsError, match=r"source\.queries: state is empty"):
        load_feed(path)


def matches(query: str, name: str) -> bool:
    return name.startswith(query[:-1]) if query.endswith("*") else name == query


NAMES = st.from_regex(r"[A-Z]([A-Z'.-]| (?=[A-Z])){0,12}", fullmatch=True)


@given(name=NAMES)
@settings(max_examples=EXAMPLES, deadline=None)
def test_splitting_by_name_loses_nobody(name: str) -> None:
    query: dict[str, str] = {"state": "NE"}
    for _ in range(len(name) + 1):
        found = [narrow for narrow in split(query) if matches(narrow["last_name"], name)]
        assert len(found) == 1
        query = found[0]
        assert query["state"] == "NE"
        if not query["last_name"].endswith("*"):
            break
        assert len(query["last_name"].rstrip("*").replace(" ", "")) >= 2
        assert query["last_name"][-2] != " "
    assert query["last_name"] == name


@given(code=st.from_regex(r"[0-9]{5}([0-9]{4})?", fullmatch=True))
@settings(max_examples=EXAMPLES, deadline=None)
def test_splitting_by_postal_code_loses_no_american_address(code: str) -> None:
    query = {"last_name": "LEE", "first_name": "ANN"}
    while narrower := split(query):
        # Five digits also find the nine that begin with them.
        query = next(narrow for narrow in narrower if code.startswith(narrow["postal_code"].rstrip("*")))
    assert query["postal_code"] == code[:5]


def test_first_names_are_split_without_their_aliases() -> None:
    assert all(narrow["use_first_name_alias"] == "False" for narrow in split({"last_name": "LEE"}))
    chosen = split({"last_name": "LEE", "use_first_name_alias": "True"})
    assert {narrow["use_first_name_alias"] for narrow in chosen} == {"True"}


def test_a_question_for_one_name_and_place_can_t_be_split() -> None:
    assert split({"last_name": "LEE", "first_name": "ANN", "postal_code": "95814"}) == []
