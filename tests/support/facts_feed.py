"""A feed whose records are facts already, pulled by the real puller from a file: for tests of what comes after normalizing."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from indexer.feeds.descriptor import Authority, FeedDescriptor, Limits
from indexer.feeds.formats import FORMATS, Format
from indexer.feeds.options import FormatOptions
from indexer.feeds.rows import BadRow, GoneRow, Row, SourceRow
from indexer.feeds.sources import FileSource
from indexer.pull import Puller, Report
from indexer.workshop import Workshop
from registry.records.facts import PersonFacts
from registry.vocabulary import Vocabulary, load_vocabulary
from tests.support.world import SILENCE, FactsNormalizer, World


def _parse(parts: Sequence[Path], _options: FormatOptions, _most: int) -> Iterator[Row]:
    row = 0
    for part in parts:
        for line in part.read_bytes().splitlines():
            row += 1
            entry = orjson.loads(line)
            if entry.get("gone"):
                yield GoneRow(row, entry["key"])
            elif entry.get("bad"):
                yield BadRow(row, entry["key"], "field", entry["bad"], "")
            else:
                yield SourceRow(row, entry["key"], line, entry["facts"], _payload)


def _payload(facts: Any) -> bytes:  # noqa: ANN401 - JSON
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


def _normalizer(_options: FormatOptions, _vocabulary: Vocabulary) -> FactsNormalizer:
    return FactsNormalizer()


FORMATS.setdefault("facts", Format(FormatOptions, _parse, _normalizer))


@dataclass
class FactsFeed:
    """One feed file of facts and the pulls of it."""

    world: World
    folder: Path
    id: str = "test"
    limits: Limits = field(default_factory=Limits)
    mode: str = "snapshot"
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The feed's file."""
        return self.folder / f"{self.id}.ndjson"

    @property
    def descriptor(self) -> FeedDescriptor:
        """The feed as a file in config/feeds would describe it."""
        return FeedDescriptor(
            id=self.id,
            authority=Authority(
                id=f"{self.id}-authority", name_sv="Testmyndigheten", name_en="The test authority"
            ),
            name_sv="Testregistret",
            name_en="The test register",
            format="facts",
            completeness="current_and_lapsed",
            mode=self.mode,  # type: ignore[arg-type] # a test's own word
            max_age_hours=48,
            source=FileSource(path=str(self.folder / f"{self.id}*.ndjson"), stamp="mtime", **self.source),
            options=FormatOptions(vocabulary="hosp"),
            limits=self.limits,
            silence_sv=SILENCE["silence_sv"],
            silence_en=SILENCE["silence_en"],
        )

    def write(
        self,
        people: Mapping[str, PersonFacts],
        *more: dict[str, object],
        day: int | None = None,
        name: str = "",
    ) -> None:
        """Write the file: people by key, then further lines ({"key", "gone"|"bad"|"facts"}). `day`: its stamp."""
        path = self.folder / name if name else self.path
        lines = [
            orjson.dumps({"key": key, "facts": orjson.loads(msgspec.json.encode(facts))})
            for key, facts in people.items()
        ]
        lines += [orjson.dumps(line) for line in more]
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        if day is not None:
            moment = datetime(2026, 1, day, 12, tzinfo=UTC).timestamp()
            os.utime(path, (moment, moment))

    def pull(
        self,
        people: Mapping[str, PersonFacts] | None = None,
        *more: dict[str, object],
        **how: Any,  # noqa: ANN401 - Puller's own switches
    ) -> Report:
        """Write the file if people are given, and pull it."""
        day = how.pop("day", None)
        if people is not None:
            self.write(people, *more, day=day)
        return self.puller(**how).pull(self.descriptor)

    def puller(self, **how: Any) -> Puller:  # noqa: ANN401 - Puller's own switches
        """The real puller."""
        return Puller(
            engine=self.world.engine,
            sealer=self.world.sealer,
            vocabulary=load_vocabulary(),
            settings=self.world.settings.indexer,
            **how,
        )

    @property
    def workshop(self) -> Workshop:
        """What approvals, rollbacks and replays work with."""
        return Workshop(self.world.engine, self.world.sealer, load_vocabulary(), self.world.settings.indexer)


def facts_line(key: str, facts: PersonFacts) -> dict[str, object]:
    """A further line of a feed's file."""
    return {"key": key, "facts": orjson.loads(msgspec.json.encode(facts))}
