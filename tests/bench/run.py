"""One round: the data made once for a number of people, then each house measured on it."""

from collections.abc import Callable, Iterator, Sequence

from tests.bench import indexing, pulling, serving
from tests.bench.figures import Figure, Measured, text_of
from tests.bench.houses import open_house
from tests.bench.limits import Limits
from tests.bench.machine import busy_share
from tests.bench.processes import BenchError, plain_environment, running, workspace
from tests.services.workspace import Workspace, free_port

_DATA_PATIENCE_S = 900.0
Say = Callable[[str], None]


def measure(people: int, houses: Sequence[str], limits: Limits, say: Say) -> Iterator[Measured]:
    """Measure every house with so many people, saying each figure as it comes."""
    with workspace() as space:
        port = free_port()
        say(f"\n{people:,} people: making their registers (not measured)")
        command = ["tests.bench.authorities", str(people), str(port), str(space.path)]
        with running(
            command,
            plain_environment(),
            space,
            space.path / "authorities.log",
            ready=f"http://127.0.0.1:{port}/_sandbox",
            patience_s=_DATA_PATIENCE_S,
        ):
            for name in houses:
                yield _house(name, people, space, limits, say)


def _house(name: str, people: int, space: Workspace, limits: Limits, say: Say) -> Measured:
    folder = space.path / name
    folder.mkdir()
    busy = busy_share()
    say(f"\n{name} house, {people:,} people" + (f" (processors {busy:.0%} busy before)" if busy else ""))
    port, issuer_port = free_port(), free_port()
    settings = serving.settings_for(port, issuer_port)
    made = Measured(house=name, people=people, versions={}, figures=[], shares=[], facts={}, busy_before=busy)
    with open_house(name, folder, space.path / "feeds", **settings) as house:
        made.versions.update(house.versions)
        for part in (pulling.measure, indexing.measure, serving.Serving(space, port, issuer_port, limits)):
            figures, shares, facts = part(house)
            for figure in figures:
                if figure.value <= 0 or figure.floor <= 0:
                    raise BenchError(f"{figure.group}, {figure.what}: nothing was measured.")
                say(_line(figure))
            made.figures.extend(figures)
            made.shares.extend(shares)
            made.facts.update(facts)
    return made


def _line(figure: Figure) -> str:
    return (
        f"  {figure.group:<42} {figure.what:<34} {text_of(figure.value):>9} {figure.unit:<12} "
        f"floor {text_of(figure.floor):>9}  {figure.ratio:>7.1f}x  {figure.note}"
    )
