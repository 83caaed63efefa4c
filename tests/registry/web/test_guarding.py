"""Nobody gets where nobody said who may."""

import pytest
from flask import Blueprint

from registry.access.guard import admissions, unprotected_rules
from tests.registry.web.service import EVERY_SCOPE, Service


def test_every_route_says_who_may_call_it(full: Service) -> None:
    assert unprotected_rules(full.app) == []


def test_what_is_open_to_everyone_is_known_and_reasoned(full: Service) -> None:
    opened = {name: a.why for name, a in admissions(full.app).items() if a and a.kind == "public"}
    programs = {name for name in opened if name.partition(".")[0] not in {"pages_public", "assets", "login"}}
    assert programs == {
        "about.api_info",
        "health.livez",
        "health.readyz",
        "metrics.metrics",
        "openapi.document",
        "problems.list_problems",
        "problems.show_problem",
    }
    assert all(opened.values())


def test_a_route_that_nobody_declared_is_found_and_refused(service: Service) -> None:
    stray = Blueprint("stray", __name__)
    stray.add_url_rule("/v1/stray", "leak", lambda: "everything")
    service.app.register_blueprint(stray)
    assert unprotected_rules(service.app) == [
        "GET /v1/stray → stray.leak",
        "HEAD /v1/stray → stray.leak",
    ]
    answer = service.get("/v1/stray")
    assert answer.status_code == 403
    assert "everything" not in answer.get_data(as_text=True)


OPERATIONS = [
    ("GET", "/v1/practitioners?name=anna", "registry:search"),
    ("GET", "/v1/practitioners/nobody", "registry:read"),
    ("GET", "/v1/practitioners/nobody/history", "registry:read"),
    ("GET", "/v1/feed-runs", "registry:admin"),
    ("GET", "/v1/feed-runs/1", "registry:admin"),
    ("GET", "/v1/feed-runs/1/errors", "registry:admin"),
    ("POST", "/v1/verifications", "registry:verify"),
]


@pytest.mark.parametrize(("method", "url", "scope"), OPERATIONS)
def test_an_operation_needs_its_scope_and_says_so(full: Service, method: str, url: str, scope: str) -> None:
    others = tuple(one for one in EVERY_SCOPE if one != scope)
    answer = full.ask(method, url, scopes=others)
    assert answer.status_code == 403
    assert answer.get_json()["scope"] == scope
    assert f'error="insufficient_scope", scope="{scope}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "url"), [*((m, u) for m, u, _ in OPERATIONS), ("GET", "/v1/feeds")])
def test_an_operation_needs_a_token(full: Service, method: str, url: str) -> None:
    answer = full.ask(method, url, scopes=None)
    assert answer.status_code == 401
    assert answer.get_json()["type"].endswith("/problems/unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="registry"'


@pytest.mark.parametrize("changes", [{"aud": "urn:other"}, {"exp": 1}, {"iss": "https://other.example"}])
def test_a_token_for_another_service_is_refused(full: Service, changes: dict[str, object]) -> None:
    token = full.idp.token(scope="registry:search", **changes)
    answer = full.get("/v1/practitioners", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_body_is_not_even_read_without_a_scope(full: Service) -> None:
    answer = full.ask("POST", "/v1/verifications", scopes=(), data=b"not json", content_type="text/plain")
    assert answer.status_code == 403


def test_any_valid_token_lists_the_feeds(full: Service) -> None:
    assert full.ask("GET", "/v1/feeds", scopes=()).status_code == 200
