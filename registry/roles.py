"""The rights of database roles (PostgreSQL): the service adds to the access log, whoever seals to the ledger over it.

Neither may change or remove anything of the two, and the service may not add to the ledger: with an entry of its own it
could keep an event from being sealed.
"""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from registry.database import open_database, writing
from registry.errors import SettingsError
from registry.migrate import Chain, chains
from registry.settings import Settings

LEDGER = frozenset({"access_ledger_leaf", "access_ledger_head"})
# What may only be added to: the log by whoever answers, the ledger by whoever seals.
APPEND_ONLY = LEDGER | {"access_event", "access_event_subject"}
# Steps of people's requests are added to; their texts can be taken away after their time, or be sealed with another key.
STEPS = "subject_request_step"
# Counts of days that are over are made once.
MADE_ONCE = frozenset({"access_day", "access_day_use"})
_ROLE = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role")
# Each tells a reason why a role could help itself to any right. A member may take on the role (SET ROLE) even where it does not
# inherit from it, so membership counts, not what is in force now. Before PostgreSQL 16, CREATEROLE may give itself any role.
_POWERS = {
    "is a superuser, or belongs to one": (
        "SELECT EXISTS (SELECT 1 FROM pg_roles AS power WHERE power.rolsuper "
        "AND pg_has_role(CAST(:role AS name), power.oid, 'MEMBER'))"
    ),
    "owns our tables, or belongs to their owner": (
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = ANY(:names) AND relnamespace = current_schema()::regnamespace "
        "AND pg_has_role(CAST(:role AS name), relowner, 'MEMBER'))"
    ),
    "owns the schema or the database, or belongs to their owner": (
        "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = current_schema() "
        "AND pg_has_role(CAST(:role AS name), nspowner, 'MEMBER')) "
        "OR EXISTS (SELECT 1 FROM pg_database WHERE datname = current_database() "
        "AND pg_has_role(CAST(:role AS name), datdba, 'MEMBER'))"
    ),
    "owns the function of the triggers, or belongs to its owner": (
        "SELECT EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'access_append_only' "
        "AND pg_has_role(CAST(:role AS name), proowner, 'MEMBER'))"
    ),
    "may run programs or write files on the database's server": (
        "SELECT EXISTS (SELECT 1 FROM pg_roles AS power "
        "WHERE power.rolname IN ('pg_write_server_files', 'pg_execute_server_program') "
        "AND pg_has_role(CAST(:role AS name), power.oid, 'MEMBER'))"
    ),
    "has CREATEROLE, which gives itself any role before PostgreSQL 16": (
        "SELECT current_setting('server_version_num')::int < 160000 AND EXISTS (SELECT 1 FROM pg_roles AS power "
        "WHERE power.rolcreaterole AND pg_has_role(CAST(:role AS name), power.oid, 'MEMBER'))"
    ),
}
_MAY_CHANGE = sa.text(
    "SELECT EXISTS (SELECT 1 FROM pg_roles AS other WHERE pg_has_role(CAST(:role AS name), other.oid, 'MEMBER') "
    "AND (has_table_privilege(other.oid, CAST(:table AS text), :rights) "
    "OR has_any_column_privilege(other.oid, CAST(:table AS text), :columns)))"
)
_CHANGES = "UPDATE, DELETE, TRUNCATE, TRIGGER"


def grant_to_service(settings: Settings, role: str) -> None:
    """Give `role` the rights that `registry serve` and `registry worker` need, and take every other right on our tables.

    Safe to repeat; to be repeated after each migration. The role must be there: `CREATE ROLE ... LOGIN`.

    Raises:
        SettingsError: the database has no roles, or this role could not be held to its rights.
    """
    for chain in chains(settings):
        _grant(settings, chain, role, _service_rights(chain), LEDGER)


def grant_to_sealer(settings: Settings, role: str) -> None:
    """Give `role` the rights that sealing needs (`ledger.database_url`), and take every other right on the access database.

    Safe to repeat; to be repeated after each migration.

    Raises:
        SettingsError: see `grant_to_service`.
    """
    for chain in chains(settings):
        if chain.name == "access":
            rights = dict.fromkeys(chain.metadata.tables, "") | dict.fromkeys(APPEND_ONLY, "SELECT")
            log = APPEND_ONLY - LEDGER
            _grant(settings, chain, role, rights | dict.fromkeys(LEDGER, "SELECT, INSERT"), log)


