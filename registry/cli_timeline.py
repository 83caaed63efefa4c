"""`registry log timeline`: what the log holds of a stretch of time, to hand to an investigator; and checking one."""

import getpass
import os
import secrets
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
import msgspec

from registry.console import show, told_plainly
from registry.errors import BadRequestError, RegistryError
from registry.identifiers import names_natural_person, organisation_digits
from registry.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from registry.access.ledger.heads import SignedHead
    from registry.access.ledger.keys import KeyRing
    from registry.access.ledger.timeline import Asked

_NEW_FILE = click.Path(path_type=Path, dir_okay=False)
_DAY_CHARACTERS = len("2026-11-30")
_YEARS = (1970, 9000)
_TIME = "Write a day, as 2026-11-30 (UTC), or a moment with its time zone, as 2026-11-30T08:00:00+01:00."


@click.command("timeline")
@click.option("--from", "begin", required=True, help=f"Where it begins. {_TIME}")
@click.option("--to", "end", required=True, help="Where it ends: a day belongs to it, a moment does not.")
@click.option("--organisation", help="Show this organisation's events only.")
@click.option("--questions", is_flag=True, help="Show what was asked: names and numbers of those looked for.")
@click.option("--people", is_flag=True, help="Show whom events showed (numbers of practitioners).")
@click.option("--by", help="Who makes it; the account that runs this if left out.")
@click.option(
    "--out", type=_NEW_FILE, help="Write it to this new file, for you alone to read; else it is printed."
)
@click.option(
    "--leaves",
    "leaf_file",
    type=_NEW_FILE,
    help="Write all that was sealed, questions and people too, to this second new file: to keep, and to prove what the first withholds.",
)
@told_plainly
def timeline_command(
    begin: str,
    end: str,
    organisation: str | None,
    questions: bool,
    people: bool,
    by: str | None,
    out: Path | None,
    leaf_file: Path | None,
) -> None:
    """Write what the access log holds of a stretch of time, with the proof that it is whole (docs/access-log.md).

    Check it with `registry log verify --timeline FILE`. Ends with 1 if the log was changed there; the file tells where. One that tells
    whom events were about (--questions, --people, --leaves) is written to the access log first.
    """
    from registry.access.ledger.timeline import Asked, write_timeline
    from registry.database import open_database

    settings = load_settings()
    asked = Asked(
        *stretch(begin, end, settings.ledger.timeline_days),
        organisation=None if organisation is None else _organisation(organisation),
        questions=questions,
        people=people,
        margin_s=settings.ledger.overdue_s,
        by=by or _account(),
    )
    engine = open_database(settings.access_database_url, settings.database, service=False)
    try:
        if questions or people or leaf_file:
            _note(engine, settings, asked, whole=leaf_file is not None)
        with ExitStack() as files:
            file = files.enter_context(_new(out)) if out else sys.stdout.buffer
            second = files.enter_context(_new(leaf_file)) if leaf_file else None
            made = write_timeline(engine, asked, file.write, write_leaf=second.write if second else None)
            file.flush()
    finally:
        engine.dispose()
    click.echo(f"{made.events} events, {made.others} other entries, {made.heads} heads.", err=True)
    if made.not_sealed_yet:
        click.echo(f"{made.not_sealed_yet} events of the stretch are not sealed yet, so not in it.", err=True)
    if not made.is_closed:
        click.echo(
            f"It is open: the last head was sealed {made.sealed_until}. Make it again once a head is sealed "
            f"{asked.margin_s:g} seconds after its end.",
            err=True,
        )
    if made.damaged:
        click.echo(
            f"{made.damaged} entries are NOT as they were sealed: run `registry log verify`.", err=True
        )
        raise SystemExit(1)


def _note(engine: "Engine", settings: Settings, asked: "Asked", *, whole: bool) -> None:
    """Write down who makes a timeline that tells of people: nothing about a person without a line in the log.

    Raises:
        AccessLogUnavailableError: it can't be written, so the timeline may not be made.
    """
    from registry.access.caller import Caller
    from registry.access.log import loggable, record_access
    from registry.access.purposes import most_general

    told = {"questions": asked.questions, "people": asked.people, "leaves": whole}
    record_access(
        engine,
        settings.access,
        Caller("registry-command", _account(), client_id="registry log timeline"),
        purpose=most_general(settings.access),
        action="timeline",
        question={
            "from": asked.begin.isoformat(),
            "to": asked.end.isoformat(),
            "organisation": loggable(asked.organisation or ""),
            "tells": [name for name, given in told.items() if given],
        },
        answer="a timeline",
        practitioner_ids=(),
        request_id=secrets.token_hex(8),
    )


