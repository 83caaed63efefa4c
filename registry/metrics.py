"""How the registry is, as metrics in the Prometheus text format: for `/metrics` of the service and for `indexer metrics`.

Every figure is read when it is asked for, from SQL and from the search engine. Nothing is counted in a process, so that it
does not matter which of several workers answers. No metric and no label is about a person: they name feeds, indices,
states and kinds. Names: https://prometheus.io/docs/practices/naming/; docs/metrics.md tells them all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from registry.records.feed_state import FeedState
from registry.records.index_state import Build, Comparison, IndexState
from registry.search.freshness import (
    ENGINE_PROBLEMS,
    PROBLEMS,
    UNAVAILABLE,
    Counted,
    Freshness,
    engine_problem,
    problems,
)
from registry.search.port import Health
from registry.settings import Settings

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PULL_STATES = ("succeeded", "unchanged", "held", "failed", "abandoned")
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; all are gauges, since all are states."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric("registry_database_up", "1 if the database answers, 0 if not.", ("database",)),
    Metric("registry_search_up", "1 if searches are answered, 0 if not."),
    Metric("registry_problem", "1 if this needs a person, 0 if not.", ("problem",)),
    Metric("registry_outbox_pending", "Changes that are not in the search index yet."),
    Metric(
        "registry_outbox_oldest_seconds",
        "Age of the oldest change that is not in the search index yet; 0 if there is none.",
    ),
    Metric(
        "registry_outbox_dead_letters",
        "Changes given up because the engine refused a document again and again.",
    ),
    Metric("registry_index_info", "The index in use, as a label; always 1.", ("index",)),
    Metric("registry_index_in_use_since_timestamp_seconds", "When the index in use came into use."),
    Metric("registry_index_documents", "Documents about people in the index in use."),
    Metric(
        "registry_index_expected_documents", "Documents that the index in use should hold, counted in SQL."
    ),
    Metric(
        "registry_index_expected_documents_timestamp_seconds",
        "When the documents that the index should hold were last counted.",
    ),
    Metric("registry_index_building", "1 if another index is being built or stands unfinished, 0 if not."),
    Metric("registry_index_build_start_timestamp_seconds", "When the build of another index began."),
    Metric("registry_index_build_progress_timestamp_seconds", "When the build of another index last got on."),
    Metric(
        "registry_index_build_progress_ratio", "How much of the other index is filled, 0 to 1; an estimate."
    ),
    Metric(
        "registry_index_comparison_timestamp_seconds", "When the index in use was last compared with SQL."
    ),
    Metric(
        "registry_index_comparison_duration_seconds",
        "How long the last comparison of the index in use with SQL took.",
    ),
    Metric(
        "registry_index_comparison_documents", "Documents that there should have been at the last comparison."
    ),
    Metric(
        "registry_index_comparison_differences", "Documents that differed at the last comparison.", ("kind",)
    ),
    Metric("registry_index_comparison_repaired", "Documents that differed and were put in the outbox again."),
    Metric(
        "registry_feed_last_success_timestamp_seconds",
        "End of the feed's last good pull; 0 if none.",
        ("feed",),
    ),
    Metric(
        "registry_feed_max_age_seconds", "The feed's promise: how old its last good pull may be.", ("feed",)
    ),
    Metric(
        "registry_feed_last_pull_state",
        "1 for the state in which the feed's last pull ended, 0 for the others.",
        ("feed", "state"),
    ),
    Metric(
        "registry_feed_quarantined_records",
        "Rows of the feed that its last read could not take in.",
        ("feed",),
    ),
    Metric(
        "registry_feed_held_runs", "Runs of the feed whose changes wait for a person's decision.", ("feed",)
    ),
    Metric(
        "registry_access_log_unsealed_seconds",
        "How long the oldest event of the access log that is not sealed yet has waited; 0 if none waits.",
    ),
    Metric("registry_unusual_callers", "Callers who are slowed because they asked in an unusual way."),
    Metric(
        "registry_subject_requests_late",
        "Reports of look-ups and corrections that were to be answered before now.",
    ),
    Metric("registry_staff_lists_waiting", "Staff lists that are not done yet."),
    Metric(
        "registry_staff_lists_oldest_seconds",
        "Age of the oldest staff list that is not done; 0 if there is none.",
    ),
    Metric(
        "registry_staff_lists_idle_seconds",
        "How long the staff list that waits longest for a worker has waited; 0 if none waits.",
    ),
    Metric("registry_staff_lists_rows_left", "Rows of staff lists that are not checked yet."),
    Metric(
        "registry_staff_lists_rows_done", "Rows that have been checked, of all staff lists that are kept."
    ),
    Metric("registry_staff_lists_failed", "Staff lists that were given up, of all that are kept."),
)

Sample = tuple[str, tuple[str, ...], float]


def metrics_text(
    found: Freshness | None,
    feeds: Sequence[FeedState],
    settings: Settings,
    *,
    health: Health,
    databases: Mapping[str, bool],
    others: Mapping[str, float] | None = None,
) -> str:
    """Return everything as text.

    Args:
        found: how the index stands; None: SQL could not be asked, and nothing is told that needs it.
        feeds: how each feed stands.
        health: how the engine is.
        others: further figures without labels, by the names of their metrics.
        databases: whether each answers: `records` (SQL truth) and, where it is asked, `access` (access log, sessions).
    """
    samples: list[Sample] = [("registry_database_up", (name,), up) for name, up in sorted(databases.items())]
    samples.append(("registry_search_up", (), health.ok))
    samples += _engine(health)
    if found:
        samples += [*_problems(found, settings), *_index(found.state), *_counts(found.counted)]
    samples += [sample for feed in feeds for sample in _feed(feed)]
    samples += [(name, (), value) for name, value in sorted((others or {}).items())]
    return _text(samples)


def _engine(health: Health) -> Iterator[Sample]:
    if health.index:
        yield "registry_index_info", (health.index,), 1
    if health.documents is not None:
        yield "registry_index_documents", (), health.documents


def _problems(found: Freshness, settings: Settings) -> Iterator[Sample]:
    there = {problem.code for problem in problems(found, settings)} | {engine_problem(found.health)}
    for code in (*PROBLEMS, *ENGINE_PROBLEMS.values(), UNAVAILABLE):
        yield "registry_problem", (code,), code in there


def _index(state: IndexState) -> Iterator[Sample]:
    yield "registry_outbox_pending", (), state.waiting.count
    yield "registry_outbox_oldest_seconds", (), max(0.0, state.waiting.oldest_s or 0)
    yield "registry_outbox_dead_letters", (), state.waiting.dead
    if state.in_use:
        yield "registry_index_in_use_since_timestamp_seconds", (), state.in_use.since.timestamp()
    yield "registry_index_building", (), state.building is not None
    if state.building:
        yield from _build(state.building)
    if state.comparison:
        yield from _comparison(state.comparison)


def _build(build: Build) -> Iterator[Sample]:
    yield "registry_index_build_start_timestamp_seconds", (), build.since.timestamp()
    yield "registry_index_build_progress_timestamp_seconds", (), build.progress_at.timestamp()
    yield "registry_index_build_progress_ratio", (), build.share


def _comparison(comparison: Comparison) -> Iterator[Sample]:
    yield "registry_index_comparison_timestamp_seconds", (), comparison.at.timestamp()
    yield "registry_index_comparison_duration_seconds", (), comparison.duration_s
    yield "registry_index_comparison_documents", (), comparison.expected
    for kind in ("missing", "extra", "stale"):
        yield "registry_index_comparison_differences", (kind,), getattr(comparison, kind)
    yield "registry_index_comparison_repaired", (), comparison.repaired


def _counts(counted: Counted | None) -> Iterator[Sample]:
    if counted:
        yield "registry_index_expected_documents", (), counted.expected
        yield "registry_index_expected_documents_timestamp_seconds", (), counted.at.timestamp()


def _feed(state: FeedState) -> Iterator[Sample]:
    feed = state.feed
    success = feed.last_success_at.timestamp() if feed.last_success_at else 0
    yield "registry_feed_last_success_timestamp_seconds", (feed.id,), success
    yield "registry_feed_max_age_seconds", (feed.id,), feed.max_age_hours * _HOUR_S
    for one in PULL_STATES:
        is_last = state.last_pull is not None and state.last_pull.state == one
        yield "registry_feed_last_pull_state", (feed.id, one), is_last
    yield "registry_feed_quarantined_records", (feed.id,), state.quarantined
    yield "registry_feed_held_runs", (feed.id,), len(state.held)


class _Told(Collector):
    """The samples as families, for the library that writes the text."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._values: dict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
        for name, labels, value in samples:
            self._values[name].append((labels, value))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric in METRICS:
            if metric.name in self._values:
                family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
                for labels, value in self._values[metric.name]:
                    family.add_metric(labels, float(value))
                yield family


def _text(samples: Iterable[Sample]) -> str:
    registry = CollectorRegistry()
    registry.register(_Told(samples))
    return generate_latest(registry).decode()
