"""Consent codes: one organisation finishes one check about somebody with a protected identity, and nobody else learns anything."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.claims import is_sole_trader, organisation_claim
from registry.access.log import events_about
from registry.checks import consents, past
from registry.checks.consent_code import new_code, written
from registry.checks.consents import Made
from registry.checks.desk import Desk
from registry.checks.errors import (
    ConsentCodeError,
    ConsentLimitError,
    ConsentRefusedError,
    QuotaExceededError,
)
from registry.checks.one import claim_key
from registry.checks.organisation import organisation_of, read_organisation
from registry.checks.purge import purge
from registry.checks.tables import identity_consent
from registry.errors import NotFoundError
from registry.records import tables as t
from registry.settings import Settings
from registry.verification.question import Question
from tests.registry.checks.asking import ask, events, kept, subjects, with_checks
from tests.registry.web.people import ABSENT_NUMBER, ANNA_NUMBER, HIDDEN_NUMBER
from tests.support.world import World

BY_NUMBER = Question(personal_number=HIDDEN_NUMBER)
BY_LICENCE = Question(licence_number="RN-66")
BY_NAME = Question(name="Hanna Skyddad", birth_date="1990-01-01")
Give = Callable[..., Made]


@pytest.fixture
def hanna(known: World) -> Iterator[int]:
    """The internal id of the person with a protected identity; her consents of the test are forgotten."""
    with known.engine.connect() as connection:
        person = int(
            connection.scalars(sa.select(t.practitioner.c.id).where(t.practitioner.c.protected)).one()
        )
    yield person
    with known.access_engine.begin() as connection:
        connection.execute(identity_consent.delete())


@pytest.fixture
def give(desk: Desk, caller: Caller, hanna: int) -> Give:
    """Makes a consent of hers for the caller's organisation."""

    def make(**rest: Any) -> Made:  # noqa: ANN401 - as `make` takes it
        values = {
            "practitioner_id": hanna,
            "organisation": caller.organisation,
            "hours": 24,
            "now": desk.now(),
        }
        return consents.make(desk.access, desk.sealer, desk.settings.checks.consents, **{**values, **rest})

    return make


def state(desk: Desk, person: int) -> list[str]:
    with desk.access.connect() as connection:
        return [each.state(desk.now()) for each in consents.of_people(connection, [person])]


@pytest.mark.parametrize("question", [BY_NUMBER, BY_LICENCE, BY_NAME], ids=["number", "licence", "name"])
def test_a_code_lets_one_check_be_answered_in_full(
    desk: Desk, caller: Caller, hanna: int, give: Give, question: Question
) -> None:
    made = give()
    checked = ask(desk, caller, question=question, consent_code=written(made.code))
    assert (checked.answer["outcome"], checked.answer["verdict"]) == ("found", "yes")
    assert checked.answer["practitioner"]["name"] == "Hanna Skyddad"
    (event,) = events(desk, caller)
    assert subjects(desk, event.id) == {hanna}
    assert msgspec.json.decode(event.question)["by_consent_code"] is True
    assert made.code not in event.question
    with desk.access.connect() as connection:
        (used,) = consents.of_people(connection, [hanna])
        assert (used.state(desk.now()), used.evidence_id) == ("used", checked.id)
        assert events_about(connection, [hanna], 1)[0].organisation == caller.organisation


def test_a_code_is_good_for_one_check_only(desk: Desk, caller: Caller, give: Give) -> None:
    made = give()
    ask(desk, caller, question=BY_NUMBER, consent_code=made.code)
    with pytest.raises(ConsentRefusedError):
        ask(desk, caller, question=BY_NUMBER, consent_code=made.code)
    assert ask(desk, caller, question=BY_NUMBER).answer["outcome"] == "notFound"


