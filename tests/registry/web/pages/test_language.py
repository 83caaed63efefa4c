import re
from datetime import UTC, date, datetime
from pathlib import Path
from string import Formatter
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from registry.access.days import COUNTED_ANSWERS
from registry.access.log import ACTIONS
from registry.checks import subject_requests, unusual
from registry.checks.consents import State
from registry.checks.lists.fields import FIELDS
from registry.checks.lists.tables import STATES
from registry.records.receipts import RunCounts
from registry.search.query import SORTS
from registry.settings import load_settings
from registry.vocabulary import STATUSES
from registry.web.api import feed_run_schemas
from registry.web.pages import language as room
from registry.web.pages.check_form import WAYS
from registry.web.pages.language import CODES, Code, choose, language
from registry.web.pages.list_view import KINDS
from registry.web.pages.match_view import MARKS
from registry.web.pages.next_steps import STEPS
from registry.web.problem_types import PROBLEM_TYPES
from registry.web.problems import is_counted

SV, EN = language("sv"), language("en")
SOURCES = Path(room.__file__).parent
# Keys that code puts together from a fixed part and a value.
MADE = {
    **{f"check.way-{way}": "way" for way in WAYS},
    **{f"action.{action}": "access event" for action in ACTIONS},
    **{f"status-text.{status}": "status" for status in STATUSES},
    **{f"answer.{answer}": "answer" for answer in ("yes", "no", "ask", "note")},
    **{f"result.next-{answer}": "answer" for answer in ("yes", "no", "ask", "again", "death")},
    **{f"purpose.{purpose}": "purpose" for purpose in load_settings({}).access.purposes},
    **{
        f"headline.{answer}{then}{any_}": "verdict"
        for answer in ("yes", "no")
        for then in ("", "-then")
        for any_ in ("", "-any")
    },
    **{f"sentence.yes{then}{many}": "verdict" for then in ("", "-then") for many in ("", "-many")},
    **{f"match.{mark}": "match" for mark in MARKS},
    **{f"step.{step}": "kind of reason" for step in STEPS},
    **{f"consent.state-{state}": "state of a consent" for state in get_args(State)},
    **{f"request.state-{state}": "state of a request" for state in subject_requests.STATES},
    **{
        f"request.{of}{kind}": "kind of request"
        for of in ("kind-", "list-", "list-lead-")
        for kind in subject_requests.KINDS
    },
    **{f"request.fact-{fact}": "what is wrong" for fact in subject_requests.FACTS},
    **{f"oversight.action-{action}": "action of the log" for action in ACTIONS},
    **{f"oversight.answer-{answer.replace(' ', '-')}": "answer of the log" for answer in COUNTED_ANSWERS},
    **{f"oversight.kind-{kind.slug}": "refusal" for kind in PROBLEM_TYPES.values() if is_counted(kind)},
    **{f"oversight.unusual-{kind}": "unusual checks" for kind in unusual.KINDS},
    **{f"list.state-{state}": "staff list" for state in STATES},
    **{f"list.ended-{state}": "staff list" for state in ("cancelled", "failed")},
    **{f"list.result-{kind}": "row of a staff list" for kind in KINDS},
    **{f"field.{field}": "column of a staff list" for field in FIELDS},
    **{f"search.sort-{sort}": "order" for sort in SORTS},
    **{f"feeds.kind-{kind}": "run" for kind in feed_run_schemas.KINDS},
    **{f"feeds.state-{state}": "run" for state in feed_run_schemas.STATES},
    **{f"feeds.waits-{kind}": "held change" for kind in feed_run_schemas.WAITING},
    **{f"feeds.fault-{kind}": "quarantined row" for kind in feed_run_schemas.FAULTS},
    **{f"feeds.count-{name.replace('_', '-')}": "count of a run" for name in RunCounts.__dataclass_fields__},
}
PREFIXES = ("wrong.", "error.", "problem.", "search.hits.", "list.retryable.", "row-error.")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def used_keys() -> set[str]:
    """Every literal that stands in code or templates where a text's key may stand."""
    texts = [path.read_text("utf-8") for path in (*SOURCES.rglob("*.py"), *SOURCES.rglob("*.html"))]
    return {
        key for text in texts for key in re.findall(r"[\"']([a-z0-9-]+(?:\.[a-z0-9-]+)+|brand)[\"']", text)
    }


