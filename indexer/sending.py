"""Sending what a rebuild makes to its new index: all of it taken, or an error."""

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from registry.errors import RegistryError, SearchUnavailableError
from registry.search.document import Operation
from registry.search.port import NO_INDEX, IndexEngine, Outcome

# How often what the engine has no room for is sent again, and the first pause in seconds (doubled each time).
_TRIES, _PAUSE_S = 6, 1.0


class RebuildError(RegistryError):
    """The new index failed a check; the one in use stands."""

    slug = "rebuild-failed"
    title = "The new index failed a check and was not put in use"


class Sender:
    """Sends operations to one index while the caller makes the next; a context manager, which ends when all is confirmed.

    `put` returns before what it was given is confirmed, `settled` waits for all of it. Memory is bounded: beside what is
    under way one more `put` may wait, then the caller does. After the block nothing is under way any more, even if it ended
    with an error: no late request makes an index anew that the caller has dropped.
    """

    def __init__(self, search: IndexEngine, index: str, connections: int = 1) -> None:
        """Prepare to send with so many bulk requests under way at the same time."""
        self._search, self._index, self._connections = search, index, connections
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="bulk")
        self._given: set[Future[None]] = set()
        # Set when what is not confirmed yet does not matter any more: pauses end at once.
        self._given_up = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.settled()
        finally:
            self._given_up.set()
            self._pool.shutdown(cancel_futures=True)

    def put(self, operations: Sequence[Operation]) -> None:
        """Send operations, as soon as there is room.

        Raises:
            RebuildError: some, perhaps of an earlier call, were refused, or the index is gone.
            SearchUnavailableError: the engine had no room for too long.
        """
        self._collect(self._connections)
        if operations:
            self._given.add(self._pool.submit(self._send, operations))

    def settled(self) -> None:
        """Return when everything put so far is confirmed by the engine.

        Raises:
            RebuildError, SearchUnavailableError: as `put`.
        """
        self._collect(0)

    def _collect(self, most: int) -> None:
        """Wait until at most so many batches are not confirmed."""
        done, self._given = wait(self._given, timeout=0)
        while True:
            for each in done:
                each.result()
            if len(self._given) <= most:
                return
            done, self._given = wait(self._given, return_when=FIRST_COMPLETED)

    def _send(self, operations: Sequence[Operation]) -> None:
        """Send until the engine has taken all; in a thread of its own."""
        waiting, pause = operations, _PAUSE_S
        for _ in range(_TRIES):
            outcomes = self._search.bulk(waiting, self._index)
            open_ = [outcome for outcome in outcomes if not outcome.settled]
            if not open_:
                return
            if refused := [outcome for outcome in open_ if outcome.state == "failed"]:
                raise RebuildError(_reason(refused))
            if any(outcome.reason == NO_INDEX for outcome in open_):
                raise RebuildError(f"The new index {self._index} is gone: somebody has dropped it.")
            waiting = [outcome.operation for outcome in open_]
            if self._given_up.wait(pause):
                break
            pause *= 2
        # Nothing is wrong with the index: what it holds is kept, to go on from there.
        raise SearchUnavailableError(
            f"The engine had no room for {len(waiting)} documents in {_TRIES} tries: {open_[0].reason}"
        )


def _reason(refused: Sequence[Outcome]) -> str:
    first = refused[0]
    return f"{len(refused)} documents were refused, first {first.operation.id}: {first.reason}"
