"""The log of service and commands: events with fields on standard error, so that `--json` on standard output stays clean.

One JSON object a line, times in UTC, nothing but what the code names: no tracebacks with values of variables, which
would hold tokens and facts about people. A person at a terminal gets the same readably.
"""

import logging
import sys

import structlog


def configure_logs(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error."""
    show = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            show,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever standard error is at that moment: a command's caller may have put another in its place. A line is written
        # at once with its end: several processes write to one log.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
