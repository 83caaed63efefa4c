"""What the views share, made once per app: the desk that answers questions, and what only a service needs.

Nothing here is connected while it is made, so that the app starts when a database is down (and says so in `/readyz`),
and so that a forked worker never shares a connection with its parent.
"""

from dataclasses import dataclass, field

from flask import Flask, current_app

from registry.access.refusals import Refusals
from registry.checks.desk import Desk
from registry.database import open_database
from registry.errors import RegistryError
from registry.sealing import Sealer
from registry.search.port import Health
from registry.settings import Settings
from registry.verification.rules import load_rules
from registry.vocabulary import load_vocabulary
from registry.web.freshness import Counting, counting_of
from registry.web.remembered import FeedsCache

_EXTENSION = "registry-context"


@dataclass(eq=False)
class Context(Desk):
    """Shared by all views of one app. Safe to use from many threads.

    Attributes:
        counting: keeps a count of the documents that the index holds and should hold.
        feeds: every feed, for lists, which show no more of them than names.
        refusals: counts who is refused.
    """

    counting: Counting = field(init=False)
    feeds: FeedsCache = field(init=False)
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.counting = counting_of(self.settings, self.health)
        self.feeds = FeedsCache(self.settings.search.feeds_ttl_s)
        self.refusals = Refusals(self.access, self.settings.checks.oversight)

    def health(self) -> Health:
        """Tell how the search engine is; never raises."""
        try:
            return self.search.health()
        except RegistryError as error:
            return Health(None, None, error.detail or error.title)

    def close(self) -> None:
        """Close every connection."""
        self.refusals.write()
        self.counting.close()
        super().close()

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are still the parent's (failure F11)."""
        super().after_fork()
        self.counting.after_fork()


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
    app.extensions[_EXTENSION] = made
    return made


def context() -> Context:
    """Return the context of the app that handles the current request."""
    made: Context = current_app.extensions[_EXTENSION]
    return made
