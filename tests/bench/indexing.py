"""Figures: publishing and rebuilding, beside ready documents written straight to the engine."""

from tests.bench.figures import Figure, Share
from tests.bench.houses import House
from tests.bench.index_floor import IndexFloor
from tests.bench.index_jobs import Indexed
from tests.bench.processes import job


def measure(house: House) -> tuple[list[Figure], list[Share], dict[str, str]]:
    """Write the floor's indices, publish the outbox of the first pull, then rebuild."""
    floor = job("index-floor", house.environ, house.folder, IndexFloor, live=True, several=False)
    published = job("publish", house.environ, house.folder, Indexed)
    index_mb = house.index_mb()
    rebuilt = job("rebuild", house.environ, house.folder, Indexed)
    what, built = floor.best
    figures = [
        _row("publish", published, floor.documents / floor.live_s, what),
        _row("rebuild", rebuilt, built, what),
    ]
    shares = [
        Share(name, part, share)
        for name, done in (("publish", published), ("rebuild", rebuilt))
        for part, share in done.shares.items()
    ]
    facts = {
        "documents": f"{rebuilt.documents:,}, {floor.size_mb * 2**20 / floor.documents:.0f} bytes each as JSON",
        "index after publishing": f"{index_mb:.0f} MiB on disk",
        "operations that publishing sent": f"{published.sent:,}",
        "indexer's memory": f"publishing {published.memory_peak_mb:.0f} MiB, rebuilding {rebuilt.memory_peak_mb:.0f} MiB",
    }
    return figures, shares, facts


def _row(group: str, done: Indexed, floor: float, what: str) -> Figure:
    return Figure(
        group=group,
        what="all",
        value=done.documents / done.seconds,
        unit="documents/s",
        floor=floor,
        floor_what=what,
        note=f"{done.documents:,} documents in {done.seconds:.1f} s; {done.sent:,} operations sent",
    )
