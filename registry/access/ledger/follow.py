"""Sealing every minute, in a process of its own or in a thread beside other work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.engine import Engine

from registry.access.ledger.errors import LedgerError
from registry.access.ledger.keys import ring_of, signing_key
from registry.access.ledger.seal import seal
from registry.access.ledger.state import KeptHead
from registry.database import open_database
from registry.settings import Settings

log = structlog.get_logger()


@dataclass
class Following:
    """Seals now and then until `stop` is set. A database that is away is waited for.

    Attributes:
        stop: set it to end; what is committed by then is sealed once more, up to one head.
    """

    engine: Engine
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._key = signing_key(self.settings.ledger.signing_key)
        self._ring = ring_of(self.settings.ledger)
        self._kept = KeptHead(self.settings.ledger.state_file)

    def run(self) -> None:
        """Seal every `ledger.every_s` seconds, and at the end."""
        while not self.stop.is_set():
            self.once()
            self.stop.wait(self.settings.ledger.every_s)
        self.once()

    def once(self) -> int:
        """Seal what waits; return how many events were sealed. What hinders is logged, never raised."""
        try:
            return self.seal()
        except LedgerError as error:
            log.error("access_log_not_sealed", reason=error.detail)  # noqa: TRY400 - it tells all there is
        except Exception as error:  # noqa: BLE001 - whatever it is, the next minute has to be sealed
            # Only the kind: an error's own words may hold values.
            log.error("access_log_not_sealed", reason=type(error).__name__)  # noqa: TRY400 - see above
        return 0

    def seal(self) -> int:
        """Seal what waits, on a log that holds the head kept in `ledger.state_file`; return how many events were sealed.

        Raises:
            LedgerError: the log does not hold it, or the last head does not hold.
            SQLAlchemyError: the database does not answer.
        """
        self._kept.check(self.engine)
        return seal(
            self.engine,
            self._key,
            self._ring,
            batch_events=self.settings.ledger.batch_events,
            stop=self.stop,
            keep=self._kept.keep,
        )


def sealing_url(settings: Settings) -> str:
    """Return the address of the access database as whoever may seal logs in to it."""
    return settings.ledger.database_url or settings.access_database_url


@contextmanager
def sealing_beside(settings: Settings) -> Iterator[None]:
    """Seal in a thread until the block ends, if there is a key; else say once that nothing is sealed.

    Raises:
        SettingsError: a key can't be read.
    """
    if not settings.ledger.signing_key:
        log.warning("access_log_not_sealed", reason="ledger.signing_key is not set")
        yield
        return
    engine = open_database(sealing_url(settings), settings.database, service=False)
    following = Following(engine, settings)
    thread = threading.Thread(target=following.run, name="ledger", daemon=True)
    thread.start()
    try:
        yield
    finally:
        following.stop.set()
        thread.join()
        engine.dispose()
