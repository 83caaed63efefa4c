"""The service's own log: one JSON object a line on standard error, times in UTC, nothing but what the code names.

No tracebacks with messages or values of variables: they would hold tokens and facts about people.
"""

import logging
import sys
import traceback

import structlog

_MOST_FRAMES = 12


def configure_logs(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error as JSON lines."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def frames(error: BaseException) -> list[str]:
    """Return where an error was raised, outermost first: `file:line function`, without any value."""
    found = traceback.extract_tb(error.__traceback__)
    return [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in found][-_MOST_FRAMES:]
