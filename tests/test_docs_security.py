"""docs/security.md names, for each item of the standard, tests that there are."""

import ast
import re
from functools import cache

import pytest

from registry.settings import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
# OWASP ASVS 5.0.0: what concerns a service of this kind.
ITEMS = {
    "2.4.1", "4.1.3", "7.4.1", "7.4.2", "7.6.1", "8.2.1", "8.2.2", "8.2.3", "8.3.2", "8.4.1", "9.1.1", "9.1.2", "9.1.3", "9.2.1",
    "9.2.2", "9.2.3", "9.2.4", "10.1.2", "10.3.1", "10.3.2", "10.3.3", "10.3.4", "10.3.5", "10.5.1", "10.5.2", "10.5.3", "10.5.4",
    "10.5.5", "13.1.2", "13.2.4", "13.2.6", "14.2.1", "14.2.6", "16.2.1", "16.2.2", "16.2.3", "16.2.4", "16.2.5", "16.3.1", "16.3.2",
    "16.3.3", "16.3.4", "16.4.1", "16.4.2", "16.4.3", "16.5.2", "16.5.3",
}  # fmt: skip


@cache
def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[f"{path}::{name}" for path, name in NAMED])
def test_each_named_test_is_there(path: str, name: str) -> None:
    assert name in _functions(path)


def test_each_item_has_its_row_once_and_says_whether_it_is_met() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TEXT.splitlines()
        if re.match(r"\| \d+\.\d+\.\d+ \|", line)
    ]
    assert sorted(row[0] for row in rows) == sorted(ITEMS)
    for item, _, met, how, shown in rows:
        assert met in {"yes", "partly", "no", "–"}, item
        assert how, item
        assert met == "–" or "::" in shown, f"{item}: no test shows it"
