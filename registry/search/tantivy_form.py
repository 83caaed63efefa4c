"""The form of a document for Tantivy: checked against the mapping, with its codes, as text.

Checked before anything is written: Tantivy takes unknown fields silently, and a value of the wrong type it refuses only
after the document's former version is deleted.
"""

import re
from typing import Annotated, Any

import msgspec
import orjson

from registry.search.mapping import Field, FieldType, Mapping
from registry.search.port import UNWRITABLE
from registry.search.tantivy_columns import code_of, coded_fields, joined, joined_fields
from registry.struct_types import ready

_TYPES: dict[FieldType, Any] = {
    "keyword": str,
    "long": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    # As wide as in OpenSearch, so that both engines take the same documents.
    "integer": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "boolean": bool,
}
_PLACE = re.compile(r"`\$\.(\w+)")
_UNKNOWN = re.compile(r"unknown field `(\w{1,64})`")


class Form:
    """Documents of a mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._joined = joined_fields(mapping)
        self._coded = {name: code for name, code in coded_fields(mapping).items() if name not in self._joined}
        self._coded |= {joined: f"{field}_code" for field, joined in self._joined.items()}
        fields = [
            (field.name, _type(field) | msgspec.UnsetType, msgspec.UNSET) for field in mapping.fields.values()
        ]
        self._kind = ready(msgspec.defstruct("Document", fields, forbid_unknown_fields=True))

    def written(self, document: dict[str, Any]) -> tuple[str, str]:
        """Return a document as text, with its codes (which are put into it); or "" and what keeps it out.

        What keeps it out never holds a value of the document.
        """
        try:
            msgspec.convert(document, self._kind)
            for field, whole in self._joined.items():
                if document.get(field):
                    document[whole] = joined(document[field])
            for field, code in self._coded.items():
                if field in document:
                    document[code] = code_of(document[field])
            return orjson.dumps(document).decode(), ""
        except msgspec.ValidationError as error:
            said = str(error)
            if unknown := _UNKNOWN.search(said):
                return "", f"unknown field: {unknown[1]}"
            place = _PLACE.search(said)
            return "", f"wrong type of value: {place[1]}" if place else "wrong type of value"
        except (TypeError, UnicodeError):
            return "", UNWRITABLE


def _type(field: Field) -> Any:  # noqa: ANN401 - a type of values, as msgspec takes it
    return list[str] if field.several else _TYPES[field.type]
