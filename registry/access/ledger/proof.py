"""Proofs as JSON, and checking them: all it takes is the proof, the public keys, and a head that is believed.

An inclusion proof (RFC 6962 section 2.1.1) shows that an event, with the people it showed, is in the log under a head. A
consistency proof (section 2.1.2) shows that everything under an older head is unchanged under a newer one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from registry.access.ledger import heads
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.hashing import HASH_BYTES, includes, is_continued, leaf_hash
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.keys import KeyRing

_Hash = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * HASH_BYTES}}}$")]
# A tree of 2^63 leaves needs fewer; nobody's file shall keep the checker busy.
_Path = Annotated[list[_Hash], msgspec.Meta(max_length=128)]
_Position = Annotated[int, msgspec.Meta(ge=0)]


class Inclusion(msgspec.Struct, frozen=True, tag_field="proof", tag="inclusion"):
    """That an event is in the log.

    Attributes:
        leaf: the event as it was sealed, character by character; JSON.
        position: of its entry.
        path: hashes from the leaf to the root, hexadecimal.
        head: signed.
    """

    leaf: str
    position: _Position
    path: _Path
    head: str


class Consistency(msgspec.Struct, frozen=True, tag_field="proof", tag="consistency"):
    """That the log under one head begins with all that was under an older one; heads as signed, path hexadecimal."""

    path: _Path
    older: str
    newer: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a proof that holds says.

    Attributes:
        event: what was sealed; None for a proof of consistency.
        head: the (newer) head.
        older: the older head; None for a proof of inclusion.
    """

    event: dict[str, Any] | None
    head: SignedHead
    older: SignedHead | None


def check(data: bytes, ring: KeyRing, *, kept: Collection[SignedHead] | None = None) -> Checked:
    """Check a proof; needs no database.

    Args:
        data: the proof's JSON.
        ring: public keys that are trusted.
        kept: heads that were kept elsewhere: if given, the proof's head must be among them; of two, one, as the proof shows
            what the other has in common with it.

    Raises:
        LedgerError: it does not hold; says why.
    """
    try:
        proof = msgspec.json.decode(data, type=Inclusion | Consistency)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise LedgerError(f"This is no proof as `registry log prove` writes it: {error}.") from error
    path = [bytes.fromhex(step) for step in proof.path]
    if isinstance(proof, Consistency):
        older, newer = _believed(proof.older, ring, None), _believed(proof.newer, ring, None)
        if kept is not None and not {one.text for one in kept} & {older.text, newer.text}:
            raise LedgerError(
                f"Neither of the proof's heads {older.head.number} and {newer.head.number} is among those that are kept elsewhere."
            )
        if older.head.log != newer.head.log or not is_continued(
            old=older.head.size, old_root=older.root, new=newer.head.size, new_root=newer.root, path=path
        ):
            raise LedgerError("The proof does not hold: the newer head is no continuation of the older one.")
        return Checked(None, newer, older)
    head = _believed(proof.head, ring, kept)
    leaf = leaf_hash(proof.leaf.encode())
    if not includes(leaf=leaf, position=proof.position, size=head.head.size, path=path, root=head.root):
        raise LedgerError("The proof does not hold: this event is not under the head.")
    return Checked(msgspec.json.decode(proof.leaf), head, None)


def _believed(text: str, ring: KeyRing, kept: Collection[SignedHead] | None) -> SignedHead:
    try:
        signed = heads.read(text)
    except ValueError as error:
        raise LedgerError("The proof does not hold: it has no signed head.") from error
    if not heads.holds(signed, ring):
        raise LedgerError(
            f"The proof does not hold: head {signed.head.number} is not signed with a key that is trusted."
        )
    if kept is not None and all(one.text != text for one in kept):
        raise LedgerError(
            f"The proof's head {signed.head.number} is not among those that are kept elsewhere."
        )
    return signed
