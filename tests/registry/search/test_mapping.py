"""The mapping is strict, lives once, and names the indices made for it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.errors import SettingsError
from registry.search.mapping import load_index_settings, load_mapping
from registry.search.opensearch import OpenSearchEngine
from registry.settings import CONFIG, load_settings


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
    change(folder, properties=told.body["properties"] | {"county": {"type": "keyword"}})
    load_mapping.cache_clear()
    assert load_mapping(folder).digest != told.digest


def test_an_index_tells_for_which_fields_it_was_made() -> None:
    told = load_mapping()
    name = told.index_name("x", datetime(2026, 5, 20, 12, 30, 15, 42, tzinfo=UTC))
    assert name == f"x-licences-{told.digest}-20260520123015000042"
    assert told.fits(name)
    assert not told.fits(name.replace(told.digest, "0" * 10))
    assert not told.fits("x-licences")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dynamic": True}, "strict"),
        ({"properties": {"x": {"type": "geo_point"}}}, "field x"),
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
