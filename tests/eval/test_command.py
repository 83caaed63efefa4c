"""The commands, at the smallest size, on the real parts."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.matching.model import MODEL, faults, load_model
from tests.eval.__main__ import main
from tests.eval.fit import main as fit
from tests.eval.nordic import make
from tests.eval.run import halves

EARLIER = """# Matching

By hand.

<!-- headlines: begin -->
| set | engine | recall@1 | recall@10 | recall at ≤ 1 % | recall at ≤ 0.1 % |
|---|---|--:|--:|--:|--:|
| febrl9 | tantivy | .333 | .444 | .555 | .666 |
| nordic | tantivy | .999 | .999 | .999 | .999 |
<!-- headlines: end -->

Between.

<!-- eval nordic tantivy: begin -->
An earlier run.
<!-- eval nordic tantivy: end -->

After.
"""


def test_the_evaluation_replaces_its_parts_of_the_report_and_leaves_the_rest(tmp_path: Path) -> None:
    output = tmp_path / "matching.md"
    output.write_text(EARLIER, "utf-8")

    done = CliRunner().invoke(
        main,
        ["--set", "nordic", "--people", "60", "--questions", "15", "--output", str(output)],
        catch_exceptions=False,
    )

    assert done.exit_code == 0, done.output
    text = output.read_text("utf-8")
    assert text.startswith("# Matching\n\nBy hand.\n")
    assert text.index("\nBetween.\n") < text.index("### nordic on tantivy") < text.index("\nAfter.\n")
    assert "An earlier run." not in text
    rows = [line for line in text.splitlines() if line.startswith(("| febrl9", "| nordic"))]
    assert rows[0] == "| febrl9 | tantivy | .333 | .444 | .555 | .666 |"
    assert len(rows) == 2
    assert ".999 |" not in rows[1]
    for told in ("recall@1", "at most 0.1%", "seed 1", "The slowest questions", "kind of error"):
        assert told in text


def test_an_own_set_is_evaluated_in_two_boxes(tmp_path: Path) -> None:
    head = "id,true_id,given,family,birth_date,side\n"
    rows = "".join(f"r{n},p{n},Eva,Bergstad{'a' * n},198{n}-05-03,register\n" for n in range(8))
    asked = "".join(f"q{n},p{n},Eva,Bergstad{'a' * n},198{n}-05-03,question\n" for n in range(8))
    (tmp_path / "mine.csv").write_text(f"{head}{rows}{asked}q9,p99,Ture,Rask,,question\n", "utf-8")
    output = tmp_path / "out.md"

    done = CliRunner().invoke(
        main,
        ["--set", str(tmp_path / "mine.csv"), "--parts", "--output", str(output)],
        catch_exceptions=False,
    )

    assert done.exit_code == 0, done.output
    assert "| mine | tantivy | 1.000" in output.read_text("utf-8")


def test_an_unknown_set_says_what_there_is(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--set", "martians", "--output", str(tmp_path / "out.md")])

    assert done.exit_code == 1
    assert "choose one of nordic, febrl1" in done.output


def test_fitting_writes_a_model_that_is_read_back_and_says_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    shutil.copy(MODEL, path)

    done = CliRunner().invoke(
        fit,
        ["--people", "150", "--questions", "60", "--pairs", "1000", "--model", str(path)],
        catch_exceptions=False,
    )

    assert done.exit_code == 0, done.output
    load_model.cache_clear()
    made, before = load_model(path), load_model()
    assert faults(made) == []
    assert "seeds 101, 102, 103" in made.provenance.data
    assert made.features["family_name"] != before.features["family_name"]
    assert made.features["licence_number"] == before.features["licence_number"]
    assert made.rarity == before.rarity
    assert path.read_text("utf-8").splitlines()[0] == MODEL.read_text("utf-8").splitlines()[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_halves_are_a_partition_by_seed(seed: int) -> None:
    register = make(101, 1, 1).register

    one, two = halves(register, seed)

    assert abs(len(one) - len(two)) == 1
    assert sorted(each.person for each in (*one, *two)) == sorted(each.person for each in register)
    assert halves(register, seed) == (one, two)
    assert halves(register, seed + 1)[0] != one
