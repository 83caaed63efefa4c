"""The metrics as text: what a Prometheus server reads, what the page says of them, and the example alerts."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from registry.metrics import CONTENT_TYPE, METRICS, PULL_STATES, metrics_text
from registry.records.feed_state import FeedState, HeldRun, Pull
from registry.records.index_state import Build, Comparison, IndexState, InUse
from registry.records.outbox import Waiting
from registry.records.read import Feed
from registry.search.freshness import ENGINE_PROBLEMS, PROBLEMS, UNAVAILABLE, Counted, Freshness
from registry.search.port import NO_INDEX, Health
from registry.settings import CONFIG, ROOT, load_settings
from tests.support.world import KEYS

SETTINGS = load_settings({**KEYS, "REGISTRY_SERVICE__SANDBOX": "true"})
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")
RULES = CONFIG / "alerts" / "registry.rules.yml"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEALTH = Health("registry-licences-1", 9, "")
FULL = Freshness(
    NOW,
    IndexState(
        waiting=Waiting(3, 2.5, 1),
        in_use=InUse("registry-licences-1", NOW - 5 * HOUR, 10),
        previous=None,
        building=Build("registry-licences-2", NOW - 2 * HOUR, NOW - HOUR, 0.25),
        comparison=Comparison(NOW - 3 * HOUR, 12.5, expected=10, missing=4, extra=5, stale=6, repaired=7),
    ),
    HEALTH,
    Counted("registry-licences-1", 10, 9, settled=False, at=NOW - 4 * HOUR),
)
EMPTY = Freshness(
    NOW, IndexState(Waiting(0, None, 0), None, None, None, None), Health(None, None, NO_INDEX), None
)


def feed(
    name: str, success: datetime | None, state: str | None, *, held: int = 0, rows: int = 0
) -> FeedState:
    about = Feed(
        name, "a", "", "", "", "", "full_history", "snapshot", 48, "", "", success, None, success, state
    )
    pull = Pull(1, state, success, "secret words") if state else None
    return FeedState(about, pull, 1, rows, tuple(HeldRun(n, "secret words") for n in range(held)))


FEEDS = [feed("hosp", NOW - HOUR, "held", held=2, rows=3), feed("new", None, None)]
Values = dict[tuple[str, ...], float]


def told(text: str) -> dict[str, Values]:
    """Return values by their labels, by metric, as a server reads them."""
    assert text.endswith("\n")
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


LISTS = {
    "registry_access_log_unsealed_seconds": 61.5,
    "registry_unusual_callers": 2.0,
    "registry_subject_requests_late": 1.0,
    "registry_staff_lists_waiting": 3.0,
    "registry_staff_lists_oldest_seconds": 90.5,
    "registry_staff_lists_idle_seconds": 4.0,
    "registry_staff_lists_rows_left": 1200.0,
    "registry_staff_lists_rows_done": 800.0,
    "registry_staff_lists_failed": 1.0,
}


def full_text() -> str:
    databases = {"records": True, "access": False}
    return metrics_text(FULL, FEEDS, SETTINGS, health=HEALTH, databases=databases, others=LISTS)


def test_everything_is_told_in_numbers() -> None:
    found = told(full_text())
    assert set(found) == {metric.name for metric in METRICS}
    alone = {name: values[()] for name, values in found.items() if set(values) == {()}}
    assert alone == {
        "registry_search_up": 1,
        "registry_outbox_pending": 3,
        "registry_outbox_oldest_seconds": 2.5,
        "registry_outbox_dead_letters": 1,
        "registry_index_in_use_since_timestamp_seconds": (NOW - 5 * HOUR).timestamp(),
        "registry_index_documents": 9,
        "registry_index_expected_documents": 10,
        "registry_index_expected_documents_timestamp_seconds": (NOW - 4 * HOUR).timestamp(),
        "registry_index_building": 1,
        "registry_index_build_start_timestamp_seconds": (NOW - 2 * HOUR).timestamp(),
        "registry_index_build_progress_timestamp_seconds": (NOW - HOUR).timestamp(),
        "registry_index_build_progress_ratio": 0.25,
        "registry_index_comparison_timestamp_seconds": (NOW - 3 * HOUR).timestamp(),
        "registry_index_comparison_duration_seconds": 12.5,
        "registry_index_comparison_documents": 10,
        "registry_index_comparison_repaired": 7,
        **LISTS,
    }
    assert found["registry_database_up"] == {("records",): 1, ("access",): 0}
    assert found["registry_index_info"] == {("registry-licences-1",): 1}
    assert found["registry_index_comparison_differences"] == {("missing",): 4, ("extra",): 5, ("stale",): 6}
    assert found["registry_feed_last_success_timestamp_seconds"] == {
        ("hosp",): (NOW - HOUR).timestamp(),
        ("new",): 0,
    }
    assert found["registry_feed_max_age_seconds"] == {("hosp",): 48 * 3600, ("new",): 48 * 3600}
    assert found["registry_feed_quarantined_records"] == {("hosp",): 3, ("new",): 0}
    assert found["registry_feed_held_runs"] == {("hosp",): 2, ("new",): 0}


def test_a_pull_ended_in_one_state_and_one_that_never_was_in_none() -> None:
    states = told(full_text())["registry_feed_last_pull_state"]
    assert states == {
        (name, state): float((name, state) == ("hosp", "held"))
        for name in ("hosp", "new")
        for state in PULL_STATES
    }


def test_each_problem_has_its_series_whether_it_stands_or_not() -> None:
    codes = {*PROBLEMS, *ENGINE_PROBLEMS.values(), UNAVAILABLE}
    found = told(full_text())["registry_problem"]
    assert set(found) == {(code,) for code in codes}
    standing = {code for (code,), value in found.items() if value}
    assert standing == {"dead-letters", "comparison-differs", "build-still"}
    none = told(metrics_text(EMPTY, [], SETTINGS, health=EMPTY.health, databases={"records": True}))
    assert {code for (code,), value in none["registry_problem"].items() if value} == {"no-index"}


def test_what_is_not_known_is_left_out_not_told_as_nothing() -> None:
    found = told(metrics_text(EMPTY, [], SETTINGS, health=EMPTY.health, databases={"records": True}))
    assert found["registry_search_up"] == {(): 0}
    assert found["registry_outbox_pending"] == {(): 0}
    assert found["registry_index_building"] == {(): 0}
    assert not {name for name in found if "_comparison_" in name or "_documents" in name or "_feed_" in name}


def test_without_sql_only_what_the_engine_says_is_told() -> None:
    found = told(
        metrics_text(None, [], SETTINGS, health=HEALTH, databases={"records": False, "access": True})
    )
    assert found == {
        "registry_database_up": {("records",): 0, ("access",): 1},
        "registry_search_up": {(): 1},
        "registry_index_info": {("registry-licences-1",): 1},
        "registry_index_documents": {(): 9},
    }


def test_reasons_and_errors_of_runs_are_not_in_it() -> None:
    assert "secret" not in full_text()


def test_a_label_can_not_break_out_of_its_line() -> None:
    odd = 'registry"} 1\nregistry_search_up 0 \\'
    found = told(metrics_text(None, [], SETTINGS, health=Health(odd, 9, ""), databases={"records": False}))
    assert found["registry_index_info"] == {(odd,): 1}
    assert found["registry_search_up"] == {(): 1}


def test_names_follow_the_conventions() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"registry_[a-z]+(_[a-z]+)*", metric.name)
        assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket")), "these mean counters"
        assert not re.search(r"(minutes|hours|days|millis)", metric.name), "base units"
        assert metric.help.endswith(".")
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


# --- the page ---------------------------------------------------------------------------------------------------------


def rows(heading: str) -> list[list[str]]:
    """Return the rows of the table under a heading of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_tells_every_metric_in_the_words_of_its_help() -> None:
    page = [tuple(row[:2]) for row in rows("Metrics")]
    assert page == [
        (f"`{m.name}{'{' + ','.join(m.labels) + '}' if m.labels else ''}`", m.help) for m in METRICS
    ]


