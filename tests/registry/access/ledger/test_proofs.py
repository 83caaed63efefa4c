"""Proofs hold without the database, and nothing else does."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from registry.access.ledger import heads, proof
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.keys import KeyRing
from registry.access.ledger.prove import listed, prove_consistency, prove_event
from tests.registry.access.ledger.house import OTHER_KEY_TEXT, RING, Log, key
from tests.support.world import World, make_settings

SIZES = (3, 7, 8)


@pytest.fixture
def sealed(log: Log) -> Log:
    """Heads over 3, 7 and 8 events."""
    before = 0
    for size in SIZES:
        log.write(size - before)
        log.seal()
        before = size
    return log


def checked(made: object, ring: KeyRing = RING, *, kept: Sequence[SignedHead] | None = None) -> proof.Checked:
    return proof.check(msgspec.json.encode(made), ring, kept=kept)


def test_every_event_is_proven_under_every_head_that_covers_it(sealed: Log) -> None:
    for number, size in enumerate(SIZES, start=1):
        for event_id in range(1, size + 1):
            found = checked(prove_event(sealed.engine, RING, event_id, number=number))
            assert found.event is not None
            assert (found.event["id"], found.event["people"]) == (event_id, [7, 9])
            assert found.head.head.number == number


def test_without_a_number_the_newest_head_proves(sealed: Log) -> None:
    assert checked(prove_event(sealed.engine, RING, 1)).head.head.number == 3
    newest = checked(prove_consistency(sealed.engine, RING, 1))
    assert newest.older is not None
    assert (newest.older.head.number, newest.head.head.number) == (1, 3)


@pytest.mark.parametrize(("older", "newer"), [(1, 1), (1, 2), (1, 3), (2, 3)])
def test_heads_are_proven_to_follow_each_other(older: int, newer: int, sealed: Log) -> None:
    found = checked(prove_consistency(sealed.engine, RING, older, newer))
    assert found.event is None
    assert found.head.head.size == SIZES[newer - 1]


def test_what_can_not_be_proven_is_told(sealed: Log) -> None:
    (waiting,) = sealed.write(1)
    for arguments, words in (
        ((waiting,), "not sealed yet"),
        ((99,), "no event 99"),
        ((8, 1), "after head 1"),
        ((1, 9), "no head 9"),
    ):
        number = arguments[1] if len(arguments) > 1 else None
        with pytest.raises(LedgerError, match=words):
            prove_event(sealed.engine, RING, arguments[0], number=number)
    with pytest.raises(LedgerError, match="older one first"):
        prove_consistency(sealed.engine, RING, 3, 1)


def test_nothing_sealed_is_nothing_proven(small_log: Log) -> None:
    small_log.write(1)
    with pytest.raises(LedgerError, match="not sealed yet"):
        prove_event(small_log.engine, RING, 1)
    with pytest.raises(LedgerError, match="no head 1"):
        prove_consistency(small_log.engine, RING, 1)
    assert listed(small_log.engine, limit=1) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE access_event SET answer = 'no' WHERE id = 2", "does not hold"),
        ("UPDATE access_ledger_leaf SET hash = nonce WHERE event_id = 5", "does not hold"),
        ("DELETE FROM access_ledger_leaf WHERE event_id = 5", "is missing"),
        ("UPDATE access_ledger_head SET signed = 'x'", "can't be read"),
    ],
)
def test_a_changed_log_gives_no_proof(statement: str, words: str, sealed: Log) -> None:
    sealed.tamper(statement)
    with pytest.raises(LedgerError, match=words) as refused:
        prove_event(sealed.engine, RING, 2)
    assert "registry log verify" in refused.value.detail


def test_a_removed_event_gives_no_proof(sealed: Log) -> None:
    sealed.tamper(
        "DELETE FROM access_event_subject WHERE event_id = 2", "DELETE FROM access_event WHERE id = 2"
    )
    with pytest.raises(LedgerError, match="not in the log any more"):
        prove_event(sealed.engine, RING, 2)


def test_a_head_that_can_not_be_read_is_told(sealed: Log) -> None:
    sealed.tamper("UPDATE access_ledger_head SET signed = 'x' WHERE number = 2")
    with pytest.raises(LedgerError, match="can't be read"):
        listed(sealed.engine, limit=9)
    assert [one.head.number for one in listed(sealed.engine, after=2, limit=9)] == [3]


def test_a_proof_that_was_changed_does_not_hold(sealed: Log) -> None:
    made = prove_event(sealed.engine, RING, 2)
    other = prove_event(sealed.engine, RING, 3)
    replace = msgspec.structs.replace
    for wrong in (
        replace(made, leaf=made.leaf.replace('"yes"', '"no"')),
        replace(made, leaf=other.leaf),
        replace(made, position=made.position + 1),
        replace(made, path=made.path[:-1]),
        replace(made, path=[*made.path[:-1], "0" * 64]),
        replace(made, head=listed(sealed.engine, limit=9)[0].text),
        replace(made, head=f"{made.head[:-4]}AAAA"),
        replace(made, head="no head"),
    ):
        with pytest.raises(LedgerError, match="does not hold"):
            checked(wrong)
    follows = prove_consistency(sealed.engine, RING, 1, 2)
    for twisted in (
        replace(follows, older=follows.newer, newer=follows.older),
        replace(follows, path=[]),
        replace(follows, newer=listed(sealed.engine, limit=1)[0].text),
    ):
        with pytest.raises(LedgerError, match="does not hold"):
            checked(twisted)


def test_a_key_that_is_not_trusted_proves_nothing(sealed: Log) -> None:
    made = prove_event(sealed.engine, RING, 2)
    with pytest.raises(LedgerError, match="not signed with a key that is trusted"):
        checked(made, KeyRing([key(OTHER_KEY_TEXT)]))


def test_a_proof_can_be_held_against_heads_that_were_kept_elsewhere(sealed: Log) -> None:
    made = prove_event(sealed.engine, RING, 2, number=2)
    first, second, _ = listed(sealed.engine, limit=3)
    assert checked(made, kept=[first, second]).head == second
    with pytest.raises(LedgerError, match="not among those"):
        checked(made, kept=[first])


def test_of_two_heads_one_that_was_kept_elsewhere_is_enough(sealed: Log) -> None:
    first, second, third = listed(sealed.engine, limit=3)
    made = prove_consistency(sealed.engine, RING, 1, 2)
    for kept in ([first], [second]):
        assert checked(made, kept=kept).older == first
    with pytest.raises(LedgerError, match="Neither of the proof's heads"):
        checked(made, kept=[third])


@pytest.mark.parametrize("data", [b"", b"[]", b'{"proof":"other"}', b'{"proof":"inclusion"}', b"\xff"])
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(LedgerError, match="no proof"):
        proof.check(data, RING)


def test_the_log_does_not_tell_the_events_beside_a_proven_one(sealed: Log) -> None:
    """Hashes of neighbours are in the proof; a nonce that it does not tell is in each."""
    made = prove_event(sealed.engine, RING, 1)
    nonces = {msgspec.json.decode(prove_event(sealed.engine, RING, each).leaf)["nonce"] for each in (1, 2, 3)}
    assert len(nonces) == 3
    told = msgspec.json.encode(made).decode()
    assert "Å-0" in told
    assert "Å-1" not in told


def test_heads_of_another_log_are_no_continuation(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        world = World(make_settings(tmp_path / name))
        log = Log(world.access_engine)
        log.write(2)
        log.seal()
        made.append(listed(log.engine, limit=1)[0])
        world.close()
    assert made[0].head.log != made[1].head.log
    with pytest.raises(LedgerError, match="no continuation"):
        checked(proof.Consistency([], made[0].text, made[1].text))


def test_heads_say_in_the_signed_part_what_they_say_beside_it(sealed: Log) -> None:
    for one in listed(sealed.engine, limit=9):
        again = heads.read(one.text)
        assert again == one
        assert heads.holds(again, RING)
        assert one.told()["size"] == one.head.size
