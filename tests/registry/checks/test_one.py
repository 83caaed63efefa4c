"""One check: purpose, quota, question, then evidence and access event in one transaction, then an answer."""

import json
from dataclasses import replace

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.purposes import PurposeNotAllowedError, stateable
from registry.access.tables import access_event_subject
from registry.checks.desk import Desk
from registry.checks.ids import new_id
from registry.checks.tables import check_evidence
from registry.errors import AccessLogUnavailableError, BadRequestError
from registry.identifiers import holds_personal_number
from registry.settings import Purpose
from registry.verification.question import Question
from tests.registry.checks.asking import ask, events, kept, subjects
from tests.registry.web.people import ANNA_NUMBER, HIDDEN_NUMBER
from tests.support.world import World


def test_the_answer_is_kept_with_its_access_event(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller, reference="case 7")
    (event,), (row,) = events(desk, caller), kept(desk, caller)
    assert checked.answer["verdict"] == event.answer == row.verdict == "yes"
    assert (event.action, event.purpose, event.request_id) == ("verify", "recruitment", "r-1")
    assert json.loads(event.question) == {"licence_number": "RN-100.1", "reference": "case 7"}
    assert row.event_id == event.id
    assert (row.id, row.outcome, row.reference) == (checked.id, "found", "case 7")
    assert subjects(desk, event.id) == {row.practitioner_id}
    assert row.rule_version == checked.answer["ruleVersion"]
    assert (row.organisation, row.issuer, row.client_id) == (caller.organisation, caller.issuer, "hr")


def test_the_answer_is_the_bytes_that_are_kept(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller)
    assert msgspec.json.decode(checked.body) == checked.answer
    assert checked.answer["links"] == {"self": f"/v1/verifications/{checked.id}"}


def test_no_personal_number_and_no_name_stands_plain_in_what_is_kept(desk: Desk, caller: Caller) -> None:
    ask(
        desk,
        caller,
        question=Question(personal_number=ANNA_NUMBER, name="Anna Lindqvist"),
        reference=f"about {ANNA_NUMBER}",
    )
    (row,) = kept(desk, caller)
    assert row.reference == "about [personal number]"
    plain = b" ".join(str(value).encode() if not isinstance(value, bytes) else value for value in row)
    for secret in (ANNA_NUMBER, ANNA_NUMBER[2:], "Lindqvist", "RN-100"):
        assert secret.encode() not in plain
    assert not holds_personal_number(events(desk, caller)[0].question)


def test_a_protected_person_is_kept_like_nobody_but_stands_in_the_log(desk: Desk, caller: Caller) -> None:
    ask(desk, caller, question=Question(personal_number=HIDDEN_NUMBER))
    ask(desk, caller, "no-such")
    protected, nobody = kept(desk, caller)
    assert protected.outcome == nobody.outcome == "notFound"
    assert protected.practitioner_id is nobody.practitioner_id is None
    about = [subjects(desk, event.id) for event in events(desk, caller)]
    assert (len(about[0]), len(about[1])) == (1, 0)


def test_a_contradiction_is_about_the_person_it_contradicts(desk: Desk, caller: Caller) -> None:
    ask(desk, caller, question=Question(licence_number="RN-100.1", name="Karl Holm"))
    (row,) = kept(desk, caller)
    assert row.outcome == "mismatch"
    assert {row.practitioner_id} == subjects(desk, row.event_id)


def test_what_cannot_be_written_is_not_answered_and_nothing_of_it_is_kept(known: World, desk: Desk) -> None:
    caller = Caller("i", "unlucky", organisation="9999")
    with known.access_engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE check_evidence RENAME TO elsewhere"))
    try:
        with pytest.raises(AccessLogUnavailableError):
            ask(desk, caller)
    finally:
        with known.access_engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO check_evidence"))
    assert events(desk, caller) == kept(desk, caller) == []


def test_a_question_that_cannot_be_answered_leaves_nothing(desk: Desk, caller: Caller) -> None:
    with pytest.raises(BadRequestError):
        ask(desk, caller, question=Question(licence_number="RN-1", profession="wizard"))
    assert events(desk, caller) == kept(desk, caller) == []


@pytest.mark.parametrize("purpose", ["own-record"])
def test_a_purpose_for_oneself_cannot_be_stated_about_others(
    desk: Desk, caller: Caller, purpose: str
) -> None:
    with pytest.raises(PurposeNotAllowedError, match="own record"):
        ask(desk, caller, purpose=purpose)
    with pytest.raises(BadRequestError, match="recruitment, employment"):
        ask(desk, caller, purpose="curiosity")
    assert events(desk, caller) == []


def test_a_purpose_may_be_kept_to_a_role_or_a_scope(desk: Desk, caller: Caller) -> None:
    access = desk.settings.access
    plain = access.purposes["supervision"]
    purposes = {
        **access.purposes,
        "supervision": msgspec.structs.replace(plain, roles=("inspector", "auditor")),
        "certificate": msgspec.structs.replace(plain, scopes=("registry:certify",)),
    }
    mine = msgspec.structs.replace(access, purposes=purposes)
    assert "supervision" not in stateable(mine, caller)
    assert "supervision" in stateable(mine, replace(caller, roles=frozenset({"inspector"})))
    assert "certificate" not in stateable(mine, caller)
    assert "certificate" in stateable(mine, replace(caller, scopes=frozenset({"registry:certify"})))
    assert set(stateable(mine)) == set(purposes) - {"own-record"}


def test_every_purpose_has_a_label_and_a_ground_in_both_languages(desk: Desk) -> None:
    for purpose in desk.settings.access.purposes.values():
        assert isinstance(purpose, Purpose)
        assert min(map(len, (purpose.sv, purpose.en, purpose.ground_sv, purpose.ground_en))) > 3


def test_ids_do_not_repeat_and_look_like_no_personal_number() -> None:
    made = {new_id("ver") for _ in range(2000)}
    assert len(made) == 2000
    assert not any(map(holds_personal_number, made))


def test_sqlite_and_postgresql_write_the_same_columns(desk: Desk, caller: Caller) -> None:
    checked = ask(desk, caller)
    with desk.access.connect() as connection:
        row = connection.execute(sa.select(check_evidence).where(check_evidence.c.id == checked.id)).one()
        about = connection.scalar(
            sa.select(sa.func.count()).where(access_event_subject.c.event_id == row.event_id)
        )
    assert about == 1
    assert row.asked_number == 1001
    assert row.previous_id is None