def stretch(begin: str, end: str, days: int) -> tuple[datetime, datetime]:
    """Read the two ends; the second is outside.

    Args:
        begin, end: as written: days (UTC; the last belongs to the stretch) or moments with a time zone.
        days: at most so many.

    Raises:
        BadRequestError: one can't be read, the end is not after the beginning, or they are too far apart.
    """
    first, last = _moment(begin, "--from"), _moment(end, "--to")
    if len(end) == _DAY_CHARACTERS:
        last += timedelta(days=1)
    if last <= first:
        raise BadRequestError("--to has to be after --from.")
    if last - first > timedelta(days=days):
        raise BadRequestError(
            f"A timeline has {days} days at most (setting ledger.timeline_days). Make several, one after the other."
        )
    return first, last


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == _DAY_CHARACTERS:
            moment = datetime.combine(moment.date(), time(), UTC)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequestError(f"{name} can't be read. {_TIME}") from error
    # With room on both sides for the margin, and for days to be counted.
    if moment.tzinfo is None or not _YEARS[0] <= utc.year <= _YEARS[1]:
        raise BadRequestError(f"{name} can't be read. {_TIME}")
    return utc


def verify_timeline(
    file: Path,
    ring: "KeyRing",
    *,
    leaf_file: Path | None,
    kept: "Collection[SignedHead] | None",
    as_json: bool,
) -> bool:
    """Check a timeline and tell what was found; return whether it holds.

    Raises:
        LedgerError: this is no timeline at all.
    """
    from registry.access.ledger.timeline_check import check_timeline

    with ExitStack() as files:
        whole = files.enter_context(leaf_file.open("rb")) if leaf_file else None
        report = check_timeline(files.enter_context(file.open("rb")), ring, whole=whole, kept=kept or ())
    lines = [finding.detail for finding in report.findings]
    if report.found > len(lines):
        lines.append(f"and {report.found - len(lines)} findings more")
    lines.append(
        f"From {report.from_} to {report.to}, {report.organisation or 'all organisations'}; "
        f"made {report.made_at} by {report.made_by}, as the file says."
    )
    lines.append(
        f"{report.events} events and {report.others} other entries under {report.heads} heads, sealed until {report.sealed_until}; "
        f"{report.not_sealed_yet} not sealed yet when it was made."
    )
    if report.proven < report.events or report.others_proven < report.others:
        lines.append(
            f"What they say is proven of {report.proven} events, and of {report.others_proven} of the others why they are not shown; of the "
            "rest, that they are there. Give --leaves to prove it."
        )
    if report.refused:
        lines.append(f"{report.refused} lines about who was refused: counts that nothing proves.")
    if kept is not None:
        lines.append(f"{report.compared} heads kept elsewhere are in it as they were.")
    lines.append("The timeline holds." if report.holds else "The timeline does NOT hold.")
    show(msgspec.to_builtins(report), as_json=as_json, text="\n".join(lines))
    return report.holds


def _organisation(text: str) -> str:
    """Return a number as the log writes it: ten digits where it is a Swedish one; others, and digests, as they are."""
    digits = organisation_digits(text)
    if digits and names_natural_person(digits):
        raise BadRequestError(
            "A sole trader's number is a personal identity number and not in the log: give what `registry log patterns` tells instead."
        )
    found = digits or text.strip()
    if not found:
        raise BadRequestError("--organisation is empty; leave it out to see everybody's events.")
    return found


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"account {os.getuid()}"


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets its name when it is whole; nobody else may read it."""
    if path.exists():
        raise RegistryError(f"{path} is there already. Give the name of a new file.")
    try:
        # Made for its owner alone (0600).
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".timeline-")
    except OSError as error:
        raise RegistryError(f"{path} can't be written: {error.strerror}.") from error
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename this does not put it in the place of a file that has come meanwhile.
            path.hardlink_to(made)
        except OSError as error:
            raise RegistryError(f"{path} can't be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            made.unlink()
