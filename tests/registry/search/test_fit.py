"""Another version's index is found out by what stands in it, and searched and written only as far as that is safe."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.search.document import operations
from registry.search.mapping import load_mapping
from registry.search.port import FEWER_FIELDS, OTHER_MAPPING
from tests.registry.search.people import Register, person
from tests.registry.search.versions_of_mapping import MUNICIPALITY, Open, changed, refusal


@dataclass(frozen=True)
class Case:
    """What another version has differently, how this version's index fits it, and why it refuses to search there."""

    name: str
    difference: dict[str, Any]
    fit: str
    why: str = ""


CASES = [
    Case("same", {}, "same", ""),
    Case("only remarks differ", {"about": "Something else."}, "same", ""),
    Case("defaults are written out", {"more": {"key": {"type": "long", "index": True}}}, "same", ""),
    Case("a field is added", {"more": MUNICIPALITY}, "fewer", FEWER_FIELDS),
    Case("two are", {"more": {**MUNICIPALITY, "note": {"type": "long"}}}, "fewer", FEWER_FIELDS),
    Case("another type", {"more": {"siblings": {"type": "keyword"}}}, "other", OTHER_MAPPING),
    Case("another use", {"more": {"name_order": {"type": "keyword"}}}, "other", OTHER_MAPPING),
    Case("filled differently", {"documents": 99}, "other", OTHER_MAPPING),
    Case("one is removed", {"less": "valid_to"}, "other", ""),
    Case("removed and added", {"less": "valid_to", "more": MUNICIPALITY}, "other", OTHER_MAPPING),
]
CASES_FOR_BOTH = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@CASES_FOR_BOTH
def test_how_an_index_fits_is_read_from_the_index(
    register: Register, opened: Open, tmp_path: Path, case: Case
) -> None:
    register.publish(person("Eva Ek"))
    other = opened(changed(tmp_path, **case.difference))
    fit, why = case.fit, case.why
    if register.settings.engine == "tantivy" and fit != "same":
        # A folder has one form for all its documents: it fits, or it does not.
        fit, why = "other", OTHER_MAPPING
    assert other.engine.fit(register.index) == fit
    assert refusal(other) == why
    health = other.engine.health()
    assert (health.index, health.ok, health.problem) == (register.index, not why, why)
    assert refusal(register) == ""


@CASES_FOR_BOTH
def test_only_an_index_that_fits_is_written_and_put_in_use(
    register: Register, opened: Open, tmp_path: Path, case: Case
) -> None:
    other = opened(changed(tmp_path, **case.difference))
    outcomes = other.engine.bulk(operations(person("Eva Ek")))
    left = register.engine.create_index()
    if case.fit == "same":
        assert {outcome.state for outcome in outcomes} == {"done"}
        other.engine.swap(left, replacing=register.index)
        return
    assert {outcome.state for outcome in outcomes} == {"retry"}
    assert {outcome.reason for outcome in outcomes} <= {FEWER_FIELDS, OTHER_MAPPING}
    with pytest.raises(ValueError, match="can't be put in use"):
        other.engine.swap(left, replacing=register.index)
    assert other.engine.current_index() == register.index


def test_what_is_no_index_fits_nothing(register: Register) -> None:
    gone = register.engine.create_index()
    register.engine.drop(gone)
    for name in (gone, "", "nothing", "../index", "*", "registry-licences"):
        assert register.engine.fit(name) == "other"


def test_fields_can_not_be_added_to_an_index_that_fits_or_never_can(
    register: Register, opened: Open, tmp_path: Path
) -> None:
    for mapping in (load_mapping(), changed(tmp_path, documents=99)):
        other = opened(mapping)
        with pytest.raises(ValueError, match="indexer rebuild"):
            other.engine.add_fields(register.index)
        with pytest.raises(ValueError, match="indexer rebuild"):
            other.engine.add_fields("registry-licences")


@pytest.mark.parametrize("settings", ["tantivy"], indirect=True)
def test_tantivy_never_takes_fields_in_place_and_says_what_to_do(
    register: Register, opened: Open, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="indexer rebuild"):
        opened(changed(tmp_path, more=MUNICIPALITY)).engine.add_fields(register.index)


@pytest.mark.parametrize("settings", ["tantivy"], indirect=True)
def test_a_tantivy_index_without_its_mapping_beside_it_is_of_another_version(
    register: Register, opened: Open
) -> None:
    told = Path(register.settings.tantivy.path) / register.index / "mapping.json"
    assert json.loads(told.read_text())["_meta"] == load_mapping().meta
    for content in (None, "{}", "[]", '{"properties": []}', "not JSON"):
        told.unlink()
        if content is not None:
            told.write_text(content)
        fresh = opened(load_mapping())
        assert fresh.engine.fit(register.index) == "other"
        assert not fresh.engine.health().ok
        told.write_text("")
