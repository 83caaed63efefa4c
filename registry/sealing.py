"""Keyed digests and sealed values for what may never stand plain in a table.

A digest (HMAC-SHA256) finds a personal identity number; without the key, trying all numbers finds nothing.
A seal (AES-256-GCM, NIST SP 800-38D) keeps the value itself readable for the one purpose of showing it to the person.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.errors import SettingsError
from registry.settings import Privacy, Secret

KEY_BYTES = 32
# What a sealed personal identity number is bound to: the same bytes in another column do not open.
IDENTIFIER = b"identifier"
_NONCE_BYTES = 12


class Sealer:
    """Digests and seals with the keys of `[privacy]`.

    Raises:
        SettingsError: a key is missing or is not 32 bytes in base64.
    """

    def __init__(self, settings: Privacy) -> None:
        self._digest_key = _key("privacy.digest_key", settings.digest_key)
        self._aead = AESGCM(_key("privacy.sealing_key", settings.sealing_key))

    def digest(self, value: str) -> bytes:
        """Return the 32-byte look-up digest of a personal identity number (12 digits)."""
        return hmac.digest(self._digest_key, value.encode(), "sha256")

    def record_digest(self, payload: bytes) -> bytes:
        """Return a 32-byte keyed digest of a source record, to tell whether it changed."""
        return hashlib.blake2b(
            payload, digest_size=32, key=self._digest_key, person=b"source-record"
        ).digest()

    def fingerprinter(self, context: bytes) -> Callable[[bytes], int]:
        """Return a function from a source's own row to a signed 64-bit keyed digest.

        Args:
            context: everything that decides how rows are read; under another context the same row has another digest.
        """
        key = hashlib.blake2b(context, digest_size=32, key=self._digest_key, person=b"fingerprint").digest()
        # A copy of a digest that has taken in the key already: half the work for a short row.
        begun, from_bytes = hashlib.blake2b(digest_size=8, key=key), int.from_bytes

        def fingerprint(raw: bytes) -> int:
            digest = begun.copy()
            digest.update(raw)
            return from_bytes(digest.digest(), "little", signed=True)

        return fingerprint

    def seal(self, value: bytes, *, context: bytes) -> bytes:
        """Encrypt `value`; `context` names its kind, so that a value moved elsewhere does not open."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, value, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            ValueError: another key or context, or a changed value.
        """
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        # A value shorter than a nonce and a tag can't be read at all: ValueError from the library.
        except (InvalidTag, ValueError) as error:
            raise ValueError("the sealed value does not open with this key") from error


def new_key() -> str:
    """Return a new random key as the settings take it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _key(name: str, secret: Secret) -> bytes:
    if not secret:
        raise SettingsError(f"Setting {name} is not set. Make keys with `registry keys` and keep them safe.")
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"Setting {name} is not base64. Make keys with `registry keys`.") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"Setting {name} has {len(key)} bytes, {KEY_BYTES} are needed.")
    return key
