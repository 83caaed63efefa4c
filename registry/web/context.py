"""What the views share, made once per app: settings, words, rules, keys, databases and the search engine.

Nothing here is connected while it is made, so that the app starts when a database is down (and says so in `/readyz`),
and so that a forked worker never shares a connection with its parent.
"""

import os
import threading
import weakref
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from flask import Flask, current_app
from sqlalchemy.engine import Engine

from registry.database import open_database
from registry.errors import RegistryError
from registry.matching.score import Scorer, scorer_of
from registry.records.name_counts import NameCounts, NameCountsCache
from registry.sealing import Sealer
from registry.search import open_engine
from registry.search.port import Health, SearchEngine, SearchPage
from registry.search.query import SearchQuery
from registry.settings import Settings
from registry.verification.question import Question
from registry.verification.rules import RuleBook, load_rules
from registry.verification.verify import Answered, Verifier
from registry.vocabulary import Vocabulary, load_vocabulary
from registry.web.freshness import Counting, counting_of
from registry.web.remembered import FeedsCache

_EXTENSION = "registry-context"


@dataclass(eq=False)
class Context:
    """Shared by all views of one app. Safe to use from many threads.

    Attributes:
        truth: SQL truth, with the service's timeouts; read only.
        access: database of access events and sessions.
        counting: keeps a count of the documents that the index holds and should hold.
        names: how common names are, read on first use.
        feeds: every feed, for lists, which show no more of them than names.
    """

    settings: Settings
    vocabulary: Vocabulary
    rules: RuleBook
    sealer: Sealer
    truth: Engine
    access: Engine
    counting: Counting = field(init=False)
    names: NameCountsCache = field(init=False)
    feeds: FeedsCache = field(init=False)
    _scorer: tuple[NameCounts, Scorer] | None = None
    _search: SearchEngine | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.counting = counting_of(self.settings, self.health)
        self.names = self._names()
        self.feeds = FeedsCache(self.settings.search.feeds_ttl_s)

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
            known = self._scorer = counts, scorer_of(counts)
        return known[1]

    def verify(self, question: Question) -> Answered:
        """Answer one question from SQL truth; only one by name asks the search engine.

        Raises:
            BadRequestError: the question can't be answered as it is; says what to change.
            SearchUnavailableError: a question by name while the engine is down.
        """

        def search(query: SearchQuery, today: date) -> SearchPage:
            # Opened only here: questions by number work while the engine can't even be opened.
            return self.search.search(query, today)

        verifier = Verifier(
            sealer=self.sealer,
            search=search,
            rules=self.rules,
            vocabulary=self.vocabulary,
            zone=self.settings.zone,
            max_candidates=self.settings.search.candidate_limit,
            scorer=self.scorer,
        )
        with self.truth.connect() as connection:
            return verifier.verify(question, connection, self.now())

    def health(self) -> Health:
        """Tell how the search engine is; never raises."""
        try:
            return self.search.health()
        except RegistryError as error:
            return Health(None, None, error.detail or error.title)

    def now(self) -> datetime:
        """Return this moment, in UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Return the day it is where the service is (`service.time_zone`)."""
        return datetime.now(self.settings.zone).date()

    def close(self) -> None:
        """Close every connection."""
        self.counting.close()
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
        self.counting.after_fork()


_contexts: "weakref.WeakSet[Context]" = weakref.WeakSet()


def _after_fork() -> None:
    for each in list(_contexts):
        each.after_fork()


# Whatever forks (gunicorn with preload, another server, a test): the child begins with its own connections.
os.register_at_fork(after_in_child=_after_fork)


def install_context(app: Flask, settings: Settings) -> Context:
    """Make the context of `app`, where `context()` finds it.

    Raises:
        SettingsError: a key is missing, or a file of rules or words is wrong.
    """
    made = Context(
        settings=settings,
        vocabulary=load_vocabulary(),
        rules=load_rules(),
        sealer=Sealer(settings.privacy),
        truth=open_database(settings.database.url, settings.database, service=True),
        access=open_database(settings.access_database_url, settings.database, service=True),
    )
    _contexts.add(made)
    app.extensions[_EXTENSION] = made
    return made


def context() -> Context:
    """Return the context of the app that handles the current request."""
    made: Context = current_app.extensions[_EXTENSION]
    return made
