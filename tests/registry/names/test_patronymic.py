"""Family names that say whose child somebody was share the father's name, however they are spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import names


def patronymic(name: str) -> str:
    (word,) = names.words(name)
    return names.patronymic(word)


@pytest.mark.parametrize(
    ("stem", "spellings"),
    [
        ("karl", "Karlsson Carlson Karlsen Carlsen Karlsdotter Carlsson Carlzon Karlsdatter"),
        ("per", "Persson Pehrsson Persdotter Peerson"),
        ("jon", "Jonsson Johnsson Jonson Jónsdóttir Jonsen"),
        ("jön", "Jönsson Jønsson Jönson"),
        ("jan", "Jansson Janson Jansen Janssen"),
        ("johan", "Johansson Johanson Johansen Johannson Johanssohn"),
        ("guðmund", "Guðmundsson Guðmundsdóttir"),
        ("kristen", "Christensen Kristensen"),
        ("nil", "Nilsson Nielsen Nielsson Nilsdotter"),
        ("lar", "Larsson Larsen Larson"),
        ("filip", "Filipsson Philipsson"),
        ("jakob", "Jakobsson Jacobsen Jacobson"),
        ("mat", "Mattsson Matsson Matson"),
        ("", "Lind Berg Rosen Essen Jason Mason Dotter Son Lindgren Mohammed Sen Li"),
    ],
)
def test_a_fathers_name_is_one_stem(stem: str, spellings: str) -> None:
    assert {name: patronymic(name) for name in spellings.split()} == dict.fromkeys(spellings.split(), stem)


@given(st.text())
def test_any_text_has_a_bounded_stem(text: str) -> None:
    for word in names.words(text):
        assert len(names.patronymic(word)) < names.MAX_WORD
