"""/v1/verifications/{id}, the list, asking again, Idempotency-Key, quotas and purposes over HTTP, on each database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from registry.checks.tables import check_evidence
from registry.records import tables as t
from tests.registry.web.people import ANNA_NUMBER, HIDDEN_NUMBER, everyone
from tests.registry.web.service import Service

ORGANISATION = "https://id.oidc.se/claim/orgNumber"
_BODY = {"licenceNumber": "RN-100.1", "purpose": "recruitment", "reference": "case 1"}


def _ask(
    service: Service,
    method: str,
    url: str,
    *,
    organisation: str = "2120000142",
    **rest: Any,  # noqa: ANN401 - as werkzeug takes it
) -> TestResponse:
    """Ask for an organisation."""
    scope = rest.pop("scope", "registry:verify registry:search registry:read")
    token = service.idp.token(scope=scope, **{ORGANISATION: organisation})
    headers = {"Authorization": f"Bearer {token}", **rest.pop("headers", {})}
    return service.ask(method, url, headers=headers, **rest)


def _verify(service: Service, body: dict[str, str] | None = None, key: str = "", **rest: Any) -> TestResponse:  # noqa: ANN401 - see above
    headers = {"Idempotency-Key": key} if key else {}
    return _ask(service, "POST", "/v1/verifications", json=body or _BODY, headers=headers, **rest)


@pytest.fixture
def known(world_service: Service) -> Service:
    """A service that knows everyone, on each database."""
    world_service.world.load(everyone())
    return world_service


def test_evidence_is_fetched_byte_for_byte(known: Service) -> None:
    first = _verify(known)
    body = first.get_json()
    fetched = _ask(known, "GET", body["links"]["self"])
    assert fetched.get_data() == first.get_data()
    assert (fetched.status_code, fetched.headers["Cache-Control"]) == (200, "no-store")
    event = known.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("evidence", "recruitment", "found")


def test_everything_that_may_not_be_shown_is_one_and_the_same_answer(known: Service) -> None:
    mine = _verify(known).get_json()["links"]["self"]
    answers = [
        _ask(known, "GET", mine, organisation="5560000000"),
        _ask(known, "GET", "/v1/verifications/ver_" + "a" * 22),
        _ask(known, "GET", "/v1/verifications/nonsense"),
    ]
    with known.world.engine.begin() as connection:
        connection.execute(t.practitioner.update().values(protected=True))
    answers.append(_ask(known, "GET", mine))
    bodies = [{**answer.get_json(), "instance": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert all(body == bodies[0] for body in bodies)


def test_asking_again_names_the_first_and_what_differs(known: Service) -> None:
    first = _verify(known).get_json()
    with known.world.engine.begin() as connection:
        suspended = t.licence.update().where(t.licence.c.number == "RN-100.1").values(status="suspended")
        connection.execute(suspended)
    again = _ask(known, "POST", f"{first['links']['self']}/reverification", json={"reference": "later"})
    body = again.get_json()
    assert body["previous"] == {"id": first["id"], "verdict": "yes", "checkedAt": first["checkedAt"]}
    assert {"field": "verdict", "before": "yes", "after": "no"}.items() <= body["changes"][0].items()
    assert "licence.status" in [change["field"] for change in body["changes"]]
    assert (body["reference"], body["purpose"]) == ("later", "recruitment")
    assert _ask(known, "GET", body["links"]["self"]).get_data() == again.get_data()


def test_the_list_names_nobody_and_pages(known: Service) -> None:
    ids = [_verify(known, {**_BODY, "reference": f"case {place % 2}"}).get_json()["id"] for place in range(3)]
    _verify(known, organisation="5560000000")
    page = _ask(known, "GET", "/v1/verifications?limit=2").get_json()
    assert [item["id"] for item in page["items"]] == [ids[2], ids[1]]
    assert "Lindqvist" not in str(page)
    rest = _ask(known, "GET", page["links"]["next"]).get_json()
    assert ([item["id"] for item in rest["items"]], rest["links"]["next"]) == ([ids[0]], None)
    one = _ask(known, "GET", "/v1/verifications?reference=case+1").get_json()
    assert [item["id"] for item in one["items"]] == [ids[1]]
    assert _ask(known, "GET", "/v1/verifications?until=2020-01-01").get_json()["items"] == []


@pytest.mark.parametrize(
    "query",
    ["limit=101", "page=0", "page=500", "since=soon", "purpose=curiosity", "offset=1"],
)
def test_a_wrong_list_query_is_told(full: Service, query: str) -> None:
    answer = _ask(full, "GET", f"/v1/verifications?{query}")
    assert (answer.status_code, answer.get_json()["errors"][0]["parameter"]) == (400, query.partition("=")[0])


def test_the_same_key_gets_the_same_bytes_and_asks_once(known: Service) -> None:
    first, again = _verify(known, key='"k-1"'), _verify(known, key="k-1")
    assert first.get_data() == again.get_data()
    with known.world.access_engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(check_evidence)) == 1
    assert [event.action for event in known.events()] == ["verify", "evidence"]


def test_the_same_key_with_another_body_is_refused(known: Service) -> None:
    _verify(known, key="k-1")
    other = _verify(known, {**_BODY, "licenceNumber": "RN-2"}, key="k-1")
    assert (other.status_code, other.get_json()["type"].rpartition("/")[2]) == (422, "idempotency-key-reused")
    assert _verify(known, {**_BODY, "licenceNumber": "RN-2"}, key="k-1", organisation="5").status_code == 200


def test_a_key_that_is_none_is_refused(full: Service) -> None:
    assert _verify(full, key="with space").status_code == 400


def test_the_same_key_at_the_same_time_gives_one_answer_or_says_wait(known: Service) -> None:
    _ = known.app, known.contract
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: _verify(known, key="at-once"), range(12)))
    given = {answer.get_data() for answer in answers if answer.status_code == 200}
    waiting = [answer for answer in answers if answer.status_code != 200]
    assert len(given) == 1
    for answer in waiting:
        assert answer.status_code == 409
        assert int(answer.headers["Retry-After"]) >= 1
    with known.world.access_engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(check_evidence)) == 1


def test_a_replay_about_someone_who_is_protected_now_is_not_found(known: Service) -> None:
    _verify(known, key="k-1")
    with known.world.engine.begin() as connection:
        connection.execute(t.practitioner.update().values(protected=True))
    assert _verify(known, key="k-1").status_code == 404


def test_asking_again_can_be_sent_twice(known: Service) -> None:
    path = _verify(known).get_json()["links"]["self"] + "/reverification"
    headers = {"Idempotency-Key": "again"}
    first, second = (_ask(known, "POST", path, json={}, headers=headers) for _ in range(2))
    assert first.get_data() == second.get_data()


def test_a_quota_is_told_and_refuses_clearly(make_service: Callable[..., Service]) -> None:
    service = make_service(REGISTRY_CHECKS__QUOTAS__CHECKS_PER_MINUTE="2")
    service.load(everyone())
    answers = [_verify(service) for _ in range(4)]
    assert {answer.status_code for answer in answers[:2]} == {200}
    policy, left = answers[0].headers["RateLimit-Policy"], answers[0].headers["RateLimit"]
    assert policy == '"checks-per-minute";q=2;w=60, "checks-per-day";q=20000;w=86400'
    assert left.startswith('"checks-per-minute";r=1;t=')
    refused = answers[3]
    problem = refused.get_json()
    assert (refused.status_code, problem["quota"], problem["limit"], problem["remaining"]) == (
        429,
        "checks-per-minute",
        2,
        0,
    )
    assert refused.headers["Retry-After"] == str(problem["retryAfter"])
    assert _verify(service, organisation="5560000000").status_code == 200
    assert _ask(service, "GET", answers[0].get_json()["links"]["self"]).status_code == 200


def test_a_purpose_for_oneself_or_another_role_is_refused(make_service: Callable[..., Service]) -> None:
    service = make_service()
    service.load(everyone())
    answer = _verify(service, {**_BODY, "purpose": "own-record"})
    assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (403, "purpose-not-allowed")
    for path in ("/v1/verifications?purpose=own-record", "/v1/practitioners?name=anna&purpose=own-record"):
        assert _ask(service, "GET", path).status_code == 403


def test_a_moment_of_knowledge_is_asked_with_its_offset(full: Service) -> None:
    now = full.context.now().strftime("%Y-%m-%dT%H:%M:%S")
    asked = {**_BODY, "knownAt": f"{now}Z"}
    answer = _verify(full, asked)
    assert (answer.status_code, answer.get_json()["knownAt"]) == (200, f"{now}Z")
    licence = answer.get_json()["licences"]
    assert [one["provenance"]["feed"] for one in licence] in ([], ["test"])
    for wrong in (now, f"{now}+25:00", "2026-03-01", "2199-01-01T00:00:00Z"):
        assert _verify(full, {**_BODY, "knownAt": wrong}).status_code == 422


def test_provenance_says_who_told_and_when(full: Service) -> None:
    (licence,) = _verify(full).get_json()["licences"]
    known = licence["provenance"]
    assert (known["feed"], known["knownTo"]) == ("test", None)
    assert known["run"] >= 1
    assert known["knownSince"] == known["learntAt"] == licence["knownSince"]


def test_a_protected_person_is_kept_and_listed_like_nobody(full: Service) -> None:
    for body in (
        {"personalIdentityNumber": HIDDEN_NUMBER, "purpose": "employment", "reference": "p"},
        {"licenceNumber": "no-such", "purpose": "employment", "reference": "p"},
    ):
        _verify(full, body, organisation="77")
    hidden, nobody = _ask(full, "GET", "/v1/verifications?reference=p", organisation="77").get_json()["items"]
    differing = {name for name in hidden if hidden[name] != nobody[name]}
    assert differing <= {"id", "links", "checkedAt"}
    assert {
        _ask(full, "GET", one["links"]["self"], organisation="77").status_code for one in (hidden, nobody)
    } == {200}


def test_no_number_is_kept_plain(full: Service) -> None:
    _verify(full, {"personalIdentityNumber": ANNA_NUMBER, "purpose": "employment", "reference": ANNA_NUMBER})
    page = _ask(full, "GET", "/v1/verifications")
    assert ANNA_NUMBER not in page.get_data(as_text=True)
    assert page.get_json()["items"][0]["reference"] == "[personal number]"
    found = _ask(full, "GET", page.get_json()["items"][0]["links"]["self"]).get_json()
    assert found["reference"] == ANNA_NUMBER, "the caller's own words come back as they were"


def test_purposes_are_listed_with_their_ground_and_who_may_state_them(full: Service) -> None:
    items = {one["code"]: one for one in _ask(full, "GET", "/v1/purposes", scope="").get_json()["items"]}
    assert list(items) == list(full.world.settings.access.purposes)
    assert (items["recruitment"]["mayState"], items["own-record"]["mayState"]) == (True, False)
    assert "2010:659" in items["employment"]["ground"]["sv"]
