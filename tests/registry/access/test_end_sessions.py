"""`registry end-sessions` and `registry purge-sessions`: an operator ends the logins of one person, or of everybody."""

import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from registry import cli_sessions
from registry.access.session_store import Login, SessionStore
from registry.access.tables import metadata
from registry.cli import main
from registry.database import open_database
from registry.sealing import Sealer
from registry.settings import Settings
from tests.registry.access.harness import settings_for

ISSUER = "https://idp.example"
ANNA, BO = Login(ISSUER, "anna"), Login(ISSUER, "bo")
Command = Callable[..., Result]


@pytest.fixture
def settings(each_database: str) -> Settings:
    return settings_for(None, each_database)


@pytest.fixture
def store(settings: Settings, each_database: str) -> Iterator[SessionStore]:
    """Anna is logged in twice, Bo once."""
    engine: sa.Engine = open_database(each_database, settings.database, service=True)
    metadata.create_all(engine)
    made = SessionStore(engine, Sealer(settings.privacy), settings.login, time.time)
    for secret, login in (("a1", ANNA), ("a2", ANNA), ("b1", BO)):
        made.insert(secret, {}, login=login)
    yield made
    engine.dispose()


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    def load() -> Settings:
        return settings

    monkeypatch.setattr(cli_sessions, "load_settings", load)
    return lambda *arguments: CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_one_person_is_logged_out_everywhere(store: SessionStore, command: Command) -> None:
    done = command("end-sessions", "--issuer", ISSUER, "--subject", "anna")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "2 sessions ended.")
    assert store.read("a1") is None
    assert store.read("a2") is None
    assert store.read("b1") is not None
    again = command("end-sessions", "--issuer", ISSUER, "--subject", "anna")
    assert again.stdout.splitlines()[-1] == "0 sessions ended."


def test_everybody_is_logged_out(store: SessionStore, command: Command) -> None:
    assert command("end-sessions", "--everybody").stdout.splitlines()[-1] == "3 sessions ended."
    assert [store.read(each) for each in ("a1", "a2", "b1")] == [None] * 3


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--issuer", ISSUER),
        ("--subject", "anna"),
        ("--everybody", "--subject", "anna"),
        ("--everybody", "--issuer", ISSUER, "--subject", "anna"),
    ],
)
def test_whom_it_is_about_must_be_said(
    store: SessionStore, command: Command, arguments: tuple[str, ...]
) -> None:
    refused = command("end-sessions", *arguments)
    assert (refused.exit_code, "of one person, or --everybody" in refused.stderr) == (2, True)
    assert store.read("a1") is not None


def test_sessions_that_go_on_are_not_purged(store: SessionStore, command: Command) -> None:
    assert command("purge-sessions").stdout.splitlines()[-1] == "0 ended sessions deleted."
    assert store.read("a1") is not None
