"""Signatures and encodings by hand, in the manner of Project Wycheproof: what is nearly right is wrong."""

import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registry.access.challenges import InvalidTokenError
from registry.access.jws import TokenReader, json_object, unverified_issuer
from registry.access.keys import Key, KeyCache
from tests.registry.access.bound import part, signed

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)
KEYS: dict[str, tuple[Key, str]] = {
    "ec": (ECKey.generate_key("P-256"), "ES256"),
    "rsa": (RSAKey.generate_key(2048), "RS256"),
    "pss": (RSAKey.generate_key(2048), "PS256"),
    "ed": (OKPKey.generate_key("Ed25519"), "EdDSA"),
    "p384": (ECKey.generate_key("P-384"), "ES384"),
}


@pytest.fixture(scope="module")
def reader() -> TokenReader:
    published = {"keys": [key.as_dict(private=False, kid=kid) for kid, (key, _) in KEYS.items()]}
    keys = KeyCache(lambda: published, ttl_s=300, cooldown_s=30, max_stale_s=300, wait_s=1)
    algorithms = {"ES256", "ES384", "RS256", "PS256", "EdDSA"}
    return TokenReader(keys, algorithms=algorithms, types={"at+jwt"}, max_length=8000)


def _token(kid: str, **header: object) -> str:
    key, algorithm = KEYS[kid]
    return signed({"alg": algorithm, "kid": kid, "typ": "at+jwt", **header}, {"sub": "x"}, key)


def _with_signature(kid: str, change: Callable[[bytes], bytes]) -> str:
    message, _, signature = _token(kid).rpartition(".")
    return f"{message}.{part(change(base64.urlsafe_b64decode(signature + '==')))}"


def _numbers(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])


def _raw(r: int, s: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32)


@pytest.mark.parametrize("kid", KEYS)
def test_the_right_signature_holds(kid: str, reader: TokenReader) -> None:
    assert reader.claims(_token(kid)) == {"sub": "x"}


SIGNATURES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "empty": ("ec", lambda _: b""),
    "all zeros": ("ec", lambda s: bytes(len(s))),
    "r is zero": ("ec", lambda s: _raw(0, _numbers(s)[1])),
    "s is zero": ("ec", lambda s: _raw(_numbers(s)[0], 0)),
    "r and s are one": ("ec", lambda _: _raw(1, 1)),
    "r is the order": ("ec", lambda s: _raw(ORDER, _numbers(s)[1])),
    "s is the order": ("ec", lambda s: _raw(_numbers(s)[0], ORDER)),
    "both are the order": ("ec", lambda _: _raw(ORDER, ORDER)),
    "all ones": ("ec", lambda s: b"\xff" * len(s)),
    "r and s exchanged": ("ec", lambda s: s[32:] + s[:32]),
    "as DER, not as two numbers": ("ec", lambda s: encode_dss_signature(*_numbers(s))),
    "a byte short": ("ec", lambda s: s[:-1]),
    "a byte long": ("ec", lambda s: s + b"\0"),
    "a byte before it": ("ec", lambda s: b"\0" + s),
    "numbers of 48 bytes": ("ec", lambda s: bytes(16) + s[:32] + bytes(16) + s[32:]),
    "of P-384, a byte short": ("p384", lambda s: s[1:]),
    "RSA, a byte short": ("rsa", lambda s: s[1:]),
    "RSA, a zero before it": ("rsa", lambda s: b"\0" + s),
    "RSA, all zeros": ("rsa", lambda s: bytes(len(s))),
    "RSA, one": ("rsa", lambda s: bytes(len(s) - 1) + b"\1"),
    "RSA, all ones": ("rsa", lambda s: b"\xff" * len(s)),
    "PSS, all zeros": ("pss", lambda s: bytes(len(s))),
    "Ed25519, all zeros": ("ed", lambda s: bytes(len(s))),
    "Ed25519, s not reduced": ("ed", lambda s: s[:32] + b"\xff" * 32),
    "Ed25519, cut": ("ed", lambda s: s[:32]),
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_a_signature_that_is_nearly_right_does_not_hold(case: str, reader: TokenReader) -> None:
    kid, change = SIGNATURES[case]
    with pytest.raises(InvalidTokenError, match="signature"):
        reader.claims(_with_signature(kid, change))


