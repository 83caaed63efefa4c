"""How we prove who we are at a provider's token endpoint."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registry.access.client_proof import client_proof
from registry.errors import SettingsError
from registry.sandbox.config import SandboxClient
from tests.registry.access.harness import (
    LOGIN_SCOPES,
    Switch,
    make_app,
    running,
    running_idp,
    settings_for,
    sign_in,
)

PRIVATE_KEYS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: RSAKey.generate_key(2048),
    "P-256": lambda: ECKey.generate_key("P-256"),
}


@pytest.mark.parametrize("kind", PRIVATE_KEYS)
def test_a_client_with_a_private_key_logs_people_in(kind: str, database: str, tmp_path: Path) -> None:
    key = PRIVATE_KEYS[kind]()
    pem = tmp_path / "client.pem"
    pem.write_bytes(key.as_pem(private=True))
    switch = Switch()
    with running(switch) as url, httpx.Client(follow_redirects=True) as browser:
        client = SandboxClient(
            "registry",
            public_key=key.as_pem(private=False).decode(),
            redirect_uris=(f"{url}/login/callback",),
            scopes=LOGIN_SCOPES,
        )
        with running_idp(url, clients=(client,)) as idp:
            key_settings = {"REGISTRY_LOGIN__CLIENT_SECRET": "", "REGISTRY_LOGIN__PRIVATE_KEY_FILE": str(pem)}
            app = make_app(settings_for(idp, database, REGISTRY_SERVICE__BASE_URL=url, **key_settings))
            switch.app = app.flask.wsgi_app
            assert sign_in(browser, f"{url}/pages/who", "nurse-1").json()["subject"] == "nurse-1"
            app.engine.dispose()


@pytest.mark.parametrize(
    ("secret", "content", "message"),
    [
        ("", None, "exactly one"),
        ("s", b"", "exactly one"),
        ("", b"no key", "can't be read"),
        ("", RSAKey.generate_key(2048).as_pem(private=False), "can't be read"),
        ("", ECKey.generate_key("P-521").as_pem(private=True), "curve"),
        ("", OKPKey.generate_key("X25519").as_pem(private=True), "kind"),
        ("", "missing", "can't be read"),
    ],
)
def test_a_proof_that_cannot_be_given_stops_the_start(
    secret: str, content: bytes | str | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "client.pem"
    if isinstance(content, bytes):
        path.write_bytes(content)
    name = "" if content is None else str(path)
    settings = settings_for(
        None, "sqlite://", REGISTRY_LOGIN__CLIENT_SECRET=secret, REGISTRY_LOGIN__PRIVATE_KEY_FILE=name
    )
    with pytest.raises(SettingsError, match=message):
        client_proof(settings.login)


def test_an_ed25519_key_signs_with_its_own_algorithm(tmp_path: Path) -> None:
    key = OKPKey.generate_key("Ed25519")
    path = tmp_path / "client.pem"
    path.write_bytes(key.as_pem(private=True))
    settings = settings_for(
        None, "sqlite://", REGISTRY_LOGIN__CLIENT_SECRET="", REGISTRY_LOGIN__PRIVATE_KEY_FILE=str(path)
    )
    _, body = client_proof(settings.login)("https://idp.example/token", {}, "grant_type=authorization_code")
    form = parse_qs(body)
    assert form["grant_type"] == ["authorization_code"]
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert len(form["client_assertion"][0].split(".")) == 3


def test_a_secret_with_odd_characters_is_encoded_before_it_is_joined() -> None:
    settings = settings_for(
        None,
        "sqlite://",
        REGISTRY_LOGIN__CLIENT_SECRET="a:b%å",
        REGISTRY_LOGIN__CLIENT_ID="https://r.example",
    )
    headers, _ = client_proof(settings.login)("https://idp.example/token", {}, "")
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "https%3A%2F%2Fr.example:a%3Ab%25%C3%A5"
