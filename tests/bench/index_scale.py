"""A large index: rebuilt, compared and changed, beside the rate at which the engine takes ready documents in the same run."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from tests.bench.bulk_registers import Written
from tests.bench.houses import HOUSES, House, open_house
from tests.bench.index_floor import IndexFloor
from tests.bench.index_jobs import Indexed
from tests.bench.index_visible import Visible
from tests.bench.ingest_jobs import Ingested, Read
from tests.bench.machine import busy_share
from tests.bench.processes import BenchError, job, plain_environment, workspace

# How the licences are shared out: people of a Swedish register with several each, and an American list with one a row.
_SHARES = {"washington": 0.8, "hosp": 0.2}
CHANGES = 20
Say = Callable[[str], None]


class Scaled(msgspec.Struct, frozen=True, kw_only=True):
    """One house with one number of licences.

    Attributes:
        first: the first index, while everyone waits in the outbox, which it settles.
        rebuilt: the second, beside it.
    """

    house: str
    asked: int
    versions: dict[str, str]
    licences: int
    first: Indexed
    floor: IndexFloor
    rebuilt: Indexed
    compared: Indexed
    visible: Visible
    index_mb: float
    busy_before: float | None

    @property
    def rate(self) -> float:
        """Documents a second of the rebuild."""
        return self.rebuilt.documents / self.rebuilt.seconds

    @property
    def share(self) -> float:
        """The rebuild's rate as a part of the engine's own."""
        return self.rate / self.floor.best[1]


def measure(sizes: Sequence[int], say: Say, houses: Sequence[str] = HOUSES) -> Iterator[Scaled]:
    """Measure every size and house, saying each as it comes."""
    with workspace() as space:
        for licences in sizes:
            files = _registers(licences, space.path / f"registers-{licences}")
            for name in houses:
                folder = space.path / f"{name}-{licences}"
                folder.mkdir()
                busy = busy_share()
                with open_house(name, folder, folder / "feeds") as house:
                    say(f"\n{name} house, {licences:,} licences: loading them (not measured)")
                    one = _measured(house, licences, files, busy)
                say(_line(one))
                yield one
                shutil.rmtree(folder)


def _registers(licences: int, folder: Path) -> dict[str, Written]:
    folder.mkdir()
    return {
        form: job(
            "ingest-write",
            plain_environment(),
            folder,
            Written,
            form=form,
            licences=int(licences * share),
            into=str(folder),
            later=False,
        )
        for form, share in _SHARES.items()
    }


def _measured(house: House, licences: int, files: dict[str, Written], busy: float | None) -> Scaled:
    environ, folder = house.environ, house.folder
    job("ingest-prepare", environ, folder, Read)
    loaded = 0
    for form, file in files.items():
        loaded = job("ingest-pull", environ, folder, Ingested, form=form, path=file.path, full=False).licences
    first = job("rebuild", environ, folder, Indexed)
    floor = job("index-floor", environ, folder, IndexFloor, live=False, several=True)
    rebuilt = job("rebuild", environ, folder, Indexed)
    if not (first.documents == floor.documents == rebuilt.documents):
        raise BenchError(
            f"Not the same documents: {first.documents}, {floor.documents}, {rebuilt.documents}."
        )
    compared = job("compare", environ, folder, Indexed)
    index_mb = house.index_mb()
    visible = job("visible", environ, folder, Visible, changes=CHANGES, log=str(folder / "publisher.log"))
    job("compare", environ, folder, Indexed)
    return Scaled(
        house=house.name,
        asked=licences,
        versions=house.versions,
        licences=loaded,
        first=first,
        floor=floor,
        rebuilt=rebuilt,
        compared=compared,
        visible=visible,
        index_mb=index_mb,
        busy_before=busy,
    )


def _line(one: Scaled) -> str:
    way, rate = one.floor.best
    return (
        f"  {one.house} house, {one.rebuilt.documents:,} documents: rebuild {one.rate:,.0f}/s ({one.share:.2f} of "
        f"{rate:,.0f}/s, {way}), compare {one.compared.seconds:.1f} s, visible after {one.visible.median:.2f} s "
        f"(worst {one.visible.worst:.2f} s), memory {one.rebuilt.memory_peak_mb:,.0f} MiB"
    )
