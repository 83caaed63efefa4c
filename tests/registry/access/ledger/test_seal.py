"""Sealing never misses an event, whatever the order of ids and commits, and never builds on a head that does not hold."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.ledger import leaves
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.heads import read
from registry.access.ledger.keys import KeyRing
from registry.access.ledger.lag import unsealed_for
from registry.access.ledger.prove import listed, prove_event
from registry.access.ledger.seal import seal
from registry.access.log import event_values
from registry.access.log_many import Event, record_many
from registry.access.tables import access_event, access_event_subject
from registry.database import writing
from tests.registry.access.ledger.house import ACCESS, CALLER, OTHER_KEY_TEXT, RING, Log, key
from tests.support.world import World, make_settings


@pytest.fixture(params=["fresh_postgres_database", "fresh_debian_postgres_database"])
def large_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """A log on PostgreSQL, where events may come to light in another order than that of their ids."""
    fresh: Callable[[], str] = request.getfixturevalue(request.param)
    world = World(make_settings(tmp_path, fresh()))
    yield Log(world.access_engine)
    world.close()


def put(connection: sa.Connection, person: int = 7) -> int:
    """Write an event in an open transaction."""
    values = event_values(
        ACCESS, CALLER, purpose="recruitment", action="verify", question={}, answer="late", request_id="late"
    )
    event_id = int(
        connection.execute(access_event.insert().returning(access_event.c.id), values).scalar_one()
    )
    connection.execute(access_event_subject.insert(), {"event_id": event_id, "practitioner_id": person})
    return event_id


def settled(log: Log) -> int:
    return int(log.scalar("SELECT settled_id FROM access_ledger_head ORDER BY number DESC LIMIT 1"))


def test_events_of_answers_and_of_staff_lists_are_sealed_once(log: Log) -> None:
    log.write(3)
    log.write_many(4)
    log.write(1, people=())
    assert log.seal() == 8
    assert log.seal() == 0
    assert log.verify().holds
    assert log.scalar("SELECT count(*) FROM access_ledger_leaf") == 8


def test_each_head_is_told_to_the_log_and_a_long_seal_ends_when_it_is_told_to(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_many(9)
    stop = threading.Event()
    stop.set()
    assert seal(log.engine, key(), RING, batch_events=4, stop=stop) == 4
    assert log.seal(batch_events=4) == 5
    told = [line for line in "".join(capsys.readouterr()).splitlines() if "access_log_sealed" in line]
    assert len(told) == 3
    for number, line in enumerate(told, 1):
        assert (
            read(log.scalar(f"SELECT signed FROM access_ledger_head WHERE number = {number}")).digest in line
        )


def test_more_events_than_a_head_may_cover_get_several(log: Log) -> None:
    log.write_many(11)
    assert log.seal(batch_events=4) == 11
    assert [one.head.size for one in listed(log.engine, limit=9)] == [4, 8, 11]
    assert log.verify().holds


def test_an_event_that_commits_after_higher_ids_were_sealed_is_in_the_next_head(large_log: Log) -> None:
    log = large_log
    with log.engine.connect() as late:
        transaction = late.begin()
        early = put(late)
        (higher,) = log.write(1)
        assert early < higher
        assert log.seal() == 1
        # Further heads while it is still open; each could be the one that looks past it.
        for _ in range(3):
            log.write(1)
            assert log.seal() == 1
        assert settled(log) < early
        transaction.commit()
    assert log.verify().not_sealed_yet == 1
    assert log.seal() == 1
    assert log.verify().holds
    assert prove_event(log.engine, RING, early).position == 4


def test_an_id_that_was_drawn_before_its_transaction_had_a_number_is_not_missed(large_log: Log) -> None:
    """As staff lists do: ids first, rows later. PostgreSQL numbers a transaction at its first write only."""
    log = large_log
    drawing = sa.text("SELECT nextval(pg_get_serial_sequence('access_event', 'id'))")
    log.write(1)  # the first of 32 ids that PostgreSQL writes down at once: the next draw writes nothing
    with log.engine.connect() as late:
        transaction = late.begin()
        drawn = int(late.scalar(drawing) or 0)
        assert late.scalar(sa.text("SELECT pg_current_xact_id_if_assigned() IS NULL"))
        log.write(2)
        assert log.seal() == 3
        log.write(1)
        assert log.seal() == 1
        values = event_values(
            ACCESS, CALLER, purpose="recruitment", action="read", question={}, answer="1", request_id="r"
        )
        late.execute(access_event.insert(), {"id": drawn, **values})
        transaction.commit()
    log.write(1)
    assert log.seal() == 2
    report = log.verify()
    assert (report.holds, report.events, report.not_sealed_yet) == (True, 6, 0)


def test_an_event_that_is_taken_back_holds_nothing_up(large_log: Log) -> None:
    log = large_log
    with log.engine.connect() as late:
        transaction = late.begin()
        put(late)
        log.write(1)
        log.seal()
        transaction.rollback()
    ids = []
    for _ in range(3):
        ids += log.write(1)
        assert log.seal() == 1
    assert settled(log) == ids[-2]
    assert log.verify().holds


def test_the_search_begins_where_nothing_can_come_any_more(log: Log) -> None:
    """Else every minute would walk through the whole log."""
    for _ in range(4):
        last = log.write(2)
        log.seal()
    assert settled(log) >= last[0] - 2
    with log.engine.connect() as connection:
        assert leaves.unsealed(connection, settled(log), 10, size=8) == []


def test_a_list_of_events_that_is_written_meanwhile_is_sealed_when_it_commits(large_log: Log) -> None:
    log = large_log
    events = [Event("{}", "no", [number + 1]) for number in range(40)]
    with writing(log.engine).begin() as connection:
        record_many(connection, CALLER, events, purpose="recruitment", action="verify", request_id="list")
        log.write(2)
        assert log.seal() == 2
    assert log.seal() == 40
    assert log.verify().holds


def test_nothing_is_missed_and_nothing_sealed_twice_while_many_write_and_two_seal(log: Log) -> None:
    ended = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    def seal() -> None:
        while not ended.is_set():
            log.seal(batch_events=7)
            ended.wait(0.01)

    def write_many() -> None:
        for _ in range(5):
            log.write_many(20)

    writers = [
        threading.Thread(target=guarded, args=(lambda: [log.write(5) for _ in range(6)],)) for _ in range(3)
    ]
    writers.append(threading.Thread(target=guarded, args=(write_many,)))
    sealers = [threading.Thread(target=guarded, args=(seal,)) for _ in range(2)]
    for each in (*sealers, *writers):
        each.start()
    for each in writers:
        each.join()
    ended.set()
    for each in sealers:
        each.join()
    assert failures == []
    log.seal()
    report = log.verify()
    assert (report.holds, report.events, report.not_sealed_yet) == (True, 190, 0)


def test_who_can_not_have_the_turn_seals_nothing(large_log: Log) -> None:
    large_log.write(1)
    with large_log.engine.begin() as other:
        other.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": 0x4C45_4447})
        assert large_log.seal() == 0
    assert large_log.seal() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_ledger_head SET signed = 'x.y.z'",
        "UPDATE access_ledger_head SET size = 3",
        "UPDATE access_ledger_head SET frontier = (SELECT l.nonce FROM access_ledger_leaf AS l WHERE l.position = 0)",
        "UPDATE access_ledger_head SET frontier = (SELECT l.hash FROM access_ledger_leaf AS l WHERE l.position = 0)",
    ],
)
def test_nothing_is_put_on_a_head_that_was_changed(statement: str, log: Log) -> None:
    log.write(2)
    log.seal()
    log.tamper(statement)
    log.write(1)
    with pytest.raises(LedgerError, match="registry log verify"):
        log.seal()
    assert log.scalar("SELECT count(*) FROM access_ledger_leaf") == 2


def test_nothing_is_put_on_a_head_of_an_unknown_key(small_log: Log) -> None:
    small_log.write(1)
    small_log.seal()
    small_log.write(1)
    stranger = key(OTHER_KEY_TEXT)
    with pytest.raises(LedgerError, match=r"ledger\.public_keys"):
        small_log.seal(with_key=stranger, ring=KeyRing([stranger]))


def test_every_column_of_an_event_is_sealed() -> None:
    """A new column needs a new version of leaves: without, it could be changed unseen."""
    assert [column.name for column in access_event.c] == list(leaves.COLUMNS)
    assert [column.name for column in access_event_subject.c] == ["event_id", "practitioner_id"]


def test_a_leaf_is_canonical_json_and_the_same_on_every_database(log: Log) -> None:
    log.write(1, people=(9, 7))
    log.tamper("UPDATE access_event SET at = '2026-01-02 03:04:05.600000'")
    log.seal()
    with log.engine.connect() as connection:
        (leaf,) = leaves.sealed(connection, 0, 1)
    assert leaf.data is not None
    told = msgspec.json.decode(leaf.data)
    assert leaf.data == msgspec.json.encode(told, order="sorted")
    assert len(told.pop("nonce")) == 2 * leaves.NONCE_BYTES
    assert told == {
        "id": 1,
        "at": "2026-01-02T03:04:05.600000Z",
        "issuer": "https://issuer.example",
        "subject": "employer-1",
        "client_id": "registry",
        "organisation": "2120000142",
        "purpose": "recruitment",
        "action": "verify",
        "question": '{"licenceNumber":"Å-0"}',
        "answer": "yes",
        "request_id": "r-0",
        "people": [7, 9],
    }


def test_how_long_the_log_has_waited_is_told_whatever_was_sealed_before(log: Log) -> None:
    def waited() -> float:
        return unsealed_for(log.engine, datetime.now(UTC) + timedelta(minutes=5))

    assert waited() == 0.0
    log.write(2)
    assert 299 < waited() < 400
    log.seal()
    assert waited() == 0.0
    log.write(1)
    assert 299 < waited() < 400
