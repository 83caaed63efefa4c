"""People as SQL truth would give them, and an engine that holds them: for the tests of the search room."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import msgspec

from registry.records.facts import LicenceFacts, NameFacts, RestrictionFacts
from registry.records.read import KnownIdentifier, Licence, Practitioner
from registry.search.document import operations
from registry.search.port import IndexEngine, SearchPage
from registry.search.query import SearchQuery
from registry.settings import Search, load_settings
from tests.support.first_index import index_in_use

TODAY = date(2026, 5, 20)
_KNOWN_SINCE = datetime(2026, 5, 1, tzinfo=UTC)
_ids = count(1000)


def limits(folder: Path, **changes: object) -> Search:
    """The default limits, with a fresh folder for the embedded engine."""
    settings = load_settings({}).search
    tantivy = msgspec.structs.replace(
        settings.tantivy, path=str(folder / "index"), writer_heap_mb=32, writer_threads=1
    )
    return msgspec.structs.replace(settings, tantivy=tantivy, **changes)


def licence(number: str = "", *, gone: bool = False, authority: str = "board", **facts: object) -> Licence:
    """An active nurse's licence unless told otherwise."""
    told = {"key": "1", "number": number, "profession": "registered-nurse", "status": "active", **facts}
    return Licence(
        id=next(_ids),
        facts=msgspec.convert(told, LicenceFacts),
        feed_id="feed",
        authority_id=authority,
        gone=gone,
        known_since=_KNOWN_SINCE,
    )


def restriction(kind: str, valid_from: str | None = None, valid_to: str | None = None) -> RestrictionFacts:
    return msgspec.convert({"kind": kind, "valid_from": valid_from, "valid_to": valid_to}, RestrictionFacts)


def name(text: str, use: str = "official") -> NameFacts:
    """A name written "Given Names Family" or, where the family name has several words, "Given / Family Names"."""
    given, parted, family = text.partition(" / ")
    if not parted:
        given, _, family = text.rpartition(" ")
    return msgspec.convert({"use": use, "given": given.split(), "family": family}, NameFacts)


def person(
    official: str | NameFacts,
    *licences: Licence,
    former: Iterable[str] = (),
    identifiers: Sequence[tuple[str, str]] = (),
    version: int = 1,
    **rest: object,
) -> Practitioner:
    """A person with one licence unless told otherwise; `licences=()` in `rest` gives none."""
    identity = next(_ids)
    first = official if isinstance(official, NameFacts) else name(official)
    made = Practitioner(
        id=identity,
        public_id=f"public-{identity}",
        birth_date=None,
        deceased=False,
        deceased_date=None,
        protected=False,
        county="",
        version=version,
        names=(first, *(name(text, "former") for text in former)),
        identifiers=tuple(KnownIdentifier(system, "official", value, None) for system, value in identifiers),
        licences=licences or (licence(),),
    )
    return replace(made, **rest)  # type: ignore[arg-type]


class Register:
    """An engine with an index in use, and short ways to fill and ask it."""

    def __init__(self, engine: IndexEngine, settings: Search) -> None:
        self.engine = engine
        self.settings = settings
        self.index = index_in_use(engine)

    def publish(self, *people: Practitioner) -> None:
        """Take people in; every operation must be settled."""
        outcomes = self.engine.bulk([change for one in people for change in operations(one)])
        assert [o for o in outcomes if not o.settled] == []
        self.engine.refresh()

    def search(self, text: str = "", *, today: date = TODAY, **rest: object) -> SearchPage:
        return self.engine.search(SearchQuery(text=text, **rest), today)  # type: ignore[arg-type]

    def found(self, text: str = "", **rest: object) -> list[int]:
        """Ids of the practitioners found, in order."""
        return [hit.practitioner_id for hit in self.search(text, **rest).hits]  # type: ignore[arg-type]
