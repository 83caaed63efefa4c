"""Searches without a pause, as the service makes them, while something happens to the cluster."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from registry.errors import SearchUnavailableError
from registry.search import SearchEngine, SearchQuery, open_engine
from registry.settings import Settings

TODAY = date(2026, 6, 1)
_ENDS_S = 60.0
# Between two searches of a thread: what is tested needs the processors too.
_PAUSE_S = 0.02


@dataclass
class Searches:
    """What became of the searches.

    Attributes:
        told: "right", "unavailable" (an error, as the service turns into 503), or what was wrong.
        slowest_s: the longest that one search, with the client's own further tries, took.
        in_a_row: most searches without an answer in one after another.
    """

    told: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    in_a_row: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def wrong(self) -> list[str]:
        """Answers that should not have been given."""
        return [what for what in self.told if what not in {"right", "unavailable"}]

    def note(self, what: str, seconds: float, in_a_row: int) -> None:
        """Count one search."""
        with self.lock:
            self.told[what] += 1
            self.slowest_s = max(self.slowest_s, seconds)
            self.in_a_row = max(self.in_a_row, in_a_row)


def ask(engine: SearchEngine, number: str) -> str:
    """Search for a person with a licence of this number; tell what became of it."""
    try:
        page = engine.search(SearchQuery(licence_number=number), TODAY)
    except SearchUnavailableError:
        return "unavailable"
    return "right" if page.total == len(page.hits) == 1 else f"{page.total} found for {number}"


@contextmanager
def searching(settings: Settings, numbers: list[str], threads: int = 2) -> Iterator[Searches]:
    """Search for licences that everyone must find, all the time until the block ends."""
    result, stop = Searches(), threading.Event()

    def work(seed: int) -> None:
        chosen, engine, failed = random.Random(seed), open_engine(settings.search), 0
        try:
            while not stop.wait(_PAUSE_S):
                began = time.monotonic()
                what = ask(engine, chosen.choice(numbers))
                failed = failed + 1 if what == "unavailable" else 0
                result.note(what, time.monotonic() - began, failed)
        except BaseException as error:  # the thread's end must be seen in the test
            result.note(repr(error), 0.0, 0)
            raise
        finally:
            engine.close()

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield result
    finally:
        stop.set()
        for worker in workers:
            worker.join(_ENDS_S)
