"""The `registry` command: what an operator of the service needs."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from registry import migrate as migrations
from registry.console import json_option, show, told_plainly
from registry.settings import CONFIG, ROOT, Secret, Settings, load_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="welfare-licence-registry")
def main() -> None:
    """Run and look after the licence registry's service.

    Settings come from config/default.toml, the file named by REGISTRY_CONFIG_FILE and REGISTRY_* variables.
    A first start: `registry keys`, `registry migrate`, `indexer pull --all`, `indexer publish`, `registry serve`.
    """


@main.command()
@json_option
def keys(as_json: bool) -> None:
    """Make new keys for [privacy] and print them.

    Keep them outside the database's backups: who has both can read personal identity numbers.
    """
    from registry.sealing import new_key

    pair = {"REGISTRY_PRIVACY__DIGEST_KEY": new_key(), "REGISTRY_PRIVACY__SEALING_KEY": new_key()}
    show(pair, as_json=as_json, text="\n".join(f"{name}={value}" for name, value in pair.items()))


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
@told_plainly
def migrate(check: bool, message: str | None, chain: str) -> None:
    """Create or migrate the databases to the schema this version needs. Safe to repeat."""
    settings = load_settings()
    migrations.upgrade(settings)
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


@main.command("purge-sessions")
@told_plainly
def purge() -> None:
    """Delete login sessions that have ended. Run it daily."""
    from registry.access.sessions import purge_sessions
    from registry.database import open_database

    settings: Settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    click.echo(f"{purge_sessions(engine, settings.login)} ended sessions deleted.")


if __name__ == "__main__":
    main()
