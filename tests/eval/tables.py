"""Tables of the report, as Markdown."""

from collections.abc import Iterable, Sequence

from tests.eval.metrics import Share


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Return a table; the last `numbers` columns are set flush right."""
    left = len(heads) - numbers
    lines = [_line(heads), "|" + "---|" * left + "--:|" * numbers, *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '¦') for cell in cells)} |"


def told(share: Share) -> str:
    """Return a share with its interval: ".931 (.923–.938)"."""
    low, high = share.interval
    return f"{digits(share.value)} ({digits(low)}–{digits(high)})" if share.of else "–"


def digits(value: float) -> str:
    """Return a share with three digits, without the leading nought."""
    return f"{value:.3f}".removeprefix("0")


def rare(share: Share) -> str:
    """Return a rare share as it was counted: "3 of 5,000"."""
    return f"{share.count:,} of {share.of:,}"
