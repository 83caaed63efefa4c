"""Idempotency-Key: one answer for one key, whatever happens to the network, to workers, or at the same time."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.checks import idempotency, past
from registry.checks.desk import Desk, open_desk
from registry.checks.errors import (
    IdempotencyKeyError,
    IdempotencyKeyInUseError,
    IdempotencyKeyReusedError,
)
from registry.checks.idempotency import Claim, read_key
from registry.checks.one import claim_key
from registry.checks.tables import idempotency_key
from registry.errors import BadRequestError
from registry.settings import Settings
from registry.verification.question import Question
from tests.registry.checks.asking import ask, events, kept, with_checks

BODY = {"licence_number": "RN-100.1", "purpose": "recruitment"}


def _claim(desk: Desk, caller: Caller, **changes: Any) -> Claim | str:  # noqa: ANN401 - see claim
    given = {"operation": "verify", "key": "k-1", "body": BODY, "now": desk.now(), **changes}
    return idempotency.claim(desk.access, desk.settings.checks, desk.sealer, caller, **given)


def _new(desk: Desk, caller: Caller, **changes: Any) -> Claim:  # noqa: ANN401 - see claim
    held = _claim(desk, caller, **changes)
    assert isinstance(held, Claim)
    return held


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (' "a b" ', "a b"),
        ("x" * 255, "x" * 255),
        ("", None),
        ('""', None),
        ("a b", None),
        ('"open', None),
        ("å", None),
        ("x" * 256, None),
        ("a\nb", None),
    ],
)
def test_a_key_is_a_quoted_or_bare_text(header: str, key: str | None) -> None:
    if key is None:
        with pytest.raises(IdempotencyKeyError, match="Idempotency-Key"):
            read_key(header)
    else:
        assert read_key(header) == key


def test_the_same_request_again_gets_the_same_bytes(desk: Desk, caller: Caller) -> None:
    first = ask(desk, caller, held=_new(desk, caller))
    found = _claim(desk, caller, body={"purpose": "recruitment", "licence_number": "RN-100.1"})
    assert found == first.id
    again = past.replay(desk, caller, first.id, request_id="r-2")
    assert (again.id, again.body) == (first.id, first.body)
    assert len(kept(desk, caller)) == 1
    assert [event.action for event in events(desk, caller)] == ["verify", "evidence"]


def test_a_replay_takes_nothing_of_the_quota(desk: Desk, caller: Caller) -> None:
    first = ask(desk, caller, held=_new(desk, caller))
    left = [one.remaining for one in first.quotas]
    assert [one.remaining for one in past.replay(desk, caller, first.id, request_id="r").quotas] == left


def test_another_body_under_the_same_key_is_refused(desk: Desk, caller: Caller) -> None:
    held = _new(desk, caller)
    with pytest.raises(IdempotencyKeyReusedError):
        _claim(desk, caller, body={**BODY, "licence_number": "RN-2"})
    ask(desk, caller, held=held)
    with pytest.raises(IdempotencyKeyReusedError):
        _claim(desk, caller, body={**BODY, "licence_number": "RN-2"})


def test_while_the_first_is_under_way_the_second_waits(desk: Desk, caller: Caller) -> None:
    _new(desk, caller)
    with pytest.raises(IdempotencyKeyInUseError) as refused:
        _claim(desk, caller)
    assert refused.value.retry_after_s >= 1


def test_keys_belong_to_a_caller_and_an_operation(desk: Desk, caller: Caller) -> None:
    _new(desk, caller)
    for changes in (
        {"caller": replace(caller, organisation="5560000003")},
        {"caller": replace(caller, client_id="other")},
        {"operation": "verify again"},
        {"key": "k-2"},
    ):
        given: dict[str, Any] = {"caller": caller, **changes}
        assert isinstance(_claim(desk, **given), Claim)


def test_a_request_without_an_answer_frees_its_key(desk: Desk, caller: Caller) -> None:
    with pytest.raises(BadRequestError):
        ask(
            desk,
            caller,
            question=Question(licence_number="RN-1", profession="wizard"),
            held=_new(desk, caller),
        )
    assert isinstance(_claim(desk, caller), Claim)


def test_a_key_is_kept_for_its_time_and_then_new(desk: Desk, caller: Caller) -> None:
    first = ask(desk, caller, held=_new(desk, caller))
    hours = timedelta(hours=desk.settings.checks.idempotency_keep_hours)
    assert _claim(desk, caller, now=desk.now() + hours - timedelta(minutes=1)) == first.id
    assert isinstance(_claim(desk, caller, body={}, now=desk.now() + hours + timedelta(minutes=1)), Claim)


def test_whoever_was_taken_over_from_cannot_answer_any_more(desk: Desk, caller: Caller) -> None:
    slow = _new(desk, caller)
    stale = timedelta(seconds=desk.settings.checks.idempotency_stale_s + 1)
    quick = _new(desk, caller, now=desk.now() + stale)
    with pytest.raises(IdempotencyKeyInUseError):
        ask(desk, caller, held=slow)
    assert events(desk, caller) == kept(desk, caller) == []
    answered = ask(desk, caller, held=quick)
    assert _claim(desk, caller) == answered.id


def test_neither_key_nor_body_stands_in_the_table(desk: Desk, caller: Caller) -> None:
    _new(desk, caller, key="198005039808", body={"personal_identity_number": "198005039808"})
    with desk.access.connect() as connection:
        rows = connection.execute(sa.select(idempotency_key)).all()
    assert b"9808" not in b" ".join(row.digest + row.body_digest for row in rows)


def test_many_at_once_get_one_answer(
    desk: Desk, caller: Caller, open_another: Callable[[Settings], Desk]
) -> None:
    desks = [open_another(desk.settings) for _ in range(3)]

    def send(place: int) -> str:
        mine = desks[place % 3]
        while True:
            try:
                held = claim_key(mine, caller, operation="verify", header='"once"', body=BODY)
            except IdempotencyKeyInUseError:
                continue
            return held if isinstance(held, str) else ask(mine, caller, held=held).id

    with ThreadPoolExecutor(12) as threads:
        ids = set(threads.map(send, range(24)))
    assert len(ids) == 1
    assert [row.id for row in kept(desk, caller)] == list(ids)
    assert len(events(desk, caller)) == 1


def _claim_and_die(settings: Settings, caller: Caller) -> None:
    mine = open_desk(settings)
    _new(mine, caller)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_frees_its_key_after_a_while(
    desk: Desk, caller: Caller, open_another: Callable[[Settings], Desk]
) -> None:
    process = multiprocessing.get_context("fork").Process(target=_claim_and_die, args=(desk.settings, caller))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with pytest.raises(IdempotencyKeyInUseError):
        _claim(desk, caller)
    soon = open_another(with_checks(desk.settings, idempotency_stale_s=0.001))
    answered = ask(soon, caller, held=_new(soon, caller))
    assert _claim(desk, caller) == answered.id
    assert len(kept(desk, caller)) == 1


def test_a_body_is_the_same_however_it_was_laid_out() -> None:
    assert msgspec.json.encode({"a": 1, "b": 2}, order="deterministic") == msgspec.json.encode(
        {"b": 2, "a": 1}, order="deterministic"
    )
