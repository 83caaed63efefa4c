"""Putting the service together."""

from collections.abc import Callable

import pytest
from flask import Blueprint, request

from registry.access.guard import public
from registry.errors import SettingsError
from registry.settings import load_settings
from registry.web import create_app
from registry.web.api import present
from tests.registry.web.service import Service
from tests.support.world import KEYS

FORWARDED = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


def _mirror(service: Service) -> dict[str, str]:
    stray = Blueprint("stray", __name__)
    public(stray, why="a test")
    stray.add_url_rule(
        "/mirror",
        "mirror",
        lambda: {"remote": request.remote_addr, "scheme": request.scheme, "host": request.host},
    )
    service.app.register_blueprint(stray)
    seen: dict[str, str] = service.ask("GET", "/mirror", scopes=None, headers=FORWARDED).get_json()
    return seen


def test_headers_of_proxies_are_ignored_unless_there_are_proxies(
    make_service: Callable[..., Service],
) -> None:
    assert _mirror(make_service()) == {"remote": "127.0.0.1", "scheme": "http", "host": "localhost"}


def test_headers_of_as_many_proxies_as_there_are_count(make_service: Callable[..., Service]) -> None:
    service = make_service(REGISTRY_WEB__TRUSTED_PROXIES="1")
    assert _mirror(service) == {"remote": "192.0.2.7", "scheme": "https", "host": "evil.example"}


def test_addresses_in_answers_are_the_services_own_whatever_a_request_says(full: Service) -> None:
    answer = full.ask("GET", "/v1/api-info", scopes=None, headers={"Host": "evil.example", **FORWARDED})
    assert "evil" not in answer.get_data(as_text=True)


def test_a_missing_key_stops_the_start() -> None:
    environ = {**KEYS, "REGISTRY_SERVICE__SANDBOX": "true", "REGISTRY_PRIVACY__SEALING_KEY": ""}
    with pytest.raises(SettingsError, match=r"privacy\.sealing_key"):
        create_app(load_settings(environ))


def test_without_an_issuer_the_api_lets_nobody_in(make_service: Callable[..., Service]) -> None:
    service = make_service(REGISTRY_TOKENS__ISSUER="")
    answer = service.get("/v1/feeds")
    assert answer.status_code == 401
    assert "tokens.issuer" in answer.get_json()["detail"]


def test_a_value_of_a_filter_that_nobody_named_is_shown_by_its_code(full: Service) -> None:
    shown = present.label("county", "01", {}, full.context.vocabulary)
    assert shown == {"code": "01", "name": {"sv": "01", "en": "01"}}


def test_a_head_request_is_logged_like_a_get_and_has_no_body(full: Service) -> None:
    before = len(full.events())
    answer = full.ask("HEAD", "/v1/practitioners?name=anna")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert len(full.events()) == before + 1
