"""The `indexer` command: pull feeds into SQL truth, and keep the search index a true projection of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click
from sqlalchemy.engine import Engine

from indexer import compare as comparing
from indexer import publish as publishing
from indexer import rebuild as rebuilding
from indexer import status as statuses
from indexer.feeds.descriptor import FeedDescriptor, load_feeds
from indexer.progress import Bar
from indexer.pull import Puller, Report
from registry.console import json_option, show, told_plainly
from registry.database import open_database
from registry.errors import BadRequestError, RegistryError
from registry.logs import configure_logs
from registry.migrate import require_current
from registry.sealing import Sealer
from registry.search import open_engine
from registry.search.port import IndexEngine
from registry.settings import Settings, load_settings
from registry.vocabulary import load_vocabulary


@dataclass(frozen=True)
class House:
    """What the commands work with, opened when first needed."""

    settings: Settings

    @cached_property
    def engine(self) -> Engine:
        """SQL truth, checked to be at the schema this version needs."""
        require_current(self.settings)
        return open_database(self.settings.database.url, self.settings.database, service=False)

    @cached_property
    def search(self) -> IndexEngine:
        """The search engine, with the indexer's patience."""
        return open_engine(self.settings.search, indexer=True)

    @cached_property
    def feeds(self) -> dict[str, FeedDescriptor]:
        """Feeds by id, from config/feeds or the folder that REGISTRY_FEEDS_DIR names."""
        return load_feeds()


def _house() -> House:
    return House(load_settings())


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="welfare-licence-registry")
def main() -> None:
    """Pull licensing records from authorities' feeds and publish them to the search index.

    The usual round, by a timer: `indexer pull --all && indexer publish`. Everything may be repeated and killed at
    any time: a half-done run leaves the last good state, and the next one heals.
    """
    configure_logs()


