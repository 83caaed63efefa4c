"""The commands `indexer status` and `indexer metrics`."""

import click

from indexer import status as statuses
from indexer.house import House, open_house
from registry.console import json_option, show, told_plainly


@click.command()
@click.argument("feed", required=False)
@click.option("--check", is_flag=True, help="Only tell what needs a person; exit code 1 when something does.")
@json_option
@told_plainly
def status(feed: str | None, check: bool, as_json: bool) -> None:
    """Show how old the feeds are, what waits to be published and how the index stands; of FEED: its quarantine, row by row."""
    house = open_house()
    if feed:
        rows = statuses.quarantine(house.engine, feed)
        text = "\n".join(f"row {r['row']} {r['key']} {r['field']}: {r['reason']} | {r['echo']}" for r in rows)
        show(rows, as_json=as_json, text=text or "The last run put nothing in quarantine.")
    elif check:
        _check(house, as_json=as_json)
    else:
        found = _standing(house)
        people = statuses.people(house.engine)
        show(statuses.as_dict(found, people), as_json=as_json, text=statuses.as_text(found, people))


def _check(house: House, *, as_json: bool) -> None:
    found = statuses.problems(_standing(house), house.settings, described=house.feeds.values())
    show(found, as_json=as_json, text="\n".join(found) or "All is well.")
    if found:
        raise click.exceptions.Exit(1)


def _standing(house: House) -> statuses.Standing:
    return statuses.standing(house.engine, house.search, house.settings)


@click.command()
@told_plainly
def metrics() -> None:
    """Print how everything is in the Prometheus text format: what `/metrics` of the service tells.

    For machines where no service runs, by a timer into a file that node_exporter's textfile collector reads. Write to
    another name first and rename, so that it never reads half a file: `indexer metrics > FILE.tmp && mv FILE.tmp FILE`.
    """
    house = open_house()
    click.echo(statuses.metrics(_standing(house), house.settings), nl=False)


def add_commands(group: click.Group) -> None:
    """Add the commands of this room to the `indexer` command."""
    group.add_command(status)
    group.add_command(metrics)