def test_the_evidence_stays_with_the_organisation_and_with_nobody_else(
    desk: Desk, caller: Caller, give: Give
) -> None:
    checked = ask(desk, caller, question=BY_NUMBER, consent_code=give().code)
    assert past.fetch(desk, caller, checked.id, request_id="r-2").body == checked.body
    listed, _ = past.recent(desk, caller, purpose="recruitment", request_id="r-3", limit=10)
    assert [each.id for each in listed] == [checked.id]
    with pytest.raises(NotFoundError):
        past.fetch(desk, replace(caller, organisation="2321000131"), checked.id, request_id="r-4")
    again = past.ask_again(desk, caller, checked.id, request_id="r-5")
    assert again.answer["outcome"] == "notFound"
    assert {change["field"] for change in again.answer["changes"]} <= {"verdict", "outcome"}


def test_a_wrong_code_is_refused_alike_whatever_is_wrong_with_it(
    desk: Desk, caller: Caller, hanna: int, give: Give
) -> None:
    """Unknown, used, withdrawn, expired, another organisation's; of somebody else, who is there or not."""
    used, withdrawn = give(), give()
    ask(desk, caller, question=BY_NUMBER, consent_code=used.code)
    assert consents.withdraw(desk.access, withdrawn.id, [hanna], desk.now())
    expired = give(now=desk.now() - timedelta(hours=25))
    foreign = give(organisation="2321000131")
    good = give()
    tried = [
        (BY_NUMBER, new_code()),
        (BY_NUMBER, used.code),
        (BY_NUMBER, withdrawn.code),
        (BY_NUMBER, expired.code),
        (BY_LICENCE, foreign.code),
        (Question(personal_number=ANNA_NUMBER), good.code),
        (Question(personal_number=ABSENT_NUMBER), good.code),
        (Question(licence_number="RN-66", name="Karl Holm"), good.code),
        (Question(name="Anna Lindqvist", birth_date="1980-05-03"), good.code),
    ]
    refused = []
    for question, code in tried:
        with pytest.raises(ConsentRefusedError) as told:
            ask(desk, caller, question=question, consent_code=code)
        refused.append((told.value.slug, told.value.detail, told.value.status))
    assert len(set(refused)) == 1
    assert len(kept(desk, caller)) == 1, "nothing is kept of a refused code but its access event"
    assert ask(desk, caller, question=BY_NUMBER, consent_code=good.code).answer["outcome"] == "found"


def test_a_refused_code_is_shown_to_the_person_it_was_tried_on(
    desk: Desk, caller: Caller, hanna: int
) -> None:
    with pytest.raises(ConsentRefusedError):
        ask(desk, caller, question=BY_NUMBER, consent_code=new_code())
    (event,) = events(desk, caller)
    assert (event.action, event.answer, subjects(desk, event.id)) == (
        "verify",
        "consent code refused",
        {hanna},
    )


def test_a_mistyped_code_is_told_as_such_and_nothing_is_asked(desk: Desk, caller: Caller) -> None:
    with pytest.raises(ConsentCodeError, match="consent code"):
        ask(desk, caller, question=BY_NUMBER, consent_code="0000-0000-0000-0001")
    assert events(desk, caller) == kept(desk, caller) == []


def test_of_many_requests_at_once_one_gets_the_answer(
    desk: Desk, caller: Caller, hanna: int, give: Give
) -> None:
    made = give()

    def try_it(_: int) -> str:
        try:
            return str(ask(desk, caller, question=BY_NUMBER, consent_code=made.code).answer["outcome"])
        except ConsentRefusedError:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(try_it, range(4)))
    assert outcomes == ["found", "refused", "refused", "refused"]
    assert len(kept(desk, caller)) == 1
    assert len(events(desk, caller)) == 4
    assert state(desk, hanna) == ["used"]


def test_a_code_is_not_used_up_by_an_answer_that_could_not_be_kept(
    desk: Desk, caller: Caller, hanna: int, give: Give
) -> None:
    """As when the request lost its Idempotency-Key to another one: nothing of it is kept."""
    made = give()
    body = {"a": 1}
    held = claim_key(desk, caller, operation="verify", header='"k"', body=body)
    assert held is not None
    lost = msgspec.structs.replace(held) if isinstance(held, msgspec.Struct) else replace(held, holder="gone")  # type: ignore[type-var]
    with pytest.raises(Exception, match="same key"):
        ask(desk, caller, question=BY_NUMBER, consent_code=made.code, held=lost)
    assert state(desk, hanna) == ["unused"]
    assert kept(desk, caller) == []


