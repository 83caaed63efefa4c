"""The worked example of docs/feeds.md, read out of the page and run."""

import re
import shutil
from pathlib import Path

import pytest

from indexer.feeds import FeedDescriptor, Fetched, SourceRow, load_feed, one_by_one, parse
from indexer.feeds.tabular_options import TabularColumns, TabularOptions
from indexer.normalize.of_feed import Normalizer
from registry.records.facts import PersonFacts
from registry.settings import CONFIG, Indexer
from registry.vocabulary import Vocabulary, load_vocabulary
from tests.indexer.feeds.workbooks import xlsx

PAGE = Path(__file__).parents[3] / "docs" / "feeds.md"
SECTION = re.compile(r"^## A list as CSV or Excel\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def section() -> str:
    match = SECTION.search(PAGE.read_text("utf-8"))
    assert match, "docs/feeds.md has lost its section about lists"
    return match[1]


def block(kind: str, first: str = "") -> str:
    """Return the section's code block of a kind that begins with `first`."""
    (found,) = re.findall(rf"^```{kind}\n({re.escape(first)}.*?)^```$", section(), re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def feed(tmp_path: Path) -> FeedDescriptor:
    path = tmp_path / "care-titles.toml"
    path.write_text(block("toml", "# config/feeds/care-titles.toml\n"), "utf-8")
    return load_feed(path)


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    for name in ("professions.toml", "terms.toml"):
        shutil.copy(CONFIG / "vocabulary" / name, folder)
    (folder / "care-titles.toml").write_text(block("toml", "# config/vocabulary/care-titles.toml\n"), "utf-8")
    return load_vocabulary(folder)


def read(feed: FeedDescriptor, vocabulary: Vocabulary, settings: Indexer, path: Path) -> list[PersonFacts]:
    fetched = Fetched(parts=(path,), stamp=None, etag="", digest="", not_modified=False)
    rows = list(one_by_one(parse(feed, fetched, settings)))
    assert [row.key for row in rows] == ["00017", "00018", "00019"]
    normalizer = Normalizer(feed, vocabulary)
    return [normalizer.facts(row.payload) for row in rows if isinstance(row, SourceRow)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_worked_example_does_what_the_page_says(
    feed: FeedDescriptor, vocabulary: Vocabulary, settings: Indexer, tmp_path: Path, form: str
) -> None:
    text = block("csv")
    path = tmp_path / "list"
    path.write_text(text, "utf-8")
    if form == "xlsx":
        path.write_bytes(xlsx(*(line.split(";") for line in text.splitlines())))
        description = (tmp_path / "care-titles.toml").read_text("utf-8").replace('"csv"', '"xlsx"')
        (tmp_path / "care-titles.toml").write_text(description, "utf-8")
        feed = load_feed(tmp_path / "care-titles.toml")
    people = read(feed, vocabulary, settings, path)
    assert [
        (
            person.names[0].display(),
            person.identifiers[0].value,
            person.protected,
            licence.number,
            licence.profession,
            licence.status,
            licence.issued,
            licence.valid_to,
            [specialty.text for specialty in licence.specialties],
            [(restriction.kind, restriction.valid_to) for restriction in licence.restrictions],
        )
        for person in people
        for licence in person.licences
    ] == [
        (
            "Åsa Märta Öberg", "198001019804", False, "00017", "assistant-nurse", "active",
            "2024-03-01", None, ["Äldrevård", "Demens"], [],
        ),
        (
            "Bo Lind", "197001019806", False, "00018", "assistant-nurse", "active",
            "2024-04-15", "2027-04-14", [], [("probation", None)],
        ),
        ("Cleo Ek", "198001019812", False, "00019", "assistant-nurse", "revoked", "2024-05-02", None, [], []),
    ]  # fmt: skip


def test_the_page_tells_of_every_key_and_role() -> None:
    told = set(re.findall(r"`([a-z_]+)`", section()))
    of_every_format = {"vocabulary", "jurisdiction"}
    assert set(TabularOptions.__struct_fields__) - of_every_format <= told
    assert set(TabularColumns.__struct_fields__) <= told
