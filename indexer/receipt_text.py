"""Receipts as lines for a person at a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Literal

from indexer.examples import Example
from registry.records.error_rows import error_lines
from registry.records.receipts import Receipt, RowError, Run

ErrorForm = Literal["table", "ndjson", "csv"]
_WIDTHS = {"row": 8, "key": 24, "field": 20, "kind": 12}


def run_line(run: Run) -> str:
    """Return one line about a run."""
    c = run.counts
    about = f" of {run.of_run}" if run.of_run else ""
    back = f", rolled back by {run.undone_by}" if run.undone_by else ""
    return (
        f"{run.id:>8}  {run.started_at:%Y-%m-%d %H:%M}  {run.feed_id:<20} {run.kind + about:<16} {run.state:<10} "
        f"+{c.added} ~{c.changed} -{c.removed}, {c.quarantined} quarantined{back}"
    )


def receipt_text(receipt: Receipt, examples: Sequence[Example]) -> str:
    """Return a receipt as lines."""
    run = receipt.run
    taken = "" if run.duration_s is None else f", {run.duration_s:.1f} s"
    lines = [
        f"Run {run.id} of {run.feed_id}: {run.kind}, {run.state}{taken}",
        f"  source    {run.source_name or '-'}, stamped {run.stamp or '-'}, digest {run.digest or '-'}",
        *(
            f"  {name.replace('_', ' '):<18} {value:>10}"
            for name, value in asdict(run.counts).items()
            if value
        ),
    ]
    lines += [f"  note: {note}" for note in run.notes]
    if run.held_reason:
        lines.append(f"  held: {run.held_reason}")
    if run.error:
        lines.append(f"  error: {run.error}")
    if receipt.waiting:
        lines.append("  waiting: " + ", ".join(f"{n} {kind}" for kind, n in receipt.waiting.items()))
    lines += [f"  {q.count:>8} x {q.kind} {q.field}: {q.reason}" for q in receipt.quarantined]
    lines += [f"  {one.kind} {one.licence}: {one.text}" for one in examples]
    return "\n".join(lines)


def error_text(rows: Iterator[RowError], form: ErrorForm) -> Iterator[bytes | str]:
    """Give the rows that were not taken in: a table, or a form for programs."""
    if form != "table":
        yield from error_lines(rows, form)
        return
    yield _table_line("row", "key", "field", "kind", "reason")
    for row in rows:
        yield _table_line(str(row.row), row.key, row.field, row.kind, f"{row.reason} | {row.echo}")


def _table_line(row: str, key: str, field: str, kind: str, rest: str) -> str:
    cells = zip((row, key, field, kind), _WIDTHS.values(), strict=True)
    return "  ".join([*(f"{text:<{width}}" for text, width in cells), rest]) + "\n"
