"""A registry of either size for tests of what goes wrong: its commands as processes, its index read without our own code."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from indexer import runs
from indexer.load import Load
from registry.database import writing
from registry.records import read
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search.document import documents
from registry.settings import ROOT, load_settings
from tests.support.engines import index_of
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import until
from tests.support.world import KEYS, FactsNormalizer, World, licence, person, source_rows

_PAGE = 5000
_READ = 2000
_ENDS_S = 180.0
_COMMON = {
    **KEYS,
    "REGISTRY_SERVICE__SANDBOX": "true",
    # A dead holder of a lock is succeeded soon.
    "REGISTRY_INDEXER__LEASE_TIMEOUT_S": "2",
    "REGISTRY_INDEXER__LEASE_HEARTBEAT_S": "0.5",
    # A test's loads change everybody.
    "REGISTRY_INDEXER__MAX_CHANGED_SHARE": "1",
    "REGISTRY_INDEXER__MAX_VANISHED_SHARE": "1",
    # What is on its way is looked at again soon.
    "REGISTRY_INDEX__COMPARE_PAUSE_S": "0.2",
}
# As `indexer.cli`, but it says when it has been imported, so that a moment to kill it at can be chosen.
_COMMAND = """
import sys
from indexer.cli import main
print("ready", file=sys.stderr, flush=True)
main(sys.argv[1:])
"""


@dataclass
class FaultHouse:
    """A registry whose commands are run in processes of their own.

    Attributes:
        engine_url: of the real OpenSearch, past any proxy; "" on the small house.
    """

    folder: Path
    environ: dict[str, str]
    engine_url: str = ""
    prefix: str = ""
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(load_settings(self.environ))

    @property
    def small(self) -> bool:
        """Whether it is SQLite and Tantivy."""
        return not self.engine_url

    def load(self, people: dict[str, PersonFacts]) -> None:
        """Load changes and new people as one run of the real loader; all of them are news."""
        counts = self.world.load(people, snapshot=False)
        assert counts.added + counts.changed == len(people), counts

    @contextmanager
    def open_load(self, people: dict[str, PersonFacts], *, commit: bool = True) -> Iterator[None]:
        """Have a load stand complete but for its commit for the length of the block; then commit or roll back."""
        world = self.world
        world.describe_feed()
        with writing(world.engine).connect() as connection, connection.begin() as transaction:
            load = Load(
                connection=connection,
                feed_id="test",
                authority_id="test-authority",
                run_id=runs.start(connection, "test"),
                now=datetime.now(UTC),
                sealer=world.sealer,
                normalizer=FactsNormalizer(),
                settings=world.settings.indexer,
                complete=False,
            )
            for _ in load.run(source_rows(people)):
                pass
            load.finish()
            assert load.counts.added + load.counts.changed == len(people)
            runs.close(connection, load.run_id, "succeeded", load.counts)
            yield
            if not commit:
                transaction.rollback()

    def process(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        """Start a command; it is at work when its standard error says "ready"."""
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *arguments],
            env={**os.environ, **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n", process.communicate()
        return process

    def run(self, *arguments: str, expect: int = 0, **environ: str) -> Any:  # noqa: ANN401 - JSON
        """Run a command with `--json` to its end and return what it tells."""
        with self.process(*arguments, "--json", **environ) as process:
            told, errors = process.communicate(timeout=_ENDS_S)
        assert process.returncode == expect, (process.returncode, told, errors)
        return json.loads(told) if told.strip() else None

    def fails(self, *arguments: str) -> str:
        """Run a command that must fail, and return what it tells the operator."""
        with self.process(*arguments) as process:
            _, errors = process.communicate(timeout=_ENDS_S)
        assert process.returncode == 1, errors
        return errors

    @contextmanager
    def publisher(self, **environ: str) -> Iterator["Resident"]:
        """Have a resident publisher for the length of the block, in a process of its own; it must end well."""
        log = self.folder / f"publisher-{len(list(self.folder.glob('publisher-*')))}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, "publish", "--follow"],
                env={**os.environ, **self.environ, **environ},
                stdout=output,
                stderr=output,
                cwd=ROOT,
            )
        found = Resident(process, log)
        try:
            yield found
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(_ENDS_S)
            finally:
                process.kill()
                process.wait()

    def waiting(self) -> int:
        """Return how many changes wait that are no dead letters."""
        return self.world.count(t.outbox, ~t.outbox.c.dead)

    def dead(self) -> int:
        """Return how many dead letters there are."""
        return self.world.count(t.outbox, t.outbox.c.dead)

    def drained(self, seconds: float = 120) -> None:
        """Wait until nothing waits any more."""
        until(lambda: self.waiting() == 0, seconds)

    def equal(self, documents_expected: int | None = None) -> None:
        """Make sure that nothing waits, and that index and SQL are equal: by `indexer compare`, and by our own reading.

        The comparison counts keys and versions; here every field of every document is looked at.
        """
        assert (self.waiting(), self.dead()) == (0, 0)
        told = self.run("compare")
        assert (told["missing"], told["extra"], told["stale"]) == (0, 0, 0), told
        wanted, have = self.wanted(), self.have()
        assert have.keys() == wanted.keys()
        differing = {key: (have[key], wanted[key]) for key in wanted if have[key] != wanted[key]}
        assert not differing, next(iter(differing.items()))
        assert told["expected"] == len(wanted)
        if documents_expected is not None:
            assert len(wanted) == documents_expected

    def wanted(self) -> dict[str, dict[str, Any]]:
        """Return what the index should hold, by document id."""
        with self.world.engine.connect() as connection:
            ids = list(connection.scalars(sa.select(t.practitioner.c.id)))
            return {
                one.id: one.stored
                for start in range(0, len(ids), _READ)
                for found in read.practitioners(connection, ids[start : start + _READ]).values()
                for one in documents(found)
            }

    def have(self) -> dict[str, dict[str, Any]]:
        """Return what the index holds about people, by document id."""
        return self._tantivy() if self.small else dict(self._opensearch())

    def _opensearch(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with httpx.Client(base_url=self.engine_url, timeout=60) as client:
            client.post(f"/{self.prefix}-licences/_refresh").raise_for_status()
            after: list[int] = []
            while True:
                body: dict[str, Any] = {
                    "size": _PAGE,
                    "query": {"exists": {"field": "practitioner_id"}},
                    "sort": [{"key": "asc"}],
                    **({"search_after": after} if after else {}),
                }
                answer = client.post(f"/{self.prefix}-licences/_search", json=body).raise_for_status().json()
                hits = answer["hits"]["hits"]
                if not hits:
                    return
                yield from ((hit["_id"], hit["_source"]) for hit in hits)
                after = hits[-1]["sort"]

    def _tantivy(self) -> dict[str, dict[str, Any]]:
        engine = index_of(self.world)
        try:
            keys = [(identity, _key(identity)) for identity, _ in engine.scan()]
            stored = engine.stored([key for _, key in keys])
            return {identity: stored[key] for identity, key in keys}
        finally:
            engine.close()

    def close(self) -> None:
        """Close every connection."""
        self.world.close()


@dataclass
class Resident:
    """A publisher at work."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self.process.poll() is None

    def text(self) -> str:
        """Return what it told."""
        return self.log.read_text("utf-8")


