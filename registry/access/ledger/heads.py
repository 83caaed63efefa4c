"""Heads: what is signed about the tree, each holding the digest of the one before. As compact JWS (RFC 7515)."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from registry.access.ledger.errors import LedgerError
from registry.access.ledger.hashing import HASH_BYTES
from registry.access.ledger.keys import KeyRing

VERSION = 1
_ALGORITHM = "Ed25519"  # RFC 9864
_TYPE = "registry-log-head+json"
_PARTS = 3
_Hash = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * HASH_BYTES}}}$")]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a head says.

    Attributes:
        version: of how leaves are written and hashed.
        log: which log this is: 32 random hexadecimal digits, the same in all its heads.
        number: 1, 2, 3 ...
        size: leaves of the tree, all of the log since its beginning.
        root: of the tree, hexadecimal.
        previous: SHA-256 of the head before as it was signed, hexadecimal; "" in the first.
        sealed_at: UTC, as `2026-11-22T21:46:21.000000Z`.
    """

    version: int
    log: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    number: Annotated[int, msgspec.Meta(ge=1)]
    size: Annotated[int, msgspec.Meta(ge=1)]
    root: _Hash
    previous: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
    sealed_at: Annotated[
        str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")
    ]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it was signed; whether its signature holds is asked of `holds`."""

    text: str
    kid: str
    head: Head

    @property
    def digest(self) -> str:
        """SHA-256 of the whole, hexadecimal: what the next head holds."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return bytes.fromhex(self.head.root)

    def told(self) -> dict[str, Any]:
        """Return it for an export: the parts to read, and `head`, which is signed and says the same."""
        head = self.head
        return {
            "number": head.number,
            "size": head.size,
            "root": head.root,
            "sealedAt": head.sealed_at,
            "kid": self.kid,
            "head": self.text,
        }


def sign(head: Head, key: OKPKey) -> SignedHead:
    """Sign a head."""
    kid = str(key.thumbprint())
    header = {"alg": _ALGORITHM, "kid": kid, "typ": _TYPE}
    payload = msgspec.json.encode(head, order="sorted")
    return SignedHead(jws.serialize_compact(header, payload, key, algorithms=[_ALGORITHM]), kid, head)


def read(text: object) -> SignedHead:
    """Read a head without asking whether its signature holds.

    Args:
        text: whatever stands where one should be.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(text, str) or not text.isascii() or len(parts := text.split(".")) != _PARTS:
        raise ValueError("not a signed head")
    try:
        header = msgspec.json.decode(_bytes(parts[0]), type=_Header)
        head = msgspec.json.decode(_bytes(parts[1]), type=Head)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError("not a signed head") from error
    if header.alg != _ALGORITHM or header.typ != _TYPE or head.version != VERSION:
        raise ValueError("not a signed head of a kind that this version knows")
    return SignedHead(text, header.kid, head)


def holds(signed: SignedHead, ring: KeyRing) -> bool:
    """Tell whether the signature holds; with a key that is not in the ring it does not."""
    key = ring.keys.get(signed.kid)
    if key is None:
        return False
    try:
        jws.deserialize_compact(signed.text, key, algorithms=[_ALGORITHM])
    except (JoseError, ValueError):
        return False
    return True


def read_kept(data: bytes) -> list[SignedHead]:
    """Read heads that were kept elsewhere: what `registry log heads --json` printed, or one signed head a line.

    Raises:
        LedgerError: they can't be read.
    """
    try:
        if data.lstrip()[:1] in {b"{", b"["}:
            told = msgspec.json.decode(data)
            rows = told["heads"] if isinstance(told, dict) else told
            texts = [row["head"] for row in rows]
        else:
            texts = data.decode("ascii").split()
        found = [read(text) for text in texts]
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(
            "The heads kept elsewhere can't be read: give what `registry log heads --json` printed, unchanged."
        ) from error
    if not found:
        raise LedgerError(
            "No head was kept elsewhere in what was given, so nothing could be compared with the log."
        )
    return found


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
