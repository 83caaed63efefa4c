"""Keys of heads: read from settings or files, named by themselves, never told."""

import base64
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from registry.access.ledger import heads
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.heads import Head
from registry.access.ledger.keys import (
    KeyRing,
    new_signing_key,
    public_key,
    ring_of,
    ring_of_file,
    signing_key,
)
from registry.errors import SettingsError
from registry.settings import LedgerSettings, Secret
from tests.registry.access.ledger.house import KEY_TEXT, OTHER_KEY_TEXT, RING, key

HEAD = Head(
    version=1,
    log="0" * 32,
    number=1,
    size=1,
    root="1" * 64,
    previous="",
    sealed_at="2026-11-22T21:46:21.000000Z",
)
PEM = {"encoding": Encoding.PEM, "format": PrivateFormat.PKCS8, "encryption_algorithm": NoEncryption()}


def settings(signing: str = "", *public: str) -> LedgerSettings:
    return LedgerSettings(
        signing_key=Secret(signing),
        public_keys=public,
        database_url="",
        every_s=60,
        batch_events=10,
        overdue_s=600,
        state_file="",
        timeline_days=92,
    )


def pem(private: object) -> str:
    told: bytes = private.private_bytes(**PEM)  # type: ignore[attr-defined]
    return told.decode()


def test_a_pem_file_and_base64_give_the_same_key() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(KEY_TEXT))
    assert signing_key(Secret(pem(private))).thumbprint() == key().thumbprint()


def test_a_new_key_signs_and_its_public_key_alone_checks() -> None:
    signer = signing_key(Secret(new_signing_key()))
    signed = heads.sign(HEAD, signer)
    (public,) = KeyRing([signer]).public().keys
    ring = KeyRing([public_key(public.x)])
    assert list(ring.keys) == [public.kid] == [signed.kid]
    assert heads.holds(signed, ring)
    assert not heads.holds(signed, RING)


@pytest.mark.parametrize(
    "text",
    ["short", "!" * 44, KEY_TEXT[:-4], "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "EC"],
)
def test_what_is_no_key_is_refused_without_telling_it(text: str) -> None:
    text = pem(generate_private_key(SECP256R1())) if text == "EC" else text
    with pytest.raises(SettingsError, match=r"ledger\.signing_key") as refused:
        signing_key(Secret(text))
    assert text not in str(refused.value)
    assert refused.value.__cause__ is None


def test_without_a_key_nothing_can_be_signed() -> None:
    with pytest.raises(SettingsError, match="registry log new-key"):
        signing_key(Secret(""))


def test_the_settings_trust_old_keys_and_the_present_one() -> None:
    old = KeyRing([key(OTHER_KEY_TEXT)]).public().keys[0]
    assert set(ring_of(settings(KEY_TEXT, old.x)).keys) == {old.kid, *RING.keys}
    # Base64 as other programs write it.
    plain = base64.b64encode(base64.urlsafe_b64decode(old.x + "=")).decode()
    assert list(ring_of(settings("", plain)).keys) == [old.kid]
    assert ring_of(settings()).keys == {}


@pytest.mark.parametrize("text", ["", "AAAA", "å", KEY_TEXT * 2])
def test_what_is_no_public_key_names_its_setting(text: str) -> None:
    with pytest.raises(SettingsError, match=r"ledger\.public_keys"):
        ring_of(settings("", text))


def test_a_key_set_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(msgspec.json.encode(RING.public()))
    assert list(ring_of_file(path).keys) == list(RING.keys)
    path.write_text('{"keys": [{"x": "short"}]}', "utf-8")
    with pytest.raises(SettingsError, match="registry log keys"):
        ring_of_file(path)
    with pytest.raises(SettingsError, match="can't be read"):
        ring_of_file(tmp_path / "none.json")


def test_a_public_key_set_holds_no_private_part() -> None:
    assert base64.b64decode(KEY_TEXT).hex() not in msgspec.json.encode(RING.public()).hex()
    assert set(msgspec.json.decode(msgspec.json.encode(RING.public()))["keys"][0]) == {
        "x",
        "kid",
        "kty",
        "crv",
    }


def parts(header: object, payload: object) -> str:
    encoded = [
        base64.urlsafe_b64encode(msgspec.json.encode(each)).rstrip(b"=").decode()
        for each in (header, payload)
    ]
    return ".".join([*encoded, "AAAA"])


HEADER = {"alg": "Ed25519", "typ": "registry-log-head+json", "kid": "k"}
PLAIN = msgspec.to_builtins(HEAD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        "å.b.c",
        parts({**HEADER, "alg": "none"}, PLAIN),
        parts({**HEADER, "alg": "HS256"}, PLAIN),
        parts({**HEADER, "typ": "JWT"}, PLAIN),
        parts({**HEADER, "crit": ["b64"]}, PLAIN),
        parts(HEADER, {**PLAIN, "version": 2}),
        parts(HEADER, {**PLAIN, "root": "xyz"}),
        parts(HEADER, {**PLAIN, "size": 0}),
        parts(HEADER, {**PLAIN, "more": 1}),
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a signed head"):
        heads.read(text)


def test_a_head_without_a_signature_of_ours_does_not_hold() -> None:
    assert not heads.holds(heads.read(parts({**HEADER, "kid": next(iter(RING.keys))}, PLAIN)), RING)


@pytest.mark.parametrize("form", ["object", "list", "lines"])
def test_heads_kept_elsewhere_are_read_in_every_form(form: str) -> None:
    signed = heads.sign(HEAD, key())
    rows = [signed.told()]
    data = {
        "object": msgspec.json.encode({"heads": rows}),
        "list": msgspec.json.encode(rows),
        "lines": f"{signed.text}\n".encode(),
    }[form]
    assert heads.read_kept(data) == [signed]


@pytest.mark.parametrize("data", [b"{}", b'{"heads": 1}', b"[1]", b'[{"head": 1}]', b"a.b.c", b"\xff", b"{"])
def test_what_is_no_list_of_heads_is_refused(data: bytes) -> None:
    with pytest.raises(LedgerError, match="registry log heads"):
        heads.read_kept(data)
