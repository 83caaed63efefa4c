"""`python -m tests.eval [--set NAME|PATH] [--engine ENGINE] ...`: ask the sets and write docs/matching.md."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from registry.matching.model import Model, load_model
from registry.settings import ROOT
from tests.bench import machine
from tests.bench.blocks import Block
from tests.eval import febrl, nordic, own_set, report
from tests.eval.febrl import SetMissingError
from tests.eval.house import ENGINES, engine_version
from tests.eval.model import EvalSet
from tests.eval.run import Evaluated, evaluate, quiet
from tests.eval.tables import table

SETS = ("nordic", *febrl.FILES)
PEOPLE, QUESTIONS = 20_000, 5_000
# Not among the seeds that the model is fitted with (tests.eval.fit).
SEED = 1
OUTPUT = ROOT / "docs" / "matching.md"
HEADS = ("set", "engine", "recall@1", "recall@10", "recall at ≤ 1 %", "recall at ≤ 0.1 %")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--set",
    "sets",
    multiple=True,
    help=f"{', '.join(SETS)}, or a CSV file or folder of your own (docs/matching.md); may be repeated [default: all]. ",
)
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="[default: tantivy]")
@click.option(
    "--people", type=click.IntRange(min=10), default=PEOPLE, show_default=True, help="Of the Nordic register."
)
@click.option(
    "--questions", type=click.IntRange(min=1), default=QUESTIONS, show_default=True, help="At most, a set."
)
@click.option(
    "--seed", type=int, default=SEED, show_default=True, help="Of the Nordic set and of the halves."
)
@click.option("--parts", is_flag=True, help="Ask given and family name apart, not in one box.")
@click.option(
    "--model",
    "model_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Another model file than the shipped one.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=OUTPUT,
    help="Where the report goes [default: docs/matching.md]; only its parts of these sets and engines are replaced.",
)
def main(
    *,
    sets: tuple[str, ...],
    engines: tuple[str, ...],
    people: int,
    questions: int,
    seed: int,
    parts: bool,
    model_path: Path | None,
    output: Path,
) -> None:
    """Ask known sets of the real engine and matcher, and write how often the right person was found."""
    done: list[Evaluated] = []
    model = load_model(model_path) if model_path else load_model()
    try:
        chosen = [find_set(name, people, questions, seed) for name in sets or SETS]
    except SetMissingError as error:
        raise click.ClickException(str(error)) from error
    for engine in engines or ENGINES[:1]:
        with _running(engine) as url:
            for set_ in chosen:
                how = _how(set_, engine, url, seed, model, parts=parts)
                one = evaluate(set_, engine, seed, click.echo, url=url, parts=parts, model=model)
                done.append(one)
                click.echo("  " + " | ".join(report.headline(one)))
                _put(output, one, how)
    click.echo(table(HEADS, map(report.headline, done), numbers=4))
    click.echo(f"Written: {output.name}")


def find_set(name: str, people: int, questions: int, seed: int) -> EvalSet:
    """Return a set by its name or path, with at most so many questions.

    Raises:
        SetMissingError: there is none; says what to do.
    """
    if name == "nordic":
        return nordic.make(people, questions, seed)
    if name in febrl.FILES:
        made = febrl.load(name)
    elif Path(name).exists():
        made = own_set.load(Path(name))
    else:
        raise SetMissingError(f"There is no set {name}: choose one of {', '.join(SETS)}, or name a CSV file.")
    return EvalSet(made.name, made.register, made.questions[:questions], made.about, made.seed)


@contextmanager
def _running(engine: str) -> Iterator[str]:
    """Start what an engine needs; give its address."""
    if engine == "tantivy":
        yield ""
        return
    from tests.services.opensearch import OpenSearchServer

    with OpenSearchServer(heap="1g") as server:
        yield server.url


def _how(set_: EvalSet, engine: str, url: str, seed: int, model: Model, *, parts: bool) -> str:
    seeds = f"seed {set_.seed}; halves by seed {seed}" if set_.seed is not None else f"halves by seed {seed}"
    asked = "given and family name apart" if parts else "the name in one box"
    versions = f"{engine_version(engine, url)}, Python {machine.describe()['Python']}"
    return f"Asked by {asked} and birth date. {seeds}. {versions}, model of {model.provenance.when}, commit {_commit()}."


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return told.stdout.strip() or "unknown"


def _put(output: Path, one: Evaluated, how: str) -> None:
    """Write a set's section and its row of the first table; those of other sets and engines stay."""
    if not output.exists():
        output.write_text("# How well people are found\n\n", "utf-8")
    headlines = Block("headlines")
    row = report.headline(one)
    kept = [line for line in headlines.kept(output).splitlines() if line.startswith("| ")][1:]
    rows = {tuple(cells[:2]): cells for line in kept if (cells := line.strip("| ").split(" | "))}
    rows[row[:2]] = list(row)
    headlines.put(output, table(HEADS, [rows[key] for key in sorted(rows)], numbers=4))
    Block(f"eval {one.set.name} {one.engine}").put(output, report.section(one, how))


if __name__ == "__main__":
    quiet()
    main()
