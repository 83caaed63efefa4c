"""Somebody with a protected identity is answered as somebody who is not there: same bytes, same statements, same rows, same time."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from registry.access.tables import metadata
from tests.registry.web.people import ABSENT_NUMBER, ANNA_NUMBER, HIDDEN_NUMBER, anna, everyone
from tests.registry.web.service import Service

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
PAIRS = 1500
# The protected person's, and as long a one of nobody.
QUESTIONS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "personal number": (
        {"personalIdentityNumber": HIDDEN_NUMBER},
        {"personalIdentityNumber": ABSENT_NUMBER},
    ),
    "licence number": ({"licenceNumber": "RN-66"}, {"licenceNumber": "RN-67"}),
    "number and name": (
        {"licenceNumber": "RN-66", "name": "Hanna Skyddad", "birthDate": "1990-01-01"},
        {"licenceNumber": "RN-67", "name": "Hanna Skyddad", "birthDate": "1990-01-01"},
    ),
    "number and another's name": (
        {"personalIdentityNumber": HIDDEN_NUMBER, "name": "Karl Holm"},
        {"personalIdentityNumber": ABSENT_NUMBER, "name": "Karl Holm"},
    ),
    "name": (
        {"name": "Hanna Skyddad", "birthDate": "1990-01-01"},
        {"name": "Hanna Skyddad", "birthDate": "1990-02-01"},
    ),
    "a past day": (
        {"personalIdentityNumber": HIDDEN_NUMBER, "onDate": "2019-05-01"},
        {"personalIdentityNumber": ABSENT_NUMBER, "onDate": "2019-05-01"},
    ),
    "profession and authority": (
        {"licenceNumber": "RN-66", "profession": "registered-nurse", "authority": "test-authority"},
        {"licenceNumber": "RN-67", "profession": "registered-nurse", "authority": "test-authority"},
    ),
    "a wrong consent code": (
        {"personalIdentityNumber": HIDDEN_NUMBER, "consentCode": "0000000000000000"},
        {"personalIdentityNumber": ABSENT_NUMBER, "consentCode": "0000000000000000"},
    ),
}
_OWN = re.compile(rb"ver_[A-Za-z0-9_-]{22}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|[0-9a-f]{32}")
_OWN_HEADERS = ("X-Request-Id", "RateLimit", "Date", "traceparent")


def bytes_of(answer: TestResponse) -> tuple[int, bytes, dict[str, str]]:
    """An answer without its own ids, moments, and what is left of the quota."""
    headers = {name: value for name, value in answer.headers.items() if name not in _OWN_HEADERS}
    return answer.status_code, _OWN.sub(b"-", answer.get_data()), headers


def rows(service: Service) -> dict[str, int]:
    """How many rows stand in each table of what answering writes."""
    with service.world.access_engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


@contextmanager
def statements(service: Service) -> Iterator[list[str]]:
    """Note every statement that SQLAlchemy sends to either database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        # A worker takes some of a quota at a time: at every third check of these, whoever is asked about.
        if "check_quota" not in statement:
            seen.append(statement)
        elif seen and seen[-1] == "BEGIN IMMEDIATE":
            seen.pop()

    engines = (service.context.truth, service.context.access)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def known(world_service: Service) -> Service:
    """A service that knows everyone, on each database."""
    world_service.load(everyone())
    return world_service


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_check_is_answered_in_the_same_bytes_statements_and_rows(known: Service, name: str) -> None:
    hidden, absent = QUESTIONS[name]
    told = []
    for question in (absent, hidden, absent, hidden):
        before = rows(known)
        with statements(known) as sent:
            answer = known.verify(**question)
        after = rows(known)
        told.append((bytes_of(answer), sent, {table: after[table] - before[table] for table in after}))
    # The first of all makes what is made once: a quota's row, compiled statements.
    first, second = told[2], told[3]
    for each, (one, other) in zip(
        ("answer", "statements", "rows"), zip(first, second, strict=True), strict=True
    ):
        assert one == other, each
    assert len(first[0][1]) == len(second[0][1])


def test_the_words_say_what_to_do_and_confirm_nothing(known: Service) -> None:
    reason = known.verify(personalIdentityNumber=ABSENT_NUMBER).get_json()["reasons"][0]
    assert "consent code" in reason["text"]["en"]
    assert "medgivandekod" in reason["text"]["sv"]
    assert "contact the authority" in reason["text"]["en"]


