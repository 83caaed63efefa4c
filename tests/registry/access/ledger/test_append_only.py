"""The service's role can add to log and ledger, never change or remove; triggers say the same to everybody."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from registry.database import open_database, writing
from registry.errors import SettingsError
from registry.roles import APPEND_ONLY, grant_to_sealer, grant_to_service
from registry.settings import Settings
from tests.registry.access.ledger.house import TABLES, Log
from tests.support.world import World, make_settings

# Statements that change nothing at all are refused as well.
FORBIDDEN = [
    "UPDATE access_event SET answer = 'no'",
    "DELETE FROM access_event_subject",
    "DELETE FROM access_event",
    "UPDATE access_event_subject SET practitioner_id = 1",
    "DELETE FROM access_ledger_leaf",
    "UPDATE access_ledger_leaf SET hash = nonce",
    "DELETE FROM access_ledger_head",
    "UPDATE access_ledger_head SET size = 1",
]


def refused(engine: sa.Engine, statement: str) -> str:
    with pytest.raises(DBAPIError) as error, writing(engine).begin() as connection:
        connection.exec_driver_sql(statement)
    return str(error.value.orig)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_a_trigger_refuses_changes(statement: str, log: Log) -> None:
    log.write(2)
    log.seal()
    assert "is append-only" in refused(log.engine, statement)
    assert log.verify().holds


def test_a_trigger_refuses_to_empty_a_table(log: Log) -> None:
    if log.is_sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    for table in TABLES:
        assert "is append-only" in refused(log.engine, f"TRUNCATE {table} CASCADE")


def test_the_rights_and_the_triggers_are_about_the_same_tables() -> None:
    assert set(TABLES) == APPEND_ONLY


@pytest.fixture
def owners_settings(tmp_path: Path, fresh_postgres_database: Callable[[], str]) -> Settings:
    return make_settings(tmp_path, fresh_postgres_database())


@pytest.fixture
def service(owners_settings: Settings) -> Iterator[tuple[World, Log]]:
    """A world of the owner, and the log as a role that was given the service's rights sees it."""
    world = World(owners_settings)
    url = make_url(owners_settings.database.url)
    role = f"service_{url.database}"
    with world.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'throw-away'")
    grant_to_service(owners_settings, role)
    grant_to_service(owners_settings, role)
    theirs = url.set(username=role, password="throw-away").render_as_string(hide_password=False)
    engine = open_database(theirs, owners_settings.database, service=True)
    yield world, Log(engine)
    engine.dispose()
    with world.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f'DROP OWNED BY "{role}"')
        connection.exec_driver_sql(f'DROP ROLE "{role}"')
    world.close()


def test_the_services_role_answers_and_verifies(service: tuple[World, Log]) -> None:
    world, log = service
    log.write(3)
    log.write_many(3)
    assert Log(world.access_engine).seal() == 6
    assert log.verify().holds
    # What it may change is as it was.
    with log.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM web_session")) == 0
        assert connection.scalar(sa.text("SELECT count(*) FROM practitioner")) == 0
        assert connection.scalar(sa.text("SELECT count(*) FROM alembic_version_access")) == 1


@pytest.mark.parametrize("statement", [*FORBIDDEN, *(f"TRUNCATE {table} CASCADE" for table in TABLES)])
def test_the_services_role_can_not_change_or_remove(statement: str, service: tuple[World, Log]) -> None:
    world, log = service
    log.write(1)
    Log(world.access_engine).seal()
    # Without triggers: the right itself is missing.
    with Log(world.engine).behind():
        pass
    assert "permission denied" in refused(log.engine, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM subject_request_step",
        "UPDATE subject_request_step SET state = 'corrected'",
        "TRUNCATE subject_request_step",
    ],
)
def test_the_services_role_adds_steps_of_requests_and_takes_texts_away(
    statement: str, service: tuple[World, Log]
) -> None:
    _, log = service
    for allowed in (
        "INSERT INTO subject_request VALUES ('req_1', 'correction', 7, now(), 'received', 1, now())",
        "INSERT INTO subject_request_step (request_id, number, at, state) VALUES ('req_1', 1, now(), 'received')",
        "UPDATE subject_request_step SET words = NULL",
    ):
        with writing(log.engine).begin() as connection:
            assert connection.exec_driver_sql(allowed).rowcount == 1
    assert "permission denied" in refused(log.engine, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE access_event DISABLE TRIGGER ALL",
        "DROP TABLE access_ledger_head",
        "CREATE RULE away AS ON INSERT TO access_event DO INSTEAD NOTHING",
        "SELECT setval('access_event_id_seq', 1)",
        "INSERT INTO practitioner (id) VALUES (1)",
        "DELETE FROM licence",
        "INSERT INTO access_ledger_leaf VALUES (9000000000000, 3, '', '')",
        "INSERT INTO access_ledger_head VALUES (9, 9, 'x', '', 9, 9, '')",
    ],
)
def test_the_services_role_can_not_help_itself(statement: str, service: tuple[World, Log]) -> None:
    _, log = service
    words = refused(log.engine, statement)
    assert "permission denied" in words or "must be owner" in words