def _service_rights(chain: Chain) -> dict[str, str]:
    if chain.name != "access":
        return dict.fromkeys(chain.metadata.tables, "SELECT")
    rights = dict.fromkeys(chain.metadata.tables, "SELECT, INSERT, UPDATE, DELETE")
    rights[STEPS] = "SELECT, INSERT, UPDATE (words)"
    rights |= dict.fromkeys(MADE_ONCE, "SELECT, INSERT")
    return rights | dict.fromkeys(APPEND_ONLY, "SELECT, INSERT") | dict.fromkeys(LEDGER, "SELECT")


def _grant(
    settings: Settings, chain: Chain, role: str, rights: Mapping[str, str], not_added_to: Collection[str]
) -> None:
    engine = open_database(chain.url, settings.database, service=False)
    try:
        if engine.dialect.name != "postgresql":
            raise SettingsError(
                f"The {chain.name} database is SQLite, which has no roles: leave --role out. Who can write the file can "
                "change the log; triggers only keep mistakes away."
            )
        with writing(engine).begin() as connection:
            _check_role(connection, role, sorted(chain.metadata.tables))
            for statement in _statements(connection, chain, role, rights):
                connection.execute(sa.text(statement))
            _check_held(connection, role, APPEND_ONLY & set(chain.metadata.tables), not_added_to)
    finally:
        engine.dispose()


def _check_role(connection: sa.Connection, role: str, tables: list[str]) -> None:
    if connection.scalar(_ROLE, {"role": role}) is None:
        raise SettingsError(f"There is no role {role!r}. Create it first: CREATE ROLE {role} LOGIN.")
    asked = {"names": tables, "role": role}
    powers = [
        power
        for power, query in _POWERS.items()
        if connection.scalar(
            sa.text(query), {name: value for name, value in asked.items() if f":{name}" in query}
        )
    ]
    if powers:
        raise SettingsError(
            f"The role {role!r} {'; it '.join(powers)}: no right can be kept from it. Migrate as another role, and let this one "
            "own nothing and belong to no role that could."
        )


def _check_held(
    connection: sa.Connection, role: str, tables: Iterable[str], not_added_to: Collection[str]
) -> None:
    """Look whether a right has come another way: from PUBLIC, or from a role that this one belongs to."""
    held = []
    for table in sorted(tables):
        rights, columns = _CHANGES, "UPDATE"
        if table in not_added_to:
            rights, columns = f"{rights}, INSERT", f"{columns}, INSERT"
        asked = {"role": role, "table": f'"{table}"', "rights": rights, "columns": columns}
        if connection.scalar(_MAY_CHANGE, asked):
            held.append(table)
    if held:
        raise SettingsError(
            f"The role {role!r} may still change {', '.join(held)}, by PUBLIC or by a role that it belongs to. Take that right "
            "away; nothing was changed here."
        )


def _statements(connection: sa.Connection, chain: Chain, role: str, rights: Mapping[str, str]) -> list[str]:
    quote = connection.dialect.identifier_preparer.quote
    to, schema = quote(role), quote(str(connection.scalar(sa.text("SELECT current_schema()"))))
    done = [
        f"GRANT USAGE ON SCHEMA {schema} TO {to}",
        f"GRANT SELECT ON alembic_version_{chain.name} TO {to}",
    ]
    for table in chain.metadata.sorted_tables:
        name = quote(table.name)
        done.append(f"REVOKE ALL ON {name} FROM {to}")
        if rights[table.name]:
            done.append(f"GRANT {rights[table.name]} ON {name} TO {to}")
        if chain.name == "access" and (column := table.autoincrement_column) is not None:
            found = connection.scalar(
                sa.text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": name, "column": column.name},
            )
            if found:
                done.append(f"REVOKE ALL ON SEQUENCE {found} FROM {to}")
                if "INSERT" in rights[table.name]:
                    done.append(f"GRANT USAGE ON SEQUENCE {found} TO {to}")
    return done
