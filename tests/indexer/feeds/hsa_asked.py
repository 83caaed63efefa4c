"""A running sandbox HSA, and a feed that asks it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import stamina
from msgspec.structs import replace

from indexer.feeds import (
    BadRow,
    FeedDescriptor,
    Fetched,
    GoneRow,
    Previous,
    SourceRow,
    fetch,
    load_feed,
    one_by_one,
    parse,
)
from indexer.feeds.hsa_service import HsaSource
from indexer.sandbox import fixed
from indexer.sandbox import hsa as sandbox
from indexer.sandbox.hsa import HsaFaults
from indexer.sandbox.plan import Plan
from registry.settings import CONFIG, Indexer
from tests.indexer.feeds import hsa_text as t

PLAN = Plan(60, seed=3, year=2026)
NURSE, DOCTOR, PROTECTED = (
    fixed.ACTIVE_NURSE_NUMBER,
    fixed.REVOKED_PHYSICIAN_NUMBER,
    fixed.PROTECTED_NUMBER,
)
NOBODY = t.number("19500101")
THREE = (NURSE, NOBODY, DOCTOR)


@dataclass
class Hsa:
    """The sandbox's HSA and a feed that asks it."""

    url: str
    feed: FeedDescriptor
    settings: Indexer
    folder: Path
    faults: HsaFaults
    runs: Iterator[int] = field(default_factory=lambda: iter(range(100)))

    def source(self, **changes: object) -> HsaSource:
        given = self.feed.source
        assert isinstance(given, HsaSource)
        return replace(given, **{"url": self.url + sandbox.CREDENTIALS_PATH, "pause_ms": 0.0, **changes})

    def json_source(self, **changes: object) -> HsaSource:
        json: dict[str, object] = {
            "protocol": "json",
            "url": self.url + sandbox.JSON_CREDENTIALS_PATH,
            "last_update_url": self.url + sandbox.JSON_LAST_UPDATE_PATH,
        }
        return self.source(**json | changes)

    def fetch(
        self,
        *subjects: str,
        previous: Previous | None = None,
        source: HsaSource | None = None,
        conceal: Callable[[bytes], str] = lambda data: f"keyed {hash(data)}",
    ) -> Fetched:
        feed = replace(self.feed, source=source or self.source())
        spool = self.folder / f"spool-{next(self.runs)}"
        return fetch(
            feed,
            self.settings,
            spool,
            previous,
            lambda _: None,
            subjects=lambda: subjects or THREE,
            conceal=conceal,
        )

    def rows(self, fetched: Fetched) -> list[SourceRow | GoneRow | BadRow]:
        return list(one_by_one(parse(self.feed, fetched, self.settings)))

    @property
    def questions(self) -> list[str]:
        return ["update" if "astUpdate" in path else "person" for path in self.faults.questions]


@contextmanager
def asking(served: tuple[str, HsaFaults], settings: Indexer, folder: Path) -> Iterator[Hsa]:
    """Give a well-behaved HSA; attempts follow each other without their pauses."""
    url, faults = served
    faults.questions.clear()
    faults.set(None)
    feed = load_feed(CONFIG / "feeds" / "hsa.toml")
    with stamina.set_testing(testing=True, attempts=100, cap=True):
        yield Hsa(url, feed, settings, folder, faults)


def lines(fetched: Fetched) -> list[dict[str, str]]:
    return [orjson.loads(line) for part in fetched.parts for line in part.read_bytes().splitlines()]


def previous(fetched: Fetched) -> Previous:
    return Previous(fetched.etag, fetched.digest, fetched.stamp, fetched.name)
