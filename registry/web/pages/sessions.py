"""Where a person is logged in, and ending logins: their own, one or all others, at once on every worker."""

from dataclasses import dataclass

import structlog
from flask import Response, current_app, redirect, session, url_for
from flask import make_response as flask_response

from registry.access.guard import any_caller, current_caller
from registry.access.session_store import Login, Open, SessionStore
from registry.access.sessions import DatabaseSessions, WebSession
from registry.access.signed_in import BROWSER
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.render import current_language, page

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One login as the list shows it; `ending` is an address, "" for the one that the reader uses now."""

    browser: str
    since: str
    used: str
    ending: str


@pages.get("/sessions")
@any_caller
def sessions() -> Response:
    """Show where the reader is logged in."""
    store, own = _store(), _own_id()
    this = store.handle(own)
    found = [_row(one, this) for one in store.opened_by(_login())]
    return page("sessions.html", rows_shown=found, others=len(found) > 1)


@pages.post("/sessions/<handle>/end")
@any_caller
def end_session(handle: str) -> Response:
    """End one of the reader's logins."""
    return _ended(int(_store().end(_login(), handle)))


@pages.post("/sessions/end-others")
@any_caller
def end_other_sessions() -> Response:
    """End all of the reader's logins but this one."""
    return _ended(_store().end_others(_login(), _own_id()))


def _ended(number: int) -> Response:
    caller = current_caller()
    log.info("sessions_ended", issuer=caller.issuer, subject=caller.subject, sessions=number, by="person")
    return flask_response(redirect(url_for("pages.sessions"), 303))


def _row(one: Open, this: str) -> SessionRow:
    language, zone = current_language(), context().settings.zone
    browser = one.data.get(BROWSER)
    return SessionRow(
        browser=browser if isinstance(browser, str) and browser else language.text("sessions.unknown"),
        since=language.moment(one.created_at, zone),
        used=language.moment(one.used_at, zone),
        ending="" if one.handle == this else url_for("pages.end_session", handle=one.handle),
    )


def _store() -> SessionStore:
    interface = current_app.session_interface
    assert isinstance(interface, DatabaseSessions)
    return interface.store


def _own_id() -> str:
    own = session._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - what the proxy stands for
    assert isinstance(own, WebSession)
    return own.secret_id


def _login() -> Login:
    caller = current_caller()
    return Login(caller.issuer, caller.subject)