def test_a_namesake_cannot_stand_in_for_the_person(
    known: World, desk: Desk, caller: Caller, give: Give
) -> None:
    """The code says who is meant: a question that does not agree with them is refused, never answered about another."""
    made = give()
    with pytest.raises(ConsentRefusedError):
        ask(
            desk,
            caller,
            question=Question(name="Hanna Skyddad", birth_date="1990-01-02"),
            consent_code=made.code,
        )
    assert ask(desk, caller, question=BY_NAME, consent_code=made.code).answer["verdict"] == "yes"


def test_the_past_is_answered_as_for_anyone(desk: Desk, caller: Caller, give: Give) -> None:
    question = Question(personal_number=HIDDEN_NUMBER, on_date=date(2020, 5, 1))
    checked = ask(desk, caller, question=question, consent_code=give().code)
    assert checked.answer["outcome"] == "found"
    assert checked.answer["onDate"] == "2020-05-01"


def test_what_the_source_tells_no_more_is_no_yes(
    known: World, desk: Desk, caller: Caller, hanna: int, give: Give
) -> None:
    """A protected record that comes emptied leaves the licence as it was: nobody knows what has become of it."""
    with known.engine.begin() as connection:
        of = t.source_record.c.practitioner_id == hanna
        digest = connection.scalar(sa.select(t.source_record.c.person_digest).where(of))
        connection.execute(t.source_record.update().where(of).values(person_digest=None))
    try:
        answer = ask(desk, caller, question=BY_NUMBER, consent_code=give().code).answer
    finally:
        with known.engine.begin() as connection:
            connection.execute(t.source_record.update().where(of).values(person_digest=digest))
    assert (answer["outcome"], answer["verdict"]) == ("found", "ask")
    assert answer["reasons"][0]["code"] == "told-no-more"


def test_guessing_ends_after_few_wrong_codes_and_mistakes_of_others_do_not_count(
    desk: Desk, caller: Caller, give: Give, open_another: Callable[[Settings], Desk]
) -> None:
    limits = msgspec.structs.replace(
        desk.settings.checks.consents, wrong_per_hour=5, wrong_per_person_per_hour=2
    )
    strict = open_another(with_checks(desk.settings, consents=limits))

    def refused(question: Question, times: int) -> None:
        for _ in range(times):
            with pytest.raises(ConsentRefusedError):
                ask(strict, caller, question=question, consent_code=new_code())

    refused(BY_NUMBER, 2)
    with pytest.raises(QuotaExceededError, match="wrong-consent-codes-per-person-per-hour"):
        ask(strict, caller, question=BY_NUMBER, consent_code=give().code)
    refused(Question(personal_number=ABSENT_NUMBER), 2)
    refused(BY_LICENCE, 1)
    with pytest.raises(QuotaExceededError, match="wrong-consent-codes-per-hour"):
        ask(strict, caller, question=BY_NAME, consent_code=new_code())
    other = replace(caller, organisation="2321000131", subject="another")
    made = give(organisation="2321000131")
    assert ask(strict, other, question=BY_NUMBER, consent_code=made.code).answer["outcome"] == "found"


def test_right_codes_count_as_no_wrong_ones(
    desk: Desk, caller: Caller, give: Give, open_another: Callable[[Settings], Desk]
) -> None:
    limits = msgspec.structs.replace(
        desk.settings.checks.consents, wrong_per_hour=1, wrong_per_person_per_hour=1
    )
    strict = open_another(with_checks(desk.settings, consents=limits))
    for _ in range(3):
        assert ask(strict, caller, question=BY_NUMBER, consent_code=give().code).answer["outcome"] == "found"