def test_both_languages_have_the_same_texts() -> None:
    assert SV.texts.keys() == EN.texts.keys()


def test_both_languages_fill_in_the_same_values() -> None:
    assert {k: placeholders(v) for k, v in SV.texts.items()} == {
        k: placeholders(v) for k, v in EN.texts.items()
    }


def test_no_text_is_empty_or_left_untranslated() -> None:
    same = {key for key, text in SV.texts.items() if text == EN.texts[key]}
    assert all(text.strip() == text != "" for text in (*SV.texts.values(), *EN.texts.values()))
    assert same == {"person.title", "me.organisation", "frame.organisation"}


@pytest.mark.parametrize("key", sorted(MADE))
def test_texts_whose_keys_are_put_together_exist(key: str) -> None:
    assert key in SV.texts


def test_every_text_is_used() -> None:
    used = used_keys() | set(MADE)
    unused = {key for key in SV.texts if key not in used and not key.startswith(PREFIXES)}
    assert unused == set()


def test_every_key_that_is_used_has_a_text() -> None:
    sections = {key.partition(".")[0] for key in SV.texts} - {"brand"}
    asked = {
        key for key in used_keys() if key.partition(".")[0] in sections and not key.endswith((".html", ".py"))
    }
    missing = {key for key in asked if key not in SV.texts and not any(t.startswith(key) for t in SV.texts)}
    assert missing == set()


def test_every_problem_has_words_of_its_own_or_its_status() -> None:
    for kind in PROBLEM_TYPES.values():
        assert (
            f"problem.{kind.slug}" in SV.texts or f"error.{kind.status}" in SV.texts or kind.status == 415
        ), kind


@pytest.mark.parametrize(
    ("code", "value", "written"),
    [
        ("sv", "2019", "2019"),
        ("sv", "2019-05", "maj 2019"),
        ("sv", "2019-05-03", "3 maj 2019"),
        ("en", "2019-05-03", "3 May 2019"),
        ("sv", date(2026, 11, 22), "22 november 2026"),
    ],
)
def test_partial_dates_are_written_as_far_as_they_go(code: Code, value: date | str, written: str) -> None:
    assert language(code).day(value) == written


def test_moments_are_written_in_the_zone_of_the_service() -> None:
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert SV.moment(moment, ZoneInfo("Europe/Stockholm")) == "2 juli 2026 kl.\u00a000.30"
    assert EN.moment(moment, ZoneInfo("Europe/Stockholm")) == "2 July 2026 at\u00a000:30"


def test_counts_have_a_singular() -> None:
    assert [SV.count("search.hits", n) for n in (0, 1, 1200)] == [
        "0 personer hittades",
        "1 person hittades",
        "1\u00a0200 personer hittades",
    ]


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "default", "chosen"),
    [
        ("en", "sv", "sv", "sv", "en"),
        (None, "en", "sv", "sv", "en"),
        (None, None, "en-GB,en;q=0.9,sv;q=0.5", "sv", "en"),
        (None, None, "sv-SE,sv;q=0.9,en;q=0.8", "en", "sv"),
        (None, None, "de", "sv", "sv"),
        (None, None, "", "en", "en"),
        ("xx", "yy", "sv", "en", "sv"),
    ],
)
def test_language_is_chosen(
    asked: str | None, remembered: str | None, accepted: str, default: Code, chosen: Code
) -> None:
    wishes = parse_accept_header(accepted, LanguageAccept)
    assert choose(asked, remembered, wishes, default).code == chosen


def test_every_language_is_offered() -> None:
    assert {path.stem for path in room.FOLDER.glob("*.toml")} == set(CODES)
