"""Commands that decide on runs and records: approve, rollback, renormalize, joins and receipts."""

from collections.abc import Iterable
from dataclasses import asdict

import click

from indexer import parting
from indexer.approve import approve as approve_run
from indexer.examples import examples_of
from indexer.feeds.descriptor import FeedDescriptor
from indexer.house import House, open_house
from indexer.progress import Bar
from indexer.pull import Report
from indexer.receipt_text import ErrorForm, error_text, receipt_text, run_line
from indexer.renormalize import renormalize as replay
from indexer.rollback import roll_back
from indexer.runs import get
from indexer.workshop import Done
from registry.console import json_option, show, told_plainly
from registry.errors import BadRequestError, NotFoundError
from registry.records import receipts

# Exit code of a pull that has put changes aside.
HELD = 3
_MOST_SKIPPED = 20


def pulled(report: Report) -> str:
    """Tell a person how a pull went."""
    c, name = report.counts, f"{report.feed}{f' ({report.source})' if report.source else ''}"
    if report.state == "failed":
        return f"{name}: failed, nothing was changed. {report.error}"
    if report.state == "unchanged":
        return f"{name}: the feed has not changed since the last pull (0 added, 0 changed; run {report.run})."
    text = (
        f"{name}: {c.read} read, {c.added} added, {c.changed} changed, {c.unchanged + c.immaterial} unchanged, "
        f"{c.removed} removed, {c.quarantined} quarantined, {c.duplicates} duplicates (run {report.run})."
    )
    if c.reread:
        text += f" {c.reread} unchanged records were read otherwise than before."
    if c.test_people:
        text += f" {c.test_people} records of test people were refused."
    if report.notes:
        text += " " + " ".join(report.notes)
    if report.state == "held":
        text += (
            f" HELD: {report.held}. {c.withheld} removals and {c.changes_withheld} changes wait; additions and "
            f"restrictions were applied. Look at the feed; if it is right: indexer approve {report.run}"
        )
    if report.dry_run:
        lines = [f"  {one.kind} {one.licence}: {one.text}" for one in report.examples]
        text = "\n".join([f"Dry run, nothing was changed. {text}", *lines])
    return text


def _of_run(house: House, run_id: int) -> FeedDescriptor:
    with house.engine.connect() as connection:
        return house.feed(str(get(connection, run_id).feed_id))


def _told(done: Done, what: str) -> str:
    c = done.counts
    text = (
        f"{'Dry run, nothing was changed. ' if done.dry_run else ''}{what}: {c.added + c.changed + c.reread} records "
        f"changed, {c.removed} removed, {len(done.skipped)} skipped because they have changed since (run {done.run})."
    )
    shown = [key for key in done.skipped if key][:_MOST_SKIPPED]
    return "\n".join([text, *(f"  skipped {key}" for key in shown)])


_dry_run = click.option("--dry-run", is_flag=True, help="Change nothing; show what would be done.")


@click.command()
@click.argument("run", type=int)
@_dry_run
@json_option
@told_plainly
def approve(run: int, dry_run: bool, as_json: bool) -> None:
    """Apply what waits under the held RUN: exactly that, and nothing that the feed has overtaken since."""
    house = open_house()
    done = approve_run(house.workshop, _of_run(house, run), run, dry_run=dry_run)
    show(asdict(done), as_json=as_json, text=_told(done, f"Run {run} approved"))


@click.command()
@click.argument("run", type=int)
@_dry_run
@json_option
@told_plainly
def rollback(run: int, dry_run: bool, as_json: bool) -> None:
    """Undo what RUN changed, by a new run: history keeps both. People changed since are skipped and listed."""
    house = open_house()
    done = roll_back(house.workshop, _of_run(house, run), run, dry_run=dry_run)
    show(asdict(done), as_json=as_json, text=_told(done, f"Run {run} rolled back"))


