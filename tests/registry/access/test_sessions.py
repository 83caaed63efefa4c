"""Sessions as a browser and as a thief of the table see them."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Blueprint, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from registry.access.guard import public
from registry.access.session_store import Login
from registry.access.sessions import DatabaseSessions, purge_sessions
from registry.access.tables import web_session
from registry.settings import Service
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import App, make_app, settings_for

COOKIE = "registry-session"


@pytest.fixture
def app(database: str, clock: Clock) -> Iterator[App]:
    app = make_app(settings_for(None, database), clock)
    app.flask.register_blueprint(_keeping())
    yield app
    app.engine.dispose()


def _keeping() -> Blueprint:
    keeping = Blueprint("keeping", __name__)
    public(keeping, why="a test")

    @keeping.get("/set/<value>")
    def put(value: str) -> str:
        session["value"] = value
        return "set"

    @keeping.get("/get")
    def get() -> dict[str, Any]:
        return {"value": session.get("value"), "size": len(session)}

    @keeping.get("/renew/<value>")
    def renew(value: str) -> str:
        session.renew(Login("https://issuer.example", "somebody"))  # type: ignore[attr-defined]
        session["value"] = value
        return "renewed"

    @keeping.get("/drop")
    def drop() -> str:
        del session["value"]
        return "dropped"

    @keeping.get("/end")
    def end() -> str:
        session.clear()
        return "ended"

    @keeping.get("/end-and-begin")
    def end_and_begin() -> str:
        session.clear()
        session.save()  # type: ignore[attr-defined]
        session["value"] = "new"
        return "begun"

    @keeping.get("/look")
    def look() -> str:
        return "nothing looked at"

    return keeping


def _rows(app: App) -> list[Any]:
    with app.engine.connect() as connection:
        return list(connection.execute(sa.select(web_session)))


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie(COOKIE)
    return cookie.value if cookie else ""


def _set_cookie(answer: TestResponse) -> str:
    return answer.headers.get("Set-Cookie", "")


def test_a_visitor_costs_no_row_and_gets_no_cookie(app: App) -> None:
    client = app.flask.test_client()
    answer = client.get("/get")
    assert answer.json == {"value": None, "size": 0}
    assert _set_cookie(answer) == ""
    assert _rows(app) == []


def test_values_are_kept_from_request_to_request(app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    assert client.get("/get").json == {"value": "one", "size": 1}
    client.get("/set/two")
    assert client.get("/get").json == {"value": "two", "size": 1}
    assert len(_rows(app)) == 1


def test_the_cookie_is_a_long_random_id_that_scripts_cannot_read(app: App) -> None:
    answer = app.flask.test_client().get("/set/one")
    cookie = _set_cookie(answer)
    assert cookie.endswith("; HttpOnly; Path=/; SameSite=Lax")
    value = cookie.partition("=")[2].partition(";")[0]
    assert len(base64.urlsafe_b64decode(value + "=")) == 32
    assert "Cookie" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("base_url", "sandbox"),
    [("http://127.0.0.1:8000", False), ("https://r.example", True), ("https://r.example", False)],
)
def test_outside_a_sandbox_on_plain_http_the_cookie_is_tied_to_tls_and_host(
    base_url: str, sandbox: bool, app: App
) -> None:
    service = Service(sandbox=sandbox, base_url=base_url, time_zone="Europe/Stockholm", default_language="sv")
    app.flask.session_interface = DatabaseSessions(app.access.sessions, service)
    cookie = _set_cookie(app.flask.test_client().get("/set/one"))
    assert cookie.startswith("__Host-registry-session=")
    assert cookie.endswith("; Secure; HttpOnly; Path=/; SameSite=Lax")


def test_a_stolen_table_opens_no_session_and_shows_no_contents(app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/anna")
    (row,) = _rows(app)
    assert b"anna" not in row.data
    thief = app.flask.test_client()
    for value in (row.id_digest.hex(), base64.urlsafe_b64encode(row.id_digest).decode().rstrip("=")):
        thief.set_cookie(COOKIE, value)
        assert thief.get("/get").json == {"value": None, "size": 0}


def test_a_row_put_in_place_of_another_does_not_open(app: App) -> None:
    one, other = app.flask.test_client(), app.flask.test_client()
    one.get("/set/one")
    other.get("/set/other")
    rows = {row.id_digest: row.data for row in _rows(app)}
    first, second = rows
    with app.engine.begin() as connection:
        connection.execute(
            web_session.update().where(web_session.c.id_digest == first).values(data=rows[second])
        )
    found = [client.get("/get").json for client in (one, other)]
    assert {"value": None, "size": 0} in found


@pytest.mark.parametrize("value", ["", "x", "../../etc/passwd", "a" * 43, "å" * 43, "a" * 4000])
def test_a_made_up_cookie_opens_nothing_and_is_not_taken_over(value: str, app: App) -> None:
    client = app.flask.test_client()
    client.set_cookie(COOKIE, value)
    assert client.get("/get").json == {"value": None, "size": 0}
    client.set_cookie(COOKIE, value)
    client.get("/set/one")
    assert _cookie(client) != value
    assert client.get("/get").json == {"value": "one", "size": 1}


def test_a_cookie_that_opens_nothing_is_taken_back(app: App) -> None:
    client = app.flask.test_client()
    client.set_cookie(COOKIE, "a" * 43)
    client.get("/get")
    assert _cookie(client) == ""


def test_a_request_that_asks_for_no_session_does_not_touch_the_database(app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    web_session.drop(app.engine)
    assert client.get("/look").status_code == 200


def test_renewing_gives_a_new_id_and_ends_the_old_one(app: App) -> None:
    client, thief = app.flask.test_client(), app.flask.test_client()
    client.get("/set/before")
    old = _cookie(client)
    client.get("/renew/after")
    assert _cookie(client) != old
    assert client.get("/get").json == {"value": "after", "size": 1}
    thief.set_cookie(COOKIE, old)
    assert thief.get("/get").json == {"value": None, "size": 0}
    assert len(_rows(app)) == 1


def test_a_visitor_who_ends_nothing_costs_nothing(app: App) -> None:
    assert _set_cookie(app.flask.test_client().get("/end")) == ""
    assert _rows(app) == []


@pytest.mark.parametrize("path", ["/end", "/drop"])
def test_an_emptied_session_is_deleted_with_its_cookie(path: str, app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    client.get(path)
    assert _cookie(client) == ""
    assert _rows(app) == []


def test_a_session_begun_after_one_was_ended_in_the_same_request_is_a_new_one(app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/old")
    old = _cookie(client)
    client.get("/end-and-begin")
    assert _cookie(client) not in {"", old}
    assert client.get("/get").json == {"value": "new", "size": 1}
    assert len(_rows(app)) == 1


def test_a_session_ended_elsewhere_is_not_brought_back_by_a_late_write(app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    store = app.access.sessions
    stored = store.read(_cookie(client))
    assert stored is not None
    store.delete(_cookie(client))
    store.update(_cookie(client), {"value": "late"})
    store.touch(_cookie(client), stored)
    assert _rows(app) == []


def test_a_session_ends_when_it_is_not_used(app: App, clock: Clock) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    for _ in range(4):
        clock.pass_(29 * 60)
        assert client.get("/get").json["value"] == "one"  # type: ignore[index]
    clock.pass_(30 * 60)
    assert client.get("/get").json["value"] is None  # type: ignore[index]


def test_a_session_ends_at_its_longest_time_however_much_it_is_used(app: App, clock: Clock) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    for _ in range(23):
        clock.pass_(20 * 60)
        assert client.get("/get").json["value"] == "one"  # type: ignore[index]
    clock.pass_(20 * 60)
    assert client.get("/get").json["value"] is None  # type: ignore[index]


def test_use_is_noted_once_a_minute(app: App, clock: Clock) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    noted = _rows(app)[0].used_at
    clock.pass_(59)
    client.get("/get")
    assert _rows(app)[0].used_at == noted
    clock.pass_(1)
    client.get("/get")
    assert _rows(app)[0].used_at > noted


def test_ended_sessions_are_purged_and_live_ones_kept(app: App, clock: Clock) -> None:
    for _ in range(3):
        app.flask.test_client().get("/set/old")
    clock.pass_(31 * 60)
    live = app.flask.test_client()
    live.get("/set/live")
    now = app.access.sessions.now()
    assert purge_sessions(app.engine, app.settings.login, now=now) == 3
    assert purge_sessions(app.engine, app.settings.login, now=now) == 0
    assert live.get("/get").json["value"] == "live"  # type: ignore[index]


def test_without_a_database_nobody_is_told_from_anybody(app: App) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    web_session.drop(app.engine)
    answer = client.get("/get")
    assert answer.status_code == 503
    assert answer.json == {"type": "sessions-unavailable", "detail": ""}


def test_a_change_that_cannot_be_kept_is_an_error_and_not_a_silence(app: App) -> None:
    client = app.flask.test_client()
    web_session.drop(app.engine)
    answer = client.get("/set/one")
    assert answer.status_code == 500
    assert "INSERT" not in answer.text


def test_a_note_of_use_that_fails_does_not_fail_the_request(app: App, clock: Clock) -> None:
    client = app.flask.test_client()
    client.get("/set/one")
    clock.pass_(60)
    with app.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE UPDATE ON web_session BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    assert client.get("/get").json == {"value": "one", "size": 1}
