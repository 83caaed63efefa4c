"""Evidence: shown to the organisation that asked, as it was; asked again with what has changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.purposes import PurposeNotAllowedError
from registry.access.tables import access_event
from registry.checks import past
from registry.checks.desk import Desk
from registry.checks.ids import new_id
from registry.checks.tables import check_evidence
from registry.errors import BadRequestError, NotFoundError
from registry.records import tables as t
from registry.settings import Settings
from registry.verification.question import Question
from tests.registry.checks.asking import ask, events, kept, subjects
from tests.registry.web.people import ABSENT_NUMBER, ANNA_NUMBER, HIDDEN_NUMBER, everyone
from tests.support.world import World, licence


def _protect(known: World, number: str, *, protected: bool) -> None:
    """Switch protection on or off, as a load does."""
    with known.engine.begin() as connection:
        of = sa.select(t.licence.c.practitioner_id).where(t.licence.c.number == number)
        connection.execute(
            t.practitioner.update().where(t.practitioner.c.id.in_(of)).values(protected=protected)
        )


@pytest.fixture
def anna_protected(known: World) -> Iterator[None]:
    """Anna has a protected identity, for now."""
    _protect(known, "RN-100.1", protected=True)
    yield
    _protect(known, "RN-100.1", protected=False)


def test_evidence_is_byte_for_byte_what_was_said(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller, reference="ref 1")
    found = past.fetch(desk, caller, checked.id, request_id="r-2")
    assert found.body == checked.body
    assert found.answer == checked.answer
    assert found.asked.question() == Question(licence_number="RN-100.1")
    assert found.asked.reference == "ref 1"


def test_showing_evidence_is_an_access_event_about_the_same_person(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller)
    past.fetch(desk, caller, checked.id, request_id="r-2")
    past.fetch(desk, caller, checked.id, purpose="supervision", request_id="r-3")
    first, again, stated = events(desk, caller)
    assert (again.action, again.purpose, again.answer) == ("evidence", "recruitment", "found")
    assert (stated.purpose, stated.request_id) == ("supervision", "r-3")
    assert subjects(desk, again.id) == subjects(desk, first.id) != set()


def test_colleagues_may_see_it_and_nobody_else(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller)
    colleague = replace(caller, subject="colleague", client_id="pages")
    assert past.fetch(desk, colleague, checked.id, request_id="r").body == checked.body
    for other in (
        replace(caller, organisation="5560000001"),
        replace(caller, organisation=""),
        replace(caller, organisation="", subject="other"),
    ):
        with pytest.raises(NotFoundError):
            past.fetch(desk, other, checked.id, request_id="r")
        assert events(desk, other)[-1].answer == "not found"


def test_a_caller_without_an_organisation_sees_what_the_same_subject_asked(desk: Desk) -> None:
    alone = Caller("https://issuer.example", "alone", client_id="hr")
    checked = ask(desk, alone)
    assert (
        past.fetch(desk, replace(alone, client_id="other"), checked.id, request_id="r").kept.id == checked.id
    )
    for other in (replace(alone, subject="alone2"), replace(alone, issuer="https://elsewhere.example")):
        with pytest.raises(NotFoundError):
            past.fetch(desk, other, checked.id, request_id="r")


@pytest.mark.parametrize("evidence_id", ["", "ver_", "ver_'; drop table x; --", "VER_" + "a" * 22, "x" * 500])
def test_what_is_no_id_is_not_found(desk: Desk, caller: Caller, evidence_id: str) -> None:
    with pytest.raises(NotFoundError):
        past.fetch(desk, caller, evidence_id, request_id="r")


def test_a_person_who_is_protected_now_is_answered_like_evidence_that_is_not_there(
    desk: Desk, caller: Caller, anna_protected: None, known: World
) -> None:
    _protect(known, "RN-100.1", protected=False)
    shown = ask(desk, caller)
    differs = ask(desk, caller, question=Question(licence_number="RN-100.1", name="Karl Holm"))
    other = ask(desk, caller, "LK-7")
    _protect(known, "RN-100.1", protected=True)
    for gone in (shown, differs):
        with pytest.raises(NotFoundError) as refused:
            past.fetch(desk, caller, gone.id, request_id="r")
        with pytest.raises(NotFoundError) as unknown:
            past.fetch(desk, caller, new_id("ver"), request_id="r")
        assert (refused.value.detail, refused.value.extra) == (unknown.value.detail, unknown.value.extra)
    page, more = past.recent(desk, caller, purpose="lookup", request_id="r", limit=10)
    assert ([one.id for one in page], more) == ([other.id], False)
    # The person may see who asked.
    event = next(each for each in events(desk, caller) if each.action == "evidence")
    assert len(subjects(desk, event.id)) == 1


def test_asking_again_about_one_who_is_protected_now_is_like_asking_about_one_who_is_gone(
    desk: Desk, caller: Caller, known: World
) -> None:
    protected, gone = ask(desk, caller), ask(desk, caller, "LK-7")
    number = sa.update(t.licence).where(t.licence.c.number == "LK-7")
    _protect(known, "RN-100.1", protected=True)
    with known.engine.begin() as connection:
        connection.execute(number.values(number="LK-7-gone", number_key="lk7gone"))
    told = [past.ask_again(desk, caller, one.id, request_id="r").answer for one in (protected, gone)]
    _protect(known, "RN-100.1", protected=False)
    with known.engine.begin() as connection:
        connection.execute(
            sa.update(t.licence)
            .where(t.licence.c.number == "LK-7-gone")
            .values(number="LK-7", number_key="lk7")
        )
    for one in told:
        assert (one["outcome"], one["licences"], one["practitioner"]) == ("notFound", [], None)
        assert [each["field"] for each in one["changes"]] == [
            each["field"] for each in told[0]["changes"] if each["field"] in {"verdict", "outcome"}
        ]
    assert told[0].keys() == told[1].keys()
    assert told[0]["previous"].keys() == told[1]["previous"].keys()


def test_no_page_is_short_of_the_protected(desk: Desk, caller: Caller, known: World) -> None:
    made = [ask(desk, caller, number).id for number in ("LK-7", "RN-100.1", "RN-100.1", "LK-7", "RN-100.1")]
    _protect(known, "RN-100.1", protected=True)
    pages = [
        past.recent(desk, caller, purpose="lookup", request_id="r", limit=1, offset=place)
        for place in range(3)
    ]
    _protect(known, "RN-100.1", protected=False)
    assert [([one.id for one in shown], more) for shown, more in pages] == [
        ([made[3]], True),
        ([made[0]], False),
        ([], False),
    ]


def test_what_was_not_found_stays_whether_somebody_is_protected_or_not_there(
    desk: Desk, caller: Caller
) -> None:
    for number in (HIDDEN_NUMBER, ABSENT_NUMBER):
        checked = ask(desk, caller, question=Question(personal_number=number))
        assert past.fetch(desk, caller, checked.id, request_id="r").body == checked.body
        again = past.ask_again(desk, caller, checked.id, request_id="r")
        assert (again.answer["outcome"], again.answer["changes"]) == ("notFound", [])


def test_a_value_moved_to_another_row_does_not_open(desk: Desk, caller: Caller) -> None:
    first, second = ask(desk, caller), ask(desk, caller, "LK-7")
    rows = {row.id: row for row in kept(desk, caller)}
    with desk.access.execution_options(registry_write=True).begin() as connection:
        move = check_evidence.update().where(check_evidence.c.id == first.id)
        connection.execute(move.values(answer=rows[second.id].answer))
    with pytest.raises(ValueError, match="does not open"):
        past.fetch(desk, caller, first.id, request_id="r")


def test_the_list_is_the_organisations_own_newest_first(desk: Desk, caller: Caller) -> None:
    made = [ask(desk, caller, reference="a" if place % 2 else "b").id for place in range(5)]
    ask(desk, replace(caller, organisation="5560000002"))
    page, more = past.recent(desk, caller, purpose="lookup", request_id="r", limit=3)
    assert ([one.id for one in page], more) == (made[:1:-1], True)
    page, more = past.recent(desk, caller, purpose="lookup", request_id="r", limit=3, offset=3)
    assert ([one.id for one in page], more) == (made[1::-1], False)
    page, _ = past.recent(desk, caller, purpose="lookup", request_id="r", limit=9, reference="a")
    assert [one.id for one in page] == [made[3], made[1]]
    event = events(desk, caller)[-1]
    assert (event.action, event.answer, subjects(desk, event.id)) == ("evidence", "2", set())


def test_the_list_may_be_of_some_days(desk: Desk, caller: Caller) -> None:
    old, new = ask(desk, caller).id, ask(desk, caller).id
    # Half an hour after midnight where the service is: the day before in UTC.
    midnight = datetime.combine(desk.today() - timedelta(days=10), time(0, 30), desk.settings.zone)
    before = midnight.astimezone(UTC)
    with desk.access.execution_options(registry_write=True).begin() as connection:
        connection.execute(
            check_evidence.update().where(check_evidence.c.id == old).values(created_at=before)
        )
    day, today = midnight.date(), desk.today()

    def listed(**days: object) -> list[str]:
        found, _ = past.recent(desk, caller, purpose="lookup", request_id="r", limit=9, **days)  # type: ignore[arg-type]
        return [one.id for one in found]

    assert before.date() < day
    assert listed(until=day) == listed(since=day, until=day) == [old]
    assert listed(until=day - timedelta(days=1)) == []
    assert listed(since=day + timedelta(days=1)) == listed(since=today) == [new]
    assert listed() == [new, old]


def test_asking_again_tells_that_nothing_has_changed(desk: Desk, caller: Caller) -> None:
    first = ask(desk, caller, reference="ref 9", question=Question(personal_number=ANNA_NUMBER))
    again = past.ask_again(desk, caller, first.id, request_id="r-2")
    assert again.id != first.id
    assert again.answer["previous"] == {
        "id": first.id,
        "verdict": "yes",
        "checkedAt": first.answer["checkedAt"],
    }
    assert again.answer["changes"] == []
    assert (again.answer["reference"], again.answer["purpose"]) == ("ref 9", "recruitment")
    assert past.fetch(desk, caller, again.id, request_id="r").body == again.body
    assert kept(desk, caller)[-1].previous_id == first.id


def test_asking_again_tells_what_the_authority_has_changed(known: World, desk: Desk, caller: Caller) -> None:
    first = ask(desk, caller, "RN-100.1")
    people = everyone()
    anna = people["anna"]
    suspended = msgspec.structs.replace(
        anna,
        names=(msgspec.structs.replace(anna.names[0], family="Berglund"), *anna.names[1:]),
        licences=(
            licence(
                "RN-100.1",
                jurisdiction="SE",
                raw_profession="SJ",
                valid_from="2005-06-14",
                status="suspended",
                raw_status="Vilande",
            ),
        ),
    )
    known.load({**people, "anna": suspended})
    try:
        again = past.ask_again(desk, caller, first.id, purpose="employment", request_id="r-2")
    finally:
        known.load(people)
    changes = {(one["field"], one["before"], one["after"]): one for one in again.answer["changes"]}
    assert again.answer["verdict"] == "no"
    assert ("verdict", "yes", "no") in changes
    assert ("licence.status", "active", "suspended") in changes
    assert ("name", "Anna Maria Lindqvist", "Anna Maria Berglund") in changes
    status = changes["licence.status", "active", "suspended"]
    assert status["licence"] == "RN-100.1"
    assert {"sv", "en"} == status["text"].keys()
    assert any(field == "reasons" and before is None for field, before, _ in changes)
    assert any(field == "reasons" and after is None for field, _, after in changes)
    assert again.answer["purpose"] == "employment"


def test_evidence_for_a_purpose_that_is_no_longer_configured_can_be_shown(
    desk: Desk, caller: Caller, open_another: Callable[[Settings], Desk]
) -> None:
    checked = ask(desk, caller, purpose="certificate")
    access = desk.settings.access
    fewer = {name: one for name, one in access.purposes.items() if name != "certificate"}
    other = open_another(
        msgspec.structs.replace(desk.settings, access=msgspec.structs.replace(access, purposes=fewer))
    )
    assert past.fetch(other, caller, checked.id, request_id="r").body == checked.body
    assert events(desk, caller)[-1].purpose == "lookup"
    with pytest.raises(BadRequestError):
        past.ask_again(other, caller, checked.id, request_id="r")


def test_a_purpose_that_a_colleague_may_not_state_is_not_said_in_the_colleagues_name(
    desk: Desk, caller: Caller
) -> None:
    access = desk.settings.access
    purposes = {
        **access.purposes,
        "supervision": msgspec.structs.replace(access.purposes["employment"], roles=("inspector",)),
    }
    strict = msgspec.structs.replace(desk.settings, access=msgspec.structs.replace(access, purposes=purposes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "settings", strict)
        inspector = replace(caller, roles=frozenset({"inspector"}))
        checked = ask(desk, inspector, purpose="supervision")
        past.fetch(desk, inspector, checked.id, request_id="inspector")
        past.fetch(desk, caller, checked.id, request_id="colleague")
        nothing = {"own-record": access.purposes["own-record"]}
        patch.setattr(
            desk,
            "settings",
            msgspec.structs.replace(strict, access=msgspec.structs.replace(access, purposes=nothing)),
        )
        for evidence_id in (checked.id, new_id("ver")):
            with pytest.raises(PurposeNotAllowedError):
                past.fetch(desk, caller, evidence_id, request_id="none")
    with desk.access.connect() as connection:
        rows = connection.execute(sa.select(access_event.c.request_id, access_event.c.purpose)).all()
    said = {row.request_id: row.purpose for row in rows}
    assert said["inspector"] == "supervision"
    assert said["colleague"] != "supervision"
    assert "none" not in said


@pytest.mark.parametrize(
    ("days", "found"), [({"since": date.min}, 1), ({"until": date.min}, 0), ({"until": date.max}, 1)]
)
def test_the_calendars_ends_are_days_like_others(
    desk: Desk, caller: Caller, days: dict[str, Any], found: int
) -> None:
    ask(desk, caller)
    shown, more = past.recent(desk, caller, purpose="employment", request_id="r", limit=1, **days)
    assert len(shown) == found
    assert more in {False, True}
