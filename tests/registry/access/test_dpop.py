"""DPoP proofs as a table: one row for each way a proof can be wrong (RFC 9449 section 4.3)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from werkzeug.test import TestResponse

from registry.access.dpop import _address
from tests.registry.access.bound import BASE, DpopKey, bound_app, settings_of, signed
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import App, Idp

WHO = f"{BASE}/v1/who"
KEY, OTHER = DpopKey(), DpopKey()


@dataclass
class Api:
    """The app and its issuer."""

    app: App
    idp: Idp
    clock: Clock

    def token(self, key: DpopKey | None = KEY, **claims: object) -> str:
        cnf = {"jkt": key.thumbprint} if key else None
        return self.idp.token(cnf=cnf, scope="registry:verify registry:admin", **claims)

    def send(
        self, token: str, proof: str | None, path: str = "/v1/who", method: str = "GET", scheme: str = "DPoP"
    ) -> TestResponse:
        headers = {"Authorization": f"{scheme} {token}"}
        if proof is not None:
            headers["DPoP"] = proof
        return self.app.flask.test_client().open(path, method=method, headers=headers)


def make_api(idp: Idp, folder: Path, **environ: str) -> Api:
    clock = Clock(float(int(time.time())))
    table = f'[providers.one]\nissuer = "{idp.issuer}"\ntokens = true\n'
    return Api(bound_app(settings_of(folder, table, **environ), clock), idp, clock)


@pytest.fixture
def api(shared_idp: Idp, tmp_path: Path) -> Iterator[Api]:
    api = make_api(shared_idp, tmp_path)
    yield api
    api.app.engine.dispose()


def test_a_proof_lets_its_token_in(api: Api) -> None:
    token = api.token()
    answer = api.send(token, KEY.proof("GET", WHO, token))
    assert answer.json is not None
    assert answer.status_code == 200, answer.json
    assert answer.json["key"] == f"jkt:{KEY.thumbprint}"
    assert answer.json["scopes"] == ["registry:admin", "registry:verify"]
    assert api.send(token, KEY.proof("GET", f"{BASE}/v1/admin", token), "/v1/admin").text == "admin"
    assert api.send(token, KEY.proof("GET", f"{BASE}/v1/people", token), "/v1/people").text == "people"


KEYS: dict[str, Callable[[], DpopKey]] = {
    "P-384": lambda: DpopKey(ECKey.generate_key("P-384"), "ES384"),
    "Ed25519": lambda: DpopKey(OKPKey.generate_key("Ed25519"), "EdDSA"),
    "Ed25519 by its newer name": lambda: DpopKey(OKPKey.generate_key("Ed25519"), "Ed25519"),
    "RSA": lambda: DpopKey(RSAKey.generate_key(2048), "PS256"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_each_kind_of_key_will_do(kind: str, api: Api) -> None:
    key = KEYS[kind]()
    token = api.token(key)
    assert api.send(token, key.proof("GET", WHO, token)).status_code == 200


GOOD: dict[str, dict[str, object]] = {
    "address with a query and a fragment": {"htu": f"{WHO}?a=b#c"},
    "address with the host in capitals": {"htu": "HTTPS://REGISTRY.EXAMPLE/v1/who"},
    "address with the port that goes without saying": {"htu": "https://registry.example:443/v1/who"},
    "address with an escape that changes nothing": {"htu": f"{BASE}/v1/%77ho"},
    "with a nonce nobody asked for": {"nonce": "x"},
}


@pytest.mark.parametrize("offset", [-50, 50])
def test_a_clock_that_differs_by_less_than_a_minute_will_do(offset: int, api: Api) -> None:
    token = api.token()
    assert api.send(token, _made(offset)(token)).status_code == 200


@pytest.mark.parametrize("case", GOOD)
def test_what_makes_no_difference_is_let_pass(case: str, api: Api) -> None:
    token = api.token()
    assert api.send(token, KEY.proof("GET", WHO, token, **GOOD[case])).status_code == 200


def test_behind_a_proxy_with_a_path_of_its_own_the_public_address_counts(
    shared_idp: Idp, tmp_path: Path
) -> None:
    api = make_api(shared_idp, tmp_path, REGISTRY_SERVICE__BASE_URL=f"{BASE}/registry")
    token = api.token()
    assert api.send(token, KEY.proof("GET", f"{BASE}/registry/v1/who", token)).status_code == 200
    for wrong in (WHO, f"{BASE}/registry/registry/v1/who", f"{BASE}/other/v1/who"):
        assert api.send(token, KEY.proof("GET", wrong, token)).status_code == 401
    api.app.engine.dispose()


@given(
    parts=st.lists(st.text("abcXYZ019-._~", min_size=1, max_size=6), max_size=4),
    cased=st.lists(st.booleans(), min_size=60, max_size=60),
    escaped=st.lists(st.booleans(), min_size=60, max_size=60),
    port=st.sampled_from(["", ":443"]),
    after=st.sampled_from(["", "?", "?a=b", "#c", "?a=/b#c"]),
)
def test_addresses_are_compared_as_rfc_3986_says(
    parts: list[str], cased: list[bool], escaped: list[bool], port: str, after: str
) -> None:
    path = "/" + "/".join(parts)
    host = "".join(c.upper() if up else c for c, up in zip("https://registry.example", cased, strict=False))
    written = "".join(
        f"%{ord(c):02x}" if c != "/" and esc else c for c, esc in zip(path, escaped, strict=False)
    )
    expected = ("https", "registry.example", 443, path)
    assert _address(f"{host}{port}{written}{after}") == expected
    assert _address(f"{host}:8443{written}") != expected
    assert _address(f"https://registry.example.evil{path}") != expected
    assert _address(f"https://registry.example{path}/x") != expected


@given(value=st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_what_is_no_address_is_refused_and_breaks_nothing(value: object) -> None:
    try:
        scheme, host, port, _ = _address(value)
    except ValueError:
        return
    assert scheme in {"http", "https"}
    assert host
    assert 0 <= port < 65536


def _made(offset: int) -> Callable[[str], str]:
    return lambda token: KEY.proof("GET", WHO, token, iat=int(time.time()) + offset)


def _claims(**changes: object) -> Callable[[str], str]:
    return lambda token: KEY.proof("GET", WHO, token, **changes)


def _header(key: Any = KEY.key, **changes: object) -> Callable[[str], str]:  # noqa: ANN401 - any kind of key
    return lambda token: signed(KEY.header(**changes), KEY.claims("GET", WHO, token), key)


SECRET = OctKey.generate_key(256)
SMALL = DpopKey(ECKey.generate_key("secp256k1"), "ES256K")
BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "no proof": (lambda _: "", "Send one header DPoP"),
    "no token of any kind": (lambda _: "x", "not a signed JWT"),
    "two proofs in one header": (lambda token: f"{_claims()(token)}, {_claims()(token)}", "not a signed JWT"),
    "too long": (_claims(padding="x" * 5000), "longer than"),
    "no type": (_header(typ=None), "typ"),
    "type of an access token": (_header(typ="at+jwt"), "typ"),
    "algorithm none": (lambda token: _claims()(token).rpartition(".")[0] + ".", "does not hold"),
    "symmetric": (
        lambda token: signed(
            {"typ": "dpop+jwt", "alg": "HS256", "jwk": SECRET.as_dict()},
            KEY.claims("GET", WHO, token),
            SECRET,
        ),
        "algorithm",
    ),
    "curve not taken": (
        lambda token: signed(SMALL.header(), SMALL.claims("GET", WHO, token), SMALL.key),
        "algorithm",
    ),
    "private key in the header": (_header(jwk=KEY.key.as_dict(private=True)), "private"),
    "no key": (_header(jwk=None), "brings no key"),
    "key that is text": (_header(jwk="key"), "brings no key"),
    "key off its curve": (_header(jwk={**KEY.key.as_dict(private=False), "x": "AA", "y": "AA"}), "proof"),
    "key of another type": (_header(jwk=RSAKey.generate_key(2048).as_dict(private=False)), "brings no key"),
    "key too weak": (_header(alg="ES256", jwk={"kty": "EC", "crv": "secp256k1"}), "too weak"),
    "critical extension": (_header(crit=["exp"], exp=1), "header"),
    "address of a key": (_header(jku="https://attacker.example"), "header"),
    "another's key in the header": (_header(jwk=OTHER.key.as_dict(private=False)), "does not hold"),
    "signed with another's key": (_header(OTHER.key), "does not hold"),
    "no method": (_claims(htm=None), "htm"),
    "another method": (_claims(htm="POST"), "htm"),
    "method in small letters": (_claims(htm="get"), "htm"),
    "no address": (_claims(htu=None), "htu"),
    "another path": (_claims(htu=f"{BASE}/v1/admin"), "htu"),
    "another host": (_claims(htu="https://registry.example.attacker.example/v1/who"), "htu"),
    "host before an at sign": (_claims(htu="https://registry.example@attacker.example/v1/who"), "htu"),
    "without TLS": (_claims(htu="http://registry.example/v1/who"), "htu"),
    "another port": (_claims(htu="https://registry.example:8443/v1/who"), "htu"),
    "port that is none": (_claims(htu="https://registry.example:x/v1/who"), "htu"),
    "a path only": (_claims(htu="/v1/who"), "htu"),
    "address that is a list": (_claims(htu=[WHO]), "htu"),
    "no time": (_claims(iat=None), "iat"),
    "time that is text": (_claims(iat="now"), "iat"),
    "time that is true": (_claims(iat=True), "iat"),
    "too old": (_made(-200), "iat"),
    "from the future": (_made(200), "iat"),
    "a time without end": (_claims(iat=float("1e999")), "JSON"),
    "a time beyond all numbers": (_claims(iat=10**400), "iat"),
    "no identifier": (_claims(jti=None), "jti"),
    "empty identifier": (_claims(jti=""), "jti"),
    "identifier that is a number": (_claims(jti=7), "jti"),
    "no token digest": (_claims(ath=None), "ath"),
    "digest of another token": (lambda _: KEY.proof("GET", WHO, "another"), "ath"),
    "payload that is no object": (lambda _: signed(KEY.header(), b"[]", KEY.key), "not a JSON object"),
    "a claim that stands twice": (
        lambda _: signed(KEY.header(), b'{"htm":"POST","htm":"GET"}', KEY.key),
        "not JSON",
    ),
    "of another key than the token's": (lambda token: OTHER.proof("GET", WHO, token), "another key"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_proof_is_refused_and_told_why(case: str, api: Api) -> None:
    make, reason = BAD[case]
    token = api.token()
    answer = api.send(token, make(token))
    assert answer.status_code == 401
    assert answer.json is not None
    assert reason in answer.json["detail"]


def test_a_proof_counts_once_on_all_workers(shared_idp: Idp, tmp_path: Path) -> None:
    one, other = make_api(shared_idp, tmp_path), make_api(shared_idp, tmp_path)
    token = one.token()
    proof = KEY.proof("GET", WHO, token)
    assert one.send(token, proof).status_code == 200
    for worker in (one, other):
        again = worker.send(token, proof)
        assert again.status_code == 401
        assert again.json is not None
        assert "used before" in again.json["detail"]
        worker.app.engine.dispose()


def test_a_refused_proof_is_not_used_up(api: Api) -> None:
    token = api.token()
    proof = KEY.proof("GET", WHO, token, jti="one")
    assert api.send(api.token(OTHER), proof).status_code == 401
    assert api.send(token, proof).status_code == 200


def test_a_bound_token_does_not_go_without_its_proof(api: Api) -> None:
    token = api.token()
    answer = api.send(token, None, scheme="Bearer")
    assert answer.status_code == 401
    assert answer.json is not None
    assert "scheme DPoP" in answer.json["detail"]
    assert api.send(token, KEY.proof("GET", WHO, token), scheme="Bearer").status_code == 401


def test_a_plain_token_does_not_pass_for_a_bound_one(api: Api) -> None:
    token = api.token(None)
    assert api.send(token, KEY.proof("GET", WHO, token)).status_code == 401


@pytest.mark.parametrize("path", ["/v1/admin", "/v1/people"])
def test_what_reads_much_takes_no_plain_token(path: str, api: Api) -> None:
    answer = api.send(api.token(None), None, path, scheme="Bearer")
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["type"] == "insufficient-scope"
    assert "RFC 9449" in answer.json["detail"]


def test_a_plain_token_keeps_its_other_scopes(api: Api) -> None:
    answer = api.send(api.token(None), None, scheme="Bearer")
    assert answer.json is not None
    assert (answer.json["scopes"], answer.json["withheld"]) == (["registry:verify"], ["registry:admin"])
    assert answer.json["key"] == ""


CNF: dict[str, object] = {
    "empty": {},
    "a list": ["jkt"],
    "another method": {"jwk": KEY.key.as_dict(private=False)},
    "one method more than we can check": {"jkt": KEY.thumbprint, "kid": "x"},
    "a thumbprint that is none": {"jkt": "x"},
    "a thumbprint that is a number": {"jkt": 7},
}


@pytest.mark.parametrize("case", CNF)
def test_a_binding_that_can_not_be_checked_lets_nobody_in(case: str, api: Api) -> None:
    token = api.idp.token(cnf=CNF[case])
    for scheme, proof in (("Bearer", None), ("DPoP", KEY.proof("GET", WHO, token))):
        assert api.send(token, proof, scheme=scheme).status_code == 401


def test_the_service_can_ask_for_its_own_nonce(shared_idp: Idp, tmp_path: Path) -> None:
    api = make_api(shared_idp, tmp_path, REGISTRY_TOKENS__DPOP_NONCE_S="60")
    token = api.token()
    first = api.send(token, KEY.proof("GET", WHO, token))
    assert first.status_code == 401
    nonce = first.headers["DPoP-Nonce"]
    assert api.send(token, KEY.proof("GET", WHO, token, nonce=nonce)).status_code == 200
    api.clock.pass_(50)
    now = int(api.clock())
    assert api.send(token, KEY.proof("GET", WHO, token, nonce=nonce, iat=now)).status_code == 200
    api.clock.pass_(120)
    now = int(api.clock())
    late = api.send(token, KEY.proof("GET", WHO, token, nonce=nonce, iat=now))
    assert late.status_code == 401
    assert late.headers["DPoP-Nonce"] != nonce
    assert api.send(token, KEY.proof("GET", WHO, token, nonce="x", iat=now)).status_code == 401
    api.app.engine.dispose()
