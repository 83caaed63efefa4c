"""Discovery documents: the real one of the provider, and wrong ones served in its place."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from registry.access import fetching
from registry.access.fetching import get_json
from registry.access.provider import Provider
from registry.errors import IdentityProviderUnavailableError
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import Environ, Idp, Switch, running, settings_for

Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def _answer(body: bytes, status: str = "200 OK") -> Wsgi:
    def app(_environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, [("Content-Type", "application/json")])
        return [body]

    return app


def _provider(idp: Idp, clock: Clock, *, allow_http: bool = True) -> Provider:
    return Provider(idp.issuer, settings_for(idp, "sqlite://").tokens, allow_http=allow_http, clock=clock)


def test_the_document_tells_the_endpoints_and_is_kept_for_a_while(idp: Idp, clock: Clock) -> None:
    provider = _provider(idp, clock)
    assert provider.metadata().token_endpoint == f"{idp.issuer}/token"
    provider.metadata()
    assert idp.switch.asked["/.well-known/openid-configuration"] == 1
    clock.pass_(300)
    provider.metadata()
    assert idp.switch.asked["/.well-known/openid-configuration"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": 7},
        {"issuer": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_document_that_does_not_fit_is_not_used(change: dict[str, Any], idp: Idp, clock: Clock) -> None:
    document = {"issuer": idp.issuer, "jwks_uri": f"{idp.issuer}/jwks", **change}
    idp.switch.app = _answer(json.dumps(document).encode())
    with pytest.raises(IdentityProviderUnavailableError):
        _provider(idp, clock).metadata()


def test_plain_http_is_for_the_sandbox_only(idp: Idp, clock: Clock) -> None:
    with pytest.raises(IdentityProviderUnavailableError):
        _provider(idp, clock, allow_http=False).metadata()


def test_a_document_without_keys_gives_no_key(idp: Idp, clock: Clock) -> None:
    idp.switch.app = _answer(json.dumps({"issuer": idp.issuer}).encode())
    with pytest.raises(IdentityProviderUnavailableError):
        _provider(idp, clock).keys.find("one", "RS256")


def test_keys_are_read_where_the_settings_say(idp: Idp, clock: Clock) -> None:
    provider = Provider(
        "https://issuer.example",
        settings_for(idp, "sqlite://").tokens,
        jwks_uri=f"{idp.issuer}/jwks",
        allow_http=True,
        clock=clock,
    )
    assert provider.keys.find(str(idp.keys.current.kid), "RS256") is not None
    assert list(idp.switch.asked) == ["/jwks"]


@pytest.mark.parametrize(
    "app",
    [
        _answer(b"{}", "404 Not Found"),
        _answer(b"{}", "302 Found"),
        _answer(b"not json"),
        _answer(b"[1]"),
        _answer(b"[" * 100_000),
        _answer(b" " * (fetching.MAX_DOCUMENT_BYTES + 1)),
    ],
)
def test_an_answer_that_is_no_document_is_an_unavailable_provider(app: Wsgi) -> None:
    switch = Switch()
    switch.app = app
    with running(switch) as url, pytest.raises(IdentityProviderUnavailableError) as refused:
        get_json(url, timeout_s=5)
    assert url not in refused.value.detail


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[", "unknown://x", "http://name.invalid/"])
def test_an_address_that_leads_nowhere_is_an_unavailable_provider(url: str) -> None:
    with pytest.raises(IdentityProviderUnavailableError):
        get_json(url, timeout_s=1)


def test_a_provider_that_drips_its_answer_does_not_hold_a_worker() -> None:
    stop = threading.Event()

    def app(_environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        for _ in range(2000):
            yield b" "
            if stop.wait(0.01):
                return

    switch = Switch()
    switch.app = app
    with running(switch) as url:
        with pytest.raises(IdentityProviderUnavailableError):
            get_json(url, timeout_s=0.2)
        stop.set()
