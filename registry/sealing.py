"""Keyed digests and sealed values for what may never stand plain in a table.

A digest (HMAC-SHA256) finds a personal identity number; without the key, trying all numbers finds nothing.
A seal (AES-256-GCM, NIST SP 800-38D) keeps the value itself readable for the one purpose of showing it to the person.

A sealed value is: a mark of the key (6 bytes), a nonce (12 bytes), the encrypted value with its tag. Values that were sealed before there
were marks lack the first part and open all the same.
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
SOURCE_RECORD = b"source-record"
MARK_BYTES = 6
_NONCE_BYTES = 12
# Before the fingerprint of the key: tells a mark from the first bytes of a nonce as well as can be; the tag decides.
_MARKED = b"\x02k"


class Sealer:
    """Digests and seals with the keys of `[privacy]`.

    Raises:
        SettingsError: a key is missing or is not 32 bytes in base64.
    """

    def __init__(self, settings: Privacy) -> None:
        self._digest_key = _key("privacy.digest_key", settings.digest_key)
        key = _key("privacy.sealing_key", settings.sealing_key)
        others = [_key(f"privacy.opening_keys[{n}]", one) for n, one in enumerate(settings.opening_keys)]
        # What seals, first.
        self._aeads = {_mark(one): AESGCM(one) for one in (key, *others)}
        self.mark = _mark(key)

    @property
    def marks(self) -> tuple[bytes, ...]:
        """The marks of all keys that open, first that of the key that seals."""
        return tuple(self._aeads)

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
        return self.mark + nonce + self._aeads[self.mark].encrypt(nonce, value, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            ValueError: no key of the settings, another context, or a changed value.
        """
        marked = self._aeads.get(sealed[:MARK_BYTES])
        if marked is not None and (value := _opened(marked, sealed[MARK_BYTES:], context)) is not None:
            return value
        for aead in self._aeads.values():
            if (value := _opened(aead, sealed, context)) is not None:
                return value
        raise ValueError("the sealed value does not open with the keys of the settings")


def _opened(aead: AESGCM, sealed: bytes, context: bytes) -> bytes | None:
    try:
        return aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    # A value shorter than a nonce and a tag can't be read at all: ValueError from the library.
    except (InvalidTag, ValueError):
        return None


def _mark(key: bytes) -> bytes:
    """Return what values sealed with a key begin with: it tells keys apart and nothing of them."""
    return (
        _MARKED + hashlib.blake2b(key, digest_size=MARK_BYTES - len(_MARKED), person=b"sealing-key").digest()
    )


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
