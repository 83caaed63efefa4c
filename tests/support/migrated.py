"""Migrated databases for tests: migrated once in a process, then copied. The migrations have tests of their own."""

import atexit
import contextlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from registry import migrate
from registry.settings import Settings, load_settings

# The server's own database, from which others are made and dropped.
_ADMINISTRATION = "postgres"


def make_migrated(settings: Settings) -> None:
    """Do what `registry migrate` does: by copying, where a database has nothing yet."""
    chains: dict[str, list[str]] = {}
    for chain in migrate.chains(settings):
        chains.setdefault(chain.url, []).append(chain.name)
    copied = [_copied(make_url(url), tuple(names)) for url, names in chains.items()]
    if not all(copied):
        migrate.upgrade(settings)


def _copied(url: URL, chains: tuple[str, ...]) -> bool:
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        if path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_sqlite(chains), path)
        return True
    name = sql.Identifier(url.database or "")
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        filled = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone()
    if filled:
        return False
    template = sql.Identifier(_postgresql(url.set(database=_ADMINISTRATION), chains))
    with psycopg.connect(_plain(url.set(database=_ADMINISTRATION)), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
    return True


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="registry-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _sqlite(chains: tuple[str, ...]) -> Path:
    path = _folder() / f"{'-'.join(chains)}.db"
    _migrate(f"sqlite:///{path}", chains)
    return path


@cache
def _postgresql(server: URL, chains: tuple[str, ...]) -> str:
    """Make the template on a server and return its name; it goes with the process, or with a server that goes before."""
    name = f"registry_migrated_{os.getpid()}_{'_'.join(chains)}"
    identifier = sql.Identifier(name)
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(identifier))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    _migrate(server.set(database=name).render_as_string(hide_password=False), chains)

    def drop() -> None:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(_plain(server), autocommit=True, connect_timeout=2) as connection,
        ):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))

    atexit.register(drop)
    return name


def _migrate(url: str, chains: tuple[str, ...]) -> None:
    elsewhere = f"sqlite:///{_folder() / 'elsewhere.db'}"
    migrate.upgrade(
        load_settings(
            {
                "REGISTRY_SERVICE__SANDBOX": "true",
                "REGISTRY_DATABASE__URL": url if "records" in chains else elsewhere,
                "REGISTRY_DATABASE__ACCESS_URL": url if "access" in chains else elsewhere,
            }
        )
    )


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
