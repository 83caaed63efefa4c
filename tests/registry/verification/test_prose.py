"""Rules as prose, and `registry rules`: what a lawyer reads is what decides."""

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from registry.cli import main
from registry.settings import CONFIG
from registry.verification import rules as loading
from registry.verification.prose import ANSWERS, FACTS, NATURES, TIMES, explain
from registry.verification.ruleset import Answer, LicenceRule, Nature, Outcome, RuleSet
from registry.verification.situation import FEATURES, RESTRICTION_TIMES
from registry.vocabulary import Language
from tests.registry.verification.people import rule_book, vocabulary
from tests.registry.verification.test_rules import damaged, dated, drop, put

IN_USE = rule_book().sets[-1]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["rules", *arguments])
    return result.exit_code, result.output


def prose(rules: RuleSet = IN_USE, language: Language = "sv", until: str = "") -> str:
    return explain(rules, vocabulary(), language, until)


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_every_value_of_every_condition_has_words_in_both_languages() -> None:
    for feature, values in FEATURES.items():
        if feature != "status":  # these have theirs in the vocabulary
            assert set(FACTS[feature]) == set(values)
    assert set(TIMES) == set(RESTRICTION_TIMES)
    assert set(NATURES) == set(get_args(Nature))
    assert set(ANSWERS) == {*get_args(Answer), "remark"}
    pairs = [*TIMES.values(), *NATURES.values(), *ANSWERS.values()]
    pairs += [pair for words in FACTS.values() for pair in words.values()]
    assert all(sv.strip() and en.strip() and sv != en for sv, en in pairs)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_rule_and_outcome_stands_there_once_in_order_with_its_text_and_source(
    language: Language,
) -> None:
    text = prose(language=language)
    everything: list[LicenceRule | Outcome] = [*IN_USE.licence_rules, *IN_USE.outcomes]
    heads = re.findall(r"^(\d+)\. \S+  \(([a-z-]+)\)$", text, re.MULTILINE)
    assert heads == [(str(number), each.id) for number, each in enumerate(everything, start=1)]
    plain = unwrapped(text)
    for each in everything:
        assert unwrapped(getattr(each, language)) in plain
        assert unwrapped(getattr(each.source, language)) in plain
    assert max(map(len, text.splitlines())) <= 100


def test_conditions_are_told_in_words() -> None:
    text = unwrapped(prose(language="en"))
    assert (
        "5. NO (revoked) If a restriction (licence revoked) is in force on the day. Kind: a sanction" in text
    )
    assert (
        "8. ASK (learnt-later) If the term has not ended or the dates do not show whether the term has ended; and the "
        "registry learnt it only after the day. Kind: uncertain Mere silence"
    ) in text
    assert "14. ASK (feed-never) If the feed has never been read in full." in text
    assert "(ended) If the term has ended. Kind: administrative, no sanction Gives way to another" in text
    swedish = unwrapped(prose())
    assert (
        "5. NEJ (revoked) Om en begränsning (återkallad legitimation) gäller den dagen. Slag: en påföljd"
        in swedish
    )
    assert "Om statusen är ”återkallad”." in swedish


def test_what_is_never_a_yes_is_told() -> None:
    text = unwrapped(prose(language="en"))
    _, _, never = text.partition("the answer is never yes if")
    never, _, neither = never.partition("the answer is neither yes nor no if")
    for told in ("the person is deceased", "the term has ended", "the feed is older than it promises"):
        assert f"- {told}" in never
    assert "a restriction (licence revoked) is in force on the day or is perhaps in force on the day" in never
    assert "probation" not in never
    assert "has sent something newer that waits for review" in neither


def test_the_days_of_a_set_and_that_it_is_replaced_are_told(tmp_path: Path) -> None:
    assert "from 2011-01-01 to and including 2026-12-31." in prose(language="en", until="2026-12-31")
    replaced = loading.read_rules(
        damaged(lambda rules: rules.update({"replaced-by": "2027"}), tmp_path) / "rules.toml"
    )
    assert "Replaced by version 2027" in prose(replaced, "en")


def test_the_command_prints_the_set_of_a_day_or_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = run("explain")
    assert (code, text) == (0, prose())
    dated(tmp_path, "a.toml", "old", date(2011, 1, 1))
    dated(tmp_path, "b.toml", "new", date(2020, 1, 1))
    monkeypatch.setattr(loading.load_rules, "__defaults__", (tmp_path,))
    assert "version old" in run("explain", "--on", "2019-12-31")[1]
    assert "till och med 2019-12-31" in run("explain", "--on", "2012-01-01")[1]
    assert "version new" in run("explain", "--on", "2020-01-01")[1]
    assert "Rules, version old" in run("explain", "--version", "old", "--lang", "en")[1]
    code, text = run("explain", "--version", "lost")
    assert code == 1
    assert "There is no rule set lost; there are: old, new." in text
    code, text = run("explain", "--version", "old", "--on", "2012-01-01")
    assert code == 2
    assert "not both" in text
    code, text = run("check")
    assert code == 0
    assert text.splitlines()[-1] == "The rules are sound."
    assert "Version new, for days from 2020-01-01: 30 rules" in text


def test_a_file_is_tried_before_it_is_put_in_use(tmp_path: Path) -> None:
    [path] = sorted((CONFIG / "verdict").glob("*.toml"))[-1:]
    code, text = run("check", str(path))
    assert code == 0
    assert f"{path.name}: Version {IN_USE.version}" in text
    for change, told in (
        (drop("lapsed"), "no rule covers status lapsed"),
        (put("lapsed", answer="maybe"), "Invalid enum value 'maybe'"),
        (put("probation", sv=""), "rule 'probation' has no text in `sv`"),
    ):
        folder = tmp_path / told[:10]
        folder.mkdir()
        code, text = run("check", str(damaged(change, folder) / "rules.toml"))
        assert code == 1
        assert "Rule set rules.toml" in text
        assert told in text
