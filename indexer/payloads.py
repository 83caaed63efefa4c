"""Records as received, packed and sealed: they may hold a personal identity number."""

import zlib

from registry.sealing import SOURCE_RECORD, Sealer

# Shorter ones are not packed: it would take longer than writing the few bytes that it saves.
_WORTH_PACKING = 512
_JSON = b"{"


def seal_payload(sealer: Sealer, payload: bytes) -> bytes:
    """Seal a payload (a JSON object), packed if it is long."""
    if len(payload) < _WORTH_PACKING and payload.startswith(_JSON):
        return sealer.seal(payload, context=SOURCE_RECORD)
    # A small window: records are some kilobytes, and setting up the usual one costs more than packing them.
    packer = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return sealer.seal(packer.compress(payload) + packer.flush(), context=SOURCE_RECORD)


def open_payload(sealer: Sealer, sealed: bytes) -> bytes:
    """Give back what was sealed.

    Raises:
        ValueError: it was sealed with another key.
    """
    opened = sealer.open(sealed, context=SOURCE_RECORD)
    # Packed bytes never begin like JSON does.
    return opened if opened.startswith(_JSON) else zlib.decompress(opened)
