"""Telling a database that is down or busy from a statement that a list makes fail."""

import sqlite3

from sqlalchemy import exc

# PostgreSQL's classes of what is wrong with the connection or the server, not with the statement (appendix A of its manual):
# connection exception, insufficient resources, and being shut down or not up yet.
_CLASSES = ("08", "53")
_STATES = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_down(error: exc.SQLAlchemyError) -> bool:
    """Tell whether a database can't be reached, is busy or has ended our session.

    A statement that takes too long (57014) or is refused for anything else may be the list's own fault.
    """
    if isinstance(error, exc.TimeoutError):
        return True  # no connection of the pool became free
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # The low byte is the kind, the others say more about it.
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _BUSY
    state = getattr(cause, "sqlstate", None)
    if state is None:
        # The server itself said nothing: it was not reached, or went away.
        return isinstance(error, exc.OperationalError | exc.InterfaceError)
    return state in _STATES or state.startswith(_CLASSES)
