"""Whatever was changed or removed behind the service's back is found and named."""

import dataclasses

import pytest

from registry.access.ledger.hashing import leaf_hash
from registry.access.ledger.keys import KeyRing
from registry.access.ledger.leaves import sealed as read
from registry.access.ledger.prove import listed
from tests.registry.access.ledger.house import OTHER_KEY_TEXT, Log, key

HEADS = 3


@pytest.fixture
def sealed(log: Log) -> Log:
    """Three heads: events 1 to 3, 4 to 6, 7 to 9, each about two people."""
    for _ in range(HEADS):
        log.write(3)
        assert log.seal() == 3
    return log


def test_a_log_that_nobody_touched_holds(sealed: Log) -> None:
    report = sealed.verify()
    assert (report.holds, report.events, report.heads, report.not_sealed_yet) == (True, 9, 3, 0)
    assert report.last == listed(sealed.engine, limit=1)[0].told()


def test_an_empty_log_holds(log: Log) -> None:
    report = log.verify()
    assert (report.holds, report.events, report.heads, report.last) == (True, 0, 0, None)
    assert log.seal() == 0


def test_what_is_not_sealed_yet_is_told_and_is_overdue_when_it_waits_too_long(sealed: Log) -> None:
    sealed.write(2)
    report = sealed.verify()
    assert (report.holds, report.events, report.not_sealed_yet) == (True, 9, 2)
    assert report.not_sealed_since
    late = sealed.verify(overdue_s=-60)
    assert [one.kind for one in late.findings] == ["overdue"]
    assert "2 events are not sealed yet" in late.findings[0].detail
    assert not late.holds


CHANGES = {
    "a byte of the answer": "UPDATE access_event SET answer = 'yet' WHERE id = 5",
    "the time": "UPDATE access_event SET at = '2026-01-02 03:04:05.678901' WHERE id = 5",
    "who asked": "UPDATE access_event SET subject = 'employer-2' WHERE id = 5",
    "the question": "UPDATE access_event SET question = replace(question, '1', '2') WHERE id = 5",
    "a person is removed": "DELETE FROM access_event_subject WHERE event_id = 5 AND practitioner_id = 9",
    "a person is exchanged": "UPDATE access_event_subject SET practitioner_id = 8 WHERE event_id = 5 AND practitioner_id = 7",
    "a person is added": "INSERT INTO access_event_subject (event_id, practitioner_id) VALUES (5, 11)",
    "the nonce": "UPDATE access_ledger_leaf SET nonce = hash WHERE event_id = 5",
}


@pytest.mark.parametrize("what", CHANGES)
def test_one_change_to_an_event_is_found_and_named(what: str, sealed: Log) -> None:
    sealed.tamper(CHANGES[what])
    assert sealed.found() == [("event-changed", 5, 2)]
    assert "Event 5" in sealed.verify().findings[0].detail


def test_an_event_put_in_afterwards_is_found_and_named(sealed: Log) -> None:
    columns = "at, issuer, subject, purpose, action, request_id"
    sealed.tamper(
        f"INSERT INTO access_event (id, {columns}) SELECT -5, {columns} FROM access_event WHERE id = 5"
    )
    assert sealed.found() == [("event-added", -5, None)]
    # Sealing does not make it one of the log's.
    assert sealed.seal() == 0


def test_a_removed_event_is_found_and_named(sealed: Log) -> None:
    sealed.tamper(
        "DELETE FROM access_event_subject WHERE event_id = 5", "DELETE FROM access_event WHERE id = 5"
    )
    assert sealed.found() == [("event-removed", 5, 2)]


def test_an_event_that_got_another_number_is_found(log: Log) -> None:
    log.write(3, people=())
    log.seal()
    log.tamper("UPDATE access_event SET id = 50 WHERE id = 2")
    report = log.verify()
    assert [(one.kind, one.event_id) for one in report.findings] == [("event-removed", 2)]
    assert report.not_sealed_yet == 1


