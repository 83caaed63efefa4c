"""The command `indexer compare`."""

import click

from indexer.compare import Compared
from indexer.compare import compare as compare_index
from indexer.house import open_house
from indexer.progress import Bar
from registry.console import json_option, show, told_plainly


@click.command()
@click.option("--repair", is_flag=True, help="Put what differs in the queue for publishing.")
@click.option(
    "--full", is_flag=True, help="Read every key and the content of every document, whatever the sums say."
)
@json_option
@told_plainly
def compare(repair: bool, full: bool, as_json: bool) -> None:
    """Compare SQL truth with the search index, document by document.

    Feeds may be pulled and changes published meanwhile. Exit code 1 when the two differ, unless --repair has put all that
    differs in the queue: then publish, and compare again.
    """
    house = open_house()
    with Bar("index") as bar:
        result = compare_index(house.engine, house.search, house.settings, bar.show, repair=repair, full=full)
    show(result.as_dict(), as_json=as_json, text=as_text(result))
    if result.differs and not result.mended:
        raise click.exceptions.Exit(1)


def as_text(result: Compared) -> str:
    """Tell how a comparison ended, and what to do."""
    counts = f"{result.missing} missing, {result.extra} extra, {result.stale} stale"
    lines = [f"{result.index}: {result.expected} documents expected; {counts}."]
    lines += [f"{kind}: {', '.join(names)}" for kind, names in result.examples.items() if names]
    if result.pending:
        lines.append(f"Of {result.pending} documents a change is on its way (`indexer publish`).")
    if result.ahead:
        lines.append(
            f"The index knows versions up to {result.ahead} above all that SQL has drawn: was the database restored from "
            "an older backup?" + (" SQL draws higher ones from now on." if result.mended else "")
        )
    if result.differs and not result.mended:
        lines.append("Run `indexer compare --repair`, then `indexer publish`.")
    elif result.repaired:
        lines.append(f"Put in the queue: {result.repaired}. Now run `indexer publish`.")
    return "\n".join(lines)
