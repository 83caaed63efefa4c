"""The fields of the index (`config/search/mapping.json`) and the names that indices get from them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import orjson

from registry.errors import SettingsError
from registry.settings import CONFIG

FieldType = Literal["keyword", "long", "integer", "boolean"]
_KNOWN_TYPES = ("keyword", "long", "integer", "boolean")
_FOLDER = CONFIG / "search"
_DIGEST_LENGTH = 10
_ALIAS_END = "-licences"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        type: "keyword" (exact text, may hold several), "long" (ids), "integer" (days), "boolean".
        indexed: can be searched for.
        columnar: can be sorted by, counted and grouped.
    """

    name: str
    type: FieldType
    indexed: bool
    columnar: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """The mapping: as OpenSearch reads it, as fields, and the digest of its content."""

    body: dict[str, Any]
    fields: dict[str, Field]
    digest: str

    def alias(self, prefix: str) -> str:
        """Return the name under which searches and publishing find the index in use."""
        return f"{prefix}{_ALIAS_END}"

    def index_name(self, prefix: str, moment: datetime) -> str:
        """Return a name for a new index: PREFIX-licences-DIGEST-STAMP (UTC, to the microsecond)."""
        return f"{self.alias(prefix)}-{self.digest}-{moment.astimezone(UTC):%Y%m%d%H%M%S%f}"

    def fits(self, index: str) -> bool:
        """Tell whether an index was made for this mapping."""
        match = _INDEX_NAME.search(index)
        return match is not None and match[1] == self.digest


_INDEX_NAME = re.compile(rf"{_ALIAS_END}-([0-9a-f]{{{_DIGEST_LENGTH}}})-\d{{20}}\Z")


def is_index_name(name: str, alias: str) -> bool:
    """Tell whether a name is one that `Mapping.index_name` gives under this alias."""
    return name.startswith(f"{alias}-") and _INDEX_NAME.search(name) is not None


@cache
def load_mapping(folder: Path = _FOLDER) -> Mapping:
    """Read and check `mapping.json`.

    Raises:
        SettingsError: it can't be read, is not strict, or has a field type that not every engine has.
    """
    path = folder / "mapping.json"
    body = read_json(path)
    if body.get("dynamic") != "strict":
        raise SettingsError(
            f'{path}: "dynamic" must be "strict", so that no feed can add fields to the index.'
        )
    fields = {name: _field(name, told, path) for name, told in body.get("properties", {}).items()}
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return Mapping(body, fields, hashlib.sha256(canonical).hexdigest()[:_DIGEST_LENGTH])


def load_index_settings(folder: Path = _FOLDER) -> dict[str, Any]:
    """Read `opensearch.json`, the settings of a new OpenSearch index.

    Raises:
        SettingsError: it can't be read.
    """
    return read_json(folder / "opensearch.json")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file of the configuration.

    Raises:
        SettingsError: there is no such file, or it holds something else.
    """
    try:
        body = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(body, dict):
        raise SettingsError(f"{path} must hold a JSON object.")
    return body


def _field(name: str, told: dict[str, Any], path: Path) -> Field:
    if told.get("type") not in _KNOWN_TYPES:
        raise SettingsError(f"{path}: field {name} must have one of the types {', '.join(_KNOWN_TYPES)}.")
    return Field(name, told["type"], told.get("index", True), told.get("doc_values", True))
