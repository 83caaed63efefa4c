"""docs/api.md says what the service does."""

import re

from registry.settings import ROOT
from registry.web.problem_types import PROBLEM_TYPES
from tests.registry.web.service import Service

DOCS = (ROOT / "docs" / "api.md").read_text("utf-8")


def test_every_operation_is_in_the_docs_with_its_scope(full: Service) -> None:
    for path, operations in full.contract.document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            row = next(line for line in DOCS.splitlines() if line.startswith(f"| `{method.upper()} {path}`"))
            scopes = [scope for one in operation["security"] for scope in one["accessToken"]]
            assert re.findall(r"`(registry:\w+)`", row) == scopes
            assert operation["security"] or row.endswith("| open |")


def test_every_problem_type_is_in_the_docs() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \| (.+) \|$", DOCS, re.MULTILINE)
    assert rows == [(kind.slug, str(kind.status), kind.meaning_en) for kind in PROBLEM_TYPES.values()]


def test_the_limits_of_the_docs_are_the_defaults(full: Service) -> None:
    search = full.world.settings.search
    assert f"({search.default_limit} unless told, at most {search.max_limit})" in DOCS
    assert f"{search.max_window:,} people" in DOCS


def test_the_questions_of_the_docs_are_answered(full: Service) -> None:
    bodies = re.findall(r"-d '(\{.*?\})'", DOCS)
    urls = re.findall(r'"\$REGISTRY(/v1/practitioners[^"]*)"', DOCS)
    assert (len(bodies), len(urls)) == (1, 2)
    answer = full.ask("POST", "/v1/verifications", data=bodies[0], content_type="application/json")
    assert answer.get_json()["verdict"] == "yes"
    for url in urls:
        assert full.get(url).status_code == 200
