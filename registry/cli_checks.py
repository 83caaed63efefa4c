"""`registry purge-evidence`, `registry unusual-checks`: looking after what organisations have asked."""

from datetime import UTC, datetime

import click
import msgspec

from registry.console import json_option, show, told_plainly
from registry.settings import load_settings


@click.command("purge-evidence")
@told_plainly
def purge_evidence() -> None:
    """Delete evidence and staff lists that are kept no longer, and what belongs to them. Run it daily.

    Evidence goes after `checks.evidence_keep_days`, results of staff lists after `checks.lists.keep_days`; with them
    Idempotency-Keys, counts of quotas, old rows of unusual-checks and counts of refusals; texts of people's requests are taken away after
    `checks.subject_requests.keep_days`. The access log stays.
    """
    from registry.checks.purge import purge
    from registry.database import open_database

    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    done = purge(engine, settings.checks, datetime.now(UTC))
    engine.dispose()
    click.echo(
        f"Deleted: {done.evidence} pieces of evidence, {done.lists} staff lists, {done.consents} consents, {done.keys} idempotency keys, "
        f"{done.quotas} counts of quotas, {done.unusual} unusual callers, "
        f"{done.refusals} counts of refusals. Taken away: {done.texts} texts of people's requests."
    )


@click.command("unusual-checks")
@click.option("--close", "closed", type=int, help="This number was honest use: slow the caller no longer.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@told_plainly
def unusual_checks(closed: int | None, limit: int, as_json: bool) -> None:
    """List callers who asked as nobody does who checks staff (`checks.unusual`), the newest first.

    They are slowed until the time told. Ask the organisation what they did, and close what was honest.
    """
    from registry.checks.unusual import close, listed
    from registry.database import open_database, writing

    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    try:
        if closed is not None:
            with writing(engine).begin() as connection:
                if not close(connection, closed, datetime.now(UTC)):
                    raise click.ClickException(f"There is no open row {closed}.")
        with engine.connect() as connection:
            found = listed(connection, limit=limit)
    finally:
        engine.dispose()
    lines = [
        f"{one.id}  {one.noticed_at:%Y-%m-%d %H:%M}  {one.kind}: {one.seen} (bound {one.bound})  "
        f"organisation {one.organisation or '–'}, client {one.client_id or '–'}, subject {one.subject}  "
        + (
            f"closed {one.closed_at:%Y-%m-%d}"
            if one.closed_at
            else f"slowed until {one.slowed_until:%H:%M} UTC"
        )
        for one in found
    ]
    plain = [msgspec.to_builtins(one) for one in found]
    show({"items": plain}, as_json=as_json, text="\n".join(lines) or "Nobody asked in an unusual way.")
