"""The Keycloak of the tests: two issuers, nothing secret in its realm files, and loud when it is missing."""

import json
from pathlib import Path

import httpx
import pytest

from tests.services import keycloak_files
from tests.services.keycloak import Keycloak, KeycloakServer
from tests.services.missing import ServiceMissingError


@pytest.mark.parametrize("realm", keycloak_files.REALMS)
def test_each_realm_is_an_issuer_of_its_own(realm: str, keycloak: Keycloak) -> None:
    told = httpx.get(f"{keycloak.issuer(realm)}/.well-known/openid-configuration").json()
    assert told["issuer"] == keycloak.issuer(realm)
    over_tls = httpx.post(keycloak.tls_token_endpoint(realm), verify=keycloak.tls(with_certificate=False))
    assert over_tls.json()["error"] in {"invalid_request", "invalid_client"}


def test_a_client_is_changed_for_a_test_and_changed_back(keycloak: Keycloak) -> None:
    url = "http://127.0.0.1:1/logout/back-channel"

    def found() -> str:
        with keycloak.admin("staff") as admin:
            (client,) = admin.get("/clients", params={"clientId": "registry"}).json()
        return str(client["attributes"].get("backchannel.logout.url", ""))

    before = found()
    with keycloak.changed_client("staff", "registry", attributes={"backchannel.logout.url": url}):
        assert found() == url
    assert found() == before


@pytest.mark.parametrize("realm", keycloak_files.REALMS)
def test_a_realm_file_holds_no_secret_and_each_run_makes_its_own(realm: str, tmp_path: Path) -> None:
    kept = json.loads((Path(keycloak_files.__file__).parent / "realms" / f"{realm}.json").read_text("utf-8"))
    assert not any("secret" in client or "jwks.string" in client["attributes"] for client in kept["clients"])
    assert not any("credentials" in user for user in kept["users"])
    one, other = (keycloak_files.write_realm(realm, tmp_path) for _ in range(2))
    assert one.client_secrets.keys() == {"system-1", "system-dpop", "system-certificate"}
    assert one.private_keys.keys() == {"registry"}
    assert one.passwords.keys() == {user["username"] for user in kept["users"]}
    assert one != other
    assert (tmp_path / f"{realm}-realm.json").stat().st_mode & 0o077 == 0


def test_without_its_files_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_SERVICES_DIR", str(tmp_path))
    with pytest.raises(ServiceMissingError, match="make services"):
        KeycloakServer()
