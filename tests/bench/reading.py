"""What the figures say, beside yardsticks that others have published: reached or missed, in plain words."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.figures import Figure, Measured, text_of

# The yardsticks, as the systems nearest to this one publish them.
_SEARCH_MS = {50: 50.0, 95: 150.0}  # opencrvs/performance-test: search on its server, with 1,000,000 records
_REBUILD = 1_700.0  # its ten minutes for a million records
_BULK_TIMES = 5.0  # of this project: no worse than five times the engine's own bulk
_AGAIN = 100_000.0  # of this project: a million unchanged records compared within ten seconds


@dataclass(frozen=True)
class _Yardstick:
    """A bar for one figure."""

    group: str
    what: str
    reached: Callable[[Figure], bool]
    text: Callable[[Figure], str]


def _below(percent: int, clients: str) -> _Yardstick:
    bar = _SEARCH_MS[percent]
    return _Yardstick(
        "search by name",
        f"p{percent}, {clients}",
        lambda figure: figure.value <= bar,
        lambda figure: (
            f"search p{percent} with {clients}: {text_of(figure.value)} ms, OpenCRVS asks {bar:.0f} ms of its server"
        ),
    )


_YARDSTICKS = (
    *(_below(percent, clients) for clients in ("one client", "8 clients") for percent in _SEARCH_MS),
    _Yardstick(
        "rebuild",
        "all",
        lambda figure: figure.value >= _REBUILD,
        lambda figure: (
            f"rebuild {text_of(figure.value)} documents/s, OpenCRVS asks {_REBUILD:,.0f} (a million in ten minutes)"
        ),
    ),
    _Yardstick(
        "rebuild",
        "all",
        lambda figure: figure.ratio <= _BULK_TIMES,
        lambda figure: (
            f"rebuild {figure.ratio:.1f} times the cost of the {figure.floor_what}, our bar is {_BULK_TIMES:.0f}"
        ),
    ),
    _Yardstick(
        "same bytes again, every record compared",
        "all feeds",
        lambda figure: figure.value >= _AGAIN,
        lambda figure: (
            f"unchanged records compared {text_of(figure.value)} rows/s with fetching and parsing, "
            f"our bar is {_AGAIN:,.0f} (a million in ten seconds)"
        ),
    ),
)


def reading(measured: Sequence[Measured]) -> str:
    """Return the yardsticks of every house and size, then the costliest part of each job."""
    lines = []
    for one in measured:
        lines.append(f"{one.house.capitalize()} house, {one.people:,} people:\n")
        lines += [f"- {'reached' if good else '**missed**'}: {text}" for good, text in _judged(one)]
        lines += [f"- {text}" for text in _costliest(one)]
        lines.append("")
    return "\n".join(lines)


def _judged(one: Measured) -> Iterator[tuple[bool, str]]:
    figures = {(figure.group, figure.what): figure for figure in one.figures}
    for bar in _YARDSTICKS:
        figure = figures.get((bar.group, bar.what))
        if figure:
            yield bar.reached(figure), bar.text(figure)


def _costliest(one: Measured) -> Iterator[str]:
    for job in dict.fromkeys(share.job for share in one.shares):
        most = [share for share in one.shares if share.job == job][:3]
        yield f"{job}: most time in {', '.join(f'{share.part} ({share.share:.0%})' for share in most)}"
