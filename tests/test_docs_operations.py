"""docs/operations.md is run from top to bottom as it stands; and every command, option and setting of all pages exists."""

import csv
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from indexer.cli import main as indexer
from registry.cli import main as registry
from registry.settings import CONFIG, ROOT, Settings
from tests.indexer.feeds import hosp_xml_text as hosp
from tests.indexer.feeds.test_shipped_lists import DOCTOR
from tests.support.world import KEYS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATIONS = ROOT / "docs" / "operations.md"
GROUPS: dict[str, click.Group] = {"indexer": indexer, "registry": registry}
SUSPENDED = {"Registration Status": "Suspended"}
# Where the number of a run stands in what is printed.
RUN = re.compile(r"(?:(?<=[Rr]un )|(?<=approve )|(?<=approve of )|(?<=rollback of ))\d+|^ +\d+(?=  \d{4}-)")
ABOUT_RUN = re.compile(r"(approve|rollback|receipt) (\d+)")
# What differs from one run of this page to the next.
VARIES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?=  )")


def doctors(path: Path, day: int, people: Mapping[int, Mapping[str, str]]) -> None:
    """Write a list of the GMC as of a day in June 2026."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, DOCTOR)
        writer.writeheader()
        for number, rest in people.items():
            writer.writerow(
                {**DOCTOR, "GMC Ref No": str(7_000_000 + number), "Surname": f"Test{number}", **rest}
            )
    moment = datetime(2026, 6, day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def write_lists(folder: Path) -> None:
    """Write what the authorities send in the page's story."""
    everyone: dict[int, Mapping[str, str]] = {number: {} for number in range(40)}
    few = {number: everyone[number] for number in range(15)}
    doctors(folder / "lrmp-2026-06-01.csv", 1, everyone)
    doctors(folder / "lrmp-delta-2026-06-02.csv", 2, {3: SUSPENDED, 40: {}})
    doctors(folder / "lrmp-2026-06-08.csv", 8, few | {3: SUSPENDED, 5: SUSPENDED, 41: {}})
    right = everyone | {3: SUSPENDED, 5: SUSPENDED, 40: {}, 41: {}}
    wrong = {number: {"Registration Status": "Registered without a Licence"} for number in range(6, 14)}
    doctors(folder / "lrmp-2026-06-15.csv", 15, right | wrong)
    doctors(folder / "lrmp-2026-06-16.csv", 16, right)


def write_feeds(house: Path) -> None:
    """Write the feed files: the shipped ones, and a small register and list that share a person."""
    feeds = house / "feeds"
    feeds.mkdir()
    for name in ("gmc", "hosp", "protected-titles"):
        text = (CONFIG / "feeds" / f"{name}.toml").read_text("utf-8")
        (feeds / f"{name}.toml").write_text(
            re.sub(r"^settle_s = .*$", "settle_s = 0.0", text, flags=re.MULTILINE), "utf-8"
        )
        (house / "var" / "feeds" / name).mkdir(parents=True)
    other, third = "199001019802", "199001029801"
    people = (hosp.person("100001", licences=hosp.licence()), hosp.person("100002", licences=hosp.licence()))
    register = hosp.document(people[0], people[1].replace(hosp.NUMBER, other))
    (house / "var/feeds/hosp/hosp.xml").write_text(register, "utf-8")
    header = "Diarienummer;Personnummer;Namn;Beslutsdatum;Skyddade personuppgifter"
    rows = (f"{number}-2024;{person};Lind, Anna;2024-03-01;" for number, person in ((17, other), (18, third)))
    (house / "var/feeds/protected-titles/titles.csv").write_text("\n".join([header, *rows, ""]), "utf-8")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    write_lists(incoming)
    write_feeds(tmp_path)
    environ = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": f"sqlite:///{tmp_path / 'registry.db'}",
        "REGISTRY_SEARCH__TANTIVY__PATH": str(tmp_path / "index"),
        "REGISTRY_FEEDS_DIR": str(tmp_path / "feeds"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(registry, ["migrate"], catch_exceptions=False)
    return tmp_path


def examples(page: Path) -> list[tuple[str, list[str]]]:
    """Return the page's commands, each with the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def run(command: str) -> list[str]:
    words = shlex.split(command)
    if words[0] == "cp":
        shutil.copy2(words[-2], words[-1])
        return []
    result = CliRunner().invoke(GROUPS[words[0]], words[1:])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    # What is logged goes to standard error too, and is no part of the page.
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    return result.stdout.splitlines() + errors


def test_the_page_is_what_happens(house: Path) -> None:
    assert house.is_dir()
    runs: dict[str, str] = {}
    for command, expected in examples(OPERATIONS):
        printed = run(_of_this_time(command, runs))
        assert len(printed) == len(expected), (command, printed)
        for shown, line in zip(expected, printed, strict=True):
            numbers = zip(RUN.findall(shown), RUN.findall(line), strict=True)
            runs |= {here.strip(): now.strip() for here, now in numbers}
            assert _matches(shown, line), (command, line)


def _of_this_time(command: str, runs: Mapping[str, str]) -> str:
    """Put the numbers that runs have this time in place of the page's."""
    return ABOUT_RUN.sub(lambda found: f"{found[1]} {runs.get(found[2], found[2])}", command)


def _matches(shown: str, line: str) -> bool:
    shown, line = (VARIES.sub("", RUN.sub("0", text)) for text in (shown, line))
    return re.fullmatch(re.escape(shown).replace(r"\.\.\.", ".*"), line) is not None


def commands(text: str) -> Iterable[tuple[str, str]]:
    """Give every `indexer ...` and `registry ...` in code, with the rest of its line or span."""
    code = re.findall(r"^```(?:sh|console|ini)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = [
        line.partition("#")[0]
        for block in code
        for line in block.splitlines()
        if not line.startswith("Error")
    ]
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    for piece in [*lines, *spans]:
        for part in re.split(r"&&|\||;", piece):
            if found := re.match(r"(?:\$ |ExecStart=\S*/)?(indexer|registry) (\S.*)", part.strip()):
                yield found[1], found[2].partition(">")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_of_the_page_exists(page: Path) -> None:
    for group, rest in commands(page.read_text("utf-8")):
        name, *words = rest.split()
        found = GROUPS[group].commands.get(name)
        while isinstance(found, click.Group) and words and not words[0].startswith("-"):
            found = found.commands.get(words.pop(0))
        assert found, f"{page.name}: {group} {rest}"
        known = {option for parameter in found.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, f"{page.name}: {group} {rest}"


def test_every_command_is_told_of_in_the_docs_of_operating() -> None:
    told = {
        name
        for group, rest in commands(OPERATIONS.read_text("utf-8"))
        if group == "indexer"
        for name in rest.split()[:1]
    }
    # The sandbox is no part of operating; what feeds there are is told in docs/feeds.md.
    assert set(indexer.commands) - {"sandbox", "feeds"} <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_of_the_page_exists(page: Path) -> None:
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for name, key in re.findall(rf"`({'|'.join(sections)})\.([a-z_]+)`", page.read_text("utf-8")):
        assert key in {field.name for field in msgspec.structs.fields(sections[name])}, (
            f"{page.name}: {name}.{key}"
        )


def anchors(page: Path) -> set[str]:
    headings = re.findall(
        r"^#+ (.+)$",
        re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE),
        re.MULTILINE,
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_the_page_leads_somewhere(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(((?!https?:)[^)#\s]*)#?([^)\s]*)\)", page.read_text("utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
