"""The log of service and commands: events with fields on standard error, so that `--json` on standard output stays clean.

One JSON object a line, times in UTC, nothing but what the code names: no tracebacks with messages or values of variables,
which would hold tokens and facts about people. Every line, whoever wrote it, goes through `registry.masking`, so that none
can hold a personal identity number: events of ours, what libraries log, warnings, and errors that nobody caught. A person at a
terminal gets the same readably.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import structlog

from registry.errors import RegistryError
from registry.masking import mask_value

_MOST_FRAMES = 12
_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
Event = MutableMapping[str, Any]


def configure_logs(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error, with what libraries log (warnings and worse) and what nobody catches."""
    show: Callable[[Any, str, Event], str | bytes] = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _without_tracebacks,
            masked,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            show,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever standard error is at that moment: a command's caller may have put another in its place. A line is written
        # at once with its end: several processes write to one log.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryLog) for handler in root.handlers):
        root.addHandler(LibraryLog())
    # A line that can't be formatted would be printed with its arguments.
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)
    _guard_hooks()


def frames(error: BaseException) -> list[str]:
    """Return where an error was raised, outermost first: `file:line function`, without any value."""
    return _frames(error.__traceback__)


def masked(_logger: object, _method: str, event: Event) -> Event:
    """Mask every field of a log event: a structlog processor, to stand before all that writes."""
    told: Event = mask_value(event)
    return told


class LibraryLog(logging.Handler):
    """Sends what libraries log to our log: its text, and where an error was raised, not what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        error = record.exc_info[1] if record.exc_info else None
        found = {"error": type(error).__name__, "where": frames(error)} if error else {}
        # Levels of their own count as the one below.
        level = next(known for known in _LEVELS if known <= max(record.levelno, logging.DEBUG))
        structlog.get_logger().log(level, _text(record), logger=record.name, **found)


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that don't fit their text, of any library
        return f"a line that can't be formatted ({type(error).__name__})"


def _without_tracebacks(_logger: object, _method: str, event: Event) -> Event:
    """Put where an error was raised in place of the traceback that a caller asked for."""
    asked = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = asked if isinstance(asked, BaseException) else sys.exception() if asked else None
    if error is not None:
        event.setdefault("error", type(error).__name__)
        event["where"] = frames(error)
    return event


def _frames(where: TracebackType | None) -> list[str]:
    found = traceback.extract_tb(where)
    return [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in found][-_MOST_FRAMES:]


def _guard_hooks() -> None:
    """Log errors that nobody caught as all others; leave hooks alone that somebody else has put there."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None, /) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    # Our own words, such as which setting is wrong, and the system's, which name a file or an address; any other text may tell of
    # a person.
    said = {"reason": str(error)} if isinstance(error, OSError | RegistryError) else {}
    structlog.get_logger().critical(
        "an error nobody caught", error=kind.__name__, where=_frames(where), **said
    )