@pytest.mark.parametrize("kid", ["ec", "ed"])
def test_no_single_bit_of_a_signature_may_differ(kid: str, reader: TokenReader) -> None:
    message, _, text = _token(kid).rpartition(".")
    signature = base64.urlsafe_b64decode(text + "==")
    for bit in range(0, 8 * len(signature), 7):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidTokenError):
            reader.claims(f"{message}.{part(bytes(changed))}")


def _last_bits(text: str) -> str:
    """Return the same bytes in another base64url text: bits that belong to no byte are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def _parts(change: Callable[[str, str, str], str]) -> str:
    header, payload, signature = _token("ec").split(".")
    return change(header, payload, signature)


def _header(text: bytes) -> str:
    """Sign a header that is written by hand."""
    key, _ = KEYS["ec"]
    token = signed({"alg": "ES256", "kid": "ec", "typ": "at+jwt"}, {"sub": "x"}, key)
    return ".".join([part(text), *token.split(".")[1:]])


ENCODINGS: dict[str, Callable[[], str]] = {
    "padding": lambda: _parts(lambda h, p, s: f"{h}.{p}.{s}=="),
    "bits left over in the signature": lambda: _parts(lambda h, p, s: f"{h}.{p}.{_last_bits(s)}"),
    "a line end inside": lambda: _parts(lambda h, p, s: f"{h}.{p}.{s[:9]}\n{s[9:]}"),
    "a line end after": lambda: _parts(lambda h, p, s: f"{h}.{p}.{s}\n"),
    "a blank before": lambda: _parts(lambda h, p, s: f" {h}.{p}.{s}"),
    "a letter that is none of base64": lambda: _parts(lambda h, p, s: f"{h}.{p}.{s[:9]}!{s[9:]}"),
    "a zero byte": lambda: _parts(lambda h, p, s: f"{h}.{p}.{s}\0"),
    "no payload": lambda: _parts(lambda h, _p, s: f"{h}..{s}"),
    "no header": lambda: _parts(lambda _h, p, s: f".{p}.{s}"),
    "one part too many": lambda: _parts(lambda h, p, s: f"{h}.{p}.{s}."),
    "one part only": lambda: _parts(lambda h, _p, _s: h),
    "nothing": lambda: "",
    "the JSON form": lambda: _parts(
        lambda h, p, s: json.dumps({"protected": h, "payload": p, "signature": s})
    ),
    "header with a name that stands twice": lambda: _header(
        b'{"alg":"ES256","alg":"none","kid":"ec","typ":"at+jwt"}'
    ),
    "header that is text": lambda: _header(b'"ES256"'),
    "header that is empty": lambda: _header(b"{}"),
    "header that is no UTF-8": lambda: _header(b'{"alg":"\xff"}'),
    "algorithm in small letters": lambda: _token("ec").replace(
        _token("ec").split(".")[0], part(b'{"alg":"es256","kid":"ec","typ":"at+jwt"}')
    ),
}


@pytest.mark.parametrize("case", ENCODINGS)
def test_a_token_has_one_form(case: str, reader: TokenReader) -> None:
    with pytest.raises(InvalidTokenError):
        reader.claims(ENCODINGS[case]())


CONFUSED = {
    "RSA key, by PSS": ("rsa", "PS256"),
    "PSS key, by PKCS 1": ("pss", "RS256"),
    "P-256 key, by ES384": ("ec", "ES384"),
    "P-384 key, by ES256": ("p384", "ES256"),
    "Ed25519 key, by ES256": ("ed", "ES256"),
    "EC key, by EdDSA": ("ec", "EdDSA"),
    "EC key, by RS256": ("ec", "RS256"),
}


@pytest.mark.parametrize("case", CONFUSED)
def test_a_signature_of_one_algorithm_is_none_of_another(case: str, reader: TokenReader) -> None:
    kid, algorithm = CONFUSED[case]
    header = part(json.dumps({"alg": algorithm, "kid": kid, "typ": "at+jwt"}).encode())
    with pytest.raises(InvalidTokenError):
        reader.claims(".".join([header, *_token(kid).split(".")[1:]]))


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b"",
        b"null",
        b"\xef\xbb\xbf{}",
    ],
)
def test_claims_are_read_strictly(text: bytes) -> None:
    with pytest.raises(InvalidTokenError):
        json_object(text)


def test_what_is_no_token_has_no_issuer() -> None:
    with pytest.raises(InvalidTokenError, match="JWT"):
        unverified_issuer("x", max_length=100)
    with pytest.raises(InvalidTokenError, match="longer"):
        unverified_issuer(_token("ec"), max_length=10)
    assert unverified_issuer(_token("ec"), max_length=8000) is None
