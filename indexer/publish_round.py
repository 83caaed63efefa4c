"""One round of publishing: batches of waiting changes sent to the index in use, and what became of them written down.

A change is forgotten when the index that was in use before and after it was sent has confirmed all documents of its person,
or knows newer ones. Whatever ends a publisher in between, the change is sent again, which versions make harmless.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from indexer.claims import Claim, claimed
from indexer.first_index import index_in_use
from indexer.lock import BusyError
from indexer.parcels import Parcel, read_parcels
from registry.records import outbox
from registry.search.port import IndexEngine, Outcome
from registry.settings import Settings

log = structlog.get_logger()
Progress = Callable[[str, int], None]
Wait = Callable[[float], None]
# A document that was refused is tried again after 30 s, 1 min, 2 min ...: its cause is seldom gone at once.
_FIRST_RETRY = timedelta(seconds=30)
# Seconds between two batches after one of which the engine took only a part.
_PAUSE_S = 0.5


@dataclass
class Published:
    """What publishing did.

    Attributes:
        practitioners: changes confirmed by the engine.
        documents: documents and deletions sent.
        failed: people with documents that the engine refused; tried again later.
        dead: of these, given up after `indexer.publish_attempts`.
        postponed: changes the engine had no room for; they wait, untouched.
        made: the index that had to be made first, because there was none; it holds what had waited until then.
    """

    practitioners: int = 0
    documents: int = 0
    failed: int = 0
    dead: int = 0
    postponed: int = 0
    made: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return asdict(self)

    def add(self, later: "Published") -> None:
        """Add what a later round did; what waits is what waits after it."""
        for name in ("practitioners", "documents", "failed", "dead"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.postponed = later.postponed


@dataclass
class Round:
    """One round of publishing: everything that is due. `run` is to be called once."""

    engine: Engine
    search: IndexEngine
    settings: Settings
    progress: Progress
    wait: Wait
    _index: str = ""
    _result: Published = field(default_factory=Published)

    def run(self) -> Published:
        """Publish until nothing that is due waits any more, or the engine takes no more.

        Raises:
            SearchUnavailableError: the engine can't be reached or its index was made for other fields; the queue is kept.
        """
        try:
            # Each pass begins with the oldest again: what committed late may have a lower id than what was seen.
            while self._pass() and not self._result.postponed:
                pass
        except BusyError as error:
            log.info("publishing waits for another process", reason=error.detail)
            with self.engine.connect() as connection:
                self._result.postponed = outbox.waiting(connection, datetime.now(UTC)).count
        return self._result

    def _pass(self) -> bool:
        """Publish what is due, from the oldest to the newest; tell whether there was anything."""
        self._index = index_in_use(self.engine, self.search, self.settings)
        after = 0
        while True:
            with claimed(self.engine, self.settings.indexer.publish_batch, after) as claim:
                if not claim.entries:
                    return after > 0
                after = claim.entries[-1].id
                postponed = self._publish(claim)
            self.progress("publish", self._result.practitioners)
            if postponed is None or postponed == len(claim.entries):
                return True
            if postponed:
                # Not inside the block above: nobody's rows or transactions wait for an engine to recover.
                self.wait(_PAUSE_S)

    def _publish(self, claim: Claim) -> int | None:
        """Send a batch and write what became of it.

        Returns:
            How many of its changes have to wait for room; None if another index has come into use meanwhile. Part of the
            batch may then have gone to the former one only, and what went to the new one may be older than what it held:
            all of it is sent again, also what the rebuild has taken out of the queue because the new index held it.
        """
        parcels = read_parcels(self.engine, claim.entries)
        sent = [operation for parcel in parcels for operation in parcel.operations]
        outcomes = self.search.bulk(sent) if sent else []
        self._result.documents += len(sent)
        if self.search.current_index() != self._index:
            log.info("another index has come into use; sending again", changes=len(claim.entries))
            with claim.settling() as connection:
                outbox.put_back(connection, claim.entries, datetime.now(UTC))
            return None
        with claim.settling() as connection:
            return self._settle(connection, parcels, outcomes)

    def _settle(
        self, connection: sa.Connection, parcels: Sequence[Parcel], outcomes: Sequence[Outcome]
    ) -> int:
        """Remove what is confirmed, note what is refused, leave what only has to wait; return how much that is."""
        done: list[int] = []
        postponed = 0
        told = iter(outcomes)
        for parcel in parcels:
            states = list(islice(told, len(parcel.operations)))
            bad = next((outcome for outcome in states if outcome.state == "failed"), None)
            if bad:
                done += self._refuse(connection, parcel, bad.operation.id, bad.reason)
            elif parcel.error:
                done += self._refuse(connection, parcel, parcel.document, parcel.error)
            elif all(outcome.settled for outcome in states):
                done += [entry.id for entry in parcel.entries] + parcel.covered
                self._result.practitioners += len(parcel.entries)
            else:
                postponed += len(parcel.entries)
        outbox.done(connection, done)
        self._result.postponed += postponed
        return postponed

    def _refuse(self, connection: sa.Connection, parcel: Parcel, document: str, reason: str) -> list[int]:
        """Note a refusal in the newest row of a person; return the rows that this one stands for from now on."""
        *older, newest = (entry.id for entry in parcel.entries)
        tries = max(entry.attempts for entry in parcel.entries) + 1
        dead = tries >= self.settings.indexer.publish_attempts
        retry_at = None if dead else datetime.now(UTC) + _FIRST_RETRY * 2 ** (tries - 1)
        outbox.failed(connection, newest, attempts=tries, document=document, reason=reason, retry_at=retry_at)
        self._result.failed += 1
        self._result.dead += dead
        log.error("document refused", document=document, reason=reason, tries=tries, dead=dead)
        return [*older, *parcel.covered] if dead else older
