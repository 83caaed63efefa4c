"""The command `indexer run`."""

import click

from indexer.feeds.descriptor import feeds_directory
from indexer.feeds.folder import FeedFolder
from indexer.schedule import Scheduler
from registry.console import told_plainly
from registry.database import open_database
from registry.migrate import require_current
from registry.sealing import Sealer
from registry.settings import load_settings
from registry.vocabulary import load_vocabulary


@click.command()
@click.option("--once", is_flag=True, help="Do all that is due now, then exit: for timers.")
@told_plainly
def run(once: bool) -> None:
    """Pull each feed when its [schedule] says so, and publish what changed, until told to stop.

    May run on several machines: they share the work. SIGTERM and Ctrl-C stop it in good order (exit code 0; see
    `schedule.stop_grace_s`). With --once, exit code 1 when a pull or the publishing failed.
    """
    settings = load_settings()
    require_current(settings)
    # What every pull would stumble over is told now.
    Sealer(settings.privacy)
    load_vocabulary()
    folder = FeedFolder(feeds_directory())
    engine = open_database(settings.database.url, settings.database, service=False)
    try:
        went_well = Scheduler(settings, engine, folder).run(once=once)
    finally:
        engine.dispose()
    if once and not went_well:
        raise click.exceptions.Exit(1)
