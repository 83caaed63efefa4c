"""The access log: sealing, verifying and proving a large one, and what that costs whoever writes an event."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from registry.access.ledger.keys import new_signing_key
from tests.bench.days_jobs import Read
from tests.bench.ingest import DATABASES, _environment, _servers
from tests.bench.ledger_jobs import Filled, Inserted, Proven, Sealed, Verified
from tests.bench.machine import busy_share
from tests.bench.processes import BenchError, job, workspace

# A head every minute over what a busy registry is asked in one.
HEAD_EVENTS = 500
ROUNDS, EACH = 15, 200
Say = Callable[[str], None]


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """A log of some size in one database.

    Attributes:
        damaged: the same log, one byte of an event changed, one event removed, and the people of one removed.
        expected: which events those are.
        read: what a privacy officer reads of another log of the same size; None until it has been measured.
    """

    database: str
    filled: Filled
    sealed: Sealed
    verified: Verified
    damaged: Verified
    expected: list[tuple[str, int | None]]
    proven: Proven
    inserted: Inserted
    busy_before: float | None
    read: Read | None = None


def measure(
    sizes: Sequence[int],
    say: Say,
    databases: Sequence[str] = DATABASES,
    *,
    rounds: int = ROUNDS,
    each: int = EACH,
) -> Iterator[Ledger]:
    """Measure every size and database, saying each as it comes.

    Raises:
        BenchError: an untouched log does not hold, or what was changed is not named.
    """
    with workspace() as space, _servers(databases) as fresh:
        for events in sizes:
            for database in databases:
                url, forget = fresh(database, space.path / f"ledger-{database.lower()}-{events}")
                one = _measured(database, events, url, space.path, rounds=rounds, each=each)
                forget()
                url, forget = fresh(database, space.path / f"days-{database.lower()}-{events}")
                read = job("ledger-days", _environment(url), space.path, Read, events=events)
                one = msgspec.structs.replace(one, read=read)
                forget()
                say(_line(one))
                yield one


def _measured(database: str, events: int, url: str, folder: Path, *, rounds: int, each: int) -> Ledger:
    environ = {**_environment(url), "REGISTRY_LEDGER__SIGNING_KEY": new_signing_key()}
    busy = busy_share()
    filled = job("ledger-fill", environ, folder, Filled, events=events)
    sealed = job("ledger-seal", environ, folder, Sealed, batch_events=HEAD_EVENTS)
    verified = job("ledger-verify", environ, folder, Verified)
    if verified.found or sealed.events != events:
        raise BenchError(f"The log does not hold: {verified.found}")
    proven = job("ledger-prove", environ, folder, Proven, event=events // 3)
    inserted = job("ledger-insert", environ, folder, Inserted, rounds=rounds, each=each)
    # Ten events have the same shape again and again; these show one person each.
    changed, removed, hidden = (events // part // 10 * 10 + 3 for part in (4, 2, 5))
    job("ledger-damage", environ, folder, Filled, changed=changed, removed=removed, hidden=hidden)
    expected: list[tuple[str, int | None]] = [
        ("event-changed", hidden),
        ("event-changed", changed),
        ("event-removed", removed),
    ]
    damaged = job("ledger-verify", environ, folder, Verified)
    if damaged.found != expected:
        raise BenchError(f"What was changed is {expected}; told was {damaged.found}.")
    return Ledger(
        database=database,
        filled=filled,
        sealed=sealed,
        verified=verified,
        damaged=damaged,
        expected=expected,
        proven=proven,
        inserted=inserted,
        busy_before=busy,
    )


def _line(one: Ledger) -> str:
    insert = one.inserted
    return (
        f"  {one.database}, {one.filled.events:,} events: sealed in {one.sealed.seconds:.1f} s, verified in "
        f"{one.verified.seconds:.1f} s with {one.verified.memory_mb:.0f} MiB, proven in {one.proven.event_s:.1f} s; an event "
        f"{insert.plain_ms:.2f} ms without triggers, {insert.guarded_ms:.2f} ms with, {insert.sealing_ms:.2f} ms beside a seal"
        + (
            f"; four weeks read in {one.read.pass_s:.1f} s, from counts {one.read.counts_s:.2f} s"
            if one.read
            else ""
        )
    )
