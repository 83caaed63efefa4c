"""The development identity provider keeps the rules of the protocol, so that what works with it works elsewhere."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.serving import BaseWSGIServer

from registry.errors import SettingsError
from registry.sandbox.config import (
    NUMBER_CLAIM,
    NUMBER_SCOPE,
    ORGANISATION_CLAIM,
    ORGANISATION_NAME_CLAIM,
    ProviderConfig,
    SandboxClient,
)
from registry.sandbox.issued import Code, Issued
from registry.sandbox.provider import create_provider, provider_server, serve
from registry.sandbox.signing import SigningKeys
from registry.settings import Service
from tests.registry.access.harness import (
    AUDIENCE,
    EMPLOYER,
    LOGIN_SCOPES,
    NURSE,
    NURSE_NUMBER,
    Idp,
    running_idp,
)

BASE = "http://127.0.0.1:1"
CALLBACK = f"{BASE}/login/callback"
VERIFIER = "v" * 43
CHALLENGE: str = create_s256_code_challenge(VERIFIER)  # type: ignore[no-untyped-call]
SANDBOX = Service(sandbox=True, base_url=BASE, time_zone="Europe/Stockholm", default_language="sv")


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with running_idp(BASE) as idp:
        yield idp


def _authorize(idp: Idp, **changes: str | None) -> str:
    query = {
        "response_type": "code",
        "client_id": "registry",
        "redirect_uri": CALLBACK,
        "scope": " ".join(LOGIN_SCOPES),
        "state": "s-1",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    known = {name: value for name, value in query.items() if value is not None}
    return f"{idp.issuer}/authorize?{httpx.QueryParams(known)}"


def _code(idp: Idp, subject: str = "nurse-1", **changes: str | None) -> str:
    answer = httpx.post(_authorize(idp, **changes), data={"login": subject})
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def _redeem(idp: Idp, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    client = idp.client("registry")
    auth = (client.client_id, client.secret.reveal())
    return httpx.post(f"{idp.issuer}/token", data=form | changes, auth=auth)


def _read(idp: Idp, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    published = httpx.get(f"{idp.issuer}/jwks").json()
    read = jwt.decode(token, KeySet.import_key_set(published), ["RS256"])
    return read.header, read.claims


def test_discovery_names_every_endpoint_and_what_is_supported(idp: Idp) -> None:
    document = httpx.get(f"{idp.issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == idp.issuer
    for name in ("authorization", "token", "userinfo", "end_session"):
        assert document[f"{name}_endpoint"].startswith(f"{idp.issuer}/")
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]


def test_only_public_signing_keys_are_published(idp: Idp) -> None:
    (key,) = httpx.get(f"{idp.issuer}/jwks").json()["keys"]
    assert set(key) == {"kty", "n", "e", "use", "alg", "kid"}
    assert (key["use"], key["alg"]) == ("sig", "RS256")


def test_the_login_page_offers_everyone_and_says_what_it_is(idp: Idp) -> None:
    page = httpx.get(_authorize(idp))
    assert page.status_code == 200
    for text in (
        "Development identity provider — not for real use",
        "Ebba Exempel",
        "Nils Påhitt",
        "Exempelkommunen",
    ):
        assert text in page.text
    assert NURSE_NUMBER not in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "not for real use" in httpx.get(f"{idp.issuer}/").text


def test_a_code_gives_an_id_token_with_the_swedish_claims(idp: Idp) -> None:
    answer = _redeem(idp, _code(idp))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    header, claims = _read(idp, answer.json()["id_token"])
    assert header["typ"] == "JWT"
    assert header["kid"] == idp.keys.current.kid
    assert (claims["iss"], claims["aud"], claims["azp"]) == (idp.issuer, "registry", "registry")
    assert (claims["sub"], claims["nonce"], claims["name"]) == ("nurse-1", "n-1", NURSE.name)
    assert claims[NUMBER_CLAIM] == NURSE_NUMBER
    assert claims["roles"] == ["staff"]
    assert 0 < claims["exp"] - claims["iat"] <= 300


def test_an_organisation_is_told_with_its_name(idp: Idp) -> None:
    _, claims = _read(idp, _redeem(idp, _code(idp, "employer-1")).json()["id_token"])
    assert claims[ORGANISATION_CLAIM] == EMPLOYER.organisation
    assert claims[ORGANISATION_NAME_CLAIM] == "Exempelkommunen"
    assert NUMBER_CLAIM not in claims


def test_a_number_is_told_only_to_those_who_ask_for_it(idp: Idp) -> None:
    token = _redeem(idp, _code(idp, scope="openid")).json()
    _, claims = _read(idp, token["id_token"])
    assert NUMBER_CLAIM not in claims
    assert "name" not in claims


def test_userinfo_tells_the_same_to_the_bearer_of_the_access_token(idp: Idp) -> None:
    tokens = _redeem(idp, _code(idp)).json()
    url = f"{idp.issuer}/userinfo"
    told = httpx.get(url, headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()
    assert (told["sub"], told[NUMBER_CLAIM]) == ("nurse-1", NURSE_NUMBER)
    for header in ("", "Bearer x", f"Basic {tokens['access_token']}", f"Bearer {tokens['id_token']}"):
        assert httpx.get(url, headers={"Authorization": header}).status_code == 401


def test_state_and_issuer_come_back_with_the_code(idp: Idp) -> None:
    answer = httpx.post(_authorize(idp, state="å&=x"), data={"login": "nurse-1"})
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["å&=x"]
    assert query["iss"] == [idp.issuer]


def test_choosing_nobody_is_a_refusal(idp: Idp) -> None:
    for data in ({"login": ""}, {"login": "stranger"}, {}):
        answer = httpx.post(_authorize(idp), data=data)
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["error"] == ["access_denied"]
        assert query["state"] == ["s-1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
        {"nonce": None},
        {"prompt": "none"},
    ],
)
def test_a_login_without_its_safeguards_is_refused(changes: dict[str, str | None], idp: Idp) -> None:
    answer = httpx.get(_authorize(idp, **changes))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{CALLBACK}?error=")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://attacker.example/"},
        {"redirect_uri": f"{CALLBACK}/x"},
        {"redirect_uri": None},
        {"client_id": "stranger"},
        {"client_id": None},
        {"client_id": "system-1"},
    ],
)
def test_nobody_is_sent_where_no_client_is(changes: dict[str, str | None], idp: Idp) -> None:
    answer = httpx.get(_authorize(idp, **changes))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_an_implicit_login_is_refused(idp: Idp) -> None:
    answer = httpx.get(_authorize(idp, response_type="token"))
    assert "error=unsupported_response_type" in answer.headers["Location"]


def test_a_code_is_good_for_one_use(idp: Idp) -> None:
    code = _code(idp)
    assert _redeem(idp, code).status_code == 200
    again = _redeem(idp, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": f"{BASE}/other"}, {"code": "x"}],
)
def test_a_code_is_bound_to_its_verifier_and_address(changes: dict[str, str], idp: Idp) -> None:
    code = _code(idp)
    assert _redeem(idp, **({"code": code} | changes)).status_code == 400
    if "code" not in changes:
        assert _redeem(idp, code).status_code == 400, "a failed use spends it"


def test_a_code_is_good_for_a_minute_and_for_its_client_only() -> None:
    issued = Issued()
    code = Code("c", "registry", CALLBACK, "openid", "n", CHALLENGE, "S256", NURSE, int(time.time()))
    issued.add_code(code)
    assert issued.take_code("c", "other") is None
    issued.add_code(replace(code, issued_at=int(time.time()) - 61))
    assert issued.take_code("c", "registry") is None
    issued.add_code(code)
    assert issued.take_code("c", "registry") == code


def test_client_credentials_give_an_access_token_as_rfc_9068_says(idp: Idp) -> None:
    answer = idp.ask_token(idp.client("system-1"))
    assert answer.json()["token_type"] == "Bearer"
    header, claims = _read(idp, answer.json()["access_token"])
    assert (header["typ"], header["kid"]) == ("at+jwt", idp.keys.current.kid)
    assert (claims["iss"], claims["aud"]) == (idp.issuer, AUDIENCE)
    assert (claims["sub"], claims["client_id"]) == ("system-1", "system-1")
    assert claims["scope"] == "registry:search registry:verify"
    assert claims[ORGANISATION_CLAIM] == "2120000142"
    assert claims["roles"] == ["system"]
    assert claims["exp"] - claims["iat"] == 3600
    other = _read(idp, idp.ask_token(idp.client("system-1")).json()["access_token"])[1]
    assert claims["jti"] != other["jti"]


def test_a_client_gets_no_scope_it_does_not_have(idp: Idp) -> None:
    answer = idp.ask_token(idp.client("system-1"), "registry:search registry:admin")
    assert answer.json()["scope"] == "registry:search"


def test_a_wrong_secret_gives_nothing(idp: Idp) -> None:
    client = replace(idp.client("system-1"), secret=idp.client("registry").secret)
    answer = idp.ask_token(client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert idp.ask_token(replace(client, client_id="stranger")).status_code == 401


def test_a_login_client_gets_no_token_of_its_own(idp: Idp) -> None:
    answer = idp.ask_token(idp.client("registry"))
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_unknown_grants_are_refused(idp: Idp) -> None:
    answer = httpx.post(f"{idp.issuer}/token", data={"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_a_logout_leads_back_to_registered_addresses_only(idp: Idp) -> None:
    def end(**query: str) -> httpx.Response:
        return httpx.get(f"{idp.issuer}/end-session", params=query)

    home = f"{BASE}/"
    assert end(client_id="registry", post_logout_redirect_uri=home).headers["Location"] == home
    with_state = end(client_id="registry", post_logout_redirect_uri=home, state="a b")
    assert with_state.headers["Location"] == f"{home}?state=a+b"
    for query in (
        {},
        {"client_id": "registry"},
        {"client_id": "registry", "post_logout_redirect_uri": "https://attacker.example/"},
        {"client_id": "stranger", "post_logout_redirect_uri": home},
    ):
        answer = end(**query)
        assert answer.status_code == 200
        assert "You are logged out" in answer.text


def test_secrets_are_made_at_random_and_not_shown() -> None:
    one, other = SandboxClient("a"), SandboxClient("a")
    assert one.secret.reveal() != other.secret.reveal()
    assert len(one.secret.reveal()) >= 32
    assert one.secret.reveal() not in repr(one)
    assert NURSE_NUMBER not in repr(NURSE)


@pytest.mark.parametrize(
    ("issuer", "sandbox"),
    [
        ("http://127.0.0.1:9000", False),
        ("https://idp.example", True),
        ("http://192.0.2.7:9000", True),
        ("http://0.0.0.0:9000", True),
        ("http://localhost.attacker.example", True),
        ("nonsense", True),
    ],
)
def test_it_does_not_start_outside_a_sandbox_on_this_machine(issuer: str, sandbox: bool) -> None:
    config = ProviderConfig(issuer, AUDIENCE, (NURSE,), ())
    service = Service(sandbox=sandbox, base_url=BASE, time_zone="Europe/Stockholm", default_language="sv")
    with pytest.raises(SettingsError, match=r"login\.issuer|this machine"):
        create_provider(config, service)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_it_starts_on_this_machine(host: str) -> None:
    provider = create_provider(ProviderConfig(f"http://{host}:9000", AUDIENCE, (NURSE,), ()), SANDBOX)
    client = provider.test_client()
    document = client.get("/.well-known/openid-configuration").json
    assert document is not None
    assert document["issuer"] == f"http://{host}:9000"
    assert NUMBER_SCOPE in document["scopes_supported"]


def test_it_serves_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = create_provider(ProviderConfig("http://127.0.0.1:9000", AUDIENCE, (NURSE,), ()), SANDBOX)
    begun = threading.Event()
    servers: list[BaseWSGIServer] = []

    def remembered(app: Flask, host: str, port: int) -> BaseWSGIServer:
        servers.append(provider_server(app, host, port))
        begun.set()
        return servers[0]

    monkeypatch.setattr("registry.sandbox.provider.provider_server", remembered)
    thread = threading.Thread(target=serve, args=(provider, "127.0.0.1", 0))
    thread.start()
    assert begun.wait(20)
    assert httpx.get(f"http://127.0.0.1:{servers[0].server_port}/jwks").status_code == 200
    servers[0].shutdown()
    thread.join(20)
    assert not thread.is_alive()


def test_keys_rotate_and_old_ones_are_withdrawn_on_call() -> None:
    keys = SigningKeys()
    first = str(keys.current.kid)
    with pytest.raises(ValueError, match="no longer signs"):
        keys.withdraw(first)
    second = keys.rotate()
    assert [key["kid"] for key in keys.published()["keys"]] == [first, second]
    keys.withdraw(first)
    assert [key["kid"] for key in keys.published()["keys"]] == [second]
    with pytest.raises(ValueError, match="no longer signs"):
        keys.withdraw("unknown")