@pytest.mark.parametrize("path", ["/v1/practitioners/{}", "/v1/practitioners/{}/history"])
def test_an_id_is_answered_in_the_same_statements_and_rows(known: Service, path: str) -> None:
    ids = (known.public_id("hanna"), "n" * len(known.public_id("hanna")))
    told = []
    for one in (*ids, *ids):
        before = rows(known)
        with statements(known) as sent:
            answer = known.get(path.format(one) + "?purpose=recruitment")
        status, body, headers = bytes_of(answer)
        after = rows(known)
        told.append(
            (
                status,
                body.replace(one.encode(), b"id"),
                headers,
                len(sent),
                {k: after[k] - before[k] for k in after},
            )
        )
    assert told[3] == told[2]
    assert told[2][0] == 404


def test_switching_the_mark_on_hides_what_was_told_before_at_once(known: Service) -> None:
    """Before anything is published: the index still holds the person, and no answer tells of them."""
    first = known.ask(
        "POST",
        "/v1/verifications",
        json={"purpose": "recruitment", "personalIdentityNumber": ANNA_NUMBER},
        headers={"Idempotency-Key": '"k-1"'},
    )
    evidence, person = first.get_json()["links"]["self"], known.public_id("anna")
    known.world.load({**everyone(), "anna": msgspec.structs.replace(anna(), protected=True)})
    body = {"purpose": "recruitment", "personalIdentityNumber": ANNA_NUMBER}
    replayed = known.ask("POST", "/v1/verifications", json=body, headers={"Idempotency-Key": '"k-1"'})
    assert replayed.status_code == known.get(evidence).status_code == 404
    assert known.get(f"/v1/practitioners/{person}?purpose=recruitment").status_code == 404
    found = known.get("/v1/practitioners?q=Lindqvist&purpose=recruitment").get_json()
    assert person not in str(found)
    assert "Anna" not in str(found["items"])
    assert evidence.rpartition("/")[2] not in known.get("/v1/verifications?purpose=recruitment").get_data(
        as_text=True
    )
    again = known.ask("POST", f"{evidence}/reverification", json={"purpose": "recruitment"}).get_json()
    assert (again["outcome"], again["practitioner"]) == ("notFound", None)
    known.load(everyone())
    assert known.get(f"/v1/practitioners/{person}?purpose=recruitment").status_code == 200
    assert known.get(evidence).status_code == 200


def rank_z(first: list[float], second: list[float]) -> float:
    """Mann and Whitney's test: how many standard deviations the ranks of two samples lie apart, mostly below 2 by chance."""
    order = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum = sum(rank for rank, (_, which) in enumerate(order, start=1) if which == 0)
    n, m = len(first), len(second)
    deviation = (n * m * (n + m + 1) / 12) ** 0.5
    return float((rank_sum - n * (n + m + 1) / 2) / deviation)


def times(
    ask: Callable[[dict[str, str]], object], hidden: dict[str, str], absent: dict[str, str], count: int
) -> float:
    """Ask in turn, and in turn who is first, so that neither has the warmer machine; return how far the times lie apart."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(count):
        pair = ((0, hidden), (1, absent))
        for which, question in pair if turn % 2 else reversed(pair):
            begun = time.perf_counter()
            ask(question)
            taken[which].append(time.perf_counter() - begun)
    return rank_z(*taken)


def test_the_rank_test_tells_two_times_apart_and_finds_nothing_in_one() -> None:
    one = [float(n % 97) for n in range(400)]
    assert abs(rank_z(one, [value + 0.5 for value in reversed(one)])) < 2
    assert rank_z(one, [value + 20 for value in one]) < -6


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="asks thousands of questions; make soak")
@pytest.mark.parametrize("name", ["personal number", "licence number", "a past day", "name"])
def test_a_check_takes_the_same_time(make_sized: Callable[..., Service], name: str) -> None:
    """Repeated once where chance or a busy machine has pushed the times apart: a real difference shows twice."""
    hidden, absent = QUESTIONS[name]
    known = make_sized(
        REGISTRY_CHECKS__QUOTAS__CHECKS_PER_MINUTE="1000000",
        REGISTRY_CHECKS__QUOTAS__CHECKS_PER_DAY="1000000",
        REGISTRY_CHECKS__UNUSUAL__NOT_FOUND="0",
        REGISTRY_RATES__CALLER_PER_MINUTE="0",
        REGISTRY_RATES__ORGANISATION_PER_MINUTE="0",
    )
    known.load(everyone())
    client = known.app.test_client()
    bearer: dict[str, str] = {}

    def ask(question: dict[str, str]) -> None:
        answer = client.post(
            "/v1/verifications",
            json={"purpose": "recruitment", **question},
            headers=bearer,
        )
        assert answer.status_code == 200

    apart = []
    for pairs in (50, PAIRS, PAIRS):
        # A busy machine may need longer for them all than a token lasts.
        bearer["Authorization"] = f"Bearer {known.idp.token(scope='registry:verify')}"
        apart.append(abs(times(ask, hidden, absent, pairs)))
    del apart[0]  # the first of all makes what is made once
    assert min(apart) < 4, f"the times lie {apart} standard deviations apart"
