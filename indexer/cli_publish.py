"""Commands that bring changes to the search index: publish, and what could not be published."""

import signal
from types import FrameType

import click
import structlog

from indexer import publish as publishing
from indexer.house import House, open_house
from indexer.index_work import publishing_engine
from indexer.jobs import StoppedError
from indexer.progress import Bar
from registry.console import json_option, show, told_plainly
from registry.database import writing
from registry.errors import NotFoundError
from registry.records import outbox
from registry.records.outbox import DeadLetter
from registry.search import IndexEngine

log = structlog.get_logger()


@click.command()
@click.option("--follow", is_flag=True, help="Go on publishing what is committed, until told to stop.")
@json_option
@told_plainly
def publish(follow: bool, as_json: bool) -> None:
    """Bring every waiting change from SQL truth to the search index.

    Makes the index first if there is none. Nothing leaves the queue before the engine has confirmed it. Exit code 1 when the
    engine refused documents (see `indexer dead-letters`) or can't be reached; what it only has no room for waits.

    --follow looks at the queue every `index.publish_poll_s` seconds and waits for an engine that is away. SIGTERM and
    Ctrl-C end it (exit code 0). Any number of publishers may run: they share the work, or take turns.
    """
    house = open_house()
    search = publishing_engine(house.settings)
    try:
        if follow:
            _follow(house, search)
            return
        with Bar("publish") as bar:
            result = publishing.publish(house.engine, search, house.settings, bar.show)
    finally:
        search.close()
        house.engine.dispose()
    show(result.as_dict(), as_json=as_json, text=_told(result))
    if result.failed:
        raise click.exceptions.Exit(1)


def _follow(house: House, search: IndexEngine) -> None:
    """Publish until SIGTERM or Ctrl-C. What is half done then is rolled back, and done again next time."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        publishing.publish_forever(house.engine, search, house.settings)
    except StoppedError:
        log.info("publisher stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise StoppedError


def _told(result: publishing.Published) -> str:
    made = (
        f"There was no search index; {result.made} was made and holds what had waited.\n"
        if result.made
        else ""
    )
    dead = f"\n{result.dead} were given up; see `indexer dead-letters list`." if result.dead else ""
    waits = (
        f"\n{result.postponed} wait: the search engine takes no more at the moment."
        if result.postponed
        else ""
    )
    what = f"{result.practitioners} changes published as {result.documents} documents and deletions"
    return f"{made}{what}; {result.failed} failed.{dead}{waits}"


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at changes that the search engine refused again and again, and try them again."""


@dead_letters.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@json_option
@told_plainly
def list_dead_letters(limit: int, as_json: bool) -> None:
    """List what was given up, the oldest first: whom it is about, which document, why, how often it was tried."""
    house = open_house()
    with house.engine.connect() as connection:
        found = outbox.dead_letters(connection, limit)
    show(
        [_row(letter) for letter in found],
        as_json=as_json,
        text="\n".join(map(_line, found)) or "Nothing was given up.",
    )


@dead_letters.command("retry")
@click.argument("ids", nargs=-1, type=int)
@json_option
@told_plainly
def retry_dead_letters(ids: tuple[int, ...], as_json: bool) -> None:
    """Put dead letters back into the queue, all or those with IDS; the next `indexer publish` tries them again.

    What is sent is what SQL truth says then.
    """
    house = open_house()
    revived = _revive(house, ids)
    show({"retried": revived}, as_json=as_json, text=f"{len(revived)} changes wait to be published again.")


def _revive(house: House, ids: tuple[int, ...]) -> list[int]:
    with writing(house.engine).begin() as connection:
        revived = outbox.revive(connection, ids or None)
        if unknown := sorted(set(ids) - set(revived)):
            # Nothing is changed by half: the transaction ends here.
            raise NotFoundError(
                f"There is no dead letter {', '.join(map(str, unknown))}. `indexer dead-letters list` shows them."
            )
    return revived


def _row(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "practitioner": letter.practitioner_id,
        "document": letter.document,
        "reason": letter.reason,
        "tries": letter.tries,
        "since": letter.since,
    }


def _line(letter: DeadLetter) -> str:
    whom = "nobody known" if letter.practitioner_id is None else f"practitioner {letter.practitioner_id}"
    return (
        f"{letter.id:>8}  {letter.since:%Y-%m-%d %H:%M}  {whom:<20}  {letter.document:<10} "
        f"{letter.tries} tries  {letter.reason}"
    )


def add_commands(group: click.Group) -> None:
    """Add the commands of this room to the `indexer` command."""
    group.add_command(publish)
    group.add_command(dead_letters)
