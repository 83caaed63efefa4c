"""`registry rules ...`: reading the rules of verdicts as prose, and trying a file before it is put in use."""

from datetime import date, datetime, timedelta
from pathlib import Path

import click

from registry.console import told_plainly
from registry.settings import load_settings
from registry.verification.ruleset import RuleSet
from registry.vocabulary import Language


@click.group()
def rules() -> None:
    """Read and try the rules of verdicts (config/verdict)."""


@rules.command()
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The set for questions about this day.")
@click.option("--version", "version", help="The set of this version, also one that has been replaced.")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@told_plainly
def explain(day: datetime | None, version: str | None, lang: Language) -> None:
    """Print a rule set as prose: numbered rules, conditions in words, answers, reasons, legal sources.

    Without options: the set for questions about today.
    """
    from registry.verification.prose import explain as prose
    from registry.verification.rules import load_rules
    from registry.vocabulary import load_vocabulary

    if day and version:
        raise click.UsageError("Give --on or --version, not both.")
    book = load_rules()
    on = day.date() if day else datetime.now(load_settings().zone).date()
    chosen = book.of_version(version) if version else book.on(on)
    click.echo(prose(chosen, load_vocabulary(), lang, _until(chosen, book.sets)), nl=False)


def _until(chosen: RuleSet, sets: tuple[RuleSet, ...]) -> str:
    """Return the last day before the next set takes over, "" where none does."""
    later: list[date] = [one.in_force_from for one in sets if one.in_force_from > chosen.in_force_from]
    return (min(later) - timedelta(days=1)).isoformat() if later and chosen in sets else ""


@rules.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@told_plainly
def check(file: Path | None) -> None:
    """Check a file of rules, or without FILE every set in config/verdict as the start of the service does.

    It fails, and says where, when a situation has no rule or a rule can never hold, when a yes or no would be said to what must
    never be one, and when a text, a source or a word is missing.
    """
    from registry.verification.rules import load_rules, read_rules

    if file:
        one = read_rules(file)
        click.echo(f"{file.name}: {_counted(one)} The rules are sound.")
        return
    book = load_rules()
    for one in (*book.sets, *book.replaced):
        click.echo(_counted(one))
    click.echo("The rules are sound.")


def _counted(one: RuleSet) -> str:
    replaced = f", replaced by {one.replaced_by}" if one.replaced_by else ""
    return (
        f"Version {one.version}, for days from {one.in_force_from}{replaced}: "
        f"{len(one.licence_rules)} rules, {len(one.outcomes)} outcomes."
    )
