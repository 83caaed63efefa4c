"""What a feed file may say of files that are picked, and what its patterns mean."""

import re
import tomllib
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from indexer.feeds.patterns import literal_prefix, matches, pattern_problem
from indexer.feeds.sources import FileSource, PickedSource
from indexer.feeds.transports import TRANSPORTS
from registry.settings import ROOT

DATE = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"path": ""}, "path is empty"),
        ({"path": ()}, "path is empty"),
        ({"path": ("a", "")}, "path is empty"),
        ({"path": "[z-a]"}, "path '[z-a]' is no pattern"),
        ({"delta": "*"}, 'delta needs pick = "each"'),
        ({"settle_s": -1}, "settle_s and max_fetch_s"),
        ({"stamp": "name"}, "belong together"),
        ({"stamp_pattern": DATE}, "belong together"),
        ({"stamp": "name", "stamp_pattern": "("}, "no regular expression"),
        ({"stamp": "name", "stamp_pattern": "(?P<year>.)(?P<month>.)"}, "lacks the group day"),
        ({"stamp": "member", "stamp_pattern": (DATE, DATE)}, ""),
    ],
)
def test_keys_that_make_no_sense_are_told_of(keys: dict[str, Any], problem: str) -> None:
    told = replace(FileSource(path="x"), **keys).problem()
    assert problem in told
    assert bool(told) == bool(problem)


@pytest.mark.parametrize(
    ("pattern", "name", "matched"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "b/a.csv", False),
        ("**/*.csv", "c/b/a.csv", True),
        ("**/*.csv", "a.csv", True),
        ("b/**", "b/c/a.csv", True),
        ("?.csv", "a.csv", True),
        ("?.csv", "/.csv", False),
        ("[ab].csv", "a.csv", True),
        ("[!ab].csv", "a.csv", False),
        ("[0-9].csv", "5.csv", True),
        ("a[.csv", "a[.csv", True),
        ("[]].csv", "].csv", True),
        ("a.csv", "aXcsv", False),
        ("A.csv", "a.csv", False),
        ("*.csv", "a\nb.csv", True),
        (r"[\^].csv", "^.csv", True),
    ],
)
def test_patterns_match_as_a_shell_does(pattern: str, name: str, matched: bool) -> None:
    assert matches(name, pattern) is matched
    assert pattern_problem(pattern) == ""


@pytest.mark.parametrize(("pattern", "prefix"), [("a/b*.csv", "a/b"), ("a[1].csv", "a"), ("a.csv", "a.csv")])
def test_the_literal_beginning_of_a_pattern_is_known(pattern: str, prefix: str) -> None:
    assert literal_prefix(pattern) == prefix


def test_every_picked_source_picks_alike() -> None:
    keys = {"path", "pick", "delta", "stamp", "stamp_pattern", "ignore", "settle_s", "done_suffix", "members"}
    for source in PickedSource.__subclasses__():
        assert keys <= set(source.__struct_fields__)


DOCUMENTED = {"file", "sftp", "objects", "http", "socrata", "fhir-bulk"}


@pytest.mark.parametrize("transport", sorted(DOCUMENTED))
def test_every_key_of_a_source_is_documented(transport: str) -> None:
    docs = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    missing = [name for name in TRANSPORTS[transport].source.__struct_fields__ if f"`{name}`" not in docs]
    assert not missing
    assert f"`{transport}`" in docs


def test_the_examples_in_the_documentation_are_right() -> None:
    docs = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    examples = [
        tomllib.loads(text)["source"]
        for text in re.findall(r"```toml\n(\[source\]\n.*?)```", docs, re.DOTALL)
    ]
    assert {example["transport"] for example in examples} >= {"file", "sftp"}
    for example in examples:
        source = msgspec.convert(
            {key: value for key, value in example.items() if key != "transport"},
            TRANSPORTS[example["transport"]].source,
        )
        assert source.problem() == ""
