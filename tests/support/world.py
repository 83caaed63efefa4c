"""A small registry for tests: settings with throw-away keys, migrated databases, and people loaded by the real loader."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import msgspec
import sqlalchemy as sa

from indexer import runs
from indexer.feeds import Row, SourceRow
from indexer.guard import HoldError
from indexer.load import Counts, Load
from indexer.normalize.errors import BadRecordError
from registry.database import open_database, writing
from registry.records import tables as t
from registry.records.facts import LicenceFacts, NameFacts, PersonFacts
from registry.sealing import Sealer, new_key
from registry.settings import Settings, load_settings
from tests.support.migrated import make_migrated

KEYS = {"REGISTRY_PRIVACY__DIGEST_KEY": new_key(), "REGISTRY_PRIVACY__SEALING_KEY": new_key()}
SILENCE = {
    "silence_sv": "Personen har ingen legitimation i testregistret.",
    "silence_en": "The person has no licence in the test register.",
}


def make_settings(folder: Path, database_url: str | None = None, **environ: str) -> Settings:
    """Settings as the environment of a small service would give them; extra settings by their variable names."""
    return load_settings(
        {
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_DATABASE__URL": database_url or f"sqlite:///{folder / 'registry.db'}",
            "REGISTRY_SEARCH__TANTIVY__PATH": str(folder / "index"),
            **KEYS,
            **environ,
        }
    )


class FactsNormalizer:
    """Reads payloads that already are facts as JSON: for tests of what comes after normalizing."""

    def facts(self, payload: bytes) -> PersonFacts:
        """Return the facts, or say which field is wrong."""
        try:
            return msgspec.json.decode(payload, type=PersonFacts)
        except msgspec.ValidationError as error:
            raise BadRecordError("payload", str(error)) from error


def person(
    family: str,
    *given: str,
    licences: Iterable[LicenceFacts] = (),
    birth_date: str | None = None,
    **rest: object,
) -> PersonFacts:
    """A person with one official name."""
    facts = {
        "names": (NameFacts(family=family, given=given),),
        "birth_date": birth_date,
        "licences": tuple(licences),
    }
    return PersonFacts(**{**facts, **rest})  # type: ignore[arg-type]


def licence(number: str = "", **rest: object) -> LicenceFacts:
    """An active nurse's licence unless told otherwise."""
    facts = {"key": number or "SJ", "number": number, "profession": "registered-nurse", "status": "active"}
    return LicenceFacts(**{**facts, **rest})  # type: ignore[arg-type]


@dataclass
class World:
    """One registry: databases migrated, keys made, feeds described on first use."""

    settings: Settings
    described: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        make_migrated(self.settings)

    @cached_property
    def engine(self) -> sa.Engine:
        """SQL truth, as the indexer opens it."""
        return open_database(self.settings.database.url, self.settings.database, service=False)

    @cached_property
    def access_engine(self) -> sa.Engine:
        """Access log and sessions, as the service opens them."""
        return open_database(self.settings.access_database_url, self.settings.database, service=True)

    @cached_property
    def sealer(self) -> Sealer:
        """Digests and seals with this world's keys."""
        return Sealer(self.settings.privacy)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.access_engine.dispose()

    def describe_feed(self, feed: str = "test", **rest: object) -> None:
        """Write a feed `test` of an authority `test-authority` (or other names)."""
        if feed in self.described:
            return
        authority = {"id": f"{feed}-authority", "name_sv": "Testmyndigheten", "name_en": "The test authority"}
        facts = {
            "id": feed,
            "authority_id": authority["id"],
            "name_sv": "Testregistret",
            "name_en": "The test register",
            "format": "facts",
            "completeness": "current_and_lapsed",
            "mode": "snapshot",
            "max_age_hours": 48,
            **SILENCE,
            **rest,
        }
        with writing(self.engine).begin() as connection:
            connection.execute(sa.insert(t.authority).values(authority))
            connection.execute(sa.insert(t.feed).values(facts))
        self.described.add(feed)

    def load(
        self,
        people: dict[str, PersonFacts] | Iterable[Row],
        *,
        feed: str = "test",
        snapshot: bool = True,
        reread: bool = False,
        finished_at: datetime | None = None,
    ) -> Counts:
        """Load people (source key → facts) as one run of a feed, by the real loader."""
        self.describe_feed(feed)
        rows: list[Row] = [*(source_rows(people) if isinstance(people, dict) else people)]
        with writing(self.engine).begin() as connection:
            run_id = runs.start(connection, feed)
        try:
            return self._run(
                rows, feed, run_id, "", snapshot=snapshot, reread=reread, finished_at=finished_at
            )
        except HoldError as error:
            return self._run(
                rows, feed, run_id, error.reason, snapshot=snapshot, reread=reread, finished_at=finished_at
            )

    def _run(
        self,
        rows: list[Row],
        feed: str,
        run_id: int,
        hold: str,
        *,
        snapshot: bool,
        reread: bool,
        finished_at: datetime | None,
    ) -> Counts:
        now = finished_at or datetime.now(UTC)
        with writing(self.engine).begin() as connection:
            load = Load(
                connection=connection,
                feed_id=feed,
                authority_id=f"{feed}-authority",
                run_id=run_id,
                now=now,
                sealer=self.sealer,
                normalizer=FactsNormalizer(),
                settings=self.settings.indexer,
                complete=snapshot,
                hold=hold,
                reread=reread,
            )
            for _ in load.run(rows):
                pass
            load.finish()
            runs.close(connection, run_id, "held" if hold else "succeeded", load.counts, held_reason=hold)
            if finished_at:
                run = t.feed_run
                connection.execute(
                    sa.update(run).where(run.c.id == run_id).values(started_at=now, finished_at=now)
                )
        return load.counts

    def count(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """Count rows of a table in SQL truth."""
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


def source_rows(people: dict[str, PersonFacts]) -> list[SourceRow]:
    """Source rows whose payload is the facts themselves."""
    return [
        SourceRow(number, key, f"{key}\0".encode() + payload, payload, bytes)
        for number, (key, facts) in enumerate(people.items(), start=1)
        for payload in [msgspec.json.encode(facts)]
    ]
