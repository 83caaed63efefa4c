"""Publishing: waiting changes from the outbox to the search index, forgotten only when the engine has confirmed them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from registry.database import writing
from registry.records import outbox, read
from registry.search.document import operations
from registry.search.port import IndexEngine, Outcome
from registry.settings import Indexer

log = structlog.get_logger()
Progress = Callable[[str, int], None]
# A document that was refused is tried again after 30 s, 1 min, 2 min ...: its cause is seldom gone at once.
_FIRST_PAUSE = timedelta(seconds=30)


@dataclass
class Published:
    """What a round did.

    Attributes:
        practitioners: changes confirmed by the engine.
        documents: documents and deletions sent.
        failed: changes the engine refused; tried again later.
        dead: of these, changes given up after `indexer.publish_attempts`.
        postponed: changes the engine had no room for; they wait, untouched.
    """

    practitioners: int = 0
    documents: int = 0
    failed: int = 0
    dead: int = 0
    postponed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return asdict(self)


@dataclass
class Publisher:
    """One round of publishing."""

    engine: Engine
    search: IndexEngine
    settings: Indexer
    progress: Progress
    result: Published = field(default_factory=Published)

    def run(self) -> Published:
        """Publish until nothing that is due waits any more.

        Raises:
            SearchUnavailableError: the engine can't be reached; the queue is kept.
        """
        self.search.ensure_index()
        while self._batch():
            self.progress("publish", self.result.practitioners)
            if self.result.postponed:
                log.warning("the engine takes no more at the moment", postponed=self.result.postponed)
                break
        return self.result

    def _batch(self) -> bool:
        """Publish one batch; tell whether there was one.

        PostgreSQL: the rows stay locked until they are settled, so that publishers share the work. SQLite has one
        lock for all writers, which must not be held while an engine is waited for: there two publishers may send the
        same change, which versions make harmless.
        """
        now = datetime.now(UTC)
        if self.engine.dialect.name == "postgresql":
            with writing(self.engine).begin() as connection:
                entries = outbox.claim(connection, self.settings.publish_batch, now)
                self._settle(connection, entries, self._send(connection, entries))
        else:
            with self.engine.connect() as connection:
                entries = outbox.claim(connection, self.settings.publish_batch, now)
                refused = self._send(connection, entries)
            with writing(self.engine).begin() as connection:
                self._settle(connection, entries, refused)
        return bool(entries)

    def _send(self, connection: sa.Connection, entries: Sequence[outbox.Entry]) -> dict[int, list[Outcome]]:
        """Send the people of a batch as SQL has them now; return what was not settled, by practitioner."""
        people = read.practitioners(
            connection, list(dict.fromkeys(entry.practitioner_id for entry in entries))
        )
        sent = [(person.id, operation) for person in people.values() for operation in operations(person)]
        outcomes = self.search.bulk([operation for _, operation in sent]) if sent else []
        self.result.documents += len(sent)
        refused: dict[int, list[Outcome]] = defaultdict(list)
        for (person_id, _), outcome in zip(sent, outcomes, strict=True):
            if not outcome.settled:
                refused[person_id].append(outcome)
        return refused

    def _settle(
        self, connection: sa.Connection, entries: Sequence[outbox.Entry], refused: dict[int, list[Outcome]]
    ) -> None:
        """Remove what is confirmed, note what is refused, leave what only has to wait."""
        done = [entry.id for entry in entries if entry.practitioner_id not in refused]
        outbox.done(connection, done)
        self.result.practitioners += len(done)
        for entry in entries:
            outcomes = refused.get(entry.practitioner_id, [])
            bad = next((outcome for outcome in outcomes if outcome.state == "failed"), None)
            if bad:
                self._refused(connection, entry, bad)
            elif outcomes:
                self.result.postponed += 1

    def _refused(self, connection: sa.Connection, entry: outbox.Entry, bad: Outcome) -> None:
        dead = entry.attempts + 1 >= self.settings.publish_attempts
        retry_at = None if dead else datetime.now(UTC) + _FIRST_PAUSE * 2**entry.attempts
        outbox.failed(connection, entry, f"{bad.operation.id}: {bad.reason}", retry_at=retry_at)
        self.result.failed += 1
        self.result.dead += dead
        log.error("document refused", document=bad.operation.id, reason=bad.reason, dead=dead)


def publish(engine: Engine, search: IndexEngine, settings: Indexer, progress: Progress) -> Published:
    """Publish every change that is due (see `Publisher.run`)."""
    return Publisher(engine, search, settings, progress).run()
