"""The mapping as other versions of the software have it, and engines of those versions."""

import json
from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any

from registry.errors import SearchUnavailableError
from registry.search import IndexEngine
from registry.search.mapping import Mapping, load_mapping
from registry.search.opensearch import OpenSearchEngine
from registry.search.tantivy import TantivyEngine
from registry.settings import Search
from tests.registry.search.people import Register

# Opens the engine of another version on the indices of a register.
Open = Callable[[Mapping], Register]
MUNICIPALITY = {"municipality": {"type": "keyword"}}


def changed(
    folder: Path,
    *,
    more: Dictionary[str, Dictionary[str, Any]] | None = None,
    less: str = "",
    documents: int | None = None,
    about: str = "",
) -> Mapping:
    """This version's mapping with fields added or in another form, one left out, or its documents filled differently."""
    told = json.loads(json.dumps(load_mapping().body))
    told["properties"] |= more or {}
    told["properties"].pop(less, None)
    if documents is not None:
        told["_meta"]["documents"] = documents
    if about:
        told["_meta"]["about"] = about
    place = folder / f"mapping-{len(list(folder.glob('mapping-*')))}"
    place.mkdir()
    (place / "mapping.json").write_text(json.dumps(told))
    return load_mapping(place)


def engine_of(settings: Search, mapping: Mapping) -> IndexEngine:
    """The engine of the version that has this mapping, as its indexer opens it."""
    if settings.engine == "tantivy":
        return TantivyEngine(settings, mapping=mapping)
    return OpenSearchEngine(settings, indexer=True, mapping=mapping)


def refusal(register: Register) -> str:
    """Why a search is refused, "" if it is not; by a search that finds and one that does not."""
    told = set()
    for text in ("eva", "nobody"):
        try:
            register.search(text)
            told.add("")
        except SearchUnavailableError as error:
            told.add(error.detail)
    (one,) = told
    return one
