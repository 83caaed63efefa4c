"""Settings of the pipeline: sections `[indexer]`, `[index]` and `[schedule]`."""

from typing import Annotated

import msgspec

from registry.settings_base import Positive, Section


class Indexer(Section, frozen=True):
    """Section `[indexer]`."""

    batch_rows: int
    publish_batch: int
    publish_attempts: int
    max_record_bytes: int
    max_feed_bytes: int
    max_expansion_ratio: float
    rejected_share: float
    max_vanished_share: float
    max_changed_share: float
    max_quarantined_share: float
    held_floor: int
    refuse_test_people: bool
    connect_timeout_s: float
    read_timeout_s: float
    retries: int
    lease_timeout_s: Positive
    lease_heartbeat_s: Positive


class Index(Section, frozen=True):
    """Section `[index]`."""

    publish_poll_s: Positive
    rebuild_batch: Annotated[int, msgspec.Meta(ge=1)]
    rebuild_connections: Annotated[int, msgspec.Meta(ge=1)]
    rebuild_sample: Annotated[int, msgspec.Meta(ge=1)]
    rebuild_rounds: Annotated[int, msgspec.Meta(ge=1)]
    compare_every_hours: Annotated[float, msgspec.Meta(ge=0)]
    compare_buckets: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    compare_rounds: Annotated[int, msgspec.Meta(ge=1)]
    compare_pause_s: Positive
    compare_keep: Annotated[int, msgspec.Meta(ge=1)]
    name_counts_keep: Annotated[int, msgspec.Meta(ge=1)]
    compare_max_age_hours: Annotated[float, msgspec.Meta(ge=0)]
    build_still_minutes: Positive
    clear_every_hours: Annotated[float, msgspec.Meta(ge=0)]
    count_max_age_s: Positive
    count_timeout_s: Positive


class Scheduling(Section, frozen=True):
    """Section `[schedule]`."""

    max_parallel: Annotated[int, msgspec.Meta(ge=1)]
    look_every_s: Positive
    publish_restart_s: Positive
    retry_first_minutes: Positive
    retry_max_minutes: Positive
    stop_grace_s: Annotated[float, msgspec.Meta(ge=0)]
    stop_kill_s: Positive
    remind_minutes: Positive
