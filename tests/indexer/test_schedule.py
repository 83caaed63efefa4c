"""When a feed is due: tables, with the days on which clocks change in Stockholm (2026: 29 March and 25 October)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa

from indexer import jobs
from indexer.due import AT_ONCE, Past, Run, Salted, next_due, past_of
from indexer.feeds.descriptor import Schedule
from indexer.feeds.folder import FeedFolder
from indexer.index_work import Comparison, is_comparison_due
from indexer.schedule import Scheduler
from registry.errors import SettingsError
from registry.records.index_tables import search_index
from registry.settings import CONFIG, load_settings
from tests.support.world import World

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SETTINGS = load_settings({}).schedule
DAY, WEEK = 24 * 60, 7 * 24 * 60


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(schedule: Schedule, past: Past, now: str = "2027-01-01", chance: float = 0.0) -> datetime | None:
    return next_due(
        "a-feed",
        schedule,
        past,
        now=utc(now),
        zone=STOCKHOLM,
        settings=SETTINGS,
        chance=lambda _key: chance,
    )


# Every so many minutes from "at"; when the last good pull began (UTC); when the next is due (UTC).
AFTER_A_GOOD_PULL = [
    pytest.param(60, "", "2026-06-10 10:20", "2026-06-10 11:20", id="counted from the last pull"),
    pytest.param(WEEK, "", "2026-06-10 10:20", "2026-06-17 10:20", id="a week from the last pull"),
    pytest.param(DAY, "03:15", "2026-06-10 01:15", "2026-06-11 01:15", id="daily, in summer time"),
    pytest.param(DAY, "03:15", "2026-01-10 02:15", "2026-01-11 02:15", id="daily, in winter time"),
    pytest.param(DAY, "03:15", "2026-06-10 01:14", "2026-06-10 01:15", id="a pull by hand just before does not count"),
    pytest.param(DAY, "03:15", "2026-06-10 19:00", "2026-06-11 01:15", id="a late pull does not move the next"),
    pytest.param(DAY, "00:00", "2026-06-10 21:59", "2026-06-10 22:00", id="midnight here, another day in UTC"),
    pytest.param(720, "03:15", "2026-06-10 01:15", "2026-06-10 13:15", id="twice a day: the second"),
    pytest.param(720, "03:15", "2026-06-10 13:15", "2026-06-11 01:15", id="twice a day: the next day's first"),
    pytest.param(1000, "03:15", "2026-06-10 01:15", "2026-06-11 01:15", id="no pull shortly before the day's first"),
    pytest.param(600, "03:15", "2026-06-10 01:15", "2026-06-10 11:15", id="what does not divide the day"),
    pytest.param(600, "03:15", "2026-06-10 11:15", "2026-06-11 01:15", id="begins anew each day"),
    pytest.param(WEEK, "03:15", "2026-06-10 01:15", "2026-06-17 01:15", id="weekly"),
    pytest.param(WEEK, "03:15", "2026-06-10 15:00", "2026-06-17 01:15", id="weekly, after a late pull"),
    pytest.param(DAY + 1, "03:15", "2026-06-10 01:15", "2026-06-12 01:15", id="not more often than asked"),
    # 28 March 24 h, 29 March 23 h: 02:00 becomes 03:00.
    pytest.param(DAY, "02:30", "2026-03-28 01:30", "2026-03-29 01:30", id="a time that never comes is an hour later"),
    pytest.param(DAY, "02:30", "2026-03-29 01:30", "2026-03-30 00:30", id="and the next day is itself again"),
    pytest.param(DAY, "03:15", "2026-03-28 02:15", "2026-03-29 01:15", id="a day of 23 hours has one pull"),
    pytest.param(60, "03:15", "2026-03-29 00:15", "2026-03-29 01:15", id="an hour stays an hour in spring"),
    # 25 October 25 h: 03:00 becomes 02:00.
    pytest.param(DAY, "02:30", "2026-10-24 00:30", "2026-10-25 00:30", id="a time that comes twice is its first"),
    pytest.param(DAY, "02:30", "2026-10-25 00:30", "2026-10-26 01:30", id="and not its second"),
    pytest.param(DAY, "03:15", "2026-10-24 01:15", "2026-10-25 02:15", id="a day of 25 hours has one pull"),
    pytest.param(60, "03:15", "2026-10-25 00:15", "2026-10-25 01:15", id="an hour stays an hour in autumn"),
    pytest.param(720, "03:15", "2026-10-24 13:15", "2026-10-25 02:15", id="twice a day is not three times in autumn"),
]  # fmt: skip


@pytest.mark.parametrize(("every", "at", "last", "expected"), AFTER_A_GOOD_PULL)
def test_after_a_good_pull_the_schedule_says_when(every: int, at: str, last: str, expected: str) -> None:
    assert due(Schedule(every_minutes=every, at=at), Past(1, utc(last))) == utc(expected)


@pytest.mark.parametrize("every", [DAY, 720, 360, 60, 45])
@pytest.mark.parametrize("at", ["00:00", "02:30", "03:15", "23:59"])
@pytest.mark.parametrize("first", ["2026-03-27", "2026-10-23"])
def test_no_interval_is_missed_or_doubled_when_clocks_change(every: int, at: str, first: str) -> None:
    schedule = Schedule(every_minutes=every, at=at)
    moments = [utc(first)]
    while moments[-1] < utc(first) + timedelta(days=5):
        following = due(schedule, Past(1, moments[-1]))
        assert following is not None
        moments.append(following)

    gaps = [later - earlier for earlier, later in pairwise(moments[1:])]
    assert min(gaps) >= timedelta(minutes=min(every, DAY - 60) / 2)
    assert max(gaps) <= timedelta(minutes=every + max(60, every / 2))
    days = [moment.astimezone(STOCKHOLM).date() for moment in moments[1:]]
    if every == DAY:
        assert len(days) == len(set(days))


@pytest.mark.parametrize(
    ("past", "now", "expected"),
    [
        pytest.param(Past(), "2026-06-10", AT_ONCE, id="never pulled"),
        pytest.param(Past(1), "2026-06-10", AT_ONCE, id="only ever stopped by the operator"),
        pytest.param(
            Past(9, utc("2026-06-01 01:15")), "2026-06-10", utc("2026-06-02 01:15"), id="long down: one time, long past"
        ),
        pytest.param(
            Past(9, utc("2027-06-01")), "2026-06-10", AT_ONCE, id="a pull of the future says nothing: a clock was wrong"
        ),
        pytest.param(
            Past(9, None, 1, utc("2027-06-01")), "2026-06-10", AT_ONCE, id="nor does a failure of the future"
        ),
    ],
)  # fmt: skip
def test_what_is_due_when_little_is_known(past: Past, now: str, expected: datetime) -> None:
    assert due(Schedule(every_minutes=DAY, at="03:15"), past, now) == expected


def test_a_feed_without_an_interval_is_never_due_by_itself() -> None:
    assert due(Schedule(), Past()) is None
    assert due(Schedule(at="03:15"), Past(1, None, 1, utc("2026-06-10"))) is None


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (7, 320), (8, 360), (50, 360), (5000, 360)]
)
def test_a_failed_pull_is_tried_again_with_growing_pauses_and_not_before(failures: int, minutes: int) -> None:
    failed = Past(9, utc("2026-06-09 01:15"), failures, utc("2026-06-10 01:16"))

    for schedule in (Schedule(every_minutes=DAY, at="03:15"), Schedule(every_minutes=1)):
        assert due(schedule, failed, chance=0.99) == utc("2026-06-10 01:16") + timedelta(minutes=minutes)


def test_jitter_comes_on_top_and_stays_within_half_the_interval() -> None:
    past = Past(1, utc("2026-06-10 01:15"))
    slot = utc("2026-06-11 01:15")

    daily = Schedule(every_minutes=DAY, at="03:15", jitter_minutes=30)
    assert due(daily, past, chance=0.5) == slot + timedelta(minutes=15)
    often = Schedule(every_minutes=2, jitter_minutes=30)
    assert due(often, past, chance=0.5) == utc("2026-06-10 01:17") + timedelta(seconds=30)


def test_chance_is_the_same_for_one_time_and_another_for_others() -> None:
    mine, theirs = Salted(), Salted()
    keys = [f"feed {number}" for number in range(50)]

    assert [mine(key) for key in keys] == [mine(key) for key in keys]
    assert len({mine(key) for key in keys} | {theirs(key) for key in keys}) == 100
    assert all(0 <= mine(key) < 1 for key in keys)


def run(number: int, state: str, began: str, ended: str | None = None) -> Run:
    return Run(number, state, utc(began), utc(ended) if ended else None)


GOOD = run(1, "succeeded", "2026-06-10 01:00", "2026-06-10 01:01")
FAILED = run(2, "failed", "2026-06-11 01:00", "2026-06-11 01:02")
DIED = run(3, "abandoned", "2026-06-11 02:00")
STOPPED = run(4, "abandoned", "2026-06-11 03:00", "2026-06-11 03:01")


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        pytest.param([], Past(), id="nothing"),
        pytest.param([GOOD], Past(1, GOOD.started_at), id="good"),
        pytest.param([FAILED, GOOD], Past(2, GOOD.started_at, 1, FAILED.finished_at), id="failed"),
        pytest.param([DIED, FAILED, GOOD], Past(3, GOOD.started_at, 2, DIED.started_at), id="died"),
        pytest.param([STOPPED, GOOD], Past(4, GOOD.started_at), id="stopped is no failure"),
        pytest.param(
            [STOPPED, FAILED, GOOD], Past(4, GOOD.started_at, 1, FAILED.finished_at), id="stopped after a failure"
        ),
        pytest.param([GOOD, FAILED], Past(1, GOOD.started_at), id="failures before a good one are over"),
        pytest.param([FAILED, DIED], Past(2, None, 2, FAILED.finished_at), id="never good"),
        pytest.param(
            [run(5, "running", "2026-06-12")], Past(5, None, 1, utc("2026-06-12")), id="died without a trace"
        ),
        pytest.param([run(6, "held", "2026-06-12")], Past(6, utc("2026-06-12")), id="held is good"),
        pytest.param([run(7, "unchanged", "2026-06-12")], Past(7, utc("2026-06-12")), id="unchanged is good"),
    ],
)  # fmt: skip
def test_past_pulls_are_folded(newest_first: list[Run], expected: Past) -> None:
    assert past_of(newest_first) == expected


@pytest.fixture
def folder(tmp_path: Path) -> FeedFolder:
    for path in (CONFIG / "feeds").glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return FeedFolder(tmp_path)


def test_feed_files_are_read_again_when_they_change(folder: FeedFolder) -> None:
    before = folder.feeds
    folder.refresh()
    assert folder.feeds is before

    path = folder.directory / "washington.toml"
    path.write_text(path.read_text("utf-8").replace("max_age_hours = 48", "max_age_hours = 49"), "utf-8")
    (folder.directory / "hosp.toml").unlink()
    folder.refresh()
    assert folder.feeds["washington"].max_age_hours == 49
    assert "hosp" not in folder.feeds


def test_a_bad_feed_file_leaves_the_feeds_as_they_were(
    folder: FeedFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = folder.feeds
    path = folder.directory / "washington.toml"
    good = path.read_text("utf-8")
    path.write_text(good.replace("max_age_hours = 48", "max_age_hours = 0"), "utf-8")
    folder.refresh()
    folder.refresh()
    assert folder.feeds is before
    told = "".join(capsys.readouterr())
    assert told.count("the feeds stay as they were") == 1
    assert "max_age_hours is 0" in told

    path.write_text(good.replace("max_age_hours = 48", "max_age_hours = 50"), "utf-8")
    folder.refresh()
    assert folder.feeds["washington"].max_age_hours == 50


def test_at_the_start_a_bad_feed_file_is_a_reason_to_stop(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no feed file"):
        FeedFolder(tmp_path)


def test_settings_of_the_schedule_are_checked() -> None:
    assert msgspec.structs.asdict(SETTINGS)["max_parallel"] == 2
    for variable, value in (
        ("REGISTRY_SCHEDULE__MAX_PARALLEL", "0"),
        ("REGISTRY_SCHEDULE__RETRY_FIRST_MINUTES", "0"),
        ("REGISTRY_SCHEDULE__STOP_GRACE_S", "-1"),
        ("REGISTRY_INDEXER__LEASE_HEARTBEAT_S", "30"),
    ):
        with pytest.raises(SettingsError, match=r"schedule\.|lease_heartbeat_s"):
            load_settings({variable: value})


# --- the index ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "every_hours", "expected"),
    [
        pytest.param(None, 24, True, id="never compared"),
        pytest.param(None, 0, False, id="not wanted"),
        pytest.param("2026-06-09 12:01", 24, False, id="compared today"),
        pytest.param("2026-06-09 12:00", 24, True, id="compared a day ago"),
        pytest.param("2026-06-10 11:31", 0.5, False, id="every half hour, too early"),
        pytest.param("2026-06-10 11:30", 0.5, True, id="every half hour"),
        pytest.param("2026-06-10 12:01", 24, True, id="by a machine with a wrong clock"),
    ],
)
def test_when_the_index_is_to_be_compared(
    small_world: World, last: str | None, every_hours: float, *, expected: bool
) -> None:
    now = utc("2026-06-10 12:00")
    newest = Comparison(7, utc(last)) if last else None
    with small_world.engine.connect() as connection:
        assert not is_comparison_due(connection, newest, now, every_hours), "there is no index yet"
        values = {"name": "one", "state": "current", "created_at": now, "changed_at": now}
        connection.execute(sa.insert(search_index).values(values))
        assert is_comparison_due(connection, newest, now, every_hours) == expected


def test_a_publisher_that_dies_at_once_is_started_again_after_growing_pauses(
    small_world: World, folder: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.feeds = {}
    now = utc("2026-06-10 12:00")
    begun: list[float] = []

    def full(_name: str, *_: object) -> NoReturn:
        begun.append((scheduler.clock() - now).total_seconds())
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(jobs, "start", full)
    scheduler = Scheduler(small_world.settings, small_world.engine, folder)
    for second in range(620):
        moment = now + timedelta(seconds=second)
        scheduler.clock = lambda moment=moment: moment  # type: ignore[misc]
        scheduler._keep_publishing(moment)

    assert begun == [0, 5, 15, 35, 75, 155, 315, 615]
