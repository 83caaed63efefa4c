from itertools import pairwise
from pathlib import Path

import pytest

from registry.errors import SettingsError
from registry.matching.estimate import odds, written
from registry.matching.features import BY_NAME, FEATURES
from registry.matching.model import MODEL, faults, load_model

TEXT = MODEL.read_text(encoding="utf-8")


def test_the_model_in_use_is_sound_and_says_where_it_comes_from() -> None:
    model = load_model()
    assert faults(model) == []
    assert all((model.provenance.how, model.provenance.data, model.provenance.when))


def _line(start: str) -> str:
    return next(line for line in TEXT.splitlines() if line.startswith(start))


def _first_outcome(feature: str) -> str:
    after = TEXT.split(f"[features.{feature}]\n", 1)[1]
    return after.splitlines()[0]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (_first_outcome("family_name"), "", "features.family_name.written is missing"),
        (
            _first_outcome("county"),
            _first_outcome("county") + "\nnear = { m = 0.5, u = 0.5 }",
            "county.near is unknown",
        ),
        ("[features.county]", "[features.country]", "features.county is missing"),
        ("[rarity.given_name]", "[rarity.first_name]", "rarity.given_name is missing"),
        (_line("strong_bits"), "strong_bit = 3.0", "strong_bit"),
        (_line("strong_bits"), "strong_bits = -99.0", "possible_bits must not be above strong_bits"),
        (_line("strong_family"), 'strong_family = ["spelled"]', "family_name has no outcome spelled"),
        (_line("strong_further"), 'strong_further = ["lots"]', "further_names has no outcome lots"),
        (_first_outcome("profession"), "same = { m = 0.5, u = 0.25 }", "the values of m add up to"),
        (
            _first_outcome("profession"),
            "same = { m = 0, u = 0.25 }",
            "features.profession.same: m and u must be above 0",
        ),
        (_line("people"), "people = many", "model.toml"),
        ("[provenance]", "[origin]", "origin"),
    ],
)
def test_a_faulty_file_is_refused_and_told_why(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TEXT
    path = tmp_path / "model.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_model(path)
    assert told in str(caught.value)


def test_weights_out_of_order_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    start, rest = TEXT.split("[features.profession]\n", 1)
    end = "\n".join(rest.splitlines()[2:])
    path.write_text(
        f"{start}[features.profession]\nsame = {{ m = 0.1, u = 0.5 }}\ndifferent = {{ m = 0.9, u = 0.5 }}\n{end}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError, match=r"same weighs .* which must not be less than different"):
        load_model(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="config/matching"):
        load_model(tmp_path / "model.toml")


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(written(load_model(), "A comment\n\nof two lines."), encoding="utf-8")
    again = load_model(path)
    for feature in FEATURES:
        assert again.weights(feature.name) == pytest.approx(load_model().weights(feature.name), abs=0.01)
    assert (again.levels, again.rarity, again.provenance) == (
        load_model().levels,
        load_model().rarity,
        load_model().provenance,
    )


def test_counts_become_odds_that_add_up() -> None:
    found = odds("profession", {"same": 95, "different": 5}, {"same": 20, "different": 80})
    assert found["same"].m == pytest.approx(95.5 / 101)
    assert found["same"].bits == pytest.approx(2.2, abs=0.1)
    assert sum(each.u for each in found.values()) == pytest.approx(1)


@pytest.mark.parametrize("feature", [feature.name for feature in FEATURES])
def test_outcomes_that_chance_put_out_of_order_are_pooled(feature: str) -> None:
    kind = BY_NAME[feature]
    weighed = [outcome for outcome in kind.outcomes if outcome not in kind.neutral]
    # The less alike, the more often of one person: all the wrong way around.
    found = odds(
        feature,
        {o: i + 1 for i, o in enumerate(weighed)},
        {o: len(weighed) - i for i, o in enumerate(weighed)},
    )
    assert sum(each.m for each in found.values()) == pytest.approx(1)
    assert sum(each.u for each in found.values()) == pytest.approx(1)
    for chain in kind.chains:
        bits = [found[outcome].bits for outcome in chain if outcome in found]
        assert all(more >= less - 1e-9 for more, less in pairwise(bits))


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="has no outcome near"):
        odds("county", {"near": 1}, {})


def test_every_feature_documents_itself() -> None:
    for feature in FEATURES:
        text = feature.look.__doc__ or ""
        assert text.startswith("Look ")
        assert set(feature.neutral) <= set(feature.outcomes)
        assert {outcome for chain in feature.chains for outcome in chain} <= set(feature.outcomes)
