"""`registry log ...`: sealing the access log, verifying it, and proving what is in it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from sqlalchemy.engine import Engine

from registry.cli_patterns import patterns_command
from registry.cli_timeline import timeline_command, verify_timeline
from registry.console import json_option, show, told_plainly
from registry.settings import Settings, load_settings

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_keys_option = click.option(
    "--keys", "key_file", type=_FILE, help="Trust the public keys of this file, not those of the settings."
)
_heads_option = click.option(
    "--heads", "head_file", type=_FILE, help="Heads that were kept elsewhere: each must be the log's."
)


@click.group("log")
def access_log() -> None:
    """Seal the access log, verify it and prove what is in it (docs/access-log.md)."""


@contextmanager
def _opened(settings: Settings, *, to_seal: bool = False) -> Iterator[Engine]:
    from registry.access.ledger.follow import sealing_url
    from registry.database import open_database

    url = sealing_url(settings) if to_seal else settings.access_database_url
    engine = open_database(url, settings.database, service=False)
    try:
        yield engine
    finally:
        engine.dispose()


@access_log.command("seal")
@click.option(
    "--follow", is_flag=True, help="Go on: seal every `ledger.every_s` seconds until SIGTERM or Ctrl-C."
)
@told_plainly
def seal_log(follow: bool) -> None:
    """Seal what is not sealed yet. `registry worker` does it too, if it has the key. Safe to run beside another."""
    from registry.access.ledger.follow import Following

    settings = load_settings()
    with _opened(settings, to_seal=True) as engine:
        following = Following(engine, settings)
        if not follow:
            click.echo(f"{following.seal()} events sealed.")
            return
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: following.stop.set())
        following.run()


@access_log.command("verify")
@_heads_option
@_keys_option
@click.option(
    "--proof", "proof_file", type=_FILE, help="Check this proof instead of the log; no database is asked."
)
@click.option(
    "--timeline",
    "timeline_file",
    type=_FILE,
    help="Check this timeline instead of the log; no database is asked.",
)
@click.option(
    "--leaves", "leaf_file", type=_FILE, help="The second file of the timeline, with what it withholds."
)
@json_option
@told_plainly
def verify_log(
    head_file: Path | None,
    key_file: Path | None,
    proof_file: Path | None,
    timeline_file: Path | None,
    leaf_file: Path | None,
    as_json: bool,
) -> None:
    """Prove that nothing was removed from the access log or changed; name what was. Ends with 1 if it does not hold."""
    from registry.access.ledger import verify
    from registry.access.ledger.heads import read_kept
    from registry.access.ledger.keys import ring_of, ring_of_file
    from registry.access.ledger.state import KeptHead

    if proof_file and timeline_file:
        raise click.UsageError("Give --proof or --timeline, not both.")
    if leaf_file and not timeline_file:
        raise click.UsageError("--leaves belongs to --timeline.")
    settings = load_settings()
    ring = ring_of_file(key_file) if key_file else ring_of(settings.ledger)
    kept = (
        read_kept(head_file.read_bytes())
        if head_file
        else KeptHead(settings.ledger.state_file).read() or None
    )
    if timeline_file:
        if not verify_timeline(timeline_file, ring, leaf_file=leaf_file, kept=kept, as_json=as_json):
            raise SystemExit(1)
        return
    if proof_file:
        from registry.access.ledger.proof import check

        checked = check(proof_file.read_bytes(), ring, kept=kept)
        head = checked.head.head
        told: dict[str, object] = {
            "holds": True,
            "event": checked.event,
            "head": checked.head.told(),
            "older": checked.older.told() if checked.older else None,
        }
        text = f"The proof holds: head {head.number}, sealed {head.sealed_at}."
        if kept is not None and checked.older:
            was = {one.head.number for one in (checked.older, checked.head) if one in kept}
            told["kept"] = sorted(was)
            text += f" Kept elsewhere: head {' and '.join(map(str, sorted(was)))}; the other follows from the proof."
        show(told, as_json=as_json, text=text)
        return
    with _opened(settings) as engine:
        report = verify.verify(engine, ring, kept=kept or (), overdue_s=settings.ledger.overdue_s)
    lines = [finding.detail for finding in report.findings]
    if report.found > len(lines):
        lines.append(f"and {report.found - len(lines)} findings more")
    lines.append(
        f"{report.events} events under {report.heads} heads; {report.not_sealed_yet} not sealed yet."
    )
    if kept is not None:
        lines.append(f"{report.compared} of {len(kept)} heads kept elsewhere are in the log as they were.")
    else:
        lines.append(
            "Nothing kept elsewhere was compared: a log that was cut back to an earlier state would look whole. Give --heads, or set "
            "ledger.state_file where the log is sealed."
        )
    lines.append("The log holds." if report.holds else "The log does NOT hold.")
    show(msgspec.to_builtins(report), as_json=as_json, text="\n".join(lines))
    if not report.holds:
        raise SystemExit(1)


@access_log.command("prove")
@click.argument("event", type=click.IntRange(min=1))
@click.option("--head", "number", type=click.IntRange(min=1), help="Under this head; the newest if left out.")
@_keys_option
@told_plainly
def prove(event: int, number: int | None, key_file: Path | None) -> None:
    """Print a proof, as JSON, that EVENT (its number) is in the log as it was sealed. It holds the event itself."""
    from registry.access.ledger.keys import ring_of, ring_of_file
    from registry.access.ledger.prove import prove_event

    settings = load_settings()
    ring = ring_of_file(key_file) if key_file else ring_of(settings.ledger)
    with _opened(settings) as engine:
        made = prove_event(engine, ring, event, number=number)
    click.echo(msgspec.json.format(msgspec.json.encode(made)).decode())


@access_log.command("consistency")
@click.argument("older", type=click.IntRange(min=1))
@click.argument("newer", type=click.IntRange(min=1), required=False)
@_keys_option
@told_plainly
def consistency(older: int, newer: int | None, key_file: Path | None) -> None:
    """Print a proof, as JSON, that all under head OLDER is unchanged under head NEWER (the newest if left out)."""
    from registry.access.ledger.keys import ring_of, ring_of_file
    from registry.access.ledger.prove import prove_consistency

    settings = load_settings()
    ring = ring_of_file(key_file) if key_file else ring_of(settings.ledger)
    with _opened(settings) as engine:
        made = prove_consistency(engine, ring, older, newer)
    click.echo(msgspec.json.format(msgspec.json.encode(made)).decode())


@access_log.command("heads")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only heads with higher numbers.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@json_option
@told_plainly
def list_heads(after: int, limit: int, as_json: bool) -> None:
    """List the newest heads. With --json, for a witness to keep: one head proves all that were before it."""
    from registry.access.ledger.prove import listed

    with _opened(load_settings()) as engine:
        told = [one.told() for one in listed(engine, after=after, limit=limit)]
    text = "\n".join(
        f"{one['number']}  {one['sealedAt']}  {one['size']} events  {one['root']}" for one in told
    )
    show({"heads": told}, as_json=as_json, text=text or "Nothing is sealed yet.")


@access_log.command("keys")
@told_plainly
def public_keys() -> None:
    """Print the public keys that the settings trust, as a JSON Web Key Set: for whoever is to check heads and proofs."""
    from registry.access.ledger.keys import ring_of

    keys = ring_of(load_settings().ledger).public()
    click.echo(msgspec.json.format(msgspec.json.encode(keys)).decode())


@access_log.command("new-key")
@json_option
def new_key(as_json: bool) -> None:
    """Make a new key to sign heads with, and print it with its public key."""
    from registry.access.ledger.keys import KeyRing, new_signing_key, signing_key
    from registry.settings import Secret

    text = new_signing_key()
    (public,) = KeyRing([signing_key(Secret(text))]).public().keys
    told = {"REGISTRY_LEDGER__SIGNING_KEY": text, "publicKey": public.x, "kid": public.kid}
    lines = f"REGISTRY_LEDGER__SIGNING_KEY={text}\n# public key: {public.x}\n# key id: {public.kid}"
    show(told, as_json=as_json, text=lines)


access_log.add_command(patterns_command)
access_log.add_command(timeline_command)
