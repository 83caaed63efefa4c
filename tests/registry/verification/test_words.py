"""Each word of each authority: from the word, by the vocabulary and the rules, to the answer (`words.toml`)."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer.feeds.options import HospOptions
from indexer.normalize.hosp import HospNormalizer
from registry.records.facts import LicenceFacts, RestrictionFacts
from registry.settings import CONFIG
from registry.verification.verdict import licence_verdict
from registry.vocabulary import fold_word
from tests.registry.verification.people import asked, basis, licence, person, vocabulary

TABLE: dict[str, dict[str, dict[str, list[str]]]] = tomllib.loads(
    Path(__file__).with_name("words.toml").read_text("utf-8")
)
FILES = {
    words["system"]: words
    for path in sorted((CONFIG / "vocabulary").glob("*.toml"))
    if "system" in (words := tomllib.loads(path.read_text("utf-8")))
}
Row = tuple[str, str, str]


def rows(kind: str) -> list[Row]:
    return [
        (system, word, told)
        for system, by_answer in TABLE[kind].items()
        for told, words in by_answer.items()
        for word in words
    ]


def told_of(facts: LicenceFacts) -> str:
    one = licence(**{name: getattr(facts, name) for name in facts.__struct_fields__})
    found = licence_verdict(person(one), one, asked().moment, basis())
    return f"{found.answer} {found.reasons[0].code}"


def facts(**given: Any) -> LicenceFacts:  # noqa: ANN401 - any of its fields
    return LicenceFacts(**{"key": "k", "profession": "physician", "status": "active", **given})


def named(row: Row) -> str:
    return f"{row[0]}: {row[1] or '(none)'}"


@pytest.mark.parametrize("row", rows("statuses"), ids=named)
def test_status_word(row: Row) -> None:
    system, word, told = row
    assert told_of(facts(status=vocabulary().status(system, word), raw_status=word)) == told


@pytest.mark.parametrize("row", rows("restrictions"), ids=named)
def test_restriction_word(row: Row) -> None:
    system, word, told = row
    limit = RestrictionFacts(kind=vocabulary().restriction(system, word), code=word)
    assert told_of(facts(restrictions=(limit,))) == told


@pytest.mark.parametrize("kind", ["statuses", "restrictions"])
def test_every_word_of_every_shipped_file_has_its_row(kind: str) -> None:
    there = {(system, fold_word(word)) for system, word, _ in rows(kind)}
    shipped = {(system, fold_word(word)) for system, words in FILES.items() for word in words.get(kind, {})}
    assert sorted(shipped - there) == []


def test_no_word_has_two_rows_and_there_are_enough_of_them() -> None:
    every = [(kind, *row[:2]) for kind in TABLE for row in rows(kind)]
    assert [key for key, count in Counter(every).items() if count > 1] == []
    assert len(every) >= 120


def test_only_words_that_were_looked_at_one_by_one_are_a_yes() -> None:
    """Who adds a word that means yes adds it here too, and reads it twice."""
    yes = {(system, fold_word(word)) for system, word, told in rows("statuses") if told == "yes valid"}
    active = {
        (system, fold_word(word))
        for system, words in FILES.items()
        for word, status in words.get("statuses", {}).items()
        if status == "active"
    }
    assert yes == active


# HOSP gives a flag and codes: what its normalizer makes of them, and what is answered.
HOSP = [
    ("true", (), "yes valid"),
    ("1", (), "yes valid"),
    ("false", (), "no lapsed"),
    ("", (), "ask status-unknown"),
    ("kanske", (), "ask status-unknown"),
    ("true", (("001", "20240301", ""),), "no revoked"),
    ("false", (("001", "20240301", ""),), "no revoked"),
    ("true", (("001", "", ""),), "no revoked"),
    ("true", (("001", "20240301", "20250301"),), "ask restricted"),
    ("true", (("002", "20240301", "20270301"),), "ask probation"),
    ("true", (("002", "20200301", "20230301"),), "ask restricted"),
    ("true", (("002", "2024", "2027"),), "ask probation"),
    ("true", (("003", "20240301", ""),), "ask limited-prescribing"),
    ("true", (("002", "20240301", "20270301"), ("003", "20240301", "")), "ask probation"),
    ("true", (("003", "20240301", ""), ("001", "20250301", "")), "no revoked"),
    ("true", (("009", "20240301", ""),), "ask restriction-unknown"),
    ("false", (("002", "20240301", "20270301"),), "no lapsed"),
]


@pytest.mark.parametrize(("flag", "limits", "told"), HOSP)
def test_hosp_flag_and_codes(flag: str, limits: tuple[tuple[str, str, str], ...], told: str) -> None:
    codes = [
        {"typAvBehorighetsbegransning": {"code": code}, "fromDatum": begins, "tomDatum": ends}
        for code, begins, ends in limits
    ]
    one = {
        "legitimeratYrke": {"code": "LK"},
        "giltigLegitimation": flag,
        "legitimationsDatum": "20100601",
        "behorighetsbegransning": codes,
    }
    record = {
        "hospId": {"extension": "1"},
        "efternamn": "Ek",
        "samtligaFornamn": ["Liv"],
        "legitimation": [one],
    }
    normalizer = HospNormalizer(HospOptions(vocabulary="hosp", jurisdiction="SE"), vocabulary())
    [read] = normalizer.facts(orjson.dumps(record)).licences
    assert told_of(read) == told
