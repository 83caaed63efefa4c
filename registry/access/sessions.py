"""Flask sessions that live in the database; the browser holds a random id and nothing else.

A session is read when something asks for it and written when something changed it: a visitor who has not logged in
costs no row and no query. `session.renew(login)` gives it a new id (at login, against session fixation), `session.clear()`
ends it. A cookie that opens nothing is taken back.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Any

import structlog
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError

from registry.access.session_store import Login, SessionStore, Stored, purge_sessions
from registry.errors import RegistryError
from registry.settings import Service

__all__ = [
    "DatabaseSessions",
    "SessionsUnavailableError",
    "WebSession",
    "cookie_name",
    "needs_secure_cookies",
    "purge_sessions",
]

log = structlog.get_logger()
_ID_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class SessionsUnavailableError(RegistryError):
    """Sessions can't be read or written, so nobody can be told from anybody."""

    slug = "sessions-unavailable"
    status = 503
    title = "Logins can't be checked at the moment"


class WebSession(SessionMixin):
    """The contents of one session, a mapping of JSON values. Nested values are changed by setting them anew."""

    modified = False

    def __init__(self, store: SessionStore, secret_id: str) -> None:
        self._store = store
        self._cookie_id = secret_id  # as the browser sent it
        self._secret_id = secret_id
        self._stored: Stored | None = None
        self._data: dict[str, Any] | None = None
        self._renew = False
        self._login: Login | None = None

    @property
    def secret_id(self) -> str:
        """The id that the browser is to hold, "" for none."""
        return self._secret_id

    @property
    def in_use(self) -> bool:
        """Whether something asked for the contents."""
        return self._data is not None

    def renew(self, login: Login) -> None:
        """Give the session a new id when it is saved, and make its time begin anew; `login` tells whose it is from now on."""
        self._renew = True
        self._login = login
        self.modified = True

    def save(self) -> None:
        """Write what changed. Safe to repeat.

        Raises:
            SessionsUnavailableError: the database fails.
        """
        if self._data is None:
            return
        try:
            self._save(self._data)
        except SQLAlchemyError as error:
            raise _unavailable(error) from None
        self.modified = self._renew = False

    def _save(self, data: dict[str, Any]) -> None:
        if not self.modified:
            if self._stored is not None:
                self._store.touch(self._secret_id, self._stored)
        elif not data:
            if self._secret_id:
                self._store.delete(self._secret_id)
            self._secret_id, self._stored = "", None
        elif self._stored is None or self._renew:
            replaced, self._secret_id = self._secret_id, secrets.token_urlsafe(_ID_BYTES)
            self._store.insert(self._secret_id, data, replaces=replaced, login=self._login)
            self._stored = Stored(data, self._store.now(), self._store.now())
        else:
            self._store.update(self._secret_id, data)

    def _load(self) -> dict[str, Any]:
        if self._data is None:
            try:
                self._stored = self._store.read(self._secret_id) if self._secret_id else None
            except SQLAlchemyError as error:
                raise _unavailable(error) from None
            if self._stored is None:
                self._secret_id = ""
            self._data = dict(self._stored.data) if self._stored else {}
        return self._data

    def cookie_changes(self) -> bool:
        """Whether the browser holds another id than it should."""
        return self._data is not None and self._secret_id != self._cookie_id

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - JSON values
        return self._load()[key]

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - JSON values
        self._load()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._load()[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def _unavailable(error: SQLAlchemyError) -> SessionsUnavailableError:
    # The error's text holds the statement and its values, so only its kind is told, and no traceback.
    log.error("sessions_unavailable", reason=type(error).__name__)
    return SessionsUnavailableError()


class DatabaseSessions(SessionInterface):
    """Opens and saves `WebSession`s.

    Args:
        store: where sessions live.
        service: section `[service]`: the cookie is `Secure` unless this is a sandbox on plain HTTP.
    """

    def __init__(self, store: SessionStore, service: Service) -> None:
        self.store = store
        self.secure = needs_secure_cookies(service)
        self.cookie_name = cookie_name("registry-session", secure=self.secure)

    def open_session(self, app: Flask, request: Request) -> WebSession:  # noqa: ARG002 - Flask's interface
        """Return the session of `request`, without reading it yet."""
        secret_id = request.cookies.get(self.cookie_name, "")
        return WebSession(self.store, secret_id if _ID.match(secret_id) else "")

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002 - as above
        """Write the session if something changed, and tell the browser its id if that changed."""
        assert isinstance(session, WebSession)
        if session.in_use:
            response.vary.add("Cookie")
        try:
            session.save()
        except SessionsUnavailableError:
            if session.modified:
                raise  # what the view did would be lost unseen; a mere note of use may be
        if not session.cookie_changes():
            return
        attributes: dict[str, Any] = {"path": "/", "secure": self.secure, "httponly": True, "samesite": "Lax"}
        if session.secret_id:
            response.set_cookie(self.cookie_name, session.secret_id, **attributes)
        else:
            response.delete_cookie(self.cookie_name, **attributes)


def needs_secure_cookies(service: Service) -> bool:
    """Tell whether cookies are sent over TLS only: always, except in a sandbox on plain HTTP."""
    return not (service.sandbox and service.base_url.startswith("http://"))


def cookie_name(name: str, *, secure: bool) -> str:
    """Return the cookie's full name; browsers tie `__Host-` to this host, to TLS and to the path `/`."""
    return f"__Host-{name}" if secure else name
