"""docs/feeds.md and what it leads to: the example of a new format is run, and what is named exists."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given

from indexer.cli_changes import pulled
from indexer.feeds import BadRow, load_feed, load_feeds, one_by_one
from indexer.feeds import formats as formats_module
from indexer.feeds.descriptor import Authority, FeedDescriptor, Limits, Schedule
from indexer.feeds.formats import FORMATS, Format
from indexer.feeds.options import FormatOptions
from indexer.feeds.transports import TRANSPORTS
from indexer.pull import Puller, Report
from registry.records import read
from registry.records import tables as t
from registry.settings import CONFIG, ROOT
from registry.vocabulary import Vocabulary, load_vocabulary
from tests.indexer.feeds.fuzzing import EXAMPLES, assert_holds, mutated
from tests.support.world import World

DOCS = ROOT / "docs"
FEEDS = (DOCS / "feeds.md").read_text("utf-8")
FORM = "trades"


def section(heading: str) -> str:
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^## |\Z)", FEEDS, re.DOTALL | re.MULTILINE)
    assert match, f"docs/feeds.md has lost its section {heading!r}"
    return match[1]


def blocks(kind: str, first: str = "") -> list[str]:
    """Return the code blocks of a kind in the section about a new format, that begin so."""
    found = re.findall(rf"^```{kind}\n(.*?)^```$", section("A new format"), re.DOTALL | re.MULTILINE)
    return [block for block in found if block.startswith(first)]


(REGISTER,) = blocks("text")
PULLED, STATUS, CUT = (line for block in blocks("console") for line in block.splitlines() if line[0] != "$")


@pytest.fixture
def trades(monkeypatch: pytest.MonkeyPatch) -> Iterator[Format]:
    """The format of the page: its two modules made from what stands there, and registered for one test."""
    modules = {
        re.sub(r"\.py\n.*", "", block[2:], flags=re.DOTALL).replace("/", "."): block
        for block in blocks("python", "# indexer/")
    }
    assert list(modules) == [f"indexer.feeds.{FORM}", f"indexer.normalize.{FORM}"]
    for name, code in modules.items():
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(code, f"docs/feeds.md: {name}", "exec"), module.__dict__)
    imports, registration = (block for block in blocks("python") if not block.startswith("#"))
    exec(imports + registration, dict(vars(formats_module)))
    yield FORMATS[FORM]
    del FORMATS[FORM]


@pytest.fixture
def feed(trades: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeedDescriptor:
    """The feed of the page, with its register where it says."""
    assert isinstance(trades, Format)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "var" / "feeds" / FORM
    folder.mkdir(parents=True)
    (folder / "register.txt").write_text(REGISTER, "utf-8")
    (description,) = blocks("toml", "# config/feeds/")
    (tmp_path / "trades.toml").write_text(description, "utf-8")
    return load_feed(tmp_path / "trades.toml")


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    (words,) = blocks("toml", "# config/vocabulary/")
    for name in ("professions.toml", "terms.toml"):
        (folder / name).write_bytes((CONFIG / "vocabulary" / name).read_bytes())
    (folder / "trades.toml").write_text(words, "utf-8")
    return load_vocabulary(folder)


def pull(world: World, feed: FeedDescriptor, vocabulary: Vocabulary) -> Report:
    return Puller(world.engine, world.sealer, vocabulary, world.settings.indexer).pull(feed)


def test_the_new_format_does_what_the_page_says(
    small_world: World, feed: FeedDescriptor, vocabulary: Vocabulary
) -> None:
    report = pull(small_world, feed, vocabulary)
    with small_world.engine.connect() as connection:
        found = read.practitioners(connection, list(connection.scalars(sa.select(t.practitioner.c.id))))
        (bad,) = connection.execute(sa.select(t.quarantined_record)).all()

    assert pulled(report) == PULLED
    assert f"row {bad.row_number} {bad.key} {bad.field}: {bad.reason} | {bad.echo}" == STATUS
    licences = [(p.names[0].text, one.facts) for p in found.values() for one in p.licences]
    licences.sort(key=lambda found: found[1].number)
    assert [
        (name, one.number, one.profession, one.status, one.issued, [r.kind for r in one.restrictions])
        for name, one in licences
    ] == [
        ("Åsa Märta Öberg", "4711", "physiotherapist", "active", "2005-06-03", []),
        ("Bo Lind", "4712", "optician", "revoked", "1999-01-15", []),
        ("Cleo Ek", "4713", "optician", "restricted", "2011-09-20", ["probation"]),
    ]


def test_a_register_without_its_last_line_changes_nothing(
    small_world: World, feed: FeedDescriptor, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    pull(small_world, feed, vocabulary)
    whole = tmp_path / "var" / "feeds" / FORM / "register.txt"
    cut = whole.rename(whole.with_name("cut.txt"))
    cut.write_text(REGISTER.removesuffix("T|4\n"), "utf-8")
    report = pull(small_world, feed, vocabulary)

    assert pulled(report) == CUT
    assert small_world.count(t.source_record, t.source_record.c.gone_run_id.is_(None)) == 3


@hypothesis.settings(
    deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=mutated(REGISTER.encode(), REGISTER.replace("\n", "\r\n").encode()))
def test_whatever_bytes_the_new_format_is_given_it_never_breaks(
    trades: Format, tmp_path: Path, data: bytes
) -> None:
    options = msgspec.convert({"vocabulary": "hosp"}, trades.options)
    found = assert_holds(FORM, options, tmp_path, data)
    assert found["rows"] + found["bad"] + found["refused"] > 0


def test_a_line_that_is_too_long_costs_itself_only(trades: Format, tmp_path: Path) -> None:
    head, _, lind, ek, *_ = REGISTER.splitlines(keepends=True)
    path = tmp_path / "register.txt"
    path.write_text(f"{head}{lind}P|1|{'x' * 500}|GX\n{ek}P|2|{'T|3' * 199}\nT|4\n", "utf-8")
    rows = list(
        one_by_one(trades.parse([path], msgspec.convert({"vocabulary": "hosp"}, trades.options), 100))
    )

    assert [(row.key, isinstance(row, BadRow)) for row in rows] == [
        ("4712", False),
        ("", True),
        ("4713", False),
        ("", True),
    ]


@pytest.mark.parametrize("struct", [FeedDescriptor, Authority, Limits, Schedule, FormatOptions])
def test_every_key_of_a_feed_file_is_told_of(struct: type[msgspec.Struct]) -> None:
    told = set(re.findall(r"`\[?([a-z_]+)\]?`", FEEDS))
    assert set(struct.__struct_fields__) <= told


def test_every_format_is_in_the_table_with_feed_files_of_it() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| .+ \| (`.+\.toml`) \|$", section("Formats"), re.MULTILINE)
    shipped = load_feeds(CONFIG / "feeds")
    table = {(form, Path(name).stem) for form, names in rows for name in re.findall(r"`([^`]+)`", names)}
    own = {name for name, form in FORMATS.items() if form.parse.__module__.startswith("indexer.")}

    assert table == {(feed.format, feed.id) for feed in shipped.values()}
    assert {form for form, _ in table} == own


def test_every_transport_and_each_of_its_keys_is_told_of() -> None:
    text = (DOCS / "transports.md").read_text("utf-8")
    table = "".join(re.findall(r"^\| (`[^|]+) \| .+ \|$", text.split("\n## ")[0], re.MULTILINE))
    assert set(re.findall(r"`([\w-]+)`", table)) - {"transport"} == set(TRANSPORTS)

    places = [DOCS / "formats.md", *(CONFIG / "feeds").glob("*.toml")]
    everything = "\n".join([text, *(place.read_text("utf-8") for place in places)])
    for name, transport in TRANSPORTS.items():
        for key in transport.source.__struct_fields__:
            told = rf"`(source\.)?{key}[` ]|^{key} = |^\[\[source\.{key}\]\]"
            assert re.search(told, everything, re.MULTILINE), f"{name}: {key}"


@pytest.mark.parametrize("page", ["feeds.md", "transports.md", "formats.md"])
def test_every_source_that_is_shown_is_one(page: str) -> None:
    shown = re.findall(
        r"^```toml\n(\[source\].*?)^```$", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for text in shown:
        source = tomllib.loads(text)["source"]
        kind = TRANSPORTS[source.pop("transport")].source
        assert msgspec.convert(source, kind).problem() == ""
    assert shown or page == "transports.md"


def test_nppes_and_gmc_stand_as_they_are_shipped() -> None:
    nppes, gmc = re.findall(
        r"^```toml\n(.*?)^```$", section("Whole register or changes"), re.DOTALL | re.MULTILINE
    )
    shipped = tomllib.loads((CONFIG / "feeds" / "nppes.toml").read_text("utf-8"))["source"]
    shown = tomllib.loads(nppes)["source"]
    assert shipped | shown == shipped
    assert tomllib.loads(gmc)["source"]["pick"] == "each"
