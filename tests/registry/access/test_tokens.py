"""Access tokens as a table: one row for each way a token can be wrong (RFC 9068, RFC 8725)."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from registry.access.challenges import InvalidTokenError
from registry.access.credentials import bearer_token
from registry.access.jws import Signature, TokenReader
from registry.access.keys import KeyCache
from registry.access.tokens import AccessTokens
from registry.errors import UnauthorizedError
from registry.identifiers import check_digit
from registry.sealing import Sealer
from tests.registry.access.harness import AUDIENCE, Idp, running_idp, settings_for, tokens_with

OTHER_KEY = RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture(scope="module")
def tokens(shared_idp: Idp) -> AccessTokens:
    settings = settings_for(shared_idp, "sqlite://")
    return AccessTokens.from_settings(settings, digest=Sealer(settings.privacy).digest)


def _part(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _raw(header: object, payload: bytes, key: RSAKey | None = None) -> str:
    """Put a token together by hand (RS256), because the library refuses to make most of the bad ones."""
    message = _part(json.dumps(header).encode()) + b"." + _part(payload)
    if key is None:
        return f"{message.decode()}."
    assert key.private_key is not None
    signature = key.private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return f"{message.decode()}.{_part(signature).decode()}"


def _signed(idp: Idp, payload: bytes, **header: object) -> str:
    header = {"alg": "RS256", "typ": "at+jwt", "kid": idp.keys.current.kid, **header}
    known = {name: value for name, value in header.items() if value is not None}
    return _raw(known, payload, idp.keys.current)


def _with_header(**header: object) -> Callable[[Idp], str]:
    return lambda idp: _signed(idp, json.dumps(idp.claims()).encode(), **header)


def _forged(idp: Idp, **header: object) -> str:
    """Sign good claims with a key the provider does not have."""
    return _raw({"alg": "RS256", "typ": "at+jwt", **header}, json.dumps(idp.claims()).encode(), OTHER_KEY)


def _unsigned(idp: Idp, algorithm: str) -> str:
    header = {"alg": algorithm, "typ": "at+jwt", "kid": idp.keys.current.kid}
    return _raw(header, json.dumps(idp.claims()).encode())


def _public_key_as_secret(idp: Idp) -> str:
    pem = idp.keys.current.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "at+jwt", "kid": idp.keys.current.kid}
    message = _raw(header, json.dumps(idp.claims()).encode()).rstrip(".")
    return f"{message}.{_part(hmac.digest(pem, message.encode(), 'sha256')).decode()}"


def _swapped_payload(idp: Idp) -> str:
    one, other = idp.token(), idp.token(scope="registry:admin")
    return ".".join([one.split(".")[0], other.split(".")[1], one.split(".")[2]])


NOW = time.time
BAD: dict[str, tuple[Callable[[Idp], str], str]] = {
    "wrong audience": (lambda idp: idp.token(aud="urn:other"), "aud"),
    "audience list without us": (lambda idp: idp.token(aud=["urn:other", "urn:third"]), "aud"),
    "audience that only begins like ours": (lambda idp: idp.token(aud=AUDIENCE + "-2"), "aud"),
    "no audience": (lambda idp: idp.token(aud=None), "lacks a claim"),
    "empty audience list": (lambda idp: idp.token(aud=[]), "aud"),
    "wrong issuer": (lambda idp: idp.token(iss="https://other.example"), "iss"),
    "issuer with another slash": (lambda idp: idp.token(iss=idp.issuer + "/"), "iss"),
    "issuer that is a list": (lambda idp: idp.token(iss=[idp.issuer]), "iss"),
    "no issuer": (lambda idp: idp.token(iss=None), "lacks a claim"),
    "no expiry": (lambda idp: idp.token(exp=None), "lacks a claim"),
    "no issue time": (lambda idp: idp.token(iat=None), "lacks a claim"),
    "no subject": (lambda idp: idp.token(sub=None), "lacks a claim"),
    "empty subject": (lambda idp: idp.token(sub=""), "sub"),
    "subject that is a number": (lambda idp: idp.token(sub=7), "sub"),
    "no client": (lambda idp: idp.token(client_id=None), "lacks a claim"),
    "client that is an object": (lambda idp: idp.token(client_id={"a": 1}), "client_id"),
    "no token id": (lambda idp: idp.token(jti=None), "lacks a claim"),
    "expired beyond the leeway": (lambda idp: idp.token(exp=int(NOW()) - 70), "expired"),
    "expiry that is text": (lambda idp: idp.token(exp="tomorrow"), "exp"),
    "expiry that is true": (lambda idp: idp.token(exp=True), "exp"),
    "expiry without end": (
        lambda idp: _signed(idp, json.dumps(idp.claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()),
        "exp",
    ),
    "not yet valid": (lambda idp: idp.token(nbf=int(NOW()) + 90), "nbf"),
    "issued in the future": (lambda idp: idp.token(iat=int(NOW()) + 90), "iat"),
    "no type": (_with_header(typ=None), "typ"),
    "type of an ID token": (_with_header(typ="JWT"), "typ"),
    "type of a logout token": (_with_header(typ="logout+jwt"), "typ"),
    "type that is a list": (_with_header(typ=["at+jwt"]), "typ"),
    "no key id": (_with_header(kid=None), "kid"),
    "empty key id": (_with_header(kid=""), "kid"),
    "unknown key id": (_with_header(kid="unheard-of"), "does not publish"),
    "critical extension": (_with_header(crit=["exp"], exp=1), "header"),
    "known critical extension": (_with_header(crit=["b64"], b64=True), "header"),
    "unencoded payload": (_with_header(b64=True), "header"),
    "key address": (_with_header(jku="https://attacker.example/keys"), "header"),
    "certificate address": (_with_header(x5u="https://attacker.example/certificate"), "header"),
    "embedded key": (
        lambda idp: _forged(idp, kid=OTHER_KEY.kid, jwk=OTHER_KEY.as_dict(private=False)),
        "header",
    ),
    "another's key under our key id": (lambda idp: _forged(idp, kid=idp.keys.current.kid), "does not hold"),
    "algorithm none": (lambda idp: _unsigned(idp, "none"), "algorithm"),
    "algorithm None": (lambda idp: _unsigned(idp, "None"), "algorithm"),
    "algorithm that is a list": (_with_header(alg=["RS256"]), "algorithm"),
    "no signature": (lambda idp: _unsigned(idp, "RS256"), "does not hold"),
    "public key as HMAC secret": (_public_key_as_secret, "algorithm"),
    "algorithm of another key type": (lambda idp: _unsigned(idp, "ES256"), "does not publish"),
    "algorithm another than the key's": (lambda idp: _unsigned(idp, "PS256"), "does not publish"),
    "payload of another token": (_swapped_payload, "does not hold"),
    "payload that is no object": (lambda idp: _signed(idp, b'["iss"]'), "not a JSON object"),
    "payload that is no JSON": (lambda idp: _signed(idp, b"\xff{"), "not JSON"),
    "payload nested without end": (lambda idp: _signed(idp, b"[" * 3000), "not JSON"),
    "header that is a list": (lambda _: _raw(["alg"], b"{}", OTHER_KEY), "not a JSON object"),
    "two parts": (lambda idp: idp.token().rpartition(".")[0], "not a signed JWT"),
    "five parts, as an encrypted token": (lambda _: "a.b.c.d.e", "not a signed JWT"),
    "letters outside ASCII": (lambda idp: "å" + idp.token(), "not a signed JWT"),
    "garbage": (lambda _: "....", "not a signed JWT"),
    "huge": (lambda idp: idp.token(padding="x" * 9000), "longer than 8000"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_token_is_refused_and_told_why(case: str, tokens: AccessTokens, shared_idp: Idp) -> None:
    make, reason = BAD[case]
    with pytest.raises(InvalidTokenError, match=reason):
        tokens.caller(make(shared_idp))


GOOD: dict[str, Callable[[Idp], str]] = {
    "plain": lambda idp: idp.token(),
    "audience list with us in it": lambda idp: idp.token(aud=["urn:other", AUDIENCE]),
    "long media type": _with_header(typ="application/at+jwt"),
    "type in capitals": _with_header(typ="AT+JWT"),
    "header we know nothing of": _with_header(note="hello"),
    "expired within the leeway": lambda idp: idp.token(exp=int(NOW()) - 40),
    "valid in a moment": lambda idp: idp.token(nbf=int(NOW()) + 40),
    "issued by a clock that is ahead": lambda idp: idp.token(iat=int(NOW()) + 40),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_right_token_names_the_caller(case: str, tokens: AccessTokens, shared_idp: Idp) -> None:
    caller = tokens.caller(GOOD[case](shared_idp))
    assert caller.issuer == shared_idp.issuer
    assert (caller.subject, caller.client_id, caller.organisation) == ("system-1", "system-1", "2120000142")
    assert caller.scopes == {"registry:search", "registry:verify"}
    assert caller.roles == {"system"}
    assert caller.personal_number is None


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"scope": None}, frozenset()),
        ({"scope": ["registry:admin"]}, frozenset()),
        ({"scope": "  registry:read   registry:read "}, {"registry:read"}),
        ({"scope": 7}, frozenset()),
    ],
)
def test_scopes_are_read_as_rfc_9068_writes_them(
    claims: dict[str, Any], expected: frozenset[str], tokens: AccessTokens, shared_idp: Idp
) -> None:
    assert tokens.caller(shared_idp.token(**claims)).scopes == expected


def test_roles_of_a_strange_shape_give_none(tokens: AccessTokens, shared_idp: Idp) -> None:
    assert tokens.caller(shared_idp.token(roles={"admin": True})).roles == frozenset()
    assert tokens.caller(shared_idp.token(roles=["a", 7, None, ""])).roles == {"a"}
    assert tokens.caller(shared_idp.token(roles="a")).roles == {"a"}


def test_a_subject_that_is_a_personal_number_becomes_a_digest(tokens: AccessTokens, shared_idp: Idp) -> None:
    number = "19900101981" + str(check_digit("900101981"))
    caller = tokens.caller(shared_idp.token(sub=number))
    assert number not in repr(caller)
    assert caller.subject.startswith("digest:")
    assert tokens.caller(shared_idp.token(sub=number)).subject == caller.subject


def test_a_sole_traders_organisation_number_is_a_digest_of_their_own(
    tokens: AccessTokens, shared_idp: Idp
) -> None:
    def organisation(number: str) -> str:
        return tokens.caller(shared_idp.token(**{"https://id.oidc.se/claim/orgNumber": number})).organisation

    one, other = (nine + str(check_digit(nine)) for nine in ("900101981", "900101982"))
    assert organisation(one).startswith("[personal number] ")
    assert not any(each.isdigit() for each in organisation(one))
    # However it is written, and nobody else's.
    forms = (
        f"{one[:6]}-{one[6:]}",
        f"19{one}",
        f"16{one}",
        f"SE{one}01",
        f"{one[:6]} - {one[6:]}",
        f"{one[:6]}\u200b{one[6:]}",
    )
    assert {organisation(form) for form in forms} == {organisation(one)}
    assert organisation(other) != organisation(one)


def test_a_number_that_is_hidden_in_an_organisations_id_is_kept_nowhere(
    tokens: AccessTokens, shared_idp: Idp
) -> None:
    number = "19900101981" + str(check_digit("900101981"))
    claim = {"https://id.oidc.se/claim/orgNumber": f"trader:{number[:8]}_{number[8:]}"}
    assert tokens.caller(shared_idp.token(**claim)).organisation.startswith("[personal number] ")


@pytest.mark.parametrize(
    "written", ["212000-0142", "162120000142", "SE212000014201", " 2120000142 ", "0007:2120000142"]
)
def test_a_legal_person_is_one_organisation_however_it_is_written(
    tokens: AccessTokens, shared_idp: Idp, written: str
) -> None:
    caller = tokens.caller(shared_idp.token(**{"https://id.oidc.se/claim/orgNumber": written}))
    assert caller.organisation == "2120000142"


@pytest.mark.parametrize("told", [2120000142, ["2120000142"], {"number": "2120000142"}, True])
def test_an_organisation_that_is_no_text_is_refused(
    tokens: AccessTokens, shared_idp: Idp, told: object
) -> None:
    with pytest.raises(InvalidTokenError, match="must be a string"):
        tokens.caller(shared_idp.token(**{"https://id.oidc.se/claim/orgNumber": told}))


def test_an_algorithm_off_the_list_is_refused(shared_idp: Idp) -> None:
    settings = settings_for(shared_idp, "sqlite://", REGISTRY_TOKENS__ALGORITHMS='["ES256"]')
    strict = AccessTokens.from_settings(settings, digest=Sealer(settings.privacy).digest)
    with pytest.raises(InvalidTokenError, match="algorithm"):
        strict.caller(shared_idp.token())


def test_without_an_issuer_every_token_is_refused() -> None:
    settings = settings_for(None, "sqlite://")
    nobody = AccessTokens.from_settings(settings, digest=Sealer(settings.privacy).digest)
    with pytest.raises(InvalidTokenError, match=r"tokens\.issuer"):
        nobody.caller("a.b.c")


def test_an_id_token_does_not_pass_as_an_access_token(tokens: AccessTokens, shared_idp: Idp) -> None:
    """RFC 8725 section 3.12: tokens of one kind must not pass as another, even with every claim right."""
    with pytest.raises(InvalidTokenError, match="typ"):
        tokens.caller(shared_idp.keys.sign(shared_idp.claims(), kind="JWT"))


def test_a_token_of_the_providers_token_endpoint_is_taken(tokens: AccessTokens, shared_idp: Idp) -> None:
    answer = shared_idp.ask_token(shared_idp.client("system-1"), "registry:search registry:admin")
    caller = tokens.caller(answer.json()["access_token"])
    assert caller.scopes == {"registry:search"}
    assert caller.subject == "system-1"
    assert caller.organisation == "2120000142"


def test_a_token_of_another_provider_is_refused(tokens: AccessTokens) -> None:
    with running_idp() as other, pytest.raises(InvalidTokenError, match="does not publish"):
        tokens.caller(other.token())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer one two",
        "Bearer one, Bearer two",
        "Bearer å",
        "Bearer one\xff",
        "Bearer =one",
        "one",
    ],
)
def test_a_header_without_one_bearer_token_is_no_credential(header: str | None) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        bearer_token(header)
    assert not isinstance(refused.value, InvalidTokenError)


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER   abc  "])
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    assert bearer_token(header) == "abc"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "sub", "client_id", "jti", "iat", "exp", "nbf", "scope", "roles"]),
    JSON,
    max_size=3,
)
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "cty", "x5c", "x5t"]), JSON, max_size=2)


@settings_of_hypothesis(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(header=HEADERS, claims=CLAIMS)
def test_whatever_stands_in_a_signed_token_it_is_taken_or_refused(
    header: dict[str, Any], claims: dict[str, Any], tokens: AccessTokens, shared_idp: Idp
) -> None:
    token = _signed(shared_idp, json.dumps(shared_idp.claims() | claims).encode(), **header)
    with suppress(InvalidTokenError):
        caller = tokens.caller(token)
        assert caller.issuer == shared_idp.issuer
        assert caller.subject


def _tokens(idp: Idp, now: list[float]) -> AccessTokens:
    """Access tokens with a clock to set; the issuer's keys are believed for five minutes."""
    keys = KeyCache(
        idp.keys.published, ttl_s=300, cooldown_s=0, max_stale_s=3600, wait_s=1, clock=lambda: now[0]
    )
    return tokens_with(settings_for(idp, "sqlite://"), keys, clock=lambda: now[0])


