"""`registry keys`: making keys, telling what is sealed with which, putting a new one in the place of another."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from registry.console import json_option, show, told_plainly
from registry.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from registry.resealing import Chain


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def keys(context: click.Context, as_json: bool) -> None:
    """Make new keys for [privacy] and print them.

    Keep them outside the database's backups: who has both can read personal identity numbers.
    """
    from registry.sealing import new_key

    if context.invoked_subcommand is not None:
        return
    pair = {"REGISTRY_PRIVACY__DIGEST_KEY": new_key(), "REGISTRY_PRIVACY__SEALING_KEY": new_key()}
    show(pair, as_json=as_json, text="\n".join(f"{name}={value}" for name, value in pair.items()))


@keys.command()
@json_option
@told_plainly
def status(as_json: bool) -> None:
    """Tell which keys are set, by fingerprint, and how many values are sealed with each.

    A key of `privacy.opening_keys` may be taken away when nothing is sealed with it any more, nor with none that is known.
    """
    from registry.resealing import count
    from registry.sealing import Sealer

    settings = load_settings()
    sealer = Sealer(settings.privacy)
    with _engines(settings) as engines:
        counted = list(count(engines, sealer))
    names = [mark.hex()[4:] for mark in sealer.marks]
    rows = [
        {
            "column": one.column,
            **{name: one.by_mark.get(mark, 0) for name, mark in zip(names, sealer.marks, strict=True)},
            "other": one.unmarked,
        }
        for one in counted
    ]
    left = sum(one.unmarked + sum(one.by_mark.values()) - one.by_mark.get(sealer.mark, 0) for one in counted)
    told = {"seals": names[0], "opens": names[1:], "columns": rows, "left": left}
    lines = [
        f"The key {names[0]} seals; {', '.join(names[1:]) or 'no other'} opens what it has sealed.",
        *(
            "{}: {}".format(row["column"], ", ".join(f"{row[name]} by {name}" for name in [*names, "other"]))
            for row in rows
        ),
        "Everything is sealed with the first key."
        if not left
        else f"{left} values are not sealed with the first key. Run `registry keys rotate`.",
    ]
    show(told, as_json=as_json, text="\n".join(lines))


@keys.command()
@click.option(
    "--part", type=click.IntRange(1, 100_000), default=500, show_default=True, help="Values a transaction."
)
@told_plainly
def rotate(part: int) -> None:
    """Seal everything anew with `privacy.sealing_key` that another key has sealed. Safe to end and to begin again.

    Runs beside the service, whose processes must all know both keys already (docs/keys.md). Needs a role that may change the tables: on
    PostgreSQL the owner, not the service's own.
    """
    from registry.resealing import count, reseal
    from registry.sealing import Sealer

    settings = load_settings()
    sealer = Sealer(settings.privacy)
    unreadable = 0
    with _engines(settings) as engines:
        for one in reseal(engines, sealer, part=part):
            unreadable += one.unreadable
            words = f", {one.unreadable} open with no key of the settings" if one.unreadable else ""
            click.echo(f"{one.column}: {one.resealed} sealed anew{words}.")
        left = sum(
            each.unmarked + sum(each.by_mark.values()) - each.by_mark.get(sealer.mark, 0)
            for each in count(engines, sealer)
        )
    if unreadable:
        raise click.ClickException(
            f"{unreadable} values open with no key of the settings. Add the key that sealed them to privacy.opening_keys and run this again."
        )
    if left:
        raise click.ClickException(
            f"{left} values were sealed with another key meanwhile: a process still seals with it. Restart all of them with the new "
            "privacy.sealing_key, then run this again."
        )
    click.echo("Everything is sealed with the key of privacy.sealing_key.")


@contextmanager
def _engines(settings: Settings) -> "Iterator[dict[Chain, Engine]]":
    from registry.database import open_database

    engines: dict[Chain, Engine] = {
        "records": open_database(settings.database.url, settings.database, service=False),
        "access": open_database(settings.access_database_url, settings.database, service=False),
    }
    try:
        yield engines
    finally:
        for engine in engines.values():
            engine.dispose()
