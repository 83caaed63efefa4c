"""A new sealing key in the place of another, in every column of both databases, with kills, beside writers, and what opens with no key."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlalchemy.engine import Engine

from registry.access.session_store import SessionStore
from registry.access.tables import metadata as access_tables
from registry.checks import subject_requests
from registry.checks.lists.handling import delete as delete_list
from registry.checks.subject_requests import Wrong
from registry.cli import main
from registry.database import writing
from registry.records import tables as t
from registry.resealing import SEALED, Chain, Sealed, count, reseal
from registry.sealing import IDENTIFIER, MARK_BYTES, SOURCE_RECORD, Sealer, new_key
from registry.settings import ROOT, Secret, Settings
from tests.registry.checks.asking import ask
from tests.registry.checks.lists.conftest import Lists
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.support.engines import small_house

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
KILLS, NUMBERS = (50, 20_000) if SOAK else (4, 1_500)
SEED = int(os.environ.get("REGISTRY_TEST_SEED", "1"))
NEW = new_key()
_ROTATE = """
from registry.cli import main
print("ready", flush=True)
main(["keys", "rotate", "--part", "20"])
"""


@dataclass
class House:
    """A registry in which every sealed column has values, some of them from before values were marked."""

    lists: Lists
    environ: dict[str, str]

    @property
    def settings(self) -> Settings:
        return self.lists.world.settings

    def sealer(self, sealing: str = "", *opening: str) -> Sealer:
        old = self.settings.privacy
        return Sealer(
            msgspec.structs.replace(
                old,
                sealing_key=Secret(sealing) if sealing else old.sealing_key,
                opening_keys=tuple(Secret(one) for one in opening),
            )
        )

    @property
    def old_key(self) -> str:
        return self.settings.privacy.sealing_key.reveal()

    @property
    def engines(self) -> dict[Chain, Engine]:
        return {"records": self.lists.world.engine, "access": self.lists.desk.access}

    def values(self, one: Sealed) -> dict[tuple[object, ...], tuple[object, bytes]]:
        """Return key -> what it is bound to, and the sealed value."""
        bound = one.bound_to if one.bound_to is not None else sa.null()
        asked = sa.select(*one.key, bound, one.column).where(one.column.is_not(None))
        with self.engines[one.chain].connect() as connection:
            rows = [tuple(row) for row in connection.execute(asked)]
        return {tuple(row[:-2]): (row[-2], bytes(row[-1])) for row in rows}

    def opened(self, sealer: Sealer) -> dict[tuple[object, ...], bytes]:
        """Return every value opened."""
        return {
            (one.name, *key): sealer.open(value, context=one.context(bound))
            for one in SEALED
            for key, (bound, value) in self.values(one).items()
        }

    def command(self, *arguments: str, new: bool = True) -> Result:
        """Run `registry keys ...` with the new key first."""
        keys = {
            "REGISTRY_PRIVACY__SEALING_KEY": NEW if new else self.old_key,
            "REGISTRY_PRIVACY__OPENING_KEYS": f'["{self.old_key}"]' if new else "[]",
        }
        return CliRunner().invoke(main, ["keys", *arguments], env={**self.environ, **keys})


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    extra = {}
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
        extra["REGISTRY_DATABASE__URL"] = fresh()
    made = Lists(small_house(tmp_path, **extra))
    made.load(everyone())
    settings = made.world.settings
    environ = {
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": settings.database.url,
        "REGISTRY_SEARCH__TANTIVY__PATH": settings.search.tantivy.path,
        "REGISTRY_PRIVACY__DIGEST_KEY": settings.privacy.digest_key.reveal(),
    }
    for _ in range(3):
        ask(made.desk, made.caller, "RN-100.1")
    for answered in (True, False):
        made.send(["personnummer", "namn"], [ANNA_NUMBER, ""], ["", "Bo Holm"])
        if answered:
            made.work()
    SessionStore(made.desk.access, made.desk.sealer, settings.login, time.time).insert(
        "s" * 43, {"a": 1}, replaces=""
    )
    subject_requests.make(
        made.desk.access,
        made.desk.sealer,
        settings.checks.subject_requests,
        practitioner_id=1,
        about=Wrong("person", "socialstyrelsen"),
        words="Fel namn",
        now=made.desk.now(),
    )
    _more(made)
    yield House(made, environ)
    made.close()


def _more(made: Lists) -> None:
    """Add many numbers, a held change, and take the marks off some values, as earlier versions wrote them."""
    engine, sealer = made.world.engine, made.desk.sealer
    with writing(engine).begin() as connection:
        record = connection.execute(sa.select(t.source_record)).mappings().first()
        assert record is not None
        run = connection.scalar(sa.select(sa.func.max(t.feed_run.c.id)))
        person = connection.scalar(sa.select(sa.func.min(t.practitioner.c.id)))
        connection.execute(
            t.held_change.insert(),
            {
                "feed_id": record["feed_id"],
                "run_id": run,
                "source_record_id": record["id"],
                "kind": "change",
                "payload": sealer.seal(b'{"a":1}', context=SOURCE_RECORD),
            },
        )
        numbers = [sealer.seal(b"%012d" % n, context=IDENTIFIER) for n in range(NUMBERS)]
        connection.execute(
            t.identifier.insert(),
            [
                {
                    "practitioner_id": person,
                    "source_record_id": record["id"],
                    "system": "test",
                    "use": "old",
                    "digest": b"%032d" % n,
                    "sealed": number[MARK_BYTES:] if n % 3 == 0 else number,
                }
                for n, number in enumerate(numbers)
            ],
        )


def test_every_column_of_bytes_is_sealed_and_known_or_a_digest() -> None:
    plain = {
        "digest", "facts_digest", "person_digest", "normalizer", "nonce", "hash", "frontier", "id_digest", "login_digest",
        "sid_digest", "body_digest", "code_digest",
    }  # fmt: skip
    every = {
        f"{table.name}.{column.name}"
        for metadata in (t.metadata, access_tables)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary) and column.name not in plain
    }
    ours = {one.name for one in SEALED}
    assert ours <= every
    # What the ledger keeps is of no secret: heads, signatures, public keys.
    assert {name for name in every - ours if not name.startswith("ledger_")} == set()


def test_everything_is_sealed_anew_and_opens_with_the_new_key_alone(house: House) -> None:
    before = house.opened(house.sealer())
    assert {name for name, *_ in before} == {one.name for one in SEALED}, "each column has values"
    done = house.command("rotate")
    assert done.exit_code == 0, done.output
    assert done.output.endswith("Everything is sealed with the key of privacy.sealing_key.\n")
    assert house.opened(house.sealer(NEW)) == before
    with pytest.raises(ValueError, match="does not open"):
        house.opened(house.sealer())
    again = house.command("rotate")
    assert again.exit_code == 0
    assert "identifier.sealed: 0 sealed anew." in again.output


def test_the_service_answers_alike_before_during_and_after(house: House) -> None:
    """A process that knows both keys reads what either has sealed; one person's number is found by its digest all along."""
    both = house.sealer(house.old_key, NEW)
    before = house.opened(both)
    for each in reseal(house.engines, house.sealer(NEW, house.old_key), part=7):
        assert each.unreadable == 0
        assert house.opened(both) == before
        assert house.opened(house.sealer(NEW, house.old_key)) == before


