"""`python -m tests.eval.fit`: estimate the parameters of the match model, and write config/matching/model.toml.

Everything comes from synthetic Nordic people of seeds that are never used to evaluate; no other set is looked at. What
they can't tell stays as it is in the file: the features that they lack (licence number, profession, county), how a
name's frequency moves its weight, and the rules of the levels.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from math import log2
from pathlib import Path

import click
import msgspec

from registry.matching.estimate import written
from registry.matching.model import MODEL, Levels, Model, Provenance, faults, load_model
from tests.eval import estimate, nordic
from tests.eval.asking import Answer
from tests.eval.metrics import NOTHING
from tests.eval.model import EvalSet
from tests.eval.run import evaluate, quiet

SEEDS = (101, 102, 103)
THRESHOLD_SEED = 104
_PEOPLE, _QUESTIONS, _PAIRS = 20_000, 6_000, 150_000
STRONG, POSSIBLE = 0.001, 0.01
# However few of the absent come near: at least a hundred to one that it is the person, as the model reckons.
LEAST_STRONG = 6.6
# However many do: whom five to one speaks for is not passed over in silence; all that `possible` costs is a look.
MOST_POSSIBLE = 2.3
_LOWEST = -60.0
Say = Callable[[str], None]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--people", type=click.IntRange(min=100), default=_PEOPLE, show_default=True)
@click.option("--questions", type=click.IntRange(min=50), default=_QUESTIONS, show_default=True)
@click.option("--pairs", type=click.IntRange(min=1000), default=_PAIRS, show_default=True, help="A seed.")
@click.option("--keep-thresholds", is_flag=True, help="Only the weights; thresholds stay as they are.")
@click.option(
    "--model",
    "path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=MODEL,
    help="The file to begin with and to write [default: config/matching/model.toml].",
)
def main(*, people: int, questions: int, pairs: int, keep_thresholds: bool, path: Path) -> None:
    """Estimate weights and thresholds of the match model on synthetic people."""
    begun = load_model(path)
    sets = [nordic.make(people, questions, seed) for seed in SEEDS]
    click.echo(f"Counting {len(sets)} sets of {people:,} people, {questions:,} questions.")
    fitted = estimate.refitted(begun, *estimate.count(sets, pairs))
    how = (
        f"m and u: outcomes of {len(sets) * questions:,} pairs of one person and {len(sets) * pairs:,} random pairs, "
        f"and as many that the odds set by hand stand for (tests/eval/data/prior.toml); pooled where a feature's order asks for it"
    )
    if not keep_thresholds:
        fitted = with_thresholds(fitted, nordic.make(people, questions // 2, THRESHOLD_SEED), click.echo)
        how += (
            f"; strong_bits and possible_bits: at most {STRONG:.1%} and {POSSIBLE:.1%} of the questions about people who "
            f"were withheld from a register of {people // 2:,} came to that score or above, namesakes whom nothing speaks against left out; but strong_bits at least {LEAST_STRONG} "
            f"(a hundred to one) and possible_bits at most {MOST_POSSIBLE} (five to one)"
        )
    data = (
        f"synthetic Nordic people (tests/eval/nordic.py), seeds {', '.join(map(str, SEEDS))}"
        f" for the weights, {THRESHOLD_SEED} for the thresholds, {people:,} people each"
    )
    done = msgspec.structs.replace(
        fitted, provenance=Provenance(how=how, data=data, when=f"{datetime.now(UTC):%Y-%m-%d}")
    )
    if wrong := faults(done):
        raise click.ClickException("; ".join(wrong))
    path.write_text(written(done, head(path)), "utf-8")
    click.echo(f"Written: {path.name}")


def with_thresholds(model: Model, set_: EvalSet, say: Say) -> Model:
    """Return the model with the thresholds that people who are absent ask for; half of a register is withheld, each half once."""
    # With the lowest thresholds a level tells what the rules above the score leave open. Whom nothing speaks against is possible
    # by rule: a namesake who is asked for without a date is not the threshold's to decide.
    low = msgspec.structs.replace(
        model.levels, strong_bits=_LOWEST, possible_bits=_LOWEST, name_bits=-_LOWEST
    )
    open_ = msgspec.structs.replace(model, levels=low)
    absent = evaluate(set_, "tantivy", THRESHOLD_SEED, say, model=open_, only_absent=True).absent
    prior = log2(max(len(set_.register) // 2, model.levels.fewest_people))
    return msgspec.structs.replace(model, levels=thresholds(model.levels, absent, prior))


def head(path: Path) -> str:
    """Return the comment at the top of a model file, without its marks."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
    return "\n".join(line.removeprefix("#").strip() for line in lines)


def thresholds(levels: Levels, absent: Sequence[Answer], prior: float) -> Levels:
    """Return levels with the lowest thresholds that at most so many of the absent reach.

    Args:
        levels: as they are.
        absent: answers about people who are not in the register, given with the lowest thresholds.
        prior: log2 of the register's size.
    """
    strong = _above([_best(answer, ("exact", "strong")) for answer in absent], STRONG) - prior
    possible = _above([_best(answer, ("exact", "strong", "possible")) for answer in absent], POSSIBLE) - prior
    strong, possible = max(strong, LEAST_STRONG), min(possible, MOST_POSSIBLE)
    return msgspec.structs.replace(
        levels, strong_bits=round(strong, 1), possible_bits=round(min(possible, strong), 1)
    )


def _best(answer: Answer, levels: Sequence[str]) -> float:
    return max((one.score for one in answer.ranked if one.level in levels), default=NOTHING)


def _above(scores: Sequence[float], rate: float) -> float:
    """Return the lowest threshold, in tenths of a bit, that at most `rate` of the scores reach; `_LOWEST` if any does."""
    ordered = sorted(scores, reverse=True)
    kept = int(rate * len(ordered) + 1e-9)
    if kept >= len(ordered) or ordered[kept] == NOTHING:
        return _LOWEST
    return math.floor(ordered[kept] * 10 + 1) / 10


if __name__ == "__main__":
    quiet()
    main()
