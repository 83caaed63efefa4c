"""A rebuild's documents are sent side by side with making the next ones; all are taken, or the rebuild hears why not."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from indexer import sending
from indexer.sending import RebuildError, Sender
from registry.errors import RegistryError, SearchUnavailableError
from registry.search import IndexEngine
from registry.search.document import Operation, documents
from registry.search.port import NO_INDEX, Outcome
from tests.registry.search.people import licence, person
from tests.support.engines import index_of
from tests.support.waiting import until
from tests.support.world import World

BATCH = 20


def batch() -> list[Operation]:
    return [one for number in range(BATCH) for one in documents(person("Eva Ek", licence(f"L-{number}")))]


@dataclass
class Beset:
    """A real engine in front of which something stands that may say or do otherwise.

    `meddle` gets the operations of each bulk request, and gives the outcomes or None for the engine's own.
    """

    engine: IndexEngine
    meddle: Callable[[Sequence[Operation]], list[Outcome] | None] = lambda _operations: None
    sent: list[list[int]] = field(default_factory=list)

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        self.sent.append([one.key for one in operations])
        return self.meddle(operations) or self.engine.bulk(operations, index)

    def sender(self, connections: int = 1) -> Sender:
        return Sender(self, self.engine.create_index(), connections)  # type: ignore[arg-type]

    def send(self, *batches: list[Operation]) -> None:
        with self.sender() as sender:
            for operations in batches:
                sender.put(operations)


@pytest.fixture
def beset(small_world: World) -> Iterator[Beset]:
    engine = index_of(small_world)
    yield Beset(engine)
    engine.close()


def all_as(state: str, reason: str = "") -> Callable[[Sequence[Operation]], list[Outcome]]:
    return lambda operations: [Outcome(one, state, reason) for one in operations]  # type: ignore[arg-type]


def test_everything_put_is_in_the_index_when_the_block_ends(house: World, index: IndexEngine) -> None:
    name = index.create_index()
    with Sender(index, name, house.settings.index.rebuild_connections) as sender:
        for _ in range(7):
            sender.put(batch())
        sender.put([])
        sender.settled()
        index.refresh(name)
        assert index.count(name) == 7 * BATCH
        sender.put(batch())
    index.refresh(name)
    assert index.count(name) == 8 * BATCH


def test_requests_run_side_by_side_and_one_more_batch_may_wait(beset: Beset) -> None:
    go_on = threading.Event()

    def hold(_operations: Sequence[Operation]) -> None:
        go_on.wait(60)

    beset.meddle = hold
    given: list[int] = []

    def give() -> None:
        with beset.sender(connections=2) as sender:
            for number in range(6):
                sender.put(batch())
                given.append(number)

    giver = threading.Thread(target=give)
    giver.start()
    try:
        until(lambda: len(beset.sent) == 2 and len(given) == 3)
        giver.join(0.2)
        # Two are under way, one waits, and the fourth is not taken.
        assert (len(beset.sent), len(given), giver.is_alive()) == (2, 3, True)
    finally:
        go_on.set()
        giver.join(60)
    assert (len(beset.sent), len(given)) == (6, 6)


def test_only_what_was_not_taken_is_sent_again(beset: Beset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PAUSE_S", 0.01)
    crowded = iter([3, 1, 0])

    def take_some(operations: Sequence[Operation]) -> list[Outcome]:
        left = next(crowded)
        done = beset.engine.bulk(operations[left:], name)
        return [*all_as("retry", "rejected_execution_exception")(operations[:left]), *done]

    beset.meddle = take_some
    made = batch()
    name = beset.engine.create_index()
    with Sender(beset, name) as sender:  # type: ignore[arg-type]
        sender.put(made)
    keys = [one.key for one in made]
    assert beset.sent == [keys, keys[:3], keys[:1]]
    beset.engine.refresh(name)
    assert beset.engine.count(name) == BATCH


@pytest.mark.parametrize(
    ("meddle", "error", "said", "requests"),
    [
        (all_as("failed", "mapper_parsing_exception: status"), RebuildError, "l{}: mapper_parsing", 1),
        (all_as("retry", "rejected"), SearchUnavailableError, "no room for 20 .* 6 tries: rejected", 6),
        (all_as("retry", NO_INDEX), RebuildError, "is gone", 1),
    ],
    ids=["refused", "no room", "no index"],
)
def test_what_is_never_taken_is_told_with_its_reason(
    beset: Beset,
    monkeypatch: pytest.MonkeyPatch,
    *,
    meddle: Callable[[Sequence[Operation]], list[Outcome]],
    error: type[RegistryError],
    said: str,
    requests: int,
) -> None:
    monkeypatch.setattr(sending, "_PAUSE_S", 0.001)
    beset.meddle = meddle
    made = batch()
    with pytest.raises(error, match=said.format(made[0].key // 2)):
        beset.send(made)
    assert len(beset.sent) == requests


def test_after_a_failure_nothing_more_is_taken(beset: Beset) -> None:
    beset.meddle = all_as("failed", "strict_dynamic_mapping_exception")
    with pytest.raises(RebuildError, match="strict_dynamic_mapping_exception"):
        beset.send(*(batch() for _ in range(5)))
    assert len(beset.sent) <= 2


def test_a_fault_of_the_engine_reaches_the_caller(beset: Beset) -> None:
    def break_down(_operations: Sequence[Operation]) -> None:
        raise OSError(28, "No space left on device")

    beset.meddle = break_down
    with pytest.raises(OSError, match="No space left"):
        beset.send(batch())


def test_after_the_block_nothing_is_under_way_though_it_ended_with_an_error(beset: Beset) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(operations: Sequence[Operation]) -> list[Outcome]:
        begun.set()
        go_on.wait(60)
        return all_as("retry", "rejected_execution_exception")(operations)

    def interrupted() -> None:
        with beset.sender() as sender:
            sender.put(batch())
            sender.put(batch())
            begun.wait(60)
            timer.start()
            raise KeyboardInterrupt

    beset.meddle = hold
    threads = set(threading.enumerate())
    timer = threading.Timer(0.2, go_on.set)
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    timer.join()
    # What was under way has ended, without the pause of a second; what waited was never sent.
    assert len(beset.sent) == 1
    assert set(threading.enumerate()) <= threads
