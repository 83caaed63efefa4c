"""The mapping is strict, lives once, and names the indices made for it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry.errors import SettingsError
from registry.masking import mask
from registry.search.document import documents
from registry.search.mapping import Field, index_age, is_index_name, load_index_settings, load_mapping
from registry.search.opensearch import OpenSearchEngine
from registry.settings import CONFIG, load_settings
from tests.registry.search.people import licence, person


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CONFIG / "search", tmp_path / "search")
    return tmp_path / "search"


def change(folder: Path, **changes: object) -> None:
    path = folder / "mapping.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes))


def test_the_name_of_an_index_changes_with_the_fields_only(folder: Path) -> None:
    told = load_mapping()
    (folder / "mapping.json").write_text(json.dumps(told.body, indent=8, sort_keys=True))
    assert load_mapping(folder).digest == told.digest
    change(folder, properties=told.body["properties"] | {"municipality": {"type": "keyword"}})
    load_mapping.cache_clear()
    assert load_mapping(folder).digest != told.digest


def test_the_name_of_an_index_tells_the_fields_it_was_made_for_and_when() -> None:
    told = load_mapping()
    name = told.index_name("x", datetime(2026, 5, 20, 12, 30, 15, 42, tzinfo=UTC))
    assert name == f"x-licences-{told.digest}-20260520t123015f000042"
    assert is_index_name(name, "x-licences")
    assert index_age(name) == "20260520t123015f000042"
    assert not is_index_name(name, "y-licences")
    assert not is_index_name("x-licences", "x-licences")


def test_an_index_named_before_letters_parted_its_stamp_is_known_and_older() -> None:
    told = load_mapping()
    before = f"x-licences-{told.digest}-20260520235959999999"
    after = told.index_name("x", datetime(2026, 5, 20, 0, 0, tzinfo=UTC))
    assert is_index_name(before, "x-licences")
    assert sorted([after, before], key=index_age) == [before, after]


# The first is a moment whose digits in a row begin with a number that has a right check digit.
@example(datetime(2026, 11, 23, 23, 45, 17, 916852, tzinfo=UTC))
@given(st.datetimes(timezones=st.just(UTC)))
def test_logs_show_the_name_of_an_index_whole(moment: datetime) -> None:
    name = load_mapping().index_name("registry", moment)
    assert mask(name) == name


def test_remarks_and_written_out_defaults_make_no_other_mapping(folder: Path) -> None:
    told = load_mapping()
    properties = {name: {"doc_values": True, **one} for name, one in told.body["properties"].items()}
    change(
        folder, _meta={"documents": told.meta["documents"], "about": "Other words."}, properties=properties
    )
    load_mapping.cache_clear()
    assert load_mapping(folder).digest == told.digest


def test_the_way_documents_are_filled_is_part_of_the_mapping(folder: Path) -> None:
    told = load_mapping()
    change(folder, _meta={"documents": told.meta["documents"] + 1})
    load_mapping.cache_clear()
    assert load_mapping(folder).digest != told.digest


def test_a_long_difference_is_told_shortly() -> None:
    said = load_mapping().difference({}).explained
    assert said.startswith("lacks authority, birth_from, ")
    assert " more; has in another form documents, dynamic" in said
    assert len(said) < 200


@pytest.mark.parametrize("field", load_mapping().fields.values(), ids=list(load_mapping().fields))
def test_a_document_holds_lists_where_several_values_may_be_and_nowhere_else(field: Field) -> None:
    bodies = [
        operation.stored
        for one in (
            person("Eva Ek", licence("A1", valid_from="2019", valid_to="2020")),
            person("Bo Ek", former=["Bo Al"], birth_date="1980", identifiers=[("npi", "1679576722")]),
        )
        for operation in documents(one)
    ]
    held = [body[field.name] for body in bodies if field.name in body]
    assert all(isinstance(value, list) is field.several for value in held)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dynamic": True}, "strict"),
        ({"properties": {"x": {"type": "geo_point"}}}, "field x"),
        ({"_meta": {}}, "documents"),
        ({"_meta": {"documents": "1"}}, "documents"),
    ],
)
def test_a_mapping_that_engines_can_not_share_stops_the_start(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    change(folder, **changes)
    with pytest.raises(SettingsError, match=message):
        load_mapping(folder)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("[]", "JSON object"), (None, "can't be read")]
)
def test_a_broken_file_stops_the_start(folder: Path, text: str | None, message: str) -> None:
    path = folder / "opensearch.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_index_settings(folder)


def test_paging_deeper_than_the_cluster_allows_stops_the_start() -> None:
    limits = msgspec.structs.replace(load_settings({}).search, max_window=10_001)
    with pytest.raises(SettingsError, match="max_window"):
        OpenSearchEngine(limits)


def test_no_text_of_a_document_is_analysed_so_both_engines_compare_alike() -> None:
    assert {field.type for field in load_mapping().fields.values()} == {
        "keyword",
        "long",
        "integer",
        "boolean",
    }
