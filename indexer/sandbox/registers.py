"""A day's registers on disk, as the sandbox authorities publish them: written once, then served from the files.

A folder holds `hosp.xml`, `washington.rows` (JSON rows, each after a comma) with `washington.offsets` (where each row
begins, 8 bytes big-endian), `washington.csv`, `practitioner.N.ndjson`, and last of all `registers.json`, which says
what is in them: a folder without it is half-written.
"""

import hashlib
import shutil
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from indexer.sandbox import broken, formats
from indexer.sandbox.model import Provider, SwedishPerson, WashingtonPerson
from indexer.sandbox.people import People
from indexer.sandbox.plan import LAST_DAY, Plan, Register

LINES_A_FILE = 10_000
OFFSET = struct.Struct(">Q")
P = TypeVar("P")


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What one register holds: good people, all rows, and the broken ones among them by kind."""

    people: int
    rows: int
    broken: dict[str, int]


class Registers(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the folder.

    `etags` are SHA-256 digests (hex) by file name, `lines` counts the resources of each NDJSON file, and
    `published_at` is when the day's files were written (UTC, whole seconds).
    """

    size: int
    seed: int
    day: int
    year: int
    published_at: datetime
    hosp: Contents
    washington: Contents
    directory: Contents
    etags: dict[str, str]
    lines: dict[str, int]

    @property
    def ndjson(self) -> tuple[str, ...]:
        """Names of the directory's files, in order."""
        files = [name for name in self.etags if name.endswith(".ndjson")]
        return tuple(sorted(files, key=lambda name: int(name.split(".")[1])))


class _File:
    """A file being written, its digest beside it."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.written = 0
        self.rows = 0
        self._file = path.open("wb", buffering=1 << 20)
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.written += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def publish(plan: Plan, parent: Path, after: datetime | None = None) -> Path:
    """Write the registers of a plan into a folder of their own under `parent`, unless they are there already.

    `published_at` is now, but later than `after`: two editions are never of the same second, which is as exact as
    HTTP tells them apart.

    Returns:
        The folder; complete, for it gets its name only when everything is written.
    """
    folder = parent / f"size-{plan.size}-seed-{plan.seed}-day-{plan.day}-year-{plan.year}"
    if (folder / "registers.json").exists():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=parent))
    try:
        registers = _write(plan, unfinished, _moment(after))
        (unfinished / "registers.json").write_bytes(msgspec.json.format(msgspec.json.encode(registers)))
        unfinished.replace(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder


def read(folder: Path) -> Registers:
    """Read what a published folder holds."""
    return msgspec.json.decode((folder / "registers.json").read_bytes(), type=Registers)


def _moment(after: datetime | None) -> datetime:
    now = datetime.now(UTC).replace(microsecond=0)
    return max(now, after + timedelta(seconds=1)) if after else now


def _write(plan: Plan, folder: Path, published_at: datetime) -> Registers:
    people = People(plan)
    etags: dict[str, str] = {}
    lines: dict[str, int] = {}
    return Registers(
        size=plan.size,
        seed=plan.seed,
        day=plan.day,
        year=plan.year,
        published_at=published_at,
        hosp=_hosp(plan, people, folder, etags),
        washington=_washington(plan, people, folder, etags),
        directory=_directory(plan, people, folder, etags, lines),
        etags=etags,
        lines=lines,
    )


def _among(
    good: Iterable[P], register: Register, spoil: Callable[[int], P], kinds: Sequence[str]
) -> Iterator[tuple[P, str]]:
    """Give every good person with "", and evenly spread among them the broken ones with their kind."""
    step = max(register.people // (register.broken + 1), 1)
    done = 0
    for place, person in enumerate(good):
        if done < register.broken and place == step * (done + 1):
            yield spoil(register.people + register.new_a_day * LAST_DAY + done), kinds[done % len(kinds)]
            done += 1
        yield person, ""


def _hosp(plan: Plan, people: People, folder: Path, etags: dict[str, str]) -> Contents:
    kinds: Counter[str] = Counter()
    rows = 0
    with _File(folder / "hosp.xml") as file:
        file.write(formats.HOSP_HEAD.encode())
        person: SwedishPerson
        for person, kind in _among(
            people.swedes(), plan.hosp, people.newborn_swedes.__getitem__, tuple(broken.HOSP)
        ):
            file.write((broken.hosp(kind, person) if kind else formats.hosp_person(person)).encode())
            rows += 1
            kinds[kind] += 1
        file.write(formats.HOSP_FOOT.encode())
    etags[file.name] = file.digest
    return Contents(people=kinds.pop("", 0), rows=rows, broken=dict(kinds))


def _washington(plan: Plan, people: People, folder: Path, etags: dict[str, str]) -> Contents:
    kinds: Counter[str] = Counter()
    rows = 0
    with (
        _File(folder / "washington.rows") as json_rows,
        _File(folder / "washington.csv") as csv_rows,
        _File(folder / "washington.offsets") as offsets,
    ):
        csv_rows.write((",".join(formats.WASHINGTON_COLUMNS.values()) + "\n").encode())
        person: WashingtonPerson
        for person, kind in _among(
            people.washingtonians(),
            plan.washington,
            people.newborn_washingtonians.__getitem__,
            tuple(broken.WASHINGTON),
        ):
            for as_json, as_csv in _washington_rows(person, kind):
                offsets.write(OFFSET.pack(json_rows.written))
                json_rows.write(b"," + as_json + b"\n")
                csv_rows.write(as_csv.encode())
                rows += 1
            kinds[kind] += 1
        offsets.write(OFFSET.pack(json_rows.written))
    for file in (json_rows, csv_rows, offsets):
        etags[file.name] = file.digest
    return Contents(people=kinds.pop("", 0), rows=rows, broken=dict(kinds))


def _washington_rows(person: WashingtonPerson, kind: str) -> Iterator[tuple[bytes, str]]:
    if kind:
        yield broken.washington(kind, person)
        return
    for credential in person.credentials:
        row = formats.washington_row(person, credential)
        yield msgspec.json.encode(formats.socrata_json(row)), formats.socrata_csv(row)


def _directory(
    plan: Plan, people: People, folder: Path, etags: dict[str, str], lines: dict[str, int]
) -> Contents:
    kinds: Counter[str] = Counter()
    everyone = _among(
        people.providers(), plan.directory, people.newborn_providers.__getitem__, tuple(broken.FHIR)
    )
    for number, part in enumerate(_parts(everyone, LINES_A_FILE)):
        with _File(folder / f"practitioner.{number}.ndjson") as file:
            person: Provider
            for person, kind in part:
                line = (
                    broken.fhir(kind, person) if kind else msgspec.json.encode(formats.practitioner(person))
                )
                file.write(line + b"\n")
                kinds[kind] += 1
                lines[file.name] = lines.get(file.name, 0) + 1
        etags[file.name] = file.digest
    return Contents(people=kinds.pop("", 0), rows=sum(lines.values()), broken=dict(kinds))


def _parts(items: Iterator[P], length: int) -> Iterator[Iterator[P]]:
    """Cut a stream into streams of at most `length`; each must be read before the next is asked for."""
    for first in items:
        yield _part(first, items, length)


def _part(first: P, rest: Iterator[P], length: int) -> Iterator[P]:
    yield first
    for _ in range(length - 1):
        try:
            yield next(rest)
        except StopIteration:
            return
