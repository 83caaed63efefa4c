"""`registry policy ...`: reading who may see what as prose."""

import click

from registry.console import told_plainly
from registry.settings import load_settings
from registry.vocabulary import Language


@click.group()
def policy() -> None:
    """Read and check the policy of who may see what (config/policy.toml)."""


@policy.command()
@click.option("--role", default="", help="Only this role.")
@click.option("--purpose", default="", help="Only what is seen for this purpose.")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@told_plainly
def explain(role: str, purpose: str, lang: Language) -> None:
    """Print what each role sees, and why. Checks the file (`access.policy_file`) as the start of the service does."""
    from registry.access.policy_file import made, policy_path, read_tables
    from registry.access.policy_prose import explain as prose

    settings = load_settings()
    purposes = settings.access.purposes
    tables = read_tables(policy_path(settings), purposes)
    click.echo(prose(tables, made(tables, purposes), purposes, lang, role=role, purpose=purpose), nl=False)
