"""Trees applied to one document at a time: the meaning that engines must keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.search.in_memory import matches, score, status_on, within
from registry.search.tree import Best, Fuzzy, Node, Prefix, Range, Sum, Term

BODY = {"names": ["anna", "lindqvist"], "status": "active", "valid_to": 20260531}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Term("names", "anna", 5), 5),
        (Term("names", "ann"), None),
        (Term("elsewhere", "anna"), None),
        (Term("status", "active", 2), 2),
        (Prefix("names", "lind", 3), 3),
        (Prefix("names", "qvist"), None),
        (Fuzzy("names", "linqvist", 1, 4), 4),
        (Fuzzy("names", "linkvst", 1), None),
        (Range("valid_to", low=20260531), 1),
        (Range("valid_to", low=20260601), None),
        (Range("valid_to", high=20260531), 1),
        (Range("valid_from", low=0), None),
        (Best((Term("names", "anna", 1), Prefix("names", "an", 7))), 7),
        (Best((Term("names", "eva"),)), None),
        (Sum((Term("names", "anna", 1), Term("names", "eva", 9)), 1), 1),
        (Sum((Term("names", "anna"), Term("names", "eva")), 2), None),
        (
            Sum((Term("names", "anna", 1),), 1, bonus=(Term("status", "active", 6), Term("names", "eva", 9))),
            7,
        ),
        (Sum((Term("names", "anna"),), 1, excluded=(Term("status", "active"),)), None),
        (Sum((), 0), 0),
    ],
)
def test_scores(node: Node, expected: int | None) -> None:
    assert score(node, BODY) == expected
    assert matches([node], BODY) == (expected is not None)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("anna", "anna", 0),
        ("anna", "ana", 1),
        ("anna", "hanna", 1),
        ("anna", "anma", 1),
        ("anna", "naan", 2),
        ("karl", "kalr", 1),
        ("ca", "abc", 3),
        ("lindqvist", "linkvist", 2),
    ],
)
def test_edits_are_counted_as_the_engines_count(one: str, other: str, distance: int) -> None:
    assert within(one, other, distance)
    assert within(other, one, distance)
    assert distance == 0 or not within(one, other, distance - 1)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.integers(0, 3))
def test_edits_are_symmetric_and_never_fewer_than_the_difference_in_length(
    one: str, other: str, most: int
) -> None:
    assert within(one, other, most) == within(other, one, most)
    assert not within(one, other, most) or abs(len(one) - len(other)) <= most
    assert within(one, other, max(len(one), len(other)))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "active"}, "active"),
        ({"status": "active", "valid_to": 20261121}, "lapsed"),
        ({"status": "active", "valid_to": 20261122}, "active"),
        ({"status": "active", "valid_from": 20261123}, "unknown"),
        ({"status": "active", "revoked_from": 0, "revoked_to": 99991231}, "revoked"),
        ({"status": "restricted", "suspended_from": 20260101, "suspended_to": 20261231}, "suspended"),
        ({"status": "active", "restricted_from": 20260101, "restricted_to": 20260102}, "active"),
        ({"status": "surrendered", "valid_to": 20200101}, "surrendered"),
        ({}, "unknown"),
    ],
)
def test_the_status_of_a_day(body: dict[str, object], status: str) -> None:
    assert status_on(20261122, body) == status
