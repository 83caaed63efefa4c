"""The `registry` command: what an operator of the service needs."""

import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from registry import migrate as migrations
from registry.cli_checks import purge_evidence, unusual_checks
from registry.cli_keys import keys
from registry.cli_log import access_log
from registry.cli_policy import policy
from registry.cli_recompute import recompute
from registry.cli_rules import rules
from registry.cli_sessions import end_sessions, purge_sessions
from registry.console import json_option, show, told_plainly
from registry.logs import configure_logs
from registry.roles import grant_to_sealer, grant_to_service
from registry.settings import CONFIG, ROOT, Secret, load_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="welfare-licence-registry")
def main() -> None:
    """Run and look after the licence registry's service.

    Settings come from config/default.toml, the file named by REGISTRY_CONFIG_FILE and REGISTRY_* variables.
    A first start: `registry keys`, `registry migrate`, `indexer pull --all`, `indexer publish`, `registry serve`.
    """
    configure_logs()


@main.command()
@click.option(
    "--check", is_flag=True, help="Migrate, then fail if tables in code and schema differ (for CI)."
)
@click.option("--new", "message", help="Write a new revision with this message (for developers).")
@click.option(
    "--chain",
    type=click.Choice(["records", "access"]),
    default="records",
    help="The chain of a new revision.",
)
@click.option("--role", help="Then let this PostgreSQL role do what the service needs, and no more.")
@click.option("--sealer-role", help="Then let this PostgreSQL role seal the access log, and no more.")
@told_plainly
def migrate(check: bool, message: str | None, chain: str, role: str | None, sealer_role: str | None) -> None:
    """Create or migrate the databases to the schema this version needs. Safe to repeat."""
    settings = load_settings()
    migrations.upgrade(settings)
    if role:
        grant_to_service(settings, role)
    if sealer_role:
        grant_to_sealer(settings, sealer_role)
    if message:
        migrations.revise(settings, chain, message)
    if check and (differences := migrations.check(settings)):
        raise click.ClickException("; ".join(differences))
    click.echo("The databases are at the schema this version needs.")


@main.command("settings")
@json_option
@told_plainly
def show_settings(as_json: bool) -> None:
    """Check the settings and print them as the service sees them, without secrets."""
    plain = _plain(load_settings())
    show(plain, as_json=as_json, text="\n".join(_lines(plain)))


def _plain(value: Any) -> Any:  # noqa: ANN401 - settings of any type
    if isinstance(value, Secret):
        return "(set)" if value else "(not set)"
    if hasattr(value, "__struct_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _lines(value: dict[str, Any], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        lines += _lines(item, f"{prefix}{key}.") if isinstance(item, dict) else [f"{prefix}{key} = {item!r}"]
    return lines


@main.command("serve")
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port to listen on.")
@told_plainly
def serve_service(bind: str) -> None:
    """Start the service under gunicorn (config/gunicorn.conf.py). Ends with Ctrl-C or SIGTERM."""
    settings = load_settings()
    migrations.require_current(settings)
    arguments = ["gunicorn", "-c", str(CONFIG / "gunicorn.conf.py"), "--bind", bind, "app:app"]
    os.chdir(ROOT)
    # Replaces this process, so that signals reach gunicorn itself.
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - our own fixed arguments


@main.command()
@click.option("--once", is_flag=True, help="End when no staff list waits, instead of waiting for the next.")
@told_plainly
def worker(once: bool) -> None:
    """Check the staff lists that organisations have sent. Run one or more, on any machine; safe to kill.

    Seals the access log beside, if it has `ledger.signing_key`; not with --once. Ends with Ctrl-C or SIGTERM: the rows under
    way are finished, and another worker goes on with the rest.
    """
    from registry.access.ledger.follow import sealing_beside
    from registry.checks.desk import open_desk
    from registry.checks.lists.worker import Worker

    settings = load_settings()
    migrations.require_current(settings)
    desk = open_desk(settings)
    working = Worker(desk)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: working.stop.set())
    try:
        with nullcontext() if once else sealing_beside(settings):
            click.echo(f"{working.run(once=once)} rows checked.")
    finally:
        desk.close()


@main.command()
@click.option("--port", default=9000, show_default=True)
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON with the users and clients; `make demo` writes .demo/provider.json.",
)
@told_plainly
def sandbox(port: int, path: Path) -> None:
    """Serve the development identity provider on this machine: log in with a click, no passwords. Never for real use."""
    from registry.sandbox.files import load_provider
    from registry.sandbox.provider import create_provider, serve

    settings = load_settings()
    provider = load_provider(path, f"http://127.0.0.1:{port}", settings.tokens.audience)
    serve(create_provider(provider, settings.service), "127.0.0.1", port)


main.add_command(keys)
main.add_command(purge_sessions)
main.add_command(end_sessions)
main.add_command(access_log)
main.add_command(rules)
main.add_command(policy)
main.add_command(purge_evidence)
main.add_command(unusual_checks)
main.add_command(recompute)


if __name__ == "__main__":
    main()