def test_a_role_that_is_missing_or_could_do_anything_is_refused(owners_settings: Settings) -> None:
    world = World(owners_settings)
    with pytest.raises(SettingsError, match="CREATE ROLE nobody LOGIN"):
        grant_to_service(owners_settings, "nobody")
    owner = make_url(owners_settings.database.url).username
    assert owner
    with pytest.raises(SettingsError, match="owns our tables"):
        grant_to_service(owners_settings, owner)
    world.close()


def test_a_role_that_seals_does_nothing_else(owners_settings: Settings, service: tuple[World, Log]) -> None:
    world, log = service
    log.write(2)
    role = log.engine.url.username
    assert role
    grant_to_sealer(owners_settings, role)
    assert log.seal() == 2
    for statement in (*FORBIDDEN, "INSERT INTO access_event (id) VALUES (9)", "SELECT * FROM web_session"):
        with Log(world.engine).behind():
            pass
        assert "permission denied" in refused(log.engine, statement)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ALTER DATABASE {database} OWNER TO {role}", "owns the schema or the database"),
        ("ALTER SCHEMA public OWNER TO {role}", "owns the schema or the database"),
        ("ALTER FUNCTION access_append_only OWNER TO {role}", "owns the function of the triggers"),
        ("ALTER TABLE licence OWNER TO {role}", "owns our tables"),
        ("ALTER ROLE {role} NOINHERIT; GRANT {owner} TO {role}", "belongs to their owner"),
        ("GRANT pg_write_server_files TO {role}", "write files"),
        ("GRANT pg_execute_server_program TO {role}", "run programs"),
        ("ALTER ROLE {role} NOINHERIT; GRANT pg_write_all_data TO {role}", "may still change"),
        ("GRANT UPDATE (answer) ON access_event TO PUBLIC", "may still change access_event"),
        ("GRANT TRIGGER ON access_event TO PUBLIC", "may still change access_event"),
        ("GRANT INSERT ON access_ledger_leaf TO PUBLIC", "may still change access_ledger_leaf"),
    ],
)
def test_a_role_that_could_help_itself_is_refused(
    given: str, words: str, owners_settings: Settings, service: tuple[World, Log]
) -> None:
    world, log = service
    url, role = log.engine.url, log.engine.url.username
    assert role
    owner = make_url(owners_settings.database.url).username
    with writing(world.engine).begin() as connection:
        for statement in given.split("; "):
            connection.exec_driver_sql(
                statement.format(database=f'"{url.database}"', role=f'"{role}"', owner=f'"{owner}"')
            )
    try:
        with pytest.raises(SettingsError, match=words):
            grant_to_service(owners_settings, role)
    finally:
        with writing(world.engine).begin() as connection:
            connection.exec_driver_sql(f'REASSIGN OWNED BY "{role}" TO "{owner}"')


def test_a_right_that_comes_another_way_is_noticed(
    owners_settings: Settings, service: tuple[World, Log]
) -> None:
    world, log = service
    role = log.engine.url.username
    assert role
    with writing(world.engine).begin() as connection:
        connection.exec_driver_sql("GRANT DELETE ON access_event_subject TO PUBLIC")
    with pytest.raises(SettingsError, match="may still change access_event_subject"):
        grant_to_service(owners_settings, role)


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="leave --role out"):
        grant_to_service(make_settings(tmp_path), "service")
