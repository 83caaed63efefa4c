"""Hashes and proofs of the tree against RFC 6962: its definition taken at its word, and known roots."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.ledger import hashing
from registry.access.ledger.hashing import (
    Frontier,
    consistency_ranges,
    includes,
    inclusion_ranges,
    is_continued,
    leaf_hash,
    range_hashes,
)

# The eight leaves that Certificate Transparency's implementations test with, and the roots of their first n.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def defined(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash as section 2.1 of the RFC defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:half]) + defined(leaves[half:])).digest()


def many(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


def root_of(leaves: list[bytes]) -> bytes:
    edge = Frontier()
    for leaf in leaves:
        edge.append(leaf_hash(leaf))
    return edge.root()


def path_of(leaves: list[bytes], ranges: list[hashing.Range]) -> list[bytes]:
    return range_hashes(enumerate(map(leaf_hash, leaves)), ranges)


@pytest.mark.parametrize("count", range(1, 9))
def test_known_roots(count: int) -> None:
    assert root_of(LEAVES[:count]).hex() == ROOTS[count - 1]


@pytest.mark.parametrize("count", [*range(20), 100, 255, 256, 257])
def test_the_root_is_the_one_that_the_rfc_defines(count: int) -> None:
    assert root_of(many(count)) == defined(many(count))


@given(st.integers(0, 300))
def test_an_edge_is_gone_on_with_after_it_was_kept(count: int) -> None:
    edge = Frontier()
    for leaf in many(count):
        edge.append(leaf_hash(leaf))
    again = Frontier.load(edge.size, edge.dump())
    again.append(leaf_hash(b"next"))
    assert again.root() == defined([*many(count), b"next"])


@pytest.mark.parametrize(
    ("size", "dumped"), [(3, b"x" * 32), (1, b"x" * 64), (1, b"x" * 31), (-1, b"x" * 32)]
)
def test_bytes_that_are_no_edge_are_refused(size: int, dumped: bytes) -> None:
    with pytest.raises(ValueError, match="not the edge"):
        Frontier.load(size, dumped)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 33])
def test_every_leaf_of_a_tree_can_be_proven_and_no_other(size: int) -> None:
    leaves = many(size)
    root = root_of(leaves)
    for position in range(size):
        path = path_of(leaves, inclusion_ranges(position, size))
        right: dict[str, Any] = {
            "leaf": leaf_hash(leaves[position]),
            "position": position,
            "size": size,
            "path": path,
        }
        assert includes(**right, root=root)
        wrong: list[dict[str, Any]] = [
            {"leaf": leaf_hash(b"other")},
            {"position": position + 1},
            {"position": -1},
            {"path": [*path, root]},
            {"path": [bytes(32), *path[1:]]} if path else {"path": [root]},
            {"path": path[:-1]} if path else {"leaf": bytes(32)},
        ]
        for change in wrong:
            assert not includes(**(right | change), root=root), change
        assert not includes(**right, root=bytes(32))


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 13, 33])
def test_every_older_tree_is_proven_to_be_the_beginning(new: int) -> None:
    leaves = many(new)
    for old in range(1, new + 1):
        roots = {"old": old, "old_root": root_of(leaves[:old]), "new": new, "new_root": root_of(leaves)}
        path = path_of(leaves, consistency_ranges(old, new))
        assert is_continued(**roots, path=path)  # type: ignore[arg-type]
        assert not is_continued(**{**roots, "old_root": root_of([*leaves[: old - 1], b"x"])}, path=path)  # type: ignore[arg-type]
        assert not is_continued(**{**roots, "new_root": bytes(32)}, path=path)  # type: ignore[arg-type]
        assert not is_continued(**roots, path=[*path, bytes(32)])  # type: ignore[arg-type]
        if path:
            assert not is_continued(**roots, path=path[:-1])  # type: ignore[arg-type]
            assert not is_continued(**roots, path=[])  # type: ignore[arg-type]


def test_questions_without_an_answer_are_refused() -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_ranges(3, 3)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="older tree"):
            consistency_ranges(old, new)
        assert not is_continued(old=old, old_root=b"", new=new, new_root=b"", path=[])


@pytest.mark.parametrize("gone", [0, 3, 6])
def test_a_missing_leaf_gives_no_hash(gone: int) -> None:
    hashes = [(at, leaf_hash(leaf)) for at, leaf in enumerate(many(7)) if at != gone]
    with pytest.raises(ValueError, match="missing"):
        range_hashes(hashes, [(4, 7), (0, 4)])
