"""Holds answers against the OpenAPI document: status, media type, headers and body must be as documented.

A small reading of JSON Schema 2020-12, for the words that the document uses; an unknown word is an error here, so that
nothing goes unchecked.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_TEXT_ONLY = {"description", "example", "examples", "default", "title"}
_KNOWN = {
    *_TEXT_ONLY,
    *("$ref", "anyOf", "type", "enum", "required", "properties", "additionalProperties", "items"),
    *("pattern", "format", "minimum", "maximum", "minLength", "maxLength"),
}


class Contract:
    """The document, and what it says about an answer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.seen: set[tuple[str, str, int]] = set()

    def operation(self, method: str, path: str) -> tuple[str, Mapping[str, Any]] | None:
        """Return template and description of the operation for a path, fixed segments before variable ones."""
        for template, operations in sorted(self.document["paths"].items(), key=lambda item: "{" in item[0]):
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
                return template, operations[method.lower()]
        return None

    def check(self, method: str, url: str, status: int, headers: Mapping[str, str], body: Any) -> None:  # noqa: ANN401 - any JSON
        """Assert that an answer is documented. Addresses that are no operation (404) pass."""
        found = self.operation(method, urlsplit(url).path)
        if found is None:
            return
        template, operation = found
        assert str(status) in operation["responses"], (
            f"{method} {template} gave {status}, which is not documented"
        )
        response = operation["responses"][str(status)]
        if status == HTTPStatus.NO_CONTENT:
            assert not body
            assert "content" not in response
            self.seen.add((method, template, status))
            return
        media_type = headers["Content-Type"].partition(";")[0]
        assert media_type in response["content"], f"{media_type} is not documented for {status}"
        for name in response.get("headers", {}):
            # Only a token that is refused for its scope or its faults gets a challenge.
            assert name in headers, f"{name} is documented for {status} and was not sent"
        content = response["content"][media_type]
        faults = list(self.faults(body, content["schema"]))
        assert not faults, faults
        if status >= 400:
            assert body["type"].rpartition("/")[2] in content["examples"], (
                f"{body['type']} is not documented here"
            )
        self.seen.add((method, template, status))

    def faults(self, value: Any, schema: Mapping[str, Any], where: str = "$") -> Iterator[str]:  # noqa: ANN401 - any JSON
        """Give every way in which a value differs from its schema; members that no schema names count too."""
        assert schema.keys() <= _KNOWN, f"unknown words {schema.keys() - _KNOWN} at {where}"
        if "$ref" in schema:
            yield from self.faults(value, self._resolve(schema["$ref"]), where)
        if "anyOf" in schema and not any(not list(self.faults(value, one, where)) for one in schema["anyOf"]):
            yield f"{where} fits none of its kinds"
        if "type" in schema:
            names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            kinds = tuple(kind for name in names for kind in _TYPES[name])
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                yield f"{where} is a {type(value).__name__}, not {names}"
                return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where} is {value!r}, not one of {schema['enum']}"
        if isinstance(value, str):
            yield from _text_faults(value, schema, where)
        if isinstance(value, dict) and "properties" in schema:
            yield from self._object_faults(value, schema, where)
        if isinstance(value, list) and "items" in schema:
            for number, item in enumerate(value):
                yield from self.faults(item, schema["items"], f"{where}[{number}]")

    def _object_faults(self, value: dict[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}.{name} is missing"
        for name, item in value.items():
            if name not in schema["properties"]:
                yield f"{where}.{name} is not documented"
            else:
                yield from self.faults(item, schema["properties"][name], f"{where}.{name}")

    def _resolve(self, reference: str) -> Mapping[str, Any]:
        found: Any = self.document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, dict)
        return found


def _text_faults(value: str, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} is {value!r}, which does not fit {schema['pattern']}"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{where} has {len(value)} characters"
    try:
        match schema.get("format"):
            case "date-time":
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value)
                datetime.fromisoformat(value)
            case "date":
                date.fromisoformat(value)
            case "uri":
                assert urlsplit(value).scheme
    except (AssertionError, ValueError):
        yield f"{where} is {value!r}, no {schema['format']}"