def test_an_event_removed_with_its_entry_is_a_gap(sealed: Log) -> None:
    sealed.tamper(
        "DELETE FROM access_event_subject WHERE event_id IN (5, 6)",
        "DELETE FROM access_event WHERE id IN (5, 6)",
        "DELETE FROM access_ledger_leaf WHERE event_id IN (5, 6)",
    )
    (finding,) = sealed.verify().findings
    assert (finding.kind, finding.position, finding.head) == ("entry-missing", 4, 2)
    assert "entry 4 to 5" in finding.detail


def test_an_entry_written_anew_for_a_changed_event_fits_no_root(sealed: Log) -> None:
    """Who changes the event and computes its entry again is betrayed by the head that was signed over it."""
    sealed.tamper(CHANGES["a byte of the answer"])
    with sealed.engine.connect() as connection:
        (leaf,) = read(connection, 4, 5)
    assert leaf.data is not None
    wanted = leaf_hash(leaf.data).hex()
    literal = f"x'{wanted}'" if sealed.is_sqlite else f"'\\x{wanted}'"
    sealed.tamper(f"UPDATE access_ledger_leaf SET hash = {literal} WHERE event_id = 5")
    (finding,) = sealed.verify().findings
    assert (finding.kind, finding.head, finding.position) == ("root", 2, 3)
    assert "among events 4 to 6" in finding.detail


def test_what_comes_after_the_first_damage_is_found_too(sealed: Log) -> None:
    sealed.tamper(
        "DELETE FROM access_ledger_leaf WHERE event_id = 2",
        "UPDATE access_event SET answer = 'no' WHERE id = 5",
        "UPDATE access_ledger_leaf SET hash = nonce WHERE event_id = 8",
    )
    # Event 2 without an entry is one that is not sealed.
    assert sealed.found() == [
        ("entry-missing", None, 1),
        ("event-changed", 5, 2),
        ("event-changed", 8, 3),
        ("root", None, 3),
        ("event-added", 2, None),
    ]
    assert sealed.verify().not_sealed_yet == 1


HEAD_CHANGES = {
    "removed": ("DELETE FROM access_ledger_head WHERE number = 2", [("head-missing", None, 2)]),
    "unreadable": (
        "UPDATE access_ledger_head SET signed = 'x.y.z' WHERE number = 2",
        [("head-changed", None, 2)],
    ),
    "another's": (
        "UPDATE access_ledger_head SET signed = (SELECT h.signed FROM access_ledger_head AS h WHERE h.number = 1) WHERE number = 2",
        [("head-changed", None, 2)],
    ),
    "its size": ("UPDATE access_ledger_head SET size = 5 WHERE number = 2", [("head-changed", None, 2)]),
    "its edge": (
        "UPDATE access_ledger_head SET frontier = (SELECT h.frontier FROM access_ledger_head h WHERE h.number = 1) WHERE number = 2",
        [("head-changed", None, 2)],
    ),
}


@pytest.mark.parametrize("what", HEAD_CHANGES)
def test_a_changed_head_is_named(what: str, sealed: Log) -> None:
    statement, expected = HEAD_CHANGES[what]
    sealed.tamper(statement)
    assert sealed.found() == expected


def test_heads_that_were_cut_off_leave_their_entries(sealed: Log) -> None:
    sealed.tamper("DELETE FROM access_ledger_head WHERE number = 3")
    report = sealed.verify()
    assert [(one.kind, one.position) for one in report.findings] == [("entry-surplus", 6)]


def test_a_signature_of_another_key_proves_nothing(sealed: Log) -> None:
    (finding,) = sealed.verify(ring=KeyRing([key(OTHER_KEY_TEXT)])).findings
    assert (finding.kind, finding.head) == ("signature", 3)
    assert "is not trusted" in finding.detail
    assert "nothing before it is either" in finding.detail


