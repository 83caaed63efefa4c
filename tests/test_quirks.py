"""docs/quirks.md promises a test for each quirk of real feeds: the promise is kept, and nothing has fallen off the list."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "quirks.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# Decorators under which a test may not run.
_MAYBE = ("needs_samples", "skip", "skipif", "xfail")

QUIRKS = (
    # The checklist, in its order.
    "leading zeros",
    "letters in numbers",
    "NA",
    "partial dates",
    "DDMMYYYY without zero",
    "MM/DD/YYYY",
    "epoch seconds or milliseconds",
    "byte order mark",
    "CR-only lines",
    "330 quoted columns",
    "header renames",
    "en dash in a status",
    "null in arrays",
    "Errors with 200",
    "object in place of an array",
    "page count taken for the total",
    "unstable paging order",
    "1,200-row ceiling",
    "one person, many numbers",
    "number unique within a board",
    "revoked beside a live code",
    "profession recoded",
    "unknown code",
    "code without its system",
    "restriction without profession",
    "feed's time and record's time",
    "stale second source",
    "empty answer",
    "test people",
    "deceased",
    "emigrated",
    "previous person id",
    "deletes by absence",
    "protected flag turns on",
    "rate limits",
    "single thread and 50 ms",
    "secrets that expire",
    "asynchronous feeds",
    # Failure modes F16, F17 and F18.
    "F16: empty",
    "F16: half",
    "F16: cut within a record",
    "F16: wrong content type",
    "F16: additions still apply",
    "F16: approval never exceeds",
    "F17: one file in four encodings",
    "F17: mojibake",
    "F17: header after the mark",
    "F18: emptied by deactivation",
    "F18: check digit",
    "F18: weekly file",
    "F18: fifteen taxonomies",
    # Defects of the nearest peer.
    "peer: a suspension erased",
    "peer: history of nothing",
    "peer: older wins",
    "peer: stale status",
)


def rows() -> dict[str, list[str]]:
    """Return the page's rows: the quirk's name and its other cells."""
    found: dict[str, list[str]] = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and not line.startswith("|---") and cells[0] != "quirk":
            assert cells[0] not in found, f"{cells[0]} stands twice"
            found[cells[0]] = cells[1:]
    return found


ROWS = rows()


@cache
def functions_of(path: str) -> dict[str, bool]:
    """Return the test functions of a file, and of each whether it always runs."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {
        node.name: not any(word in ast.unparse(mark) for mark in node.decorator_list for word in _MAYBE)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_the_page_lists_every_quirk_in_its_order() -> None:
    assert tuple(ROWS) == QUIRKS


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_quirk_says_what_happens_and_names_tests_that_exist(quirk: str) -> None:
    feeds_do, happens, named = ROWS[quirk]
    assert feeds_do.endswith((".", "…"))
    assert happens.endswith(".")
    tests = TEST.findall(named)
    # Nothing stands in the cell but names of tests.
    assert TEST.sub("", named).replace("<br>", "") == ""
    assert tests, "no test shows it"
    for path, name in tests:
        assert (ROOT / path).is_file(), f"there is no {path}"
        assert name in functions_of(path), f"{path} has no {name}"
    assert any(functions_of(path)[name] for path, name in tests), "none of its tests runs everywhere"