def test_a_token_is_read_once(shared_idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = _tokens(shared_idp, [time.time()])
    read: list[str] = []
    signed = TokenReader.signed

    def noted(self: TokenReader, token: str) -> tuple[dict[str, Any], Signature]:
        read.append(token)
        return signed(self, token)

    monkeypatch.setattr(TokenReader, "signed", noted)
    one, other = shared_idp.token(), shared_idp.token(scope="registry:admin")
    assert tokens.caller(one) == tokens.caller(one) != tokens.caller(other)
    assert read == [one, other]
    with pytest.raises(InvalidTokenError):
        tokens.caller(one[:-4] + "AAAA")


def test_a_known_token_counts_no_longer_than_its_time(shared_idp: Idp) -> None:
    now = [time.time()]
    tokens = _tokens(shared_idp, now)
    leeway = settings_for(shared_idp, "sqlite://").tokens.leeway_s
    begins, ends = int(now[0]) - 20, int(now[0]) + 100
    token = shared_idp.token(exp=ends, nbf=begins)
    assert tokens.caller(token).subject
    for at, counts in (
        (ends + leeway - 1, True),
        (ends + leeway, False),
        (begins - leeway - 1, False),
        (ends, True),
    ):
        now[0] = float(at)
        if counts:
            assert tokens.caller(token).subject
        else:
            with pytest.raises(InvalidTokenError):
                tokens.caller(token)


def test_a_known_token_ends_with_its_key() -> None:
    with running_idp() as idp:
        now = [time.time()]
        tokens, token, kid = _tokens(idp, now), idp.token(exp=int(now[0]) + 5000), str(idp.keys.current.kid)
        assert tokens.caller(token).subject
        now[0] += 301
        assert tokens.caller(token).subject, "the keys were fetched again, the same"
        idp.keys.rotate()
        idp.keys.withdraw(kid)
        assert tokens.caller(token).subject, "for as long as the keys are believed"
        now[0] += 301
        with pytest.raises(InvalidTokenError, match="does not publish"):
            tokens.caller(token)


def test_so_many_tokens_are_remembered_and_no_more(shared_idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.access.tokens._REMEMBERED", 2)
    tokens = _tokens(shared_idp, [time.time()])
    for number in range(5):
        assert tokens.caller(shared_idp.token(jti=f"token-{number}")).subject
        assert len(tokens._known) <= 2
