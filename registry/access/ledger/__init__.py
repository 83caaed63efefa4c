"""The ledger over the access log: every minute's events sealed in a Merkle tree whose head is signed and chained.

`seal` writes heads, `verify` proves that nothing was changed or removed since, `prove` gives proofs about single events
and pairs of heads, `proof` checks those without a database. What is sealed, and how, is told in docs/access-log.md.
"""
