"""Keys that heads are signed with: Ed25519 (RFC 8032), named by the thumbprint of the public key (RFC 7638).

A key's name follows from the key, so nobody has to give names, and two keys never share one. To change the key, put the
new one in `ledger.signing_key` and the old one's public key in `ledger.public_keys`: heads signed with it stay provable.
"""

import base64
import binascii
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from registry.errors import SettingsError
from registry.settings_base import Secret
from registry.settings_ledger import LedgerSettings

_KEY_BYTES = 32
_HOW = "Make one with `registry log new-key`."


class PublicKey(msgspec.Struct, frozen=True):
    """A public key as a JSON Web Key (RFC 8037)."""

    x: str
    kid: str = ""
    kty: str = "OKP"
    crv: str = "Ed25519"


class KeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517 section 5)."""

    keys: list[PublicKey]


class KeyRing:
    """Public keys whose signatures are believed.

    Attributes:
        keys: by name.
    """

    def __init__(self, keys: Iterable[OKPKey]) -> None:
        self.keys: dict[str, OKPKey] = {str(key.thumbprint()): key for key in keys}

    def public(self) -> KeySet:
        """Return the public keys, for whoever is to check heads and proofs."""
        return KeySet(
            [PublicKey(x=str(key.as_dict(private=False)["x"]), kid=kid) for kid, key in self.keys.items()]
        )


def new_signing_key() -> str:
    """Return a new private key as the settings take it."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def signing_key(secret: Secret) -> OKPKey:
    """Read `ledger.signing_key`: 32 bytes in base64, or a PEM file's text (PKCS #8).

    Raises:
        SettingsError: it is not set, or no Ed25519 key.
    """
    if not secret:
        raise SettingsError(f"Setting ledger.signing_key is not set, so nothing can be sealed. {_HOW}")
    text = secret.reveal()
    try:
        if text.startswith("-----"):
            private = load_pem_private_key(text.encode(), password=None)
        else:
            private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except (ValueError, TypeError, binascii.Error):
        # Without its cause: the error may carry a part of the key.
        raise SettingsError(f"Setting ledger.signing_key can't be read as an Ed25519 key. {_HOW}") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise SettingsError(f"Setting ledger.signing_key is a key of another kind than Ed25519. {_HOW}")
    seed, public = private.private_bytes_raw(), private.public_key().public_bytes_raw()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": _url(seed), "x": _url(public)})


def public_key(text: str) -> OKPKey:
    """Read a public key, 32 bytes in base64 or base64url.

    Raises:
        ValueError: it is none.
    """
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    raw = base64.b64decode(f"{standard}=", validate=True)
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"a public key has {_KEY_BYTES} bytes, this has {len(raw)}")
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _url(raw)})


def ring_of(settings: LedgerSettings) -> KeyRing:
    """Return the keys that the settings trust: `ledger.public_keys`, and the one that is signed with.

    Raises:
        SettingsError: a key can't be read.
    """
    keys = []
    for text in settings.public_keys:
        try:
            keys.append(public_key(text))
        except (ValueError, JoseError) as error:
            raise SettingsError(
                f"Setting ledger.public_keys has an entry that is no key: {error}."
            ) from error
    if settings.signing_key:
        keys.append(signing_key(settings.signing_key))
    return KeyRing(keys)


def ring_of_file(path: Path) -> KeyRing:
    """Return the keys of a JSON Web Key Set, as `registry log keys` prints it.

    Raises:
        SettingsError: the file can't be read as one.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=KeySet)
        return KeyRing([public_key(key.x) for key in found.keys if key.crv == "Ed25519"])
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, ValueError, JoseError) as error:
        raise SettingsError(
            f"{path} is not a set of Ed25519 keys as `registry log keys` prints it."
        ) from error


def _url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
