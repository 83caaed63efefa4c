"""Systems with tokens of a real Keycloak, two realms as two issuers: plain, bound by certificate, bound by DPoP, introspected."""

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.test import TestResponse

from registry.access.challenges import InvalidTokenError
from registry.access.introspection import Introspection
from registry.access.providers import Providers
from registry.settings import Settings
from tests.registry.access.bound import BASE, DpopKey, bound_app, settings_of
from tests.registry.access.harness import App
from tests.services.certificates import Authority
from tests.services.keycloak import Keycloak

PROXY = "10.0.0.7"
SCOPES = "registry:verify registry:admin"
TABLES = """\
[providers.staff]
issuer = "{staff}"
tokens = true
algorithms = ["RS256"]
hsa_id_claim = "employeeHsaId"

[providers.partner]
issuer = "{partner}"
tokens = true
algorithms = ["ES256"]
roles_claim = "groups"
organisation_claim = "organization_number"
introspection = true
private_key_file = "{key}"
"""


@pytest.fixture
def trusting(keycloak: Keycloak, tmp_path: Path) -> Settings:
    key = tmp_path / "registry-key.pem"
    key.write_text(keycloak.private_key("partner", "registry"))
    tables = TABLES.format(staff=keycloak.issuer("staff"), partner=keycloak.issuer("partner"), key=key)
    return settings_of(
        tmp_path,
        tables,
        REGISTRY_TOKENS__CERTIFICATE_HEADER="Client-Cert",
        REGISTRY_TOKENS__CERTIFICATE_PROXIES=json.dumps([PROXY]),
    )


@pytest.fixture
def app(trusting: Settings) -> Iterator[App]:
    app = bound_app(trusting)
    yield app
    app.engine.dispose()


def _get(
    app: App, token: str, path: str = "/v1/who", *, peer: str = PROXY, scheme: str = "Bearer", **headers: str
) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.flask.test_client().get(
        path,
        headers={"Authorization": f"{scheme} {token}", **named},
        environ_base={"REMOTE_ADDR": peer},
    )


@pytest.mark.parametrize(("realm", "organisation"), [("staff", "2120000142"), ("partner", "2120000258")])
def test_each_issuers_systems_are_known_by_its_own_claims(
    realm: str, organisation: str, keycloak: Keycloak, app: App
) -> None:
    answer = _get(app, keycloak.token(realm, "system-1", SCOPES))
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    told = answer.json
    assert (told["issuer"], told["client"], told["organisation"]) == (
        keycloak.issuer(realm),
        "system-1",
        organisation,
    )
    assert (told["scopes"], told["withheld"], told["key"]) == (["registry:verify"], ["registry:admin"], "")
    assert told["acr"].startswith("http://id.elegnamnden.se/loa/")


def test_a_plain_token_does_not_read_in_bulk(keycloak: Keycloak, app: App) -> None:
    answer = _get(app, keycloak.token("staff", "system-1", SCOPES), "/v1/people")
    assert answer.status_code == 403


def test_one_issuers_token_is_not_taken_for_anothers(keycloak: Keycloak, app: App) -> None:
    """The payload says partner, the signature is staff's: the keys of the issuer that is named decide."""
    header, payload, signature = keycloak.token("staff", "system-1").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["iss"] = keycloak.issuer("partner")
    moved = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    answer = _get(app, f"{header}.{moved}.{signature}")
    assert answer.status_code == 401
    assert answer.json is not None
    assert "algorithm" in answer.json["detail"], "staff signs with RS256, which partner may not"


def _client_cert(pem: bytes) -> str:
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return f":{base64.b64encode(der).decode()}:"


def test_a_token_bound_to_a_certificate_goes_with_that_certificate_only(keycloak: Keycloak, app: App) -> None:
    token = keycloak.token("staff", "system-certificate", SCOPES, with_certificate=True)
    pem = keycloak.client_certificate[0].read_bytes()
    shown, another = _client_cert(pem), _client_cert(Authority().client().pem)
    for path in ("/v1/people", "/v1/admin"):
        assert _get(app, token, path, Client_Cert=shown).status_code == 200
        assert _get(app, token, path).status_code == 401
        assert _get(app, token, path, Client_Cert=another).status_code == 401
        assert _get(app, token, path, peer="10.0.0.8", Client_Cert=shown).status_code == 401, (
            "no proxy of ours"
        )
    told = _get(app, token, Client_Cert=shown).json
    assert told is not None
    assert told["key"].startswith("x5t#S256:")


def test_keycloak_binds_no_token_without_a_certificate(keycloak: Keycloak) -> None:
    assert keycloak.ask_token("staff", "system-certificate").status_code == 400
    assert isinstance(keycloak.tls(), ssl.SSLContext)


@pytest.mark.parametrize("realm", ["staff", "partner"])
def test_a_token_bound_by_dpop_goes_with_a_proof_of_its_key(realm: str, keycloak: Keycloak, app: App) -> None:
    key = DpopKey()
    answer = keycloak.ask_token(
        realm, "system-dpop", SCOPES, proof=key.proof("POST", keycloak.token_endpoint(realm))
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    token = answer.json()["access_token"]
    url = f"{BASE}/v1/people"
    proof = key.proof("GET", url, token)
    assert _get(app, token, "/v1/people", scheme="DPoP", DPoP=proof).status_code == 200
    assert _get(app, token, "/v1/people", scheme="DPoP", DPoP=proof).status_code == 401, "used before"
    stolen = DpopKey().proof("GET", url, token)
    assert _get(app, token, "/v1/people", scheme="DPoP", DPoP=stolen).status_code == 401
    assert _get(app, token, "/v1/people").status_code == 401


def test_keycloak_is_asked_about_a_token(keycloak: Keycloak, trusting: Settings) -> None:
    partner = Providers(trusting).named("partner")
    assert partner is not None
    asking = Introspection(partner, trusting.tokens)
    told = asking.claims(keycloak.token("partner", "system-1", SCOPES))
    assert told["client_id"] == "system-1"
    assert told["aud"] == "urn:registry:api"
    assert set(told["scope"].split()) == set(SCOPES.split())
    for unknown in ("made-up", keycloak.token("staff", "system-1")):
        with pytest.raises(InvalidTokenError, match="not active"):
            asking.claims(unknown)
    assert _refused_as_unknown(keycloak, trusting)


def _refused_as_unknown(keycloak: Keycloak, trusting: Settings) -> bool:
    app = bound_app(trusting)
    answer = _get(app, "opaque-and-made-up")
    app.engine.dispose()
    return answer.status_code == 401 and "not active" in (answer.json or {})["detail"]


def kid_of(token: str) -> object:
    """Return which key signed a token."""
    head = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def test_a_key_that_keycloak_makes_later_is_found(keycloak: Keycloak, app: App) -> None:
    """Rotation: a new key of higher priority signs from now on. It stays: other processes of the run log in here meanwhile."""
    before = keycloak.token("staff", "system-1")
    assert _get(app, before).status_code == 200
    with keycloak.admin("staff") as admin:
        realm = admin.get("").raise_for_status().json()
        admin.post(
            "/components",
            json={
                "name": "rotated",
                "providerId": "rsa-generated",
                "providerType": "org.keycloak.keys.KeyProvider",
                "parentId": realm["id"],
                "config": {"priority": ["1000"], "keySize": ["2048"], "algorithm": ["RS256"]},
            },
        ).raise_for_status()
    after = keycloak.token("staff", "system-1")
    assert kid_of(after) != kid_of(before)
    assert _get(app, after).status_code == 200
    assert _get(app, before).status_code == 200, "the old key is published still"