def test_a_log_signed_on_by_a_stranger_is_proven_up_to_there(sealed: Log) -> None:
    stranger = key(OTHER_KEY_TEXT)
    sealed.write(1)
    sealed.seal(with_key=stranger, ring=KeyRing([key(), stranger]))
    (finding,) = sealed.verify().findings
    assert (finding.kind, finding.head) == ("signature", 4)
    assert "head 3 is the newest before it that is proven" in finding.detail


def test_a_key_can_be_changed(sealed: Log) -> None:
    new = key(OTHER_KEY_TEXT)
    both = KeyRing([key(), new])
    sealed.write(2)
    sealed.seal(with_key=new, ring=both)
    assert sealed.verify(ring=both).holds
    assert [one.kid for one in listed(sealed.engine, limit=2)] == list(both.keys)
    # The old key proves the old heads, not what the new one has signed.
    assert sealed.found(ring=KeyRing([new])) == [("signature", None, 3)]


def test_heads_kept_elsewhere_are_found_in_the_log(sealed: Log) -> None:
    kept = listed(sealed.engine, limit=2)
    sealed.write(1)
    sealed.seal()
    report = sealed.verify(kept=kept)
    assert (report.holds, report.compared) == (True, 2)


def test_a_log_written_anew_by_its_owner_is_betrayed_by_a_head_kept_elsewhere(sealed: Log) -> None:
    """Who owns database and key can write everything anew; only what is kept elsewhere tells."""
    kept = listed(sealed.engine, limit=3)
    sealed.tamper(
        "UPDATE access_event SET answer = 'no' WHERE id = 5",
        "DELETE FROM access_ledger_leaf",
        "DELETE FROM access_ledger_head",
    )
    assert sealed.seal(batch_events=3) == 9
    assert sealed.verify().holds
    assert sealed.found(kept=kept) == [("kept-elsewhere", None, number) for number in (1, 2, 3)]


def test_a_log_cut_back_is_betrayed_by_a_head_kept_elsewhere(sealed: Log) -> None:
    kept = listed(sealed.engine, limit=1)
    sealed.tamper(
        "DELETE FROM access_event_subject WHERE event_id > 6",
        "DELETE FROM access_event WHERE id > 6",
        "DELETE FROM access_ledger_leaf WHERE position >= 6",
        "DELETE FROM access_ledger_head WHERE number = 3",
    )
    assert sealed.verify().holds
    (finding,) = sealed.verify(kept=kept).findings
    assert (finding.kind, finding.head) == ("kept-elsewhere", 3)
    assert "heads were removed" in finding.detail


def test_a_head_kept_elsewhere_that_nobody_signed_is_told(sealed: Log) -> None:
    kept = listed(sealed.engine, limit=1)[0]
    forged = dataclasses.replace(kept, text=f"{kept.text[:-4]}AAAA")
    assert sealed.found(kept=[forged]) == [("signature", None, 3), ("kept-elsewhere", None, 3)]


def test_only_so_many_findings_are_told_but_all_are_counted(small_log: Log) -> None:
    small_log.write_many(150)
    small_log.seal()
    small_log.tamper("UPDATE access_event SET answer = 'yes'")
    report = small_log.verify()
    assert (report.found, len(report.findings)) == (150, 100)


@pytest.mark.parametrize("value", ["CAST(x'ff41' AS TEXT)", "x'00'", "12", "CAST(x'61ff' AS BLOB)"], ids=str)
def test_values_that_are_no_text_any_more_are_a_changed_event(value: str, small_log: Log) -> None:
    """A byte changed in SQLite's file may leave what is no UTF-8, or no text."""
    small_log.write(3)
    small_log.seal()
    small_log.tamper(f"UPDATE access_event SET answer = {value} WHERE id = 2")
    assert small_log.found() == [("event-changed", 2, 1)]


def test_a_value_that_is_no_json_can_be_sealed_all_the_same(small_log: Log) -> None:
    small_log.write(2)
    small_log.tamper("UPDATE access_event SET answer = CAST(x'ff41' AS TEXT) WHERE id = 2")
    assert small_log.seal() == 2
    assert small_log.verify().holds
