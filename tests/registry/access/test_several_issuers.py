"""Two issuers at once, each with its own keys, algorithms, audience and claims; and what no real provider will do wrong."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey

from registry.access.challenges import InvalidTokenError
from registry.access.confirmation import confirmation
from registry.access.providers import Providers
from registry.access.tokens import AccessTokens
from registry.errors import IdentityProviderUnavailableError, SettingsError
from registry.sealing import Sealer
from registry.settings import load_settings
from tests.registry.access.bound import settings_of
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import AUDIENCE
from tests.registry.access.own_issuer import OwnIssuer, running_issuer, table

NURSE_NUMBER = "198507099805"


@dataclass
class Two:
    """The issuers, and what reads their tokens on a clock that the test moves."""

    one: OwnIssuer
    other: OwnIssuer
    tokens: AccessTokens
    clock: Clock

    def fetches(self, issuer: OwnIssuer) -> int:
        return issuer.switch.asked["/keys"]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    clock = Clock()
    with running_issuer() as one, running_issuer() as other:
        one.clock = other.clock = clock
        one.add("rsa", "RS256")
        tables = [
            table(
                "one", one.issuer, algorithms=["ES256"], personal_number_claim="number", hsa_id_claim="hsa"
            ),
            table(
                "other",
                other.issuer,
                audience="urn:other",
                organisation_claim="org",
                organisations=["2120000142"],
                roles_claim="groups",
            ),
        ]
        settings = settings_of(tmp_path, "\n".join(tables))
        tokens = AccessTokens.from_settings(
            settings,
            digest=Sealer(settings.privacy).digest,
            providers=Providers(settings, clock=clock),
            clock=clock,
        )
        yield Two(one, other, tokens, clock)


def test_each_issuers_claims_are_read_as_its_table_says(two: Two) -> None:
    caller = two.tokens.caller(two.one.token(roles=["system"], number=NURSE_NUMBER, hsa="SE1-1", acr="loa3"))
    assert (caller.issuer, caller.roles) == (two.one.issuer, frozenset({"system"}))
    assert (caller.hsa_id, caller.acr) == ("SE1-1", "loa3")
    assert len(caller.personal_number_digest) == 64
    assert NURSE_NUMBER not in repr(caller)
    assert caller.personal_number is None
    caller = two.tokens.caller(two.other.token(aud="urn:other", groups=["system"], org="2120000142"))
    assert (caller.issuer, caller.roles, caller.organisation) == (
        two.other.issuer,
        frozenset({"system"}),
        "2120000142",
    )
    assert (caller.hsa_id, caller.personal_number_digest) == ("", "")


def _cross(two: Two) -> str:
    """Claim to be from one issuer, signed by the other with a key id that both have."""
    key, algorithm = two.other.keys["one"]
    return two.one.signed(key, {"alg": algorithm, "kid": "one", "typ": "at+jwt"})


SECRET = OctKey.generate_key(256)
BAD: dict[str, tuple[Callable[[Two], str], str]] = {
    "a stranger's": (lambda two: two.one.token(iss="https://stranger.example"), "iss"),
    "nobody's": (lambda two: two.one.token(iss=None), "iss"),
    "issuer that is a list": (lambda two: two.one.token(iss=[two.one.issuer]), "iss"),
    "one issuer's by the other's key": (_cross, "does not hold"),
    "for the audience of the other issuer": (lambda two: two.other.token(aud=AUDIENCE), "aud"),
    "algorithm that this issuer may not use": (lambda two: two.one.token("rsa"), "algorithm"),
    "no type": (lambda two: two.one.token(header={"typ": None}), "typ"),
    "type of any JWT": (lambda two: two.one.token(header={"typ": "JWT"}), "typ"),
    "type of a security event": (lambda two: two.one.token(header={"typ": "secevent+jwt"}), "typ"),
    "unknown key id": (lambda two: two.one.token(header={"kid": "two"}), "does not publish"),
    "key id of another kind of key": (lambda two: two.one.token(header={"kid": "rsa"}), "does not publish"),
    "no key id": (lambda two: two.one.token(header={"kid": None}), "kid"),
    "no token id": (lambda two: two.one.token(jti=None), "lacks a claim"),
    "no client": (lambda two: two.one.token(client_id=None), "lacks a claim"),
    "symmetric, with a key id that is published": (
        lambda two: two.one.signed(SECRET, {"alg": "HS256", "kid": "one", "typ": "at+jwt"}),
        "algorithm",
    ),
    "two critical words we may not know": (
        lambda two: two.one.token(header={"crit": ["exp", "b64"], "b64": False}),
        "not JSON",
    ),
    "for an organisation that the issuer may not speak for": (
        lambda two: two.other.token(aud="urn:other", org="2120000258"),
        "organisation",
    ),
    "a binding that nobody can check": (lambda two: two.one.token(cnf={"jwk": {}}), "cnf"),
    "expiry without end": (lambda two: two.one.token(exp=float("1e999")), "JSON"),
    "no JWT, though nobody is asked about those": (lambda _: "opaque", "JWT"),
}


def test_a_binding_to_nothing_is_not_the_same_as_none() -> None:
    with pytest.raises(InvalidTokenError, match="cnf"):
        confirmation({"cnf": None})
    assert confirmation({}).key == ""


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_token_is_refused_and_told_why(case: str, two: Two) -> None:
    make, reason = BAD[case]
    with pytest.raises(InvalidTokenError, match=reason):
        two.tokens.caller(make(two))


@pytest.mark.parametrize(
    ("claim", "taken", "refused"),
    [("iat", 60, 61), ("nbf", 60, 61), ("exp", -59, -60)],
)
def test_clocks_may_differ_by_a_minute_both_ways_and_no_more(
    claim: str, taken: int, refused: int, two: Two
) -> None:
    now = int(two.clock())
    within: dict[str, Any] = {claim: now + taken}
    beyond: dict[str, Any] = {claim: now + refused}
    assert two.tokens.caller(two.one.token(**within)).subject
    with pytest.raises(InvalidTokenError, match="expired" if claim == "exp" else claim):
        two.tokens.caller(two.one.token(**beyond))


@pytest.mark.parametrize("leeway", ["61", "-1"])
def test_no_setting_makes_the_tolerance_longer(leeway: str) -> None:
    with pytest.raises(SettingsError, match="leeway_s"):
        load_settings({"REGISTRY_TOKENS__LEEWAY_S": leeway})


def test_one_issuer_that_is_down_does_not_stop_the_other(two: Two) -> None:
    two.one.switch.down = True
    with pytest.raises(IdentityProviderUnavailableError):
        two.tokens.caller(two.one.token())
    assert two.tokens.caller(two.other.token(aud="urn:other")).subject


def test_ten_minutes_without_its_issuer_a_known_key_still_counts(two: Two) -> None:
    assert two.tokens.caller(two.one.token()).subject
    two.one.switch.down = True
    for _ in range(60):
        two.clock.pass_(10)
        assert two.tokens.caller(two.one.token()).subject
    two.clock.pass_(3600)
    with pytest.raises(IdentityProviderUnavailableError):  # but not for ever
        two.tokens.caller(two.one.token())
    two.one.switch.down = False
    two.one.add("new")
    two.clock.pass_(30)
    assert two.tokens.caller(two.one.token("new")).subject


def test_a_withdrawn_key_is_refused_within_the_time_that_keys_are_kept(two: Two) -> None:
    two.one.add("old")
    token = two.one.token("old", exp=int(two.clock()) + 4000)
    assert two.tokens.caller(token).subject
    del two.one.keys["old"]
    two.clock.pass_(299)
    assert two.tokens.caller(token).subject
    two.clock.pass_(1)
    with pytest.raises(InvalidTokenError, match="does not publish"):
        two.tokens.caller(token)


def test_both_issuers_rotate_under_load_without_a_failure(two: Two) -> None:
    stop = threading.Event()
    done = [0, 0]

    def load(number: int) -> int:
        while not stop.is_set():
            issuer, audience = ((two.one, AUDIENCE), (two.other, "urn:other"))[number % 2]
            newest = list(issuer.keys)[-1]
            if newest == "rsa":
                newest = "one"
            two.tokens.caller(issuer.token(newest, aud=audience))
            done[number % 2] += 1
        return number

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(load, number) for number in range(4)]
        try:
            for rotation in range(3):
                two.one.add(f"next-{rotation}")
                two.other.add(f"next-{rotation}")
                before = list(done)
                while any(now < then + 10 for now, then in zip(done, before, strict=True)):
                    if failed := [each.exception() for each in running if each.done()]:
                        raise AssertionError(failed)
                    stop.wait(0.005)
        finally:
            stop.set()
        assert sorted(each.result() for each in running) == [0, 1, 2, 3]
    assert two.fetches(two.one) <= 5
    assert two.fetches(two.other) <= 5


def test_forked_workers_read_tokens_of_both_issuers(two: Two) -> None:
    """Preload: made and warm in the parent, then four workers; a key that came later is found by each (F11)."""
    assert two.tokens.caller(two.one.token()).subject
    two.one.add("later")
    tokens = [two.one.token(), two.one.token("later"), two.other.token(aud="urn:other")]
    reader, writer = os.pipe()
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:  # pragma: no cover - in the child
            told = b"-"
            try:
                with ThreadPoolExecutor(4) as threads:
                    callers = list(threads.map(lambda n: two.tokens.caller(tokens[n % 3]), range(300)))
                told = b"+" if len(callers) == 300 else b"-"
            except BaseException as error:  # noqa: BLE001 - said to the parent, whatever it is
                told = repr(error).encode()
            finally:
                os.write(writer, told)
                os._exit(0)
        children.append(child)
    os.close(writer)
    for child in children:
        os.waitpid(child, 0)
    assert os.read(reader, 4096) == b"++++"
    os.close(reader)