def test_one_has_few_unused_codes_and_withdraws_only_ones_own(desk: Desk, hanna: int, give: Give) -> None:
    most = desk.settings.checks.consents.max_unused
    made = [give() for _ in range(most)]
    with pytest.raises(ConsentLimitError):
        give()
    assert not consents.withdraw(desk.access, made[0].id, [hanna + 1], desk.now())
    assert consents.withdraw(desk.access, made[0].id, [hanna], desk.now())
    assert not consents.withdraw(desk.access, made[0].id, [hanna], desk.now())
    give()
    assert sorted(state(desk, hanna)) == ["unused"] * most + ["withdrawn"]


def test_many_codes_asked_for_at_once_are_no_more_than_one_may_have(
    desk: Desk, hanna: int, give: Give
) -> None:
    most = desk.settings.checks.consents.max_unused

    def try_one(_: int) -> bool:
        try:
            give()
        except ConsentLimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_one, range(4 * most))) == most
    assert state(desk, hanna) == ["unused"] * most


def test_a_code_lasts_no_longer_than_the_settings_allow(desk: Desk, give: Give) -> None:
    for hours in (0, desk.settings.checks.consents.max_hours + 1):
        with pytest.raises(ValueError, match="longer"):
            give(hours=hours)


def test_the_code_itself_is_nowhere(desk: Desk, give: Give) -> None:
    made = give()
    with desk.access.connect() as connection:
        rows = connection.execute(sa.select(identity_consent)).all()
    told = " ".join(str(value) for row in rows for value in row) + repr(made)
    assert made.code not in told
    assert written(made.code) not in told


def test_old_consents_are_deleted(desk: Desk, hanna: int, give: Give) -> None:
    days = desk.settings.checks.consents.keep_days
    give(now=datetime.now(UTC) - timedelta(days=days + 4))
    give()
    assert purge(desk.access, desk.settings.checks, datetime.now(UTC)).consents == 1
    assert state(desk, hanna) == ["unused"]


@pytest.mark.parametrize(
    "typed", ["212000-0142", "2120000142", "16212000-0142", "16 2120000142", " 212000–0142 "]
)
def test_an_organisation_number_is_read_as_callers_have_it(caller: Caller, typed: str) -> None:
    assert read_organisation(typed, str.encode) == "2120000142"
    assert organisation_of(replace(caller, organisation=typed)) == "2120000142"


@pytest.mark.parametrize(
    "typed", ["", "212000014", "abc", "2120000142x2", "[personal number]", "198005039807"]
)
def test_what_is_no_organisation_number_has_no_codes(caller: Caller, typed: str) -> None:
    with pytest.raises(ValueError, match="organisation number"):
        read_organisation(typed, str.encode)
    assert organisation_of(replace(caller, organisation=typed)) == ""


@pytest.mark.parametrize(
    "typed", ["19800503-9808", "8005039808", "800503-9808", "198005039808", "SE800503980801"]
)
def test_a_sole_traders_code_is_theirs_alone_and_keeps_no_number(
    desk: Desk, caller: Caller, give: Give, typed: str
) -> None:
    organisation = read_organisation(typed, desk.sealer.digest)
    assert is_sole_trader(organisation)
    assert "980" not in organisation
    code = give(organisation=organisation).code
    for other in (
        organisation_claim({"organisation": "8005039816"}, "organisation", desk.sealer.digest),
        "[personal number]",
        "8005039808",
    ):
        with pytest.raises(ConsentRefusedError):
            ask(desk, replace(caller, organisation=other), question=BY_NUMBER, consent_code=code)
    theirs = organisation_claim({"organisation": "8005039808"}, "organisation", desk.sealer.digest)
    trader = replace(caller, organisation=theirs)
    assert ask(desk, trader, question=BY_NUMBER, consent_code=code).answer["outcome"] == "found"


def test_a_mistyped_organisation_number_is_noticed() -> None:
    with pytest.raises(ValueError, match="organisation number"):
        read_organisation("212000-0143", str.encode)


def test_a_caller_without_organisation_has_no_codes(desk: Desk, caller: Caller, give: Give) -> None:
    alone = replace(caller, organisation="")
    with pytest.raises(ConsentRefusedError):
        ask(desk, alone, question=BY_NUMBER, consent_code=give(organisation="").code)
