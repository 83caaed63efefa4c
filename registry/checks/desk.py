"""What answering questions needs, made once per process: settings, words, rules, keys, databases and the search engine.

No web framework is in it: the service's views use one (`registry.web.context.Context` is a desk with a little more), and
a worker that checks staff lists opens its own with `open_desk`. Nothing is connected while it is made, so that a process
starts when a database is down, and so that a forked worker never shares a connection with its parent.
"""

import os
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sqlalchemy.engine import Engine

from registry.database import of_one_moment, open_database, reading
from registry.errors import RegistryError, SearchUnavailableError
from registry.matching.model import Model, load_model
from registry.matching.score import Scorer
from registry.records.name_counts import NameCounts, NameCountsCache
from registry.sealing import Sealer
from registry.search import open_engine
from registry.search.port import SearchEngine, SearchPage
from registry.search.query import SearchQuery
from registry.settings import Settings
from registry.verification.question import Question
from registry.verification.rules import RuleBook, load_rules
from registry.verification.verify import Answered, Verifier
from registry.vocabulary import Vocabulary, load_vocabulary

# Fewer people do not tell how common a name is: in a register of thirty every name is borne by one in thirty.
_TELLING_PEOPLE = 1000


@dataclass(eq=False)
class Desk:
    """Shared by everything in one process that answers questions. Safe to use from many threads.

    Attributes:
        truth: SQL truth, with the service's timeouts; read only.
        access: database of what answering writes: access events, evidence, quotas, staff lists.
        names: how common names are, read on first use.
    """

    settings: Settings
    vocabulary: Vocabulary
    rules: RuleBook
    sealer: Sealer
    truth: Engine
    access: Engine
    names: NameCountsCache = field(init=False)
    _scorer: tuple[NameCounts, Scorer] | None = field(default=None, init=False)
    _search: SearchEngine | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _model: Model = field(init=False)

    def __post_init__(self) -> None:
        # Read while the process starts: a wrong file stops it, and no request waits for it.
        self._model = load_model()
        self.names = self._names()
        _desks.add(self)

    def _names(self) -> NameCountsCache:
        return NameCountsCache(self.truth, self.settings.search.name_counts_ttl_s)

    @property
    def search(self) -> SearchEngine:
        """The search engine, opened on first use in this process.

        Raises:
            SearchUnavailableError: it can't be opened.
        """
        with self._lock:
            if self._search is None:
                self._search = open_engine(self.settings.search)
            return self._search

    def scorer(self) -> Scorer:
        """Return what compares questions with people, with the register's own counts of names as they are known now.

        Raises:
            SQLAlchemyError: SQL can't be asked.
        """
        counts = self.names.get()
        known = self._scorer
        if known is None or known[0] is not counts:
            telling = counts if counts.people >= _TELLING_PEOPLE else None
            known = self._scorer = counts, Scorer(self._model, telling, counts.people or None)
        return known[1]

    def verifier(self) -> Verifier:
        """Return what answers questions; only those by name ask the search engine."""

        def search(query: SearchQuery, today: date) -> SearchPage:
            # Opened only here: questions by number work while the engine can't even be opened.
            return self.search.search(query, today)

        def search_many(queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
            try:
                engine = self.search
            except SearchUnavailableError as error:
                return [error] * len(queries)
            return engine.search_many(queries, today)

        return Verifier(
            sealer=self.sealer,
            search=search,
            rules=self.rules,
            vocabulary=self.vocabulary,
            zone=self.settings.zone,
            max_candidates=self.settings.search.candidate_limit,
            scorer=self.scorer,
            search_many=search_many,
        )

    def verify(self, question: Question) -> Answered:
        """Answer one question from SQL truth; only one by name asks the search engine.

        The caller writes the access event before the answer leaves; `registry.checks.one.check` does both.

        Raises:
            BadRequestError: the question can't be answered as it is; says what to change.
            SearchUnavailableError: a question by name while the engine is down.
        """
        verifier, now = self.verifier(), self.now()
        one = verifier.takes_one_statement(question, now)
        with (reading if one else of_one_moment)(self.truth).connect() as connection:
            return verifier.verify(question, connection, now)

    def verify_admitted(self, question: Question, person_id: int) -> Answered:
        """Answer one question about one person, protected or not; about anyone else it is "not found".

        Only `registry.checks.consented` asks, for whoever was given that person's consent.

        Raises:
            BadRequestError: as `verify`.
        """
        now = self.now()
        with of_one_moment(self.truth).connect() as connection:
            return self.verifier().verify_admitted(question, person_id, connection, now)

    def now(self) -> datetime:
        """Return this moment, in UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Return the day it is where the service is (`service.time_zone`)."""
        return datetime.now(self.settings.zone).date()

    def close(self) -> None:
        """Close every connection."""
        self.truth.dispose()
        self.access.dispose()
        with self._lock:
            if self._search is not None:
                self._search.close()
            self._search = None

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are still the parent's (failure F11)."""
        self.truth.dispose(close=False)
        self.access.dispose(close=False)
        # The lock may have been held by a thread that does not exist in this process.
        self._lock = threading.Lock()
        self._search = None
        self.names = self._names()


_desks: "weakref.WeakSet[Desk]" = weakref.WeakSet()


def _after_fork() -> None:
    for each in list(_desks):
        each.after_fork()


# Whatever forks (gunicorn with preload, another server, a test): the child begins with its own connections.
os.register_at_fork(after_in_child=_after_fork)


def open_desk(settings: Settings) -> Desk:
    """Make a desk from the settings, for a process that is no web service. Close it with `close()`.

    Raises:
        SettingsError: a key is missing, or a file of rules or words is wrong.
    """
    return Desk(
        settings=settings,
        vocabulary=load_vocabulary(),
        rules=load_rules(),
        sealer=Sealer(settings.privacy),
        truth=open_database(settings.database.url, settings.database, service=True),
        access=open_database(settings.access_database_url, settings.database, service=True),
    )
