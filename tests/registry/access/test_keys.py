"""Keys of a real provider over HTTP: rotation, withdrawal, outages and floods, on a clock that the test moves."""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from registry.access.challenges import InvalidTokenError
from registry.access.jws import TokenReader
from registry.access.keys import Key, KeyCache, read_key_set
from registry.access.provider import Provider
from registry.access.tokens import AccessTokens
from registry.errors import IdentityProviderUnavailableError
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import Idp, settings_for, tokens_with

TTL, COOLDOWN, STALE = 300, 30, 3600
Curve = Literal["P-256", "secp256k1"]


@dataclass
class Service:
    """A service that reads the provider's keys."""

    idp: Idp
    clock: Clock
    tokens: AccessTokens

    def subject(self, token: str) -> str:
        """Return whom a token names."""
        return self.tokens.caller(token).subject

    @property
    def fetches(self) -> int:
        return self.idp.switch.asked["/jwks"]


@pytest.fixture
def service(idp: Idp, clock: Clock) -> Service:
    settings = settings_for(idp, "sqlite://")
    provider = Provider(idp.issuer, settings.tokens, allow_http=True, clock=clock)
    return Service(idp, clock, tokens_with(settings, provider.keys))


def test_many_tokens_cost_one_fetch(service: Service) -> None:
    for _ in range(50):
        service.tokens.caller(service.idp.token())
    assert service.fetches == 1


def test_a_cold_start_with_many_threads_costs_one_fetch_and_no_failure(service: Service) -> None:
    token = service.idp.token()
    with ThreadPoolExecutor(8) as threads:
        callers = list(threads.map(lambda _: service.tokens.caller(token), range(40)))
    assert len(callers) == 40
    assert service.fetches == 1


def test_a_rotation_under_load_fails_no_request(service: Service) -> None:
    failures: list[Exception] = []
    calls = [0]
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            try:
                service.tokens.caller(service.idp.token())
                calls[0] += 1
            except (
                InvalidTokenError,
                IdentityProviderUnavailableError,
            ) as error:  # pragma: no cover - the failure
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        before = calls[0]
        service.idp.keys.rotate()
        while calls[0] < before + 20 and not failures:
            stop.wait(0.005)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert service.fetches <= 5


def test_tokens_of_the_old_key_hold_while_it_is_published(service: Service) -> None:
    old = service.idp.token()
    service.idp.keys.rotate()
    assert service.subject(service.idp.token())
    assert service.subject(old)


def test_a_withdrawn_key_is_refused_once_the_keys_are_old(service: Service) -> None:
    old_kid, old = service.idp.keys.current.kid, service.idp.token()
    assert service.subject(old)
    service.idp.keys.rotate()
    service.idp.keys.withdraw(str(old_kid))
    service.clock.pass_(TTL - 1)
    assert service.subject(old), "within the TTL the last known keys count"
    service.clock.pass_(1)
    with pytest.raises(InvalidTokenError, match="does not publish"):
        service.tokens.caller(old)


def _with_kid(service: Service, kid: str) -> str:
    return service.idp.keys.sign(service.idp.claims(), kid=kid)


def _header(kid: str) -> str:
    header = json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": kid}).encode()
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode()


def _random_kids(number: int) -> list[str]:
    return [uuid.uuid4().hex for _ in range(number)]


@pytest.mark.parametrize("warm", [True, False])
def test_ten_thousand_unknown_key_ids_cost_one_fetch_a_cooldown(service: Service, warm: bool) -> None:
    if warm:
        service.tokens.caller(service.idp.token())
    before = service.fetches
    token = service.idp.token()
    _, payload, signature = token.split(".")
    unknown = [f"{_header(kid)}.{payload}.{signature}" for kid in _random_kids(10_000)]
    for sent in unknown:
        with pytest.raises(InvalidTokenError, match="does not publish"):
            service.tokens.caller(sent)
    assert service.fetches == before + 1
    assert service.subject(token), "known keys are served all the while"
    service.clock.pass_(COOLDOWN)
    for sent in unknown[:100]:
        with pytest.raises(InvalidTokenError):
            service.tokens.caller(sent)
    assert service.fetches == before + 2


def test_a_flood_from_many_threads_costs_one_fetch(service: Service) -> None:
    token = _with_kid(service, "unknown")

    def refused(_: int) -> bool:
        try:
            service.tokens.caller(token)
        except InvalidTokenError:
            return True
        return False

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(refused, range(400)))
    assert service.fetches <= 2


def test_known_keys_serve_while_the_provider_is_down_but_not_for_ever(service: Service) -> None:
    token = service.idp.token()
    assert service.subject(token)
    service.idp.switch.down = True
    for _ in range(20):  # ten minutes, a request every half minute
        service.clock.pass_(COOLDOWN)
        assert service.subject(token)
    service.clock.pass_(STALE)
    with pytest.raises(IdentityProviderUnavailableError):
        service.tokens.caller(token)
    service.idp.switch.down = False
    service.clock.pass_(COOLDOWN)
    assert service.subject(token), "back as soon as the provider is"


def test_a_provider_that_is_down_is_asked_once_a_cooldown(service: Service) -> None:
    service.idp.switch.down = True
    for _ in range(50):
        with pytest.raises(IdentityProviderUnavailableError):
            service.tokens.caller(service.idp.token())
    assert service.idp.switch.asked.total() == 1
    service.clock.pass_(COOLDOWN)
    with pytest.raises(IdentityProviderUnavailableError):
        service.tokens.caller(service.idp.token())
    assert service.idp.switch.asked.total() == 2


