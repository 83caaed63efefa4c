"""`registry purge-sessions`, `registry end-sessions`: looking after logins."""

import time

import click
import structlog

from registry.console import told_plainly
from registry.settings import load_settings

log = structlog.get_logger()


@click.command("purge-sessions")
@told_plainly
def purge_sessions() -> None:
    """Delete login sessions that have ended. Run it daily."""
    from registry.access.session_store import purge_sessions as purge
    from registry.database import open_database

    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    click.echo(f"{purge(engine, settings.login)} ended sessions deleted.")
    engine.dispose()


@click.command("end-sessions")
@click.option("--issuer", help="The identity provider where they log in, as its tokens name it.")
@click.option("--subject", help="The person, as that provider calls them (`subject` in the log).")
@click.option("--everybody", is_flag=True, help="End the logins of everybody.")
@told_plainly
def end_sessions(issuer: str | None, subject: str | None, *, everybody: bool) -> None:
    """End logins at once, on every worker: those of one person, or of everybody.

    For a person who has left, a lost device, or a provider that was broken into. Whoever may still log in at the provider can do so
    again: close the account there first. Access tokens of systems are not sessions: they end with their `exp`, or by the provider.
    """
    from registry.access.session_store import Login, SessionStore
    from registry.database import open_database
    from registry.sealing import Sealer

    if everybody == bool(issuer or subject) or bool(issuer) != bool(subject):
        raise click.UsageError("State --issuer and --subject of one person, or --everybody.")
    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    store = SessionStore(engine, Sealer(settings.privacy), settings.login, time.time)
    whom = Login(issuer, subject) if issuer and subject else None
    ended = store.end_others(whom, "") if whom else store.end_all()
    engine.dispose()
    log.info("sessions_ended", issuer=issuer or "", subject=subject or "", sessions=ended, by="operator")
    click.echo(f"{ended} sessions ended.")