def test_the_status_counts_by_fingerprint_and_never_shows_a_key(house: House) -> None:
    first = house.command("status", "--json")
    told = msgspec.json.decode(first.output)
    old, new = house.sealer().mark.hex()[4:], house.sealer(NEW).mark.hex()[4:]
    assert (told["seals"], told["opens"]) == (new, [old])
    numbers = next(one for one in told["columns"] if one["column"] == "identifier.sealed")
    assert numbers[new] == 0
    assert numbers["other"] == (NUMBERS + 2) // 3
    assert numbers[old] >= NUMBERS - numbers["other"]
    assert told["left"] == sum(len(house.values(one)) for one in SEALED)
    house.command("rotate")
    plain = house.command("status").output
    assert plain.endswith("Everything is sealed with the first key.\n")
    for text in (first.output, plain):
        assert NEW not in text
        assert house.old_key not in text


@pytest.mark.soak
def test_a_rotation_that_is_killed_goes_on_where_it_was(house: House) -> None:
    chance = random.Random(SEED)
    before = house.opened(house.sealer())
    environ = {
        **os.environ,
        **house.environ,
        "REGISTRY_PRIVACY__SEALING_KEY": NEW,
        "REGISTRY_PRIVACY__OPENING_KEYS": f'["{house.old_key}"]',
    }
    both, left = house.sealer(NEW, house.old_key), []
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", _ROTATE], env=environ, cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.2, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert house.opened(both) == before, "each value opens, and is what it was"
        left.append(
            sum(one.unmarked + one.by_mark.get(both.marks[1], 0) for one in count(house.engines, both))
        )
    assert left == sorted(left, reverse=True)
    assert house.command("rotate").exit_code == 0
    assert house.opened(house.sealer(NEW)) == before


