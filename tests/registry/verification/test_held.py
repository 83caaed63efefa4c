"""Answers while a run is held: what waits gives neither yes nor no, and is told."""

from datetime import UTC, datetime, timedelta

from registry.records.facts import LicenceFacts, PersonFacts
from registry.verification.question import Question
from tests.registry.verification.conftest import NUMBER, Desk, anna
from tests.support.world import licence, person

CROWD = 40


def everyone(**special: LicenceFacts) -> dict[str, PersonFacts]:
    """Forty nurses with licences C-0 to C-39; some with another one than the usual."""
    return {
        f"c{n}": person("Ek", f"Liv{n}", licences=[special.get(f"c{n}", licence(f"C-{n}"))])
        for n in range(CROWD)
    }


def codes(desk: Desk, number: str) -> tuple[str, list[str]]:
    found = desk.answer(licence_number=number)
    return found.answer, [reason.code for reason in found.reasons]


def test_a_removal_that_waits_is_asked_about_until_the_feed_speaks_again(desk: Desk) -> None:
    desk.load(everyone())
    half = dict(list(everyone().items())[: CROWD // 2])
    desk.load(half)
    assert codes(desk, "C-0") == ("yes", ["valid"])
    assert codes(desk, "C-39") == ("ask", ["change-held"])
    found = desk.answer(licence_number="C-39")
    assert [(source.feed.held, source.fresh) for source in found.sources] == [(True, True)]
    assert found.licences[0].verdict.licence.held

    desk.load(everyone())
    assert codes(desk, "C-39") == ("yes", ["valid"])
    assert not desk.answer(licence_number="C-39").sources[0].feed.held


def test_a_relaxation_that_waits_is_asked_about_and_a_new_restriction_counts_at_once(desk: Desk) -> None:
    suspended = licence("C-1", status="suspended")
    desk.load(everyone(c1=suspended))
    assert codes(desk, "C-1") == ("no", ["status-suspended"])

    changed = {f"c{n}": licence(f"C-{n}", issued="2020-01-01") for n in range(5, 25)}
    desk.load(everyone(c2=licence("C-2", status="revoked"), **changed))
    assert codes(desk, "C-1") == ("ask", ["change-held", "status-suspended"])
    assert codes(desk, "C-2") == ("no", ["status-revoked"])
    assert codes(desk, "C-5") == ("ask", ["change-held"])
    assert codes(desk, "C-30") == ("yes", ["valid"])


def test_a_profession_not_held_is_no_certain_no_while_changes_wait(desk: Desk) -> None:
    question = {"personal_number": NUMBER, "authority": "test-authority", "profession": "physician"}
    desk.load({"anna": anna(), **everyone()})
    assert desk.answer(**question).reasons[0].code == "profession-not-held-complete"
    assert desk.answer(**question).answer == "no"
    desk.load({"anna": anna(), **dict(list(everyone().items())[: CROWD // 2])})
    assert codes(desk, "1001") == ("yes", ["valid"])
    assert desk.answer(**question).answer == "ask"


def test_what_waits_does_not_hide_that_the_feed_is_late(desk: Desk) -> None:
    desk.load(everyone())
    desk.load(dict(list(everyone().items())[: CROWD // 2]))
    now = datetime.now(UTC) + timedelta(hours=49)
    found = desk.ask(Question(licence_number="C-39"), now).verification
    assert [reason.code for reason in found.reasons] == ["change-held", "feed-stale"]
    assert [source.fresh for source in found.sources] == [False]
