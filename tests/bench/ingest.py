"""Loading a large register in each format into each database: first, unchanged again, and with two of a hundred changed."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from registry.sealing import new_key
from tests.bench.bulk_registers import Written
from tests.bench.ingest_floor import LoadFloor
from tests.bench.ingest_jobs import FORMS, Ingested, Read
from tests.bench.machine import busy_share
from tests.bench.processes import BenchError, job, plain_environment, workspace
from tests.services.postgres import PostgresServer

DATABASES = ("SQLite", "PostgreSQL")
# The same for every process: what one has sealed another must read.
_KEY = new_key()
Say = Callable[[str], None]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One register of one size in one database, beside its floors."""

    form: str
    database: str
    asked: int
    written: Written
    first: Ingested
    again: Ingested
    later: Ingested
    load_floor: LoadFloor
    read_floor: Read
    busy_before: float | None

    @property
    def memory_mb(self) -> float:
        """The highest resident size of the three pulls."""
        return max(self.first.memory_mb, self.again.memory_mb, self.later.memory_mb)

    @property
    def ratios(self) -> tuple[float, float, float]:
        """How many times its floor each pull cost: first load, unchanged again, two of a hundred changed."""
        return (
            self.first.seconds / self.load_floor.seconds,
            self.again.seconds / self.read_floor.seconds,
            self.later.seconds / self.read_floor.seconds,
        )


def measure(
    sizes: Sequence[int], say: Say, forms: Sequence[str] = FORMS, databases: Sequence[str] = DATABASES
) -> Iterator[Load]:
    """Measure every size, format and database, saying each as it comes."""
    with workspace() as space, _servers(databases) as fresh:
        for licences in sizes:
            for form in forms:
                folder = space.path / f"{form}-{licences}"
                folder.mkdir()
                register = _Register.written(form, licences, folder, fresh)
                for database in databases:
                    load = register.load(database)
                    say(_line(load))
                    yield load
                shutil.rmtree(folder)


Fresh = Callable[[str, Path], tuple[str, Callable[[], None]]]


@contextmanager
def _servers(databases: Sequence[str]) -> Iterator[Fresh]:
    """Give a way to make an empty database in a folder or on a server, and to remove it again."""
    if "PostgreSQL" not in databases:
        yield lambda _database, path: _sqlite(path)
        return
    with PostgresServer(durable=True) as server:

        def fresh(database: str, path: Path) -> tuple[str, Callable[[], None]]:
            if database == "SQLite":
                return _sqlite(path)
            name = path.name.replace("-", "_")
            return server.create_database(name), lambda: server.drop_database(name)

        yield fresh


def _sqlite(path: Path) -> tuple[str, Callable[[], None]]:
    path.mkdir()
    return f"sqlite:///{path / 'registry.db'}", lambda: shutil.rmtree(path)


@dataclass(frozen=True)
class _Register:
    """A register in both its states, as files in a folder that databases are made in too."""

    form: str
    licences: int
    folder: Path
    fresh: Fresh
    files: tuple[Written, Written]
    read_floor: Read

    @classmethod
    def written(cls, form: str, licences: int, folder: Path, fresh: Fresh) -> "_Register":
        """Write the files, and measure what reading the first costs at least."""
        plain, asked = plain_environment(), {"form": form, "licences": licences, "into": str(folder)}
        first = job("ingest-write", plain, folder, Written, **asked, later=False)
        later = job("ingest-write", plain, folder, Written, **asked, later=True)
        read_floor = job("ingest-read", plain, folder, Read, form=form, path=first.path)
        return cls(form, licences, folder, fresh, (first, later), read_floor)

    def load(self, database: str) -> Load:
        """Load the first state into an empty database, again, and the later state; and the floor of the first.

        Raises:
            BenchError: a run did not succeed, or the same file again changed anything.
        """
        busy = busy_share()
        name = f"{database.lower()}-{self.form}-{self.licences}"
        url, forget = self.fresh(database, self.folder / name)
        environ = _environment(url)
        job("ingest-prepare", environ, self.folder, Read)
        first = self._pull(environ, self.files[0], full=False)
        load_floor = self._floor(database, url)
        again = self._pull(environ, self.files[0], full=True)
        if again.written or again.unchanged + again.quarantined != again.rows:
            raise BenchError(f"{self.form}: the same file again gave {again.written} changes.")
        later = self._pull(environ, self.files[1], full=False)
        forget()
        return Load(
            form=self.form,
            database=database,
            asked=self.licences,
            written=self.files[0],
            first=first,
            again=again,
            later=later,
            load_floor=load_floor,
            read_floor=self.read_floor,
            busy_before=busy,
        )

    def _pull(self, environ: dict[str, str], file: Written, *, full: bool) -> Ingested:
        return job("ingest-pull", environ, self.folder, Ingested, form=self.form, path=file.path, full=full)

    def _floor(self, database: str, source: str) -> LoadFloor:
        url, forget = self.fresh(
            database, self.folder / f"floor-{database.lower()}-{self.form}-{self.licences}"
        )
        environ = _environment(url)
        floor = job("ingest-floor", environ, self.folder, LoadFloor, source=source, through=str(self.folder))
        forget()
        return floor


def _environment(url: str) -> dict[str, str]:
    return plain_environment(
        REGISTRY_SERVICE__SANDBOX="true",
        REGISTRY_INDEXER__REFUSE_TEST_PEOPLE="false",
        REGISTRY_PRIVACY__DIGEST_KEY=_KEY,
        REGISTRY_PRIVACY__SEALING_KEY=_KEY,
        REGISTRY_DATABASE__URL=url,
    )


def _line(load: Load) -> str:
    first, again, later = load.ratios
    return (
        f"  {load.form:<11}{load.database:<11} {load.first.licences:>9,} licences: first {load.first.seconds:7.1f} s "
        f"({first:4.1f}x), again {load.again.seconds:6.1f} s ({again:4.1f}x), changed {load.later.seconds:6.1f} s "
        f"({later:4.1f}x), {load.memory_mb:,.0f} MiB"
    )
