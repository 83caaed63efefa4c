"""`registry log patterns`: what a privacy officer looks for in the access log."""

from datetime import date, datetime

import click
import msgspec

from registry.access.refusals import OTHERS
from registry.console import json_option, show, told_plainly
from registry.settings import load_settings

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("patterns")
@click.option("--from", "begin", type=_DAY, required=True, help="First day, YYYY-MM-DD (UTC).")
@click.option("--to", "end", type=_DAY, help="Last day; the first alone if left out.")
@click.option(
    "--deviations",
    type=click.FloatRange(min=1),
    default=6.0,
    show_default=True,
    help="How many deviations above its other days a day of an organisation is told.",
)
@click.option(
    "--least", type=click.IntRange(min=1), default=50, show_default=True, help="From so many events on."
)
@json_option
@told_plainly
def patterns_command(
    begin: datetime, end: datetime | None, deviations: float, least: int, as_json: bool
) -> None:
    """Tell how much each organisation asked, for what, with which answers, who was refused, and which days stand out.

    Names nobody who was looked up. Callers who tried numbers or names: `registry unusual-checks`.
    """
    from registry.access.patterns import patterns
    from registry.database import open_database

    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    try:
        found = patterns(engine, _day(begin), _day(end or begin), deviations=deviations, least=least)
    finally:
        engine.dispose()
    lines = [f"{found.events} events from {found.begin} to {found.end}."]
    lines += [
        f"{_organisation(one.organisation)}: {one.events} events by {one.callers} callers; "
        f"{_told(one.by_purpose)}; {_told(one.by_action)}; answers: {_told(one.by_answer) or 'none of these kinds'}"
        for one in found.uses
    ]
    lines += [
        f"STANDS OUT: {_organisation(one.organisation)} on {one.day}: {one.events} events, usually {one.usual:g} "
        f"(told above {one.bound:g})"
        for one in found.outliers
    ] or ["No day stands out."]
    lines.append(f"{found.refused} refused attempts.")
    lines += [
        f"{_organisation(one.organisation)}, client {one.client_id or 'not told'}, issuer {one.issuer or 'not told'}: "
        f"refused {one.refused} times; {_told(one.by_kind)}"
        for one in found.attempts
    ]
    lines += [
        f"STANDS OUT: {_organisation(one.organisation)} was refused {one.events} times on {one.day}, usually {one.usual:g} "
        f"(told above {one.bound:g})"
        for one in found.refused_outliers
    ]
    show(msgspec.to_builtins(found), as_json=as_json, text="\n".join(lines))


def _day(moment: datetime) -> date:
    return moment.date()


def _organisation(number: str) -> str:
    return {"": "no organisation", OTHERS: "others, not counted apart"}.get(number, number)


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())
