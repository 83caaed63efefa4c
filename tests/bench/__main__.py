"""`python -m tests.bench [SIZES] [--house small|large] [--output FILE]`: measure and write docs/benchmarks.md."""

from pathlib import Path

import click

from registry.settings import ROOT
from tests.bench.houses import HOUSES
from tests.bench.limits import Limits
from tests.bench.report import write
from tests.bench.run import measure

SIZES = (20_000, 200_000)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("sizes", nargs=-1, type=click.IntRange(min=100))
@click.option("--house", type=click.Choice(HOUSES), multiple=True, help="Only this house; both if left out.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=ROOT / "docs" / "benchmarks.md",
    help="Where the report goes [default: docs/benchmarks.md].",
)
def main(sizes: tuple[int, ...], house: tuple[str, ...], output: Path) -> None:
    """Measure pull, publish, rebuild, search and verify beside their floors, for SIZES people (20000 200000).

    REGISTRY_BENCH_REQUESTS (default 400) bounds the requests asked one after the other, REGISTRY_BENCH_SECONDS
    (default 10) each run of 8 clients at once.
    """
    sizes, houses = sizes or SIZES, house or HOUSES
    limits = Limits.from_environment()
    measured = []
    for people in sizes:
        for one in measure(people, houses, limits, click.echo):
            measured.append(one)
            write(output, measured, sizes, house)
    click.echo(f"Written: {output.relative_to(Path.cwd()) if output.is_relative_to(Path.cwd()) else output}")


if __name__ == "__main__":
    main()
