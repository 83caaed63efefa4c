"""The command `indexer rebuild`."""

import click

from indexer.house import open_house
from indexer.progress import Bar
from indexer.rebuild import Rebuilt
from indexer.rebuild import back as go_back
from indexer.rebuild import rebuild as build_anew
from registry.console import json_option, show, told_plainly


@click.command()
@click.option("--back", is_flag=True, help="Put the previous index in use again, brought up to date first.")
@click.option(
    "--in-place",
    is_flag=True,
    help="Give the index in use the fields that this version adds, and write its documents again.",
)
@click.option("--fresh", is_flag=True, help="Begin anew, also when an earlier rebuild was left unfinished.")
@click.option(
    "--alone",
    is_flag=True,
    help="Keep no other index, so that no file holds whoever has become protected. There is no --back then.",
)
@json_option
@told_plainly
def rebuild(back: bool, in_place: bool, fresh: bool, alone: bool, as_json: bool) -> None:
    """Build a new index from SQL truth beside the one in use, check it and swap to it.

    Searches and publishing go on against the index in use until the new one has passed its checks; the one before is kept
    for --back, unless --alone. May be killed at any moment: the next rebuild continues or clears up. Exit code 1 when a check failed
    (the message names it) or another rebuild is running; the index in use is then left as it is.
    """
    if back + in_place + fresh > 1:
        raise click.UsageError("Use one of --back, --in-place and --fresh.")
    if alone and (back or in_place):
        raise click.UsageError("--alone builds a new index: use it without --back and --in-place.")
    house = open_house()
    try:
        with Bar("rebuild") as bar:
            if back:
                result = go_back(house.engine, house.search, house.settings, bar.show)
            else:
                result = build_anew(
                    house.engine,
                    house.search,
                    house.settings,
                    bar.show,
                    fresh=fresh,
                    in_place=in_place,
                    alone=alone,
                )
    finally:
        house.search.close()
    show(result.as_dict(), as_json=as_json, text=_told(result))


def _told(result: Rebuilt) -> str:
    if not result.changed:
        return f"{result.index} has all fields already; nothing was done."
    continued = " An unfinished rebuild was continued." if result.resumed else ""
    kept = f" {result.before} is kept: `indexer rebuild --back`." if result.before else ""
    return f"{result.index}: {result.documents} documents; searches use it now.{kept}{continued}"