@click.command()
@click.argument("feeds", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every feed in the feeds folder.")
@json_option
@told_plainly
def renormalize(feeds: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Read the stored source records of FEEDS anew, after a vocabulary or the normalizer changed.

    Writes only where the outcome differs. May be killed at any time; the next start goes on from there.
    """
    house = open_house()
    chosen: Iterable[str] = house.feeds if every else feeds
    if not (ids := list(chosen)):
        raise BadRequestError(f"Name a feed or use --all. Feeds: {', '.join(house.feeds)}.")
    results = []
    for feed in map(house.feed, ids):
        with Bar(feed.id) as bar:
            results.append(replay(house.workshop, feed, bar.show))
    text = "\n".join(
        f"{d.feed}: {d.counts.read} records read anew, {d.counts.reread} differ, {d.counts.unchanged} unchanged, "
        f"{d.counts.quarantined} could not be read (run {d.run})."
        for d in results
    )
    show([asdict(done) for done in results], as_json=as_json, text=text)


@click.command("joins")
@click.option("--person", default="", help="Only of the practitioner with this public id.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@told_plainly
def list_joins(person: str, limit: int, as_json: bool) -> None:
    """List which records were joined to which practitioners, newest first."""
    house = open_house()
    with house.engine.connect() as connection:
        found = parting.joins(connection, public_id=person, limit=limit)
    text = "\n".join(
        f"{j['join']:>8}  run {j['run']}  {j['feed']} {j['key']} -> {j['practitioner']}  by {j['system']} ({j['use']})"
        + (f"  undone: {j['reason']}" if j["undoneRun"] else "")
        for j in found
    )
    show(found, as_json=as_json, text=text or "No record has been joined to another's practitioner.")


@click.command()
@click.argument("join", type=int)
@click.option("--reason", required=True, help="Why; kept in the audit entry. No personal data.")
@json_option
@told_plainly
def unjoin(join: int, reason: str, as_json: bool) -> None:
    """Part what JOIN (see `indexer joins`) brought together; both practitioners get their own history back.

    They are not joined again by themselves.
    """
    house = open_house()
    moved = parting.unjoin(house.workshop, join, reason)
    show(
        {"join": join, "records": moved},
        as_json=as_json,
        text=f"Join {join} undone: {len(moved)} records went back. Run: indexer publish",
    )


@click.command("runs")
@click.argument("feed", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@told_plainly
def list_runs(feed: str | None, limit: int, as_json: bool) -> None:
    """List runs (of FEED), newest first."""
    house = open_house()
    with house.engine.connect() as connection:
        found = receipts.runs(connection, feed, limit=limit)
    show(
        [asdict(one) for one in found],
        as_json=as_json,
        text="\n".join(map(run_line, found)) or "No run yet.",
    )


@click.command()
@click.argument("run", type=click.IntRange(1, receipts.MAX_RUN))
@click.option(
    "--errors",
    type=click.Choice(["table", "ndjson", "csv"]),
    help="Only the rows that were not taken in, in this form.",
)
@click.option("--examples", type=click.IntRange(0, 100), default=5, show_default=True, help="Of each kind.")
@json_option
@told_plainly
def receipt(run: int, errors: ErrorForm | None, examples: int, as_json: bool) -> None:
    """Show the receipt of RUN: what was read, what changed, and which rows were not taken in."""
    house = open_house()
    with house.engine.connect() as connection:
        one = receipts.receipt(connection, run)
        if one is None:
            raise NotFoundError(f"There is no run {run}. `indexer runs` lists them.")
        if errors:
            for piece in error_text(receipts.errors(connection, run), errors):
                click.echo(piece, nl=False)
            return
        found = examples_of(connection, run, examples)
    value = asdict(one) | {"examples": [asdict(example) for example in found]}
    show(value, as_json=as_json, text=receipt_text(one, found))


def add_commands(group: click.Group) -> None:
    """Add the commands of this room to the `indexer` command."""
    for command in (approve, rollback, renormalize, list_joins, unjoin, list_runs, receipt):
        group.add_command(command)
