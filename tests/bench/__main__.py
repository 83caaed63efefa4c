"""`python -m tests.bench [SIZES] [--house small|large] [--ingest N] [--index N] [--search N] [--lists N] [--log N] [--output FILE]`: measure and write docs/benchmarks.md."""

from collections.abc import Sequence
from pathlib import Path

import click

from registry.settings import ROOT
from tests.bench import (
    index_scale,
    index_scale_report,
    ingest,
    ingest_report,
    ledger,
    ledger_report,
    lists,
    lists_report,
    search_scale,
    search_scale_report,
)
from tests.bench.houses import HOUSES
from tests.bench.ingest_jobs import FORMS
from tests.bench.limits import Limits
from tests.bench.report import write
from tests.bench.run import measure

SIZES = (20_000, 200_000)
INGEST = (100_000, 1_000_000)
INDEX = (1_000_000,)
SEARCH = (100_000, 1_000_000)
LISTS = (1_000_000,)
LOG = (1_000_000,)
PARTS = ("houses", "ingest", "index", "search", "lists", "log")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("sizes", nargs=-1, type=click.IntRange(min=100))
@click.option("--house", type=click.Choice(HOUSES), multiple=True, help="Only this house; both if left out.")
@click.option(
    "--ingest",
    "licences",
    type=click.IntRange(min=100),
    multiple=True,
    help="Load registers of so many licences.",
)
@click.option(
    "--form", type=click.Choice(FORMS), multiple=True, help="Load only this format; all if left out."
)
@click.option(
    "--database", type=click.Choice(ingest.DATABASES), multiple=True, help="Load only into this one."
)
@click.option(
    "--index",
    "indexed",
    type=click.IntRange(min=100),
    multiple=True,
    help="Build the search index of so many licences.",
)
@click.option(
    "--search",
    "searched",
    type=click.IntRange(min=100),
    multiple=True,
    help="Search a register of so many people.",
)
@click.option(
    "--lists",
    "listed",
    type=click.IntRange(min=100),
    multiple=True,
    help="Check staff lists in a registry of so many licences.",
)
@click.option(
    "--log",
    "logged",
    type=click.IntRange(min=100),
    multiple=True,
    help="Seal and verify an access log of so many events.",
)
@click.option("--only", type=click.Choice(PARTS), help="Measure only this part; all if left out.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=ROOT / "docs" / "benchmarks.md",
    help="Where the report goes [default: docs/benchmarks.md].",
)
def main(
    *,
    sizes: tuple[int, ...],
    house: tuple[str, ...],
    licences: tuple[int, ...],
    form: tuple[str, ...],
    database: tuple[str, ...],
    indexed: tuple[int, ...],
    searched: tuple[int, ...],
    listed: tuple[int, ...],
    logged: tuple[int, ...],
    only: str | None,
    output: Path,
) -> None:
    """Measure pull, publish, rebuild, search and verify beside their floors, for SIZES people (20000 200000).

    Then load registers of 100000 and 1000000 licences in each format into each database (`--ingest`), and build, compare and
    change the search index of 1000000 licences in each house (`--index`), and search registers of 100000 and 1000000 people in
    each house (`--search`), and check staff lists in a registry of 1000000 licences on PostgreSQL and OpenSearch (`--lists`),
    and seal and verify an access log of 1000000 events in each database (`--log`).
    REGISTRY_BENCH_REQUESTS (default 400) bounds the requests asked one after the other, REGISTRY_BENCH_SECONDS
    (default 10) each run of 8 clients at once.
    """
    if only in {None, "houses"}:
        _houses(sizes or SIZES, house, output)
    if only in {None, "ingest"}:
        asked = licences or INGEST
        loads = []
        for load in ingest.measure(asked, click.echo, form or FORMS, database or ingest.DATABASES):
            loads.append(load)
            ingest_report.put(output, loads, asked)
    if only in {None, "index"}:
        _index(indexed or INDEX, house or HOUSES, output)
    if only in {None, "search"}:
        _search(searched or SEARCH, house or HOUSES, output)
    if only in {None, "lists"}:
        _lists(listed or LISTS, house or ("large",), output)
    if only in {None, "log"}:
        _log(logged or LOG, database or ingest.DATABASES, output)
    click.echo(f"Written: {output.relative_to(Path.cwd()) if output.is_relative_to(Path.cwd()) else output}")


def _houses(sizes: Sequence[int], house: tuple[str, ...], output: Path) -> None:
    limits = Limits.from_environment()
    measured = []
    for people in sizes:
        for one in measure(people, house or HOUSES, limits, click.echo):
            measured.append(one)
            write(output, measured, sizes, house)


def _index(sizes: Sequence[int], houses: Sequence[str], output: Path) -> None:
    measured = []
    for one in index_scale.measure(sizes, click.echo, houses):
        measured.append(one)
        index_scale_report.put(output, measured, sizes)


def _search(sizes: Sequence[int], houses: Sequence[str], output: Path) -> None:
    measured = []
    for one in search_scale.measure(sizes, Limits.from_environment(), click.echo, houses):
        measured.append(one)
        search_scale_report.put(output, measured, sizes)


def _lists(sizes: Sequence[int], houses: Sequence[str], output: Path) -> None:
    measured = []
    for one in lists.measure(sizes, click.echo, houses):
        measured.append(one)
        lists_report.put(output, measured, sizes)


def _log(sizes: Sequence[int], databases: Sequence[str], output: Path) -> None:
    measured = []
    for one in ledger.measure(sizes, click.echo, databases):
        measured.append(one)
        ledger_report.put(output, measured, sizes)


if __name__ == "__main__":
    main()
