"""A registry with people, and a desk at which staff lists are sent and checked."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from indexer.publish import publish
from registry.access.caller import Caller
from registry.access.log import NOBODY
from registry.access.tables import access_event, access_event_subject
from registry.checks.desk import Desk, open_desk
from registry.checks.lists import answers, handling
from registry.checks.lists.columns import mapped, recognise
from registry.checks.lists.files import csv_file
from registry.checks.lists.handling import Sent, StaffList
from registry.checks.lists.reading import read_table
from registry.checks.lists.worker import Worker
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.settings import Settings
from tests.registry.checks.lists.sheets import csv_text
from tests.registry.web.people import everyone
from tests.support.engines import index_of, large_house, small_house
from tests.support.world import World

CALLER = Caller("https://issuer.example", "somebody", client_id="staffing", organisation="5560000001")
OTHER = Caller("https://issuer.example", "somebody", client_id="staffing", organisation="5560000002")


@dataclass
class Lists:
    """A registry at which staff lists are sent and checked."""

    world: World
    caller: Caller = CALLER
    desks: list[Desk] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        """The first desk."""
        return self.desks[0] if self.desks else self.new_desk()

    def new_desk(self, settings: Settings | None = None) -> Desk:
        """Open another desk, as another process would."""
        self.desks.append(open_desk(settings or self.world.settings))
        return self.desks[-1]

    def load(self, people: dict[str, PersonFacts], *, publish_them: bool = True) -> None:
        """Load people and publish them, as the indexer does."""
        self.world.load(people)
        if publish_them:
            self.publish()

    def publish(self) -> None:
        """Publish what waits in the outbox."""
        search = index_of(self.world)
        publish(self.world.engine, search, self.world.settings, lambda _phase, _amount: None)
        search.refresh()
        search.close()

    def send(self, *rows: list[str], columns: dict[str, str] | None = None, **rest: Any) -> StaffList:  # noqa: ANN401 - fields of Sent
        """Send a list; its first row is the header."""
        table = read_table(csv_text(*rows).encode(), self.world.settings.checks.lists)
        found = recognise(table)
        sent = Sent(
            purpose="employment",
            headers=found.headers,
            columns=mapped(found, columns or {}),
            recognised=found,
            rows=list(table.below(found.row)),
            **rest,
        )
        return handling.send(self.desk, self.caller, sent, "request-1")

    def work(self, desk: Desk | None = None) -> int:
        """Work at every list that waits."""
        return Worker(desk or self.desk).run(once=True)

    def checked(self, *rows: list[str], **rest: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - see send
        """Send a list, check it and return its results."""
        sent = self.send(*rows, **rest)
        self.work()
        return self.results(sent.id)

    def results(self, list_id: str) -> list[dict[str, Any]]:
        """Return all results."""
        return list(answers.everything(self.desk, self.caller, list_id, request_id="reading")[1])

    def read(self, list_id: str) -> StaffList:
        """Return a list as it stands."""
        return handling.read(self.desk, self.caller, list_id)

    def file(self, list_id: str) -> bytes:
        """Return the result file."""
        rows = answers.everything(self.desk, self.caller, list_id, request_id="reading")[1]
        return b"".join(csv_file(rows, "en", ";"))

    def events(self, action: str = "verify") -> list[sa.Row[Any]]:
        """Return the access log."""
        with self.desk.access.connect() as connection:
            query = sa.select(access_event).where(access_event.c.action == action)
            return list(connection.execute(query.order_by(access_event.c.id)))

    def subjects(self, event_id: int) -> set[int]:
        """Return whom an event is about."""
        with self.desk.access.connect() as connection:
            column = access_event_subject.c
            return set(
                connection.scalars(sa.select(column.practitioner_id).where(column.event_id == event_id))
            ) - {NOBODY}

    def subjects_of(self, event_ids: Collection[int]) -> dict[int, set[int]]:
        """Return whom events are about."""
        found: dict[int, set[int]] = {}
        with self.desk.access.connect() as connection:
            column = access_event_subject.c
            for event_id, person in connection.execute(sa.select(column.event_id, column.practitioner_id)):
                if event_id in event_ids and person != NOBODY:
                    found.setdefault(event_id, set()).add(person)
        return found

    def internal_id(self, key: str) -> int:
        """Return the internal id of the person a source key belongs to."""
        with self.world.engine.connect() as connection:
            query = sa.select(t.source_record.c.practitioner_id).where(t.source_record.c.key == key)
            return int(connection.scalars(query).one())

    def close(self) -> None:
        """Close every connection."""
        for desk in self.desks:
            desk.close()
        self.world.close()


@pytest.fixture(params=["small", "large"])
def lists(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lists]:
    """A registry with everyone in it, on either size: SQLite and Tantivy, PostgreSQL and OpenSearch."""
    quick = {"REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S": "0.0", "REGISTRY_CHECKS__LISTS__POLL_S": "0.05"}
    if request.param == "small":
        world = small_house(tmp_path, **quick)
    else:
        database = request.getfixturevalue("fresh_postgres_database")
        url = request.getfixturevalue("opensearch_url")
        world = large_house(tmp_path, database, url, request.getfixturevalue("opensearch_prefix"), **quick)
    made = Lists(world)
    made.load(everyone())
    yield made
    made.close()


@pytest.fixture
def small_lists(tmp_path: Path) -> Iterator[Callable[..., Lists]]:
    """Makes registries on SQLite and Tantivy with everyone in them; further settings by their variable names."""
    made: list[Lists] = []

    def make(**environ: str) -> Lists:
        folder = tmp_path / f"house-{len(made)}"
        folder.mkdir()
        made.append(Lists(small_house(folder, **environ)))
        made[-1].load(everyone())
        return made[-1]

    yield make
    for one in made:
        one.close()
