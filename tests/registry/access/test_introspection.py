"""Tokens that only their issuer can read: what it must say, for how long that is believed, and what happens when it is silent."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.access.challenges import InvalidTokenError
from registry.access.confirmation import Presented
from registry.access.providers import Providers
from registry.access.tokens import AccessTokens
from registry.errors import IdentityProviderUnavailableError, SettingsError
from registry.sealing import Sealer
from tests.registry.access.bound import settings_of
from tests.registry.access.conftest import Clock
from tests.registry.access.own_issuer import CLIENT, SECRET, OwnIssuer, running_issuer, table

TTL, COOLDOWN, REMEMBERED = 10, 2, 50


@dataclass
class Asking:
    """The issuer and what asks it."""

    issuer: OwnIssuer
    tokens: AccessTokens
    clock: Clock

    @property
    def asked(self) -> int:
        return self.issuer.switch.asked["/introspect"]


def _make(
    issuer: OwnIssuer, folder: Path, secret: str = SECRET, in_flight: int = 8, timeout_s: int = 30
) -> Asking:
    clock = Clock()
    issuer.clock = clock
    given = {"introspection": True, "client_id": CLIENT, "client_secret": secret}
    settings = settings_of(
        folder,
        table("one", issuer.issuer, **given),
        REGISTRY_TOKENS__INTROSPECTION_REMEMBERED=str(REMEMBERED),
        REGISTRY_TOKENS__INTROSPECTION_IN_FLIGHT=str(in_flight),
        REGISTRY_TOKENS__TIMEOUT_S=str(timeout_s),
    )
    tokens = AccessTokens.from_settings(
        settings,
        digest=Sealer(settings.privacy).digest,
        providers=Providers(settings, clock=clock),
        clock=clock,
    )
    return Asking(issuer, tokens, clock)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    with running_issuer() as issuer:
        yield _make(issuer, tmp_path)


def test_an_active_token_names_the_caller(asking: Asking) -> None:
    caller = asking.tokens.caller(asking.issuer.hand_out(scope="registry:verify registry:admin"))
    assert (caller.issuer, caller.client_id) == (asking.issuer.issuer, "system-2")
    assert (caller.scopes, caller.withheld) == (
        frozenset({"registry:verify"}),
        frozenset({"registry:admin"}),
    )


def test_a_jwt_is_read_here_and_nobody_is_asked(asking: Asking) -> None:
    assert asking.tokens.caller(asking.issuer.token()).subject == "system-2"
    assert asking.asked == 0


def test_what_is_optional_in_the_answer_may_be_missing(asking: Asking) -> None:
    assert asking.tokens.caller(asking.issuer.hand_out(iss=None, iat=None, jti=None)).subject


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"active": False}, "not active"),
        ({"active": "true"}, "not active"),
        ({"active": 1}, "not active"),
        ({"active": None}, "not active"),
        ({"iss": "https://other.example"}, "iss"),
        ({"aud": "urn:other"}, "aud"),
        ({"aud": None}, "lacks a claim"),
        ({"exp": None}, "lacks a claim"),
        ({"exp": 1}, "expired"),
        ({"nbf": 9_000_000_000}, "nbf"),
        ({"sub": None}, "lacks a claim"),
        ({"client_id": None}, "lacks a claim"),
        ({"cnf": {"kid": "x"}}, "cnf"),
        ({"token_type": "N_A"}, "not active"),
        ({"token_type": "refresh_token"}, "not active"),
        ({"token_type": 7}, "not active"),
        ({"typ": "Refresh"}, "not active"),
        ({"typ": "ID"}, "not active"),
    ],
)
def test_an_answer_that_does_not_suffice_lets_nobody_in(
    changes: dict[str, object], reason: str, asking: Asking
) -> None:
    token = asking.issuer.hand_out()
    asking.issuer.opaque[token].update(changes)
    asking.issuer.opaque[token] = {
        name: value for name, value in asking.issuer.opaque[token].items() if value is not None
    }
    with pytest.raises(InvalidTokenError, match=reason):
        asking.tokens.caller(token)


def test_a_token_bound_to_a_certificate_is_bound_here_too(asking: Asking) -> None:
    token = asking.issuer.hand_out(cnf={"x5t#S256": "A" * 43})
    assert asking.tokens.caller(Presented(token, certificate="A" * 43)).confirmed_key
    with pytest.raises(InvalidTokenError, match="certificate"):
        asking.tokens.caller(token)


def test_an_answer_is_believed_for_seconds_and_no_longer(asking: Asking) -> None:
    token = asking.issuer.hand_out()
    for _ in range(5):
        assert asking.tokens.caller(token).subject
    assert asking.asked == 1
    asking.issuer.opaque[token] = {"active": False}
    asking.clock.pass_(TTL - 1)
    assert asking.tokens.caller(token).subject
    asking.clock.pass_(1)
    for _ in range(5):
        with pytest.raises(InvalidTokenError, match="not active"):
            asking.tokens.caller(token)
    assert asking.asked == 2


def test_a_believed_token_ends_with_its_time(asking: Asking) -> None:
    token = asking.issuer.hand_out(exp=int(asking.clock()) - 55)
    assert asking.tokens.caller(token).subject, "within the tolerance"
    asking.clock.pass_(6)
    with pytest.raises(InvalidTokenError, match="expired"):
        asking.tokens.caller(token)
    assert asking.asked == 1


def test_made_up_tokens_fill_no_memory(asking: Asking) -> None:
    for number in range(3 * REMEMBERED):
        with pytest.raises(InvalidTokenError):
            asking.tokens.caller(f"made-up-{number}")
    opaque = asking.tokens._opaque
    assert opaque is not None
    assert len(opaque[1]._inactive) == REMEMBERED


def test_made_up_tokens_do_not_push_out_those_that_hold(asking: Asking) -> None:
    token = asking.issuer.hand_out()
    assert asking.tokens.caller(token).subject
    for number in range(2 * REMEMBERED):
        with pytest.raises(InvalidTokenError):
            asking.tokens.caller(f"made-up-{number}")
    asked = asking.asked
    assert asking.tokens.caller(token).subject
    assert asking.asked == asked


def test_a_token_that_the_issuer_does_not_want_to_read_silences_no_other(asking: Asking) -> None:
    good = asking.issuer.hand_out()
    asking.issuer.switch.instead["/introspect"] = ("400 Bad Request", "text/plain", b"what is this?")
    with pytest.raises(InvalidTokenError, match="not active"):
        asking.tokens.caller("strange")
    del asking.issuer.switch.instead["/introspect"]
    assert asking.tokens.caller(good).subject


def test_no_more_tokens_are_asked_about_at_a_time_than_the_settings_say(tmp_path: Path) -> None:
    with running_issuer() as issuer:
        asking = _make(issuer, tmp_path, in_flight=2, timeout_s=1)
        opaque = asking.tokens._opaque
        assert opaque is not None
        held = opaque[1]._in_flight
        assert held.acquire(blocking=False)
        assert held.acquire(blocking=False)
        with pytest.raises(IdentityProviderUnavailableError):
            asking.tokens.caller(issuer.hand_out())
        assert asking.asked == 0
        held.release()
        # It was not the issuer that failed: nobody has to wait now.
        for _ in range(3):
            assert asking.tokens.caller(issuer.hand_out()).subject
        held.release()


def test_a_token_that_is_too_long_is_not_asked_about(asking: Asking) -> None:
    with pytest.raises(InvalidTokenError, match="longer"):
        asking.tokens.caller("x" * 9000)
    assert asking.asked == 0


def test_nobody_is_let_in_while_the_issuer_is_silent(asking: Asking) -> None:
    token, known = asking.issuer.hand_out(), asking.issuer.hand_out()
    assert asking.tokens.caller(known).subject
    asking.issuer.switch.down = True
    for _ in range(5):
        with pytest.raises(IdentityProviderUnavailableError):
            asking.tokens.caller(token)
    assert asking.asked == 2, "asked once, then left alone for a while"
    assert asking.tokens.caller(known).subject, "its answer is believed still"
    asking.clock.pass_(TTL)
    with pytest.raises(IdentityProviderUnavailableError):
        asking.tokens.caller(known)
    asking.issuer.switch.down = False
    asking.clock.pass_(COOLDOWN)
    assert asking.tokens.caller(token).subject


@pytest.mark.parametrize(
    "instead",
    [
        ("200 OK", "application/json", b"[]"),
        ("200 OK", "text/html", b"<html>"),
        ("500 Internal Server Error", "application/json", b'{"active": true}'),
        ("302 Found", "application/json", b'{"active": true}'),
        ("404 Not Found", "text/html", b"<html>"),
        ("429 Too Many Requests", "application/json", b'{"active": true}'),
    ],
)
def test_a_strange_answer_lets_nobody_in(instead: tuple[str, str, bytes], asking: Asking) -> None:
    asking.issuer.switch.instead["/introspect"] = instead
    with pytest.raises(IdentityProviderUnavailableError):
        asking.tokens.caller(asking.issuer.hand_out())


def test_a_refusal_of_ourselves_is_no_word_about_the_token(tmp_path: Path) -> None:
    with running_issuer() as issuer:
        asking = _make(issuer, tmp_path, secret="wrong")
        with pytest.raises(IdentityProviderUnavailableError):
            asking.tokens.caller(issuer.hand_out())


def test_an_issuer_is_asked_only_with_a_proof_of_who_asks(tmp_path: Path) -> None:
    with running_issuer() as issuer, pytest.raises(SettingsError):
        _make(issuer, tmp_path, secret="")


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        (
            table("one", "https://a.example", introspection=True)
            + table("two", "https://b.example", introspection=True),
            "introspection",
        ),
        (table("one", "https://a.example", tokens=False, introspection=True), r"one\.introspection"),
        (table("one", "https://a.example") + table("two", "https://a.example"), "same issuer"),
        (table("one", ""), r"one\.issuer is empty"),
        (table("One", "https://a.example"), "providers"),
        (table("one", "https://a.example", algorithms=["HS256"]), "algorithms"),
        (table("one", "https://a.example", algorithms=["none"]), "algorithms"),
        (table("one", "https://a.example", rolesclaim="x"), "rolesclaim"),
        ('[tokens]\nissuer = "https://a.example"\n' + table("one", "https://b.example"), "leave both empty"),
    ],
)
def test_tables_of_providers_that_are_at_odds_stop_the_start(tables: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=key):
        settings_of(tmp_path, tables)


@pytest.mark.parametrize("key", ["issuer", "jwks_uri", "introspection_uri"])
def test_outside_the_sandbox_addresses_of_providers_have_tls(key: str, tmp_path: Path) -> None:
    given = {"issuer": "https://a.example", key: "http://a.example"}
    with pytest.raises(SettingsError, match=rf"one\.{key} must start with https"):
        settings_of(tmp_path, table("one", **given), REGISTRY_SERVICE__SANDBOX="false")
