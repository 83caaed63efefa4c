"""Sessions at rest: table `web_session`, looked up by a digest of the cookie, with sealed contents."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from registry.access.proof_store import take
from registry.access.tables import web_session
from registry.database import writing
from registry.sealing import Sealer
from registry.settings import Login as Limits

log = structlog.get_logger()
_HANDLE = 24  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as found: its contents, and when it was begun and last noted as used (UTC)."""

    data: dict[str, Any]
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """A session of a person that has not ended.

    Attributes:
        handle: names it among the person's own; opens nothing.
        data: its contents.
        created_at, used_at: when it was begun and last noted as used (UTC).
    """

    handle: str
    data: dict[str, Any]
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """Whose session it is: issuer, subject as callers have it, and `sid`, the provider's own session ("" where it tells none)."""

    issuer: str
    subject: str
    sid: str = ""


class SessionStore:
    """Reads and writes sessions by the secret id that the cookie holds.

    Args:
        engine: database of sessions.
        sealer: seals the contents, bound to the id: a row copied over another does not open.
        settings: section `[login]`, for the idle and the absolute limit.
        clock: seconds since 1970.

    Errors of the database are raised as they are (sqlalchemy.exc.SQLAlchemyError).
    """

    def __init__(self, engine: Engine, sealer: Sealer, settings: Limits, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._sealer = sealer
        self._clock = clock
        self._idle, self._longest = _limits(settings)
        # A use is noted with this grain, so that reading pages does not mean a write each.
        self._grain = min(timedelta(minutes=1), self._idle / 10)

    def now(self) -> datetime:
        """Return the time of the store's clock."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def read(self, secret_id: str) -> Stored | None:
        """Return a session, or None if there is none, it has ended, or it does not open."""
        digest = _digest(secret_id)
        query = sa.select(web_session).where(web_session.c.id_digest == digest)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        created_at, used_at = _utc(row.created_at), _utc(row.used_at)
        if created_at <= self.now() - self._longest or used_at <= self.now() - self._idle:
            return None
        try:
            data = msgspec.json.decode(
                self._sealer.open(row.data, context=context_of(digest)), type=dict[str, Any]
            )
        except (ValueError, msgspec.DecodeError):
            log.warning("session_does_not_open")
            return None
        return Stored(data, created_at, used_at)

    def insert(
        self, secret_id: str, data: Mapping[str, Any], *, replaces: str = "", login: Login | None = None
    ) -> None:
        """Write a new session; with `replaces`, delete that one in the same transaction.

        Args:
            secret_id: what the cookie holds.
            data: its contents.
            replaces: the id of the session that it takes the place of.
            login: whose it is, once somebody has logged in.
        """
        digest, now = _digest(secret_id), self.now()
        with writing(self._engine).begin() as connection:
            if replaces:
                connection.execute(_delete(replaces))
            connection.execute(
                web_session.insert().values(
                    id_digest=digest,
                    data=self._seal(digest, data),
                    created_at=now,
                    used_at=now,
                    login_digest=self._of_person(login) if login else None,
                    sid_digest=self._of_sid(login) if login and login.sid else None,
                )
            )

    def update(self, secret_id: str, data: Mapping[str, Any]) -> None:
        """Write the contents of a session; one that has been ended meanwhile stays ended."""
        digest = _digest(secret_id)
        self._set(digest, data=self._seal(digest, data), used_at=self.now())

    def touch(self, secret_id: str, stored: Stored) -> None:
        """Note that a session is in use, if that was not noted a moment ago."""
        if self.now() - stored.used_at >= self._grain:
            self._set(_digest(secret_id), used_at=self.now())

    def delete(self, secret_id: str) -> None:
        """End a session."""
        with writing(self._engine).begin() as connection:
            connection.execute(_delete(secret_id))

    def end_once(self, login: Login, digest: bytes, until: float) -> int | None:
        """End the sessions of a person at a provider, or those that came from one session there; return how many.

        Args:
            login: with `sid` that session is meant, and the person if a subject is named, too; else all of the person's.
            digest: of the word that they are to end, which counts once: None is returned if it was used before.
            until: seconds since 1970 up to which it could come again.
        """
        meant = []
        if login.sid:
            meant.append(web_session.c.sid_digest == self._of_sid(login))
        if login.subject:
            meant.append(web_session.c.login_digest == self._of_person(login))
        if not meant:
            raise ValueError("neither a person nor a session is named")
        # One transaction: a word that could not be followed may come again.
        with writing(self._engine).begin() as connection:
            if not take(connection, digest, until):
                return None
            return connection.execute(web_session.delete().where(*meant)).rowcount

    def opened_by(self, login: Login) -> list[Open]:
        """Return the sessions of a person that have not ended, the latest used first; one that does not open has no contents."""
        row = web_session.c
        query = sa.select(row.id_digest, row.data, row.created_at, row.used_at).where(
            row.login_digest == self._of_person(login),
            row.created_at > self.now() - self._longest,
            row.used_at > self.now() - self._idle,
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(row.used_at.desc(), row.id_digest)).all()
        return [
            Open(
                self._handle(bytes(one.id_digest)),
                self._contents(bytes(one.id_digest), bytes(one.data)),
                _utc(one.created_at),
                _utc(one.used_at),
            )
            for one in rows
        ]

    def handle(self, secret_id: str) -> str:
        """Return the handle of the session with this id."""
        return self._handle(_digest(secret_id))

    def end(self, login: Login, handle: str) -> bool:
        """End one session of a person, by its handle; False if it is none of theirs."""
        return self._end(login, lambda one: one == handle) > 0

    def end_others(self, login: Login, secret_id: str) -> int:
        """End all sessions of a person but the one with this id ("" ends all); return how many."""
        kept = self.handle(secret_id) if secret_id else ""
        return self._end(login, lambda one: one != kept)

    def end_all(self) -> int:
        """End every session there is, also of those who are about to log in; return how many."""
        with writing(self._engine).begin() as connection:
            return connection.execute(web_session.delete()).rowcount

    def _end(self, login: Login, meant: Callable[[str], bool]) -> int:
        row = web_session.c
        with writing(self._engine).begin() as connection:
            digests = connection.scalars(
                sa.select(row.id_digest).where(row.login_digest == self._of_person(login))
            )
            ended = [one for one in digests if meant(self._handle(bytes(one)))]
            if not ended:
                return 0
            return connection.execute(web_session.delete().where(row.id_digest.in_(ended))).rowcount

    def _handle(self, digest: bytes) -> str:
        return self._sealer.digest(f"session handle {digest.hex()}").hex()[:_HANDLE]

    def _contents(self, digest: bytes, data: bytes) -> dict[str, Any]:
        try:
            return msgspec.json.decode(
                self._sealer.open(data, context=context_of(digest)), type=dict[str, Any]
            )
        except (ValueError, msgspec.DecodeError):
            return {}

    def _of_person(self, login: Login) -> bytes:
        return self._sealer.digest(f"login\0{login.issuer}\0{login.subject}")

    def _of_sid(self, login: Login) -> bytes:
        return self._sealer.digest(f"sid\0{login.issuer}\0{login.sid}")

    def _set(self, digest: bytes, **values: Any) -> None:  # noqa: ANN401 - column values
        with writing(self._engine).begin() as connection:
            connection.execute(web_session.update().where(web_session.c.id_digest == digest).values(**values))

    def _seal(self, digest: bytes, data: Mapping[str, Any]) -> bytes:
        return self._sealer.seal(msgspec.json.encode(data), context=context_of(digest))


def purge_sessions(engine: Engine, settings: Limits, *, now: datetime | None = None) -> int:
    """Delete the sessions that have ended; return how many."""
    now = now or datetime.now(UTC)
    idle, longest = _limits(settings)
    ended = sa.or_(web_session.c.used_at <= now - idle, web_session.c.created_at <= now - longest)
    with writing(engine).begin() as connection:
        return connection.execute(web_session.delete().where(ended)).rowcount


def _limits(settings: Limits) -> tuple[timedelta, timedelta]:
    """Return how long a session lives unused, and at the longest."""
    return timedelta(minutes=settings.session_idle_minutes), timedelta(minutes=settings.session_max_minutes)


def _digest(secret_id: str) -> bytes:
    return hashlib.sha256(secret_id.encode()).digest()


def context_of(digest: bytes) -> bytes:
    """Return what the data of a session is bound to."""
    return b"web-session:" + digest


def _delete(secret_id: str) -> sa.Delete:
    return web_session.delete().where(web_session.c.id_digest == _digest(secret_id))


def _utc(value: datetime) -> datetime:
    """SQLite gives times back without their zone; all are written in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
