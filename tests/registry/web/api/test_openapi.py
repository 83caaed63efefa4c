"""The OpenAPI document: sound, complete, and what the service does."""

import json
import re
from collections.abc import Iterator
from typing import Any

from registry.web.problem_types import PROBLEM_TYPES
from tests.registry.web.service import Service


def _document(service: Service) -> dict[str, Any]:
    answer = service.ask("GET", "/v1/openapi.json", scopes=None)
    assert answer.mimetype == "application/json"
    document: dict[str, Any] = answer.get_json()
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                yield path, method, {**operation, "path_parameters": operations.get("parameters", [])}


def test_every_operation_of_the_app_is_documented(full: Service) -> None:
    documented = {(path, method) for path, method, _ in _operations(_document(full))}
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in full.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/") and rule.endpoint != "openapi.document"
    }
    assert documented == served


def test_the_document_is_sound(full: Service) -> None:
    document = _document(full)
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', text):
        found: Any = document
        for part in reference.split("/"):
            found = found[part]
        assert isinstance(found, dict)
    used = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert used == document["components"]["schemas"].keys()
    ids = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(ids) == len(set(ids))
    assert "x-problems" not in text


def test_every_operation_says_who_may_call_it_and_what_it_refuses(full: Service) -> None:
    for path, method, operation in _operations(_document(full)):
        responses = operation["responses"]
        assert operation["summary"], path
        assert {"400", "500"} <= responses.keys(), path
        assert {"200", "202", "204"} & responses.keys(), path
        if operation["security"]:
            assert {"401", "403", "503"} <= responses.keys(), path
        # What only changes a list's state takes no body.
        if method == "post" and not path.endswith(("/cancellation", "/resumption")):
            assert operation["requestBody"]["required"] is True
            assert {"413", "415", "422"} <= responses.keys()
        names = {p["name"] for p in operation["path_parameters"] if p["in"] == "path"}
        assert names == set(re.findall(r"\{(\w+)\}", path))
        for name in names:
            assert next(p for p in operation["path_parameters"] if p["name"] == name)["required"] is True


def test_every_example_fits_its_schema(full: Service) -> None:
    checked = 0
    for path, _, operation in _operations(_document(full)):
        bodies = [r["content"] for status, r in operation["responses"].items() if status != "204"]
        bodies += [operation["requestBody"]["content"]] if "requestBody" in operation else []
        for content in (one for body in bodies for one in body.values()):
            examples = [one["value"] for one in content.get("examples", {}).values()]
            examples += [content["example"]] if "example" in content else []
            assert examples, path
            for example in examples:
                assert list(full.contract.faults(example, content["schema"])) == [], path
                checked += 1
    assert checked > len(PROBLEM_TYPES)


def test_the_questions_of_the_document_are_answered(full: Service) -> None:
    body = _document(full)["paths"]["/v1/verifications"]["post"]["requestBody"]
    for example in body["content"]["application/json"]["examples"].values():
        question = {name: value for name, value in example["value"].items() if name != "authority"}
        assert full.verify(**question).status_code == 200


def test_the_operators_purposes_and_limits_are_in_the_document(full: Service) -> None:
    document = _document(full)
    purposes = [name for name in full.world.settings.access.purposes if name != "own-record"]
    parameters = {p["name"]: p["schema"] for p in document["paths"]["/v1/practitioners"]["get"]["parameters"]}
    assert parameters["purpose"]["enum"] == purposes
    assert (parameters["limit"]["default"], parameters["limit"]["maximum"]) == (20, 100)
    assert "registered-nurse" in parameters["profession"]["items"]["enum"]
    assert document["components"]["schemas"]["Question"]["properties"]["purpose"]["enum"] == purposes
    assert "65536 bytes" in document["info"]["description"]
    assert "svenska" in document["info"]["description"]


def test_names_are_camel_case_and_lists_plural(full: Service) -> None:
    document = _document(full)
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema["properties"].items():
            assert re.fullmatch(r"[a-z][A-Za-z0-9]*", field), (name, field)
            if described.get("type") == "array" and name != "Facets":
                assert field.endswith("s"), (name, field)