def test_what_somebody_changes_meanwhile_stays_as_it_was_changed(house: House) -> None:
    """Values change and go between reading and writing: nothing comes back, and nothing that was written is lost."""
    identifiers = next(one for one in SEALED if one.name == "identifier.sealed")
    sealer, changed = house.sealer(NEW, house.old_key), b"199001012385"
    keys = list(house.values(identifiers))
    touched = False

    def meddle(connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        nonlocal touched
        if touched or not statement.startswith("UPDATE identifier"):
            return
        touched = True
        connection.execute(t.identifier.delete().where(t.identifier.c.id == keys[0][0]))
        connection.execute(
            t.identifier.update()
            .where(t.identifier.c.id == keys[1][0])
            .values(sealed=sealer.seal(changed, context=IDENTIFIER))
        )

    engine = writing(house.engines["records"])
    sa.event.listen(engine, "before_cursor_execute", meddle)
    try:
        list(reseal(house.engines, sealer))
    finally:
        sa.event.remove(engine, "before_cursor_execute", meddle)
    assert touched
    values = house.values(identifiers)
    assert keys[0] not in values
    assert house.sealer(NEW).open(values[keys[1]][1], context=IDENTIFIER) == changed


def test_what_opens_with_no_key_stays_is_told_and_holds_nothing_else_up(house: House) -> None:
    with writing(house.engines["records"]).begin() as connection:
        lost = connection.scalar(
            sa.select(sa.func.min(t.identifier.c.id)).where(t.identifier.c.sealed.is_not(None))
        )
        stranger = house.sealer(new_key()).seal(b"x", context=IDENTIFIER)
        connection.execute(t.identifier.update().where(t.identifier.c.id == lost).values(sealed=stranger))
    told = house.command("rotate")
    assert told.exit_code == 1
    assert "1 open with no key of the settings" in told.output
    assert "Add the key that sealed them to privacy.opening_keys" in told.output
    identifiers = next(one for one in SEALED if one.name == "identifier.sealed")
    values = house.values(identifiers)
    assert values.pop((lost,))[1] == stranger
    for bound, value in values.values():
        assert house.sealer(NEW).open(value, context=identifiers.context(bound))


def test_a_process_that_still_seals_with_the_former_key_is_noticed(house: House) -> None:
    """Somebody writes behind the rotation's back with the old key: it says so, and finds it the next time."""
    house.command("rotate")
    ask(house.lists.desk, house.lists.caller, "RN-100.1")
    told = msgspec.json.decode(house.command("status", "--json").output)
    assert told["left"] == 2, "question and answer of one check"
    again = house.command("rotate")
    assert again.exit_code == 0
    assert "check_evidence.answer: 1 sealed anew." in again.output


def test_an_empty_registry_has_nothing_to_do(tmp_path: Path) -> None:
    made = Lists(small_house(tmp_path))
    made.send(["personnummer"], [ANNA_NUMBER])
    delete_list(made.desk, made.caller, _only_list(made), request_id="r")
    engines: dict[Chain, Engine] = {"records": made.world.engine, "access": made.desk.access}
    assert [one.resealed for one in reseal(engines, made.desk.sealer)] == [0] * len(SEALED)
    made.close()


def _only_list(made: Lists) -> str:
    with made.desk.access.connect() as connection:
        return str(connection.scalar(sa.text("SELECT id FROM staff_list")))