def test_a_new_key_during_an_outage_is_not_called_a_forgery(service: Service) -> None:
    assert service.subject(service.idp.token())
    service.idp.switch.down = True
    service.idp.keys.rotate()
    with pytest.raises(IdentityProviderUnavailableError):
        service.tokens.caller(service.idp.token())


RSA = RSAKey.generate_key(2048, auto_kid=True)
SIGNING = RSA.as_dict(private=False) | {"kid": "one", "use": "sig"}


def _ec(curve: Curve) -> dict[str, Any]:
    return {**ECKey.generate_key(curve).as_dict(private=False), "kid": "one"}


LEFT_OUT: dict[str, Callable[[], Any]] = {
    "private": lambda: RSA.as_dict(private=True) | {"kid": "one"},
    "symmetric": lambda: OctKey.generate_key(256).as_dict(private=True) | {"kid": "one"},
    "for encryption": lambda: SIGNING | {"use": "enc"},
    "for signing only": lambda: SIGNING | {"key_ops": ["sign"]},
    "with operations of a strange shape": lambda: SIGNING | {"key_ops": 7},
    "without an id": lambda: {name: value for name, value in SIGNING.items() if name != "kid"},
    "with an id that is a number": lambda: SIGNING | {"kid": 7},
    "with a type that is a list": lambda: SIGNING | {"kty": ["RSA"]},
    "of an unknown type": lambda: SIGNING | {"kty": "AKP"},
    "too short": lambda: SIGNING | {"n": SIGNING["n"][:170]},
    "without a modulus": lambda: {"kty": "RSA", "kid": "one", "e": "AQAB"},
    "too large": lambda: SIGNING | {"n": SIGNING["n"] * 5},
    "with an exponent that is work": lambda: SIGNING | {"e": SIGNING["n"]},
    "without an exponent": lambda: {name: value for name, value in SIGNING.items() if name != "e"},
    "with a curve that is a list": lambda: _ec("P-256") | {"crv": ["P-256"]},
    "with a curve that is an object": lambda: _ec("P-256") | {"crv": {"P-256": 1}},
    "of a curve not taken": lambda: _ec("secp256k1"),
    "with a modulus that is not base64": lambda: SIGNING | {"n": "å" * 400},
    "of another curve type": lambda: OKPKey.generate_key("X25519").as_dict(private=False) | {"kid": "one"},
    "not an object": lambda: "key",
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_key_that_must_not_verify_is_left_out(case: str) -> None:
    good = SIGNING | {"kid": "good"}
    assert set(read_key_set({"keys": [LEFT_OUT[case](), good]})) == {("good", "RSA")}


_MEMBERS = st.sampled_from(["kid", "kty", "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "d", "k"])
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("9" * 3000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300)
@given(
    spoilt=st.dictionaries(_MEMBERS, _JUNK, min_size=1, max_size=3),
    base=st.sampled_from([SIGNING, _ec("P-256"), {}]),
    times=st.integers(1, 3),
)
def test_a_spoilt_key_is_left_out_or_the_same_key_and_spoils_no_other(
    spoilt: dict[str, Any], base: dict[str, Any], times: int
) -> None:
    """Whatever a provider or the sender of a proof puts into a key: no error, and no key that was not there."""
    entry = {**base, **spoilt}
    good = SIGNING | {"kid": "good"}
    found = read_key_set({"keys": [*[entry] * times, good]})
    assert ("good", "RSA") in found
    for key in found.values():
        told = key.as_dict(private=False)
        assert not {"d", "p", "q", "k"} & told.keys()
        assert told["kty"] in {"RSA", "EC", "OKP"}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": []}])
def test_a_document_without_keys_gives_none(document: dict[str, Any]) -> None:
    assert read_key_set(document) == {}


def test_keys_of_different_types_may_share_an_id() -> None:
    assert set(read_key_set({"keys": [SIGNING, _ec("P-256")]})) == {("one", "RSA"), ("one", "EC")}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "RS256"),
        (RSA, "PS256"),
        (ECKey.generate_key("P-256"), "ES256"),
        (OKPKey.generate_key("Ed25519"), "EdDSA"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
)
def test_each_accepted_algorithm_verifies(key: Key, algorithm: str, clock: Clock) -> None:
    """The provider signs with RS256 only, so keys of the other kinds come from a set of our own."""
    published = {"keys": [key.as_dict(private=False) | {"kid": "one"}]}
    keys = KeyCache(
        lambda: published, ttl_s=TTL, cooldown_s=COOLDOWN, max_stale_s=STALE, wait_s=1, clock=clock
    )
    reader = TokenReader(
        keys, algorithms={"RS256", "PS256", "ES256", "EdDSA"}, types={"at+jwt"}, max_length=8000
    )
    signing = jws.JWSRegistry(algorithms=[algorithm])
    signing.get_alg = lambda name: signing.algorithms[name]  # type: ignore[method-assign]
    header = {"alg": algorithm, "kid": "one", "typ": "at+jwt"}
    token = jws.serialize_compact(header, b'{"sub":"x"}', key, registry=signing)
    assert reader.claims(token) == {"sub": "x"}
    with pytest.raises(InvalidTokenError, match="does not hold"):
        reader.claims(token[:-6] + "AAAAAA")


def test_a_key_made_for_one_algorithm_serves_no_other(clock: Clock) -> None:
    published = {"keys": [SIGNING | {"alg": "PS256"}]}
    keys = KeyCache(
        lambda: published, ttl_s=TTL, cooldown_s=COOLDOWN, max_stale_s=STALE, wait_s=1, clock=clock
    )
    assert keys.find("one", "PS256") is not None
    assert keys.find("one", "RS256") is None
    assert keys.find("one", "ES256") is None
