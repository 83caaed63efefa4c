"""A count that nobody waits for."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError

from registry.search.freshness import Counted
from registry.web.freshness import Counting, Pause
from tests.support.waiting import until

NOW = datetime(2026, 11, 22, tzinfo=UTC)
AGE_S = 300.0


def counted(expected: int, indexed: int | None = None, index: str = "now") -> Counted:
    return Counted(index, expected, expected if indexed is None else indexed, settled=True, at=NOW)


@dataclass
class Count:
    """Stands for the count over two tables: it takes as long as the test wants."""

    result: Counted = field(default_factory=lambda: counted(10))
    error: Exception | None = None
    begun: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    time: float = 1000.0

    def __post_init__(self) -> None:
        self.go_on.set()
        self.counting = Counting(self, AGE_S, clock=lambda: self.time)

    def __call__(self, _pause: Pause) -> Counted:
        self.begun += 1
        assert self.go_on.wait(30)
        if self.error:
            raise self.error
        return self.result

    def settle(self) -> None:
        """Wait until no count is under way."""
        until(lambda: self.counting._thread is None)


@pytest.fixture
def count() -> Iterator[Count]:
    made = Count()
    yield made
    made.go_on.set()
    made.counting.close()


def test_nobody_waits_for_a_count_but_who_asks_to(count: Count) -> None:
    count.go_on.clear()
    assert [count.counting.latest() for _ in range(5)] == [None] * 5
    assert count.begun <= 1
    count.go_on.set()
    assert count.counting.latest(wait_s=30) == counted(10)
    assert count.begun == 1


def test_a_scrape_waits_for_the_first_count_only_so_long(count: Count) -> None:
    count.go_on.clear()
    assert count.counting.latest(wait_s=0.01) is None
    count.go_on.set()
    count.settle()
    count.time += AGE_S
    count.go_on.clear()
    assert count.counting.latest(wait_s=30) == counted(10), "there is one: nobody waits for the next"


def test_a_count_is_kept_until_it_is_old(count: Count) -> None:
    count.counting.latest(wait_s=30)
    count.result = counted(11)
    count.time += AGE_S - 1
    assert count.counting.latest() == counted(10)
    count.settle()
    assert count.begun == 1
    count.time += 1
    count.counting.latest()
    count.settle()
    assert count.counting.latest() == counted(11)


@pytest.mark.parametrize(("first", "index"), [(counted(10, 9), "now"), (counted(10, index="before"), "now")])
def test_a_difference_or_another_index_is_looked_at_again_soon(
    count: Count, first: Counted, index: str
) -> None:
    count.result = first
    count.counting.latest(wait_s=30)
    count.settle()
    count.result = counted(12)
    count.time += 29
    assert count.counting.latest(index) == (first if first.index == index else None)
    count.settle()
    assert count.begun == 1
    count.time += 1
    count.counting.latest(index)
    count.settle()
    assert count.counting.latest(index) == counted(12)


def test_a_count_that_takes_long_is_not_made_all_the_time(count: Count) -> None:
    count.result = counted(10, 9)
    count.go_on.clear()
    count.counting.latest()
    until(lambda: count.begun)
    count.time += 4
    count.go_on.set()
    count.settle()
    count.time += 79
    count.counting.latest()
    assert count.begun == 1
    count.time += 1
    count.counting.latest()
    count.settle()
    assert count.begun == 2


def test_a_count_that_fails_leaves_the_last_and_is_not_tried_at_once(
    count: Count, capsys: pytest.CaptureFixture[str]
) -> None:
    count.counting.latest(wait_s=30)
    count.settle()
    count.error = OperationalError("SELECT secret", {}, Exception("statement timeout"))
    count.time += AGE_S
    count.counting.latest()
    count.settle()
    assert count.counting.latest() == counted(10)
    assert count.begun == 2
    told = "".join(capsys.readouterr())
    assert "documents could not be counted" in told
    assert "secret" not in told


def test_after_the_end_none_is_begun(count: Count) -> None:
    count.counting.close()
    assert count.counting.latest(wait_s=30) is None
    assert count.begun == 0


def test_a_child_counts_for_itself(count: Count) -> None:
    count.counting.latest(wait_s=30)
    count.settle()
    count.result = counted(11)
    count.counting.after_fork()
    assert count.counting.latest() is None or count.begun == 2
    assert count.counting.latest(wait_s=30) == counted(11)


def test_the_end_of_the_app_interrupts_a_pause() -> None:
    paused = threading.Event()

    def with_a_pause(pause: Pause) -> Counted:
        paused.set()
        pause(600)
        return counted(10)

    counting = Counting(with_a_pause, AGE_S)
    counting.latest()
    assert paused.wait(30)
    counting.close()
    assert counting._thread is None
