"""A number per document by which whole ranges of documents are compared at once: same sum and count, same documents.

Computed here for the documents of the index, and by SQL with the same arithmetic for what the index should hold
(`indexer.expected`): only operations that SQLite, PostgreSQL and Python do alike, below 2**63.
"""

PRIME = 2**31 - 1
FACTOR = 48_271


def checksum(key: int, version: int) -> int:
    """Return the check number of a document: 0 to PRIME - 1.

    Squared, so that differences of several documents don't cancel out in a sum as those of the bare versions can.
    The sum over a million documents stays below 2**53, where engines add exactly.
    """
    mixed = (key % PRIME * FACTOR + version % PRIME) % PRIME
    return mixed * mixed % PRIME
