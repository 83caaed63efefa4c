"""Figures: pulling for the first time and again, beside the bare insertion of the same records."""

from tests.bench.figures import Figure, Share
from tests.bench.houses import House
from tests.bench.processes import job
from tests.bench.pull_floor import Floor
from tests.bench.pull_jobs import Again, Pulled, Pulls

ALL = "all feeds"


def measure(house: House) -> tuple[list[Figure], list[Share], dict[str, str]]:
    """Pull everything, three times."""
    first = job("pull", house.environ, house.folder, Pulls)
    again = job("pull-again", house.environ, house.folder, Again)
    floor = job("pull-floor", house.environ, house.folder, Floor)
    what = "COPY" if house.engine_url else "executemany in one transaction"
    figures = _table("first pull", first, floor, what)
    figures += _table("same bytes again, every record compared", again.compared, floor, what)
    figures.append(_memory(first))
    shares = [Share("first pull", part, share) for part, share in first.shares.items()]
    shares += [Share("pull again", part, share) for part, share in again.compared.shares.items()]
    told = sum(one.seconds for one in again.told.pulls)
    states = sorted({one.state for one in again.told.pulls})
    facts = {
        "same bytes again, as an operator pulls": f"{told:.2f} s for all feeds ({', '.join(states)})",
        "written by pulling the same bytes again": "0 records, 0 licence versions (checked)",
        "source records": f"{sum(floor.rows.values()):,}, payload {floor.payload_mb:.0f} MiB",
        "quarantined": f"{sum(one.quarantined for one in first.pulls):,} rows (broken on purpose)",
    }
    return figures, shares, facts


def _table(group: str, pulls: Pulls, floor: Floor, what: str) -> list[Figure]:
    rows = sum(one.rows for one in pulls.pulls)
    seconds = sum(one.seconds for one in pulls.pulls)
    all_rows, all_seconds = sum(floor.rows.values()), sum(floor.seconds.values())
    fetch = sum(one.fetch_s for one in pulls.pulls)
    figures = [_row(group, one, floor.rows[one.feed] / floor.seconds[one.feed], what) for one in pulls.pulls]
    note = f"{rows:,} rows in {seconds:.1f} s, of it fetching {fetch:.1f} s"
    total = Figure(
        group=group,
        what=ALL,
        value=rows / seconds,
        unit="rows/s",
        floor=all_rows / all_seconds,
        floor_what=what,
        note=note,
    )
    return [*figures, total]


def _row(group: str, one: Pulled, floor: float, what: str) -> Figure:
    note = f"{one.rows:,} rows in {one.seconds:.1f} s, of it fetching {one.fetch_s:.1f} s"
    return Figure(
        group=group,
        what=one.feed,
        value=one.rows / one.seconds,
        unit="rows/s",
        floor=floor,
        floor_what=what,
        note=note,
    )


def _memory(pulls: Pulls) -> Figure:
    return Figure(
        group="memory",
        what="indexer, highest while pulling",
        value=pulls.memory_peak_mb,
        unit="MiB",
        floor=pulls.memory_before_mb,
        floor_what="the same process before its first row",
    )
