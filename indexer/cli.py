"""The `indexer` command: pull feeds into SQL truth, and keep the search index a true projection of it."""

from collections.abc import Iterable
from pathlib import Path

import click

from indexer import cli_publish, cli_status
from indexer.cli_changes import HELD, add_commands, pulled
from indexer.cli_compare import compare
from indexer.cli_rebuild import rebuild
from indexer.cli_run import run
from indexer.feeds.descriptor import FeedDescriptor
from indexer.house import House, open_house
from indexer.progress import Bar
from indexer.pull import Puller, Report
from registry.console import json_option, show, told_plainly
from registry.errors import BadRequestError, RegistryError
from registry.logs import configure_logs
from registry.sealing import Sealer
from registry.settings import load_settings
from registry.vocabulary import load_vocabulary


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
@click.option("--again", is_flag=True, help="Load also a file whose run has been rolled back.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would change, with examples.")
@json_option
@told_plainly
def pull(
    feeds: tuple[str, ...], every: bool, full: bool, reread: bool, again: bool, dry_run: bool, as_json: bool
) -> None:
    """Pull FEEDS (ids, see `indexer feeds`) into SQL truth.

    Exit code 1 when a feed failed, 3 when none failed but a run is held (see `indexer approve`); the others are pulled
    all the same.
    """
    house = open_house()
    chosen = _chosen(house, feeds, every=every)
    sealer, vocabulary = Sealer(house.settings.privacy), load_vocabulary()
    reports: list[Report] = []
    for feed in chosen:
        with Bar(feed.id) as bar:
            puller = Puller(
                engine=house.engine,
                sealer=sealer,
                vocabulary=vocabulary,
                settings=house.settings.indexer,
                full=full,
                reread=reread,
                again=again,
                dry_run=dry_run,
                progress=bar.show,
            )
            # A dry run leaves nothing behind, so a second one would show the same file again.
            reports += [puller.pull(feed)] if dry_run else puller.pull_all(feed)
    show([report.as_dict() for report in reports], as_json=as_json, text="\n".join(map(pulled, reports)))
    states = {report.state for report in reports}
    if "failed" in states:
        raise click.exceptions.Exit(1)
    if "held" in states:
        raise click.exceptions.Exit(HELD)


def _chosen(house: House, ids: Iterable[str], *, every: bool) -> list[FeedDescriptor]:
    ids = list(house.feeds) if every else list(ids)
    if not ids:
        raise BadRequestError(f"Name a feed or use --all. Feeds: {', '.join(house.feeds)}.")
    if unknown := [name for name in ids if name not in house.feeds]:
        raise BadRequestError(f"No such feed: {', '.join(unknown)}. Feeds: {', '.join(house.feeds)}.")
    return [house.feeds[name] for name in ids]


@main.command("feeds")
@json_option
@told_plainly
def list_feeds(as_json: bool) -> None:
    """List the feeds and check their files."""
    feeds = open_house().feeds.values()
    show(
        [{"id": f.id, "authority": f.authority.id, "format": f.format, "mode": f.mode} for f in feeds],
        as_json=as_json,
        text="\n".join(f"{f.id:<20} {f.format:<18} {f.mode:<10} {f.name_en}" for f in feeds),
    )


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


add_commands(main)
cli_publish.add_commands(main)
cli_status.add_commands(main)
for command in (rebuild, compare, run):
    main.add_command(command)

if __name__ == "__main__":
    main()
