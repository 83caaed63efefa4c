"""What changing the truth outside a pull needs: the feed's lock, a run of its own, and the loader's writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer import runs
from indexer.feeds.descriptor import FeedDescriptor
from indexer.load import Counts, Load
from indexer.lock import only_one
from indexer.normalize.of_feed import Normalizer
from indexer.testpeople import load_test_people
from registry.database import writing
from registry.errors import BadRequestError
from registry.sealing import Sealer
from registry.settings import Indexer
from registry.vocabulary import Vocabulary

# Records handled at a time.
BATCH = 2000


@dataclass
class Done:
    """What was done.

    Attributes:
        run: the run that did it.
        of: the run it was about, if any.
        skipped: keys of records that could not be treated, because they have changed again since.
    """

    feed: str
    run: int
    of: int | None = None
    counts: Counts = field(default_factory=Counts)
    skipped: list[str] = field(default_factory=list)
    dry_run: bool = False


@dataclass(frozen=True)
class Workshop:
    """Opens the truth for work on one feed."""

    engine: Engine
    sealer: Sealer
    vocabulary: Vocabulary
    settings: Indexer

    @contextmanager
    def run(
        self, feed: FeedDescriptor, kind: str, *, of: int | None = None, dry_run: bool = False
    ) -> Iterator[tuple[sa.Connection, Load, Done]]:
        """Hold the feed's lock and one transaction; commit with the run's counts at the end, or forget a dry run.

        Raises:
            NotFoundError: there is no run `of`.
            BadRequestError: it is of another feed.
            BusyError: the feed is being pulled.
        """
        with (
            only_one(self.engine, f"pull:{feed.id}", self.settings) as lock,
            writing(self.engine).connect() as connection,
            connection.begin() as transaction,
        ):
            lock.enter(connection)
            if of is not None and runs.get(connection, of).feed_id != feed.id:
                raise BadRequestError(f"Run {of} is not of the feed {feed.id}.")
            run_id = runs.start(connection, feed.id, kind, of=of)
            load = self.load(connection, feed, run_id)
            done = Done(feed.id, run_id, of, load.counts, dry_run=dry_run)
            yield connection, load, done
            load.counts.skipped = len(done.skipped)
            runs.close(connection, run_id, "succeeded", load.counts)
            runs.decided(connection, feed.id)
            lock.still_mine(connection)
            if dry_run:
                transaction.rollback()

    def load(self, connection: sa.Connection, feed: FeedDescriptor, run_id: int, **how: Any) -> Load:  # noqa: ANN401
        """Return a loader; unless `how` (fields of `Load`) says otherwise, for what has been decided already."""
        return Load(
            connection=connection,
            feed_id=feed.id,
            authority_id=feed.authority.id,
            run_id=run_id,
            now=datetime.now(UTC),
            sealer=self.sealer,
            normalizer=Normalizer(feed, self.vocabulary),
            settings=self.settings,
            personal_keys=feed.options.personal_keys,
            test_people=load_test_people(self.settings),
            **{"complete": False, "rows_come": False, **how},
        )