@main.command()
@click.argument("feeds", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Pull every feed in the feeds folder.")
@click.option(
    "--full", is_flag=True, help="Compare every record, also when the feed says that nothing changed."
)
@click.option("--reread", is_flag=True, help="Take and normalize every record anew, changed or not.")
@click.option(
    "--approve-removals",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Let this pull remove up to N records that its full file no longer holds.",
)
@json_option
@told_plainly
def pull(
    feeds: tuple[str, ...], every: bool, full: bool, reread: bool, approve_removals: int, as_json: bool
) -> None:
    """Pull FEEDS (ids, see `indexer feeds`) into SQL truth.

    Exit code 1 when a feed failed; the others are pulled all the same.
    """
    house = _house()
    chosen = _chosen(house, feeds, every=every)
    sealer, vocabulary = Sealer(house.settings.privacy), load_vocabulary()
    reports = []
    for feed in chosen:
        with Bar(feed.id) as bar:
            puller = Puller(
                engine=house.engine,
                sealer=sealer,
                vocabulary=vocabulary,
                settings=house.settings.indexer,
                full=full,
                reread=reread,
                approved=approve_removals,
                progress=bar.show,
            )
            reports.append(puller.pull(feed))
    show([report.as_dict() for report in reports], as_json=as_json, text="\n".join(map(_pulled, reports)))
    if any(report.state == "failed" for report in reports):
        raise click.exceptions.Exit(1)


def _chosen(house: House, ids: Iterable[str], *, every: bool) -> list[FeedDescriptor]:
    ids = list(house.feeds) if every else list(ids)
    if not ids:
        raise BadRequestError(f"Name a feed or use --all. Feeds: {', '.join(house.feeds)}.")
    if unknown := [name for name in ids if name not in house.feeds]:
        raise BadRequestError(f"No such feed: {', '.join(unknown)}. Feeds: {', '.join(house.feeds)}.")
    return [house.feeds[name] for name in ids]


def _pulled(report: Report) -> str:
    c = report.counts
    if report.state == "failed":
        return f"{report.feed}: failed, nothing was changed. {report.error}"
    if report.state == "unchanged":
        return f"{report.feed}: the feed has not changed since the last pull (0 added, 0 changed)."
    text = (
        f"{report.feed}: {c.read} read, {c.added} added, {c.changed} changed, {c.unchanged} unchanged, "
        f"{c.removed} removed, {c.quarantined} quarantined, {c.duplicates} duplicates."
    )
    if c.reread:
        text += f" {c.reread} unchanged records were normalized anew."
    if c.withheld:
        text += (
            f" {c.withheld} records are absent from the file; that is too many to believe, so none was removed. "
            f"Look at the feed; if it is right, run: indexer pull {report.feed} --approve-removals {c.withheld}"
        )
    return text


@main.command("feeds")
@json_option
@told_plainly
def list_feeds(as_json: bool) -> None:
    """List the feeds and check their files."""
    feeds = _house().feeds.values()
    show(
        [{"id": f.id, "authority": f.authority.id, "format": f.format, "mode": f.mode} for f in feeds],
        as_json=as_json,
        text="\n".join(f"{f.id:<20} {f.format:<18} {f.mode:<10} {f.name_en}" for f in feeds),
    )


@main.command()
@json_option
@told_plainly
def publish(as_json: bool) -> None:
    """Bring every waiting change from SQL truth to the search index.

    Exit code 1 when changes failed or became dead letters (see `indexer status`); they stay in the queue.
    """
    house = _house()
    with Bar("publish") as bar:
        result = publishing.publish(house.engine, house.search, house.settings.indexer, bar.show)
    show(
        result.as_dict(),
        as_json=as_json,
        text=f"{result.practitioners} changes published as {result.documents} documents and deletions; {result.failed} failed.",
    )
    if result.failed:
        raise click.exceptions.Exit(1)


@main.command()
@json_option
@told_plainly
def rebuild(as_json: bool) -> None:
    """Build a new index from SQL truth beside the old one and swap to it.

    Searches go on against the old index until the new one has passed its checks.
    """
    house = _house()
    with Bar("rebuild") as bar:
        result = rebuilding.rebuild(house.engine, house.search, house.settings.indexer, bar.show)
    show(
        result.as_dict(),
        as_json=as_json,
        text=f"{result.index}: {result.documents} documents; searches use it now.",
    )


@main.command()
@json_option
@told_plainly
def compare(as_json: bool) -> None:
    """Compare SQL truth with the search index, document by document. Exit code 1 when they differ."""
    house = _house()
    with Bar("compare") as bar:
        result = comparing.compare(house.engine, house.search, bar.show)
    show(
        result.as_dict(),
        as_json=as_json,
        text=f"{result.expected} documents expected: {result.missing} missing, {result.extra} extra, {result.stale} stale.",
    )
    if result.differs:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("feed", required=False)
@json_option
@told_plainly
def status(feed: str | None, as_json: bool) -> None:
    """Show how old the feeds are, what waits to be published and what is in quarantine (of FEED: row by row)."""
    house = _house()
    if feed:
        rows = statuses.quarantine(house.engine, feed)
        text = "\n".join(f"row {r['row']} {r['key']} {r['field']}: {r['reason']} | {r['echo']}" for r in rows)
        show(rows, as_json=as_json, text=text or "The last run put nothing in quarantine.")
        return
    found = statuses.status(house.engine, house.search)
    show(found, as_json=as_json, text=statuses.as_text(found))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9100, show_default=True)
@click.option("--size", default=2000, show_default=True, help="Number of synthetic people.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same people.")
@click.option(
    "--feeds-dir", type=click.Path(path_type=Path), help="Write feed files that point here to this folder."
)
@told_plainly
def sandbox(host: str, port: int, size: int, seed: int, feeds_dir: Path | None) -> None:
    """Serve three synthetic authorities over HTTP, in their real formats. For trials and tests only."""
    from indexer.sandbox.feedfiles import write_feed_files
    from indexer.sandbox.server import serve

    if not load_settings().service.sandbox:
        raise RegistryError(
            "The sandbox runs only with service.sandbox = true (REGISTRY_SERVICE__SANDBOX=true)."
        )
    if feeds_dir:
        write_feed_files(feeds_dir, f"http://{host}:{port}")
    serve(host, port, size=size, seed=seed)


if __name__ == "__main__":
    main()