def test_the_page_tells_what_to_do_about_every_problem() -> None:
    told_of = [row[0].strip("`") for row in rows("Problems")]
    assert told_of == [*PROBLEMS, *ENGINE_PROBLEMS.values(), UNAVAILABLE]


# --- the example alerts -------------------------------------------------------------------------------------------------


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    assert set(document) == {"groups"}
    assert all(set(group) == {"name", "rules"} for group in document["groups"])
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_every_alert_is_whole_and_on_the_page() -> None:
    for rule in alerts():
        assert (
            {"alert", "expr", "labels", "annotations"}
            <= set(rule)
            <= {*("alert", "expr", "for", "labels", "annotations")}
        )
        assert re.fullmatch(r"Registry[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["expr"].count("(") == rule["expr"].count(")")
    assert [row[0].strip("`") for row in rows("Alerts")] == [rule["alert"] for rule in alerts()]


def used(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the metrics of an expression with what is asked of their labels."""
    for name, selector in re.findall(r"\b((?:registry|node)_[a-z_]+)(?:\{([^}]*)\})?", expression):
        yield name, dict(re.findall(r'(\w+)[=!~]+"([^"]*)"', selector))


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    known = {metric.name: metric for metric in METRICS}
    found = list(used(rule["expr"]))
    assert found
    values = told(full_text())
    for name, selector in found:
        if name == "node_textfile_mtime_seconds":  # node_exporter's own
            continue
        assert set(selector) <= set(known[name].labels)
        for label, wanted in selector.items():
            place = known[name].labels.index(label)
            there = {labels[place] for labels in values[name]}
            assert set(wanted.split("|")) <= there, f"{name} has no {label} {wanted}"
    labels = {label for name, _ in found if name in known for label in known[name].labels}
    said = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert said <= labels | {"instance"}


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool on the path (package prometheus): alerts are not run"
)
def test_every_alert_fires_when_it_should() -> None:
    told_of = subprocess.run(
        [str(PROMTOOL), "test", "rules", "alerts.promtool.yml"],
        cwd=ROOT / "tests" / "registry",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told_of.returncode, told_of.stderr) == (0, ""), told_of.stdout
