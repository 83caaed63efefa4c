"""The fields of the index (`config/search/mapping.json`), the names that indices get from them, and how an index differs.

Every index carries in its own `_meta` the digest of the fields that all of its documents are written with. The
digest in its name says what it was made for; what counts is what stands in the index itself.
"""

import hashlib
import re
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import orjson

from registry.errors import SettingsError
from registry.search.port import Fit
from registry.settings import CONFIG

FieldType = Literal["keyword", "long", "integer", "boolean"]
_KNOWN_TYPES = ("keyword", "long", "integer", "boolean")
_FOLDER = CONFIG / "search"
_DIGEST_LENGTH = 10
_ALIAS_END = "-licences"
_SHOWN = 8  # names of fields in a message
# What OpenSearch leaves out when it tells a mapping.
_DEFAULTS = {"index": True, "doc_values": True, "store": False}


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        type: "keyword" (exact text, may hold several), "long" (ids), "integer" (days), "boolean".
        indexed: can be searched for.
        columnar: can be sorted by, counted and grouped.
        several: a document holds a list of values. Keyword fields that are no columns do, and the columns that `_meta`
            names; every other column holds one value.
    """

    name: str
    type: FieldType
    indexed: bool
    columnar: bool
    several: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """How an index differs from the mapping of this version.

    Attributes:
        lacking: fields that it has not got.
        changed: fields that it has in another form; "dynamic" and "documents" for these two of the whole mapping.
        more: fields that this version does not know.
        complete: all its documents are written with all its fields (False between `add_fields` and `finish_index`).
        ours: it says so of the fields of this version.
    """

    lacking: tuple[str, ...]
    changed: tuple[str, ...]
    more: tuple[str, ...]
    complete: bool
    ours: bool

    @property
    def fit(self) -> Fit:
        """How the index fits for writing."""
        if self.changed or self.more:
            return "other"
        return "same" if self.ours and not self.lacking else "fewer"

    @property
    def readable(self) -> bool:
        """Whether searches of this version find in it what they should; fields of a later version do no harm."""
        return not (self.lacking or self.changed) and (self.complete or self.ours)

    @property
    def explained(self) -> str:
        """In words for an operator."""
        parts = (
            ("lacks", self.lacking),
            ("has in another form", self.changed),
            ("has from a later version", self.more),
        )
        said = "; ".join(f"{what} {_listed(names)}" for what, names in parts if names)
        return said or "not all its documents are written with all its fields"


@dataclass(frozen=True, slots=True)
class Mapping:
    """The mapping: as OpenSearch reads it, as fields, and the digest of its content."""

    body: dict[str, Any]
    fields: dict[str, Field]
    digest: str

    @property
    def meta(self) -> dict[str, Any]:
        """What an index says about itself when all its documents are written with these fields."""
        return {"documents": self.body["_meta"]["documents"], "digest": self.digest}

    @property
    def new(self) -> dict[str, Any]:
        """The mapping of a new index."""
        return {**self.body, "_meta": self.meta}

    def difference(self, told: Dictionary[str, Any]) -> Difference:
        """Compare with the mapping that an index tells."""
        ours, theirs = _properties(self.body), _properties(told)
        meta = told.get("_meta", {})
        digest = meta.get("digest")
        changed = [name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]]
        changed += ["dynamic"] * (told.get("dynamic") != self.body["dynamic"])
        changed += ["documents"] * (meta.get("documents") != self.meta["documents"] or digest is None)
        return Difference(
            lacking=tuple(sorted(ours.keys() - theirs.keys())),
            changed=tuple(sorted(changed)),
            more=tuple(sorted(theirs.keys() - ours.keys())),
            complete=digest == _digest(told),
            ours=digest == self.digest,
        )

    def alias(self, prefix: str) -> str:
        """Return the name under which searches and publishing find the index in use."""
        return f"{prefix}{_ALIAS_END}"

    def index_name(self, prefix: str, moment: datetime) -> str:
        """Return a name for a new index: PREFIX-licences-DIGEST-STAMP (UTC, to the microsecond).

        Letters part the stamp: twenty digits in a row may hold what looks like a personal number, which logs would mask.
        """
        return f"{self.alias(prefix)}-{self.digest}-{moment.astimezone(UTC):%Y%m%dt%H%M%Sf%f}"


# Names made before letters parted the stamp are known, too; those of one day are sorted before the others.
_INDEX_NAME = re.compile(rf"{_ALIAS_END}-([0-9a-f]{{{_DIGEST_LENGTH}}})-\d{{8}}t?\d{{6}}f?\d{{6}}\Z")


def index_age(name: str) -> str:
    """Return what an index is sorted by to have the oldest first."""
    return name.rpartition("-")[2]


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
    if not isinstance(body.get("_meta", {}).get("documents"), int):
        raise SettingsError(
            f'{path}: "_meta" must hold "documents", the number of the way fields are filled.'
        )
    lists = body["_meta"].get("several", ())
    fields = {
        name: _field(name, told, path, in_lists=name in lists)
        for name, told in body.get("properties", {}).items()
    }
    return Mapping(body, fields, _digest(body))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _digest(body: Dictionary[str, Any]) -> str:
    """Return the digest of what matters of a mapping: not its remarks, nor defaults that are written out or not."""
    told = [body.get("dynamic"), body.get("_meta", {}).get("documents"), _properties(body)]
    canonical = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:_DIGEST_LENGTH]


def _properties(body: Dictionary[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: value for key, value in told.items() if _DEFAULTS.get(key) != value}
        for name, told in body.get("properties", {}).items()
    }


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


def _field(name: str, told: dict[str, Any], path: Path, *, in_lists: bool) -> Field:
    if told.get("type") not in _KNOWN_TYPES:
        raise SettingsError(f"{path}: field {name} must have one of the types {', '.join(_KNOWN_TYPES)}.")
    columnar = told.get("doc_values", True)
    several = told["type"] == "keyword" and (in_lists or not columnar)
    return Field(name, told["type"], told.get("index", True), columnar, several)
