"""The feeds that are shipped, each reading a file that a test writes in place of its own source, and the real pull."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, load_feed
from indexer.feeds.sources import FileSource
from indexer.pull import Puller, Report
from registry.records import read
from registry.records import tables as t
from registry.settings import CONFIG
from registry.verification.question import Question
from registry.verification.verify import Verification, Verifier
from registry.vocabulary import load_vocabulary
from tests.registry.verification.people import rule_book
from tests.support.world import World


@dataclass
class Shipped:
    """A registry, and the folder where someone puts the authorities' files."""

    world: World
    folder: Path

    def feed(self, name: str, ending: str = "", **options: object) -> FeedDescriptor:
        """Return a shipped feed that reads its one file here; `options` are changed keys of its own `[options]`."""
        shipped = load_feed(CONFIG / "feeds" / f"{name}.toml")
        return replace(
            shipped,
            source=FileSource(path=str(self.folder / f"{name}{ending}")),
            options=replace(shipped.options, **options),
        )

    def pull(self, name: str, data: bytes | str, ending: str = "", **options: object) -> Report:
        """Put a file there and pull it."""
        path = self.folder / f"{name}{ending}"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.utime(path)
        return self.puller.pull(self.feed(name, ending, **options))

    @property
    def puller(self) -> Puller:
        """The real puller."""
        return Puller(self.world.engine, self.world.sealer, load_vocabulary(), self.world.settings.indexer)

    def people(self) -> list[read.Practitioner]:
        """Everyone, as SQL tells."""
        with self.world.engine.connect() as connection:
            ids = list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id)))
            return list(read.practitioners(connection, ids).values())

    def licences(self) -> list[read.Licence]:
        """Every licence, as SQL tells."""
        return [licence for person in self.people() for licence in person.licences]

    def versions(self) -> int:
        """How many versions of licences there are."""
        return self.world.count(t.licence_version)

    def ask(self, **question: object) -> Verification:
        """Ask by a number."""

        def search(*_: object) -> object:
            raise AssertionError("a question by number never asks the engine")

        verifier = Verifier(
            sealer=self.world.sealer,
            search=search,  # type: ignore[arg-type]
            rules=rule_book(),
            vocabulary=load_vocabulary(),
            zone=self.world.settings.zone,
            max_candidates=10,
        )
        with self.world.engine.connect() as connection:
            asked = Question(**question)  # type: ignore[arg-type]
            return verifier.verify(asked, connection, datetime.now(UTC)).verification
