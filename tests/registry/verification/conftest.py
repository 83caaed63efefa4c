"""A small registry with a real database and a real search folder, and a verifier over them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from registry.errors import RegistryError
from registry.identifiers import COORDINATION_NUMBER, PERSONAL_IDENTITY_NUMBER, check_digit
from registry.matching.model import load_model
from registry.matching.score import NameCounts, Scorer
from registry.records import read
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, PersonFacts
from registry.search import IndexEngine, SearchPage, SearchQuery, open_engine
from registry.search.document import operations
from registry.verification.question import Question
from registry.verification.verify import Answered, Verification, Verifier
from tests.registry.verification.people import rule_book, vocabulary
from tests.support.first_index import index_in_use
from tests.support.world import World, licence, person


def personal_number(birth: str, number: int = 980) -> str:
    """A test number (birth numbers from 980) of someone born on `birth` (yyyymmdd)."""
    nine = f"{birth[2:]}{number}"
    return f"{birth}{number}{check_digit(nine)}"


BORN, NUMBER = "1980-05-03", personal_number("19800503")


def of(digits: str, use: str = "official") -> IdentifierFacts:
    system = COORDINATION_NUMBER if int(digits[6:8]) > 60 else PERSONAL_IDENTITY_NUMBER
    return IdentifierFacts(system=system, value=digits, use=use)  # type: ignore[arg-type]


def anna(**rest: object) -> PersonFacts:
    given: dict[str, object] = {
        "licences": [licence("1001")],
        "birth_date": BORN,
        "identifiers": (of(NUMBER),),
        **rest,
    }
    return person("Andersson", "Anna", "Maria", **given)  # type: ignore[arg-type]


@dataclass
class Desk:
    """Where questions are asked. People are loaded by the real loader and published to a real index.

    Attributes:
        counts: how common names are; None as in a register that has never counted them.
    """

    world: World
    engine: IndexEngine
    searched: list[SearchQuery] = field(default_factory=list)
    max_candidates: int = 100
    counts: NameCounts | None = None

    def load(self, people: dict[str, PersonFacts], feed: str = "test", **rest: object) -> None:
        """Load people as one run of a feed, then publish everyone."""
        self.world.describe_feed(feed, **rest)
        self.world.load(people, feed=feed)
        self.publish()

    def publish(self) -> None:
        """Publish everyone as SQL has them now."""
        with self.world.engine.connect() as connection:
            ids = list(connection.scalars(sa.select(t.practitioner.c.id)))
            people = read.practitioners(connection, ids)
        index_in_use(self.engine)
        self.engine.bulk([each for person in people.values() for each in operations(person)])

    def ask(self, question: Question, now: datetime | None = None) -> Answered:
        """Ask a question, at this moment or another one."""
        with self.world.engine.connect() as connection:
            return self._verifier().verify(question, connection, now or datetime.now(UTC))

    def ask_many(self, questions: Sequence[Question]) -> list[Answered | RegistryError]:
        """Ask several questions at once, now."""
        with self.world.engine.connect() as connection:
            return self._verifier().verify_many(questions, connection, datetime.now(UTC))

    def ask_admitted(self, question: Question, person: int) -> Answered:
        """Ask about one person who has agreed to it."""
        with self.world.engine.connect() as connection:
            return self._verifier().verify_admitted(question, person, connection, datetime.now(UTC))

    def _verifier(self) -> Verifier:
        settings = self.world.settings

        def search(query: SearchQuery, today: object) -> SearchPage:
            self.searched.append(query)
            return self.engine.search(query, today)  # type: ignore[arg-type]

        return Verifier(
            sealer=self.world.sealer,
            search=search,
            rules=rule_book(),
            vocabulary=vocabulary(),
            zone=settings.zone,
            max_candidates=self.max_candidates,
            scorer=lambda: Scorer(load_model(), self.counts),
        )

    def answer(self, **question: object) -> Verification:
        """Ask a question given as its fields."""
        return self.ask(Question(**question)).verification  # type: ignore[arg-type]


@pytest.fixture
def desk(small_world: World) -> Iterator[Desk]:
    engine = open_engine(small_world.settings.search, indexer=True)
    yield Desk(small_world, engine)
    engine.close()
