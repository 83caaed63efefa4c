"""GET /v1/oversight/patterns: what a privacy officer reads, and what of it an auditor does; on each database."""

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.registry.access.harness import Idp
from tests.registry.web.people import everyone
from tests.registry.web.service import Service

SCOPE = "registry:oversight"
WHO = {"organisation", "issuer", "client", "caller"}


def ask(service: Service, role: str, query: str, scope: str = SCOPE) -> TestResponse:
    idp: Idp = service.idp
    token = idp.token(scope=scope, roles=[role])
    headers = {"Authorization": f"Bearer {token}"}
    url = f"/v1/oversight/patterns?{query}"
    # The document describes whole answers: what a role is not shown of one is missing in it.
    return (
        service.app.test_client().get(url, headers=headers)
        if role == "auditor"
        else service.get(url, headers=headers)
    )


def keys(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set()


@pytest.fixture
def used(sized: Service) -> Service:
    """Somebody has checked three people and was refused twice."""
    sized.load(everyone())
    for number in ("RN-100.1", "RN-100.1", "NOT-THERE"):
        assert sized.verify(licenceNumber=number).status_code == 200
    for _ in range(2):
        assert sized.ask("GET", "/v1/practitioners/x", scopes=("registry:search",)).status_code == 403
    sized.context.refusals.write()
    return sized


def days(service: Service) -> str:
    """Today and the day before, so that midnight changes nothing."""
    now = service.context.now()
    return f"from={(now - timedelta(days=1)).date()}&to={now.date()}"


def test_an_officer_reads_who_asked_and_who_was_refused_and_nobody_who_was_looked_up(used: Service) -> None:
    answer = ask(used, "privacy_officer", days(used))
    assert answer.status_code == 200
    told = answer.get_json()
    assert f"from={told['from']}&to={told['to']}" == days(used)
    assert told["events"] == 3
    (use,) = told["organisations"]
    assert (use["organisation"], use["events"], use["callers"]) == ("2120000142", 3, 1)
    assert use["purposes"] == [{"name": "recruitment", "count": 3}]
    assert sum(each["count"] for each in use["answers"]) == 3
    (attempt,) = told["attempts"]
    assert (told["refused"], attempt["refused"]) == (2, 2)
    assert (attempt["organisation"], attempt["client"]) == ("2120000142", "system-1")
    assert attempt["kinds"] == [{"name": "insufficient-scope", "count": 2}]
    assert (told["outliers"], told["refusedOutliers"], told["unusualChecks"]) == ([], [], [])
    text = answer.get_data(as_text=True)
    assert not any(secret in text for secret in ("RN-100", "Lindqvist", used.public_id("anna")))
    assert len(used.events()) == 3, "looking at counts is no event about anybody"


def test_an_auditor_reads_the_counts_and_not_whose_they_are(used: Service) -> None:
    told = ask(used, "auditor", days(used)).get_json()
    assert (told["events"], told["refused"], told["organisations"][0]["events"]) == (3, 2, 3)
    assert not keys(told) & WHO
    assert keys(ask(used, "privacy_officer", days(used)).get_json()) >= WHO - {"caller"}


@pytest.mark.parametrize("role", ["employer", "system", "staff", "registry_administrator", "unheard-of"])
def test_other_roles_read_none_of_it_whatever_their_scopes(full: Service, role: str) -> None:
    answer = ask(full, role, "from=2026-10-01")
    assert (answer.status_code, answer.get_json()["type"].rsplit("/")[-1]) == (403, "not-shown")


def test_it_takes_its_own_scope(full: Service) -> None:
    answer = ask(full, "privacy_officer", "from=2026-10-01", scope="registry:admin")
    assert answer.status_code == 403
    assert answer.get_json()["scope"] == SCOPE


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "from"),
        ("from=2026-13-01", "YYYY-MM-DD"),
        ("from=2026-10-02&to=2026-10-01", "first day first"),
        ("from=2026-01-01&to=2026-10-01", "from 1 to 92 days"),
        ("from=0001-01-01", "the year 2000"),
        ("from=9999-12-31", "the year 2000"),
        ("from=2026-10-01&day=3", "day"),
    ],
)
def test_days_that_can_not_be_answered_are_named(full: Service, query: str, told: str) -> None:
    answer = ask(full, "privacy_officer", query)
    assert answer.status_code == 400
    assert told in answer.get_data(as_text=True)


def test_more_events_than_are_counted_at_once_are_refused_with_what_to_do(make_service: Any) -> None:  # noqa: ANN401 - a fixture
    service = make_service(REGISTRY_CHECKS__OVERSIGHT__MAX_EVENTS="2")
    service.load(everyone())
    for _ in range(4):
        service.verify(licenceNumber="RN-100.1")
    answer = ask(service, "privacy_officer", days(service))
    assert (answer.status_code, answer.get_json()["type"].rsplit("/")[-1]) == (400, "too-many-events")
    assert "registry log patterns" in answer.get_json()["detail"]