def _key(identity: str) -> int:
    return int(identity[1:]) * 2 + (identity[0] == "p")


def small(folder: Path, **environ: str) -> FaultHouse:
    """SQLite and Tantivy."""
    own = {
        "REGISTRY_DATABASE__URL": f"sqlite:///{folder / 'registry.db'}",
        "REGISTRY_SEARCH__TANTIVY__PATH": str(folder / "index"),
    }
    return FaultHouse(folder, {**_COMMON, **own, **environ})


def large(
    folder: Path,
    database: Callable[[], str],
    engine_url: str,
    prefix: str,
    proxy: FaultProxy | None = None,
    **environ: str,
) -> FaultHouse:
    """PostgreSQL and OpenSearch, reached through a proxy if there is one."""
    prefix = prefix.rstrip("-")
    return FaultHouse(
        folder,
        {
            "REGISTRY_DATABASE__URL": database(),
            "REGISTRY_SEARCH__ENGINE": "opensearch",
            "REGISTRY_SEARCH__OPENSEARCH__URLS": json.dumps([proxy.url if proxy else engine_url]),
            "REGISTRY_SEARCH__OPENSEARCH__PREFIX": prefix,
            **_COMMON,
            **environ,
        },
        engine_url,
        prefix,
    )


def people(count: int, given: str = "Liv", first: int = 0) -> dict[str, PersonFacts]:
    """Return so many people with one licence each, called `given` and their number."""
    return {
        str(n): person(
            f"Ek{n % 50}", f"{given}{n}", birth_date="1980-02-03", licences=[licence(str(100_000 + n))]
        )
        for n in range(first, first + count)
    }
