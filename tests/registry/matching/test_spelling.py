import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching.kinds import Kind, kind_of, nothing_in_common
from registry.matching.spelling import edits, likeness, swapped
from registry.matching.units import units

WORDS = st.text("abc", min_size=1, max_size=7)


def _by_definition(one: str, two: str) -> int:
    """Optimal string alignment, cell by cell."""
    cells = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(two) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(two) + 1):
            best = min(
                cells[i - 1, j] + 1, cells[i, j - 1] + 1, cells[i - 1, j - 1] + (one[i - 1] != two[j - 1])
            )
            if i > 1 and j > 1 and one[i - 1] == two[j - 2] and one[i - 2] == two[j - 1]:
                best = min(best, cells[i - 2, j - 2] + 1)
            cells[i, j] = best
    return cells[len(one), len(two)]


@given(WORDS, WORDS)
def test_edits_up_to_two_are_counted_right(one: str, two: str) -> None:
    assert edits(one, two) == min(_by_definition(one, two), 3)


@given(WORDS, st.integers(0, 5))
def test_two_neighbours_that_change_places_are_a_swap(word: str, at: int) -> None:
    other = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    assert swapped(word, other) == swapped(other, word) == (word != other)


@pytest.mark.parametrize(
    ("one", "two"), [("abc", "abc"), ("abc", "cba"), ("abcd", "badc"), ("ab", "ac"), ("ab", "abc")]
)
def test_other_changes_are_no_swap(one: str, two: str) -> None:
    assert not swapped(one, two)


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_the_same_either_way_and_between_none_and_all(one: str, two: str) -> None:
    found = likeness(one, two)
    assert found == likeness(two, one)
    assert 0 <= found <= 1
    assert (found == 1) >= (one == two)


# Published examples of the measure (Winkler 1990).
@pytest.mark.parametrize(
    ("one", "two", "value"),
    [
        ("martha", "marhta", 0.961),
        ("dixon", "dicksonx", 0.813),
        ("dwayne", "duane", 0.840),
        ("abc", "xyz", 0.0),
    ],
)
def test_likeness_gives_the_published_values(one: str, two: str, value: float) -> None:
    assert likeness(one, two) == pytest.approx(value, abs=0.001)


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [
        ("Andersson", "ANDERSSON", Kind.WRITTEN),
        ("Öberg", "Oberg", Kind.TYPED),
        ("Öberg", "Oeberg", Kind.TYPED),
        ("Lindqvist", "Lindkvist", Kind.SOUND),
        ("Philip", "Filip", Kind.SOUND),
        ("Carlson", "Karlsson", Kind.SOUND),
        ("Ekbolm", "Ekholm", Kind.ONE_EDIT),
        ("Ekhlom", "Ekholm", Kind.ONE_EDIT),
        ("Sjöstörm", "Sjöström", Kind.ONE_EDIT),
        ("Eav", "Eva", Kind.SOUND),
        ("Zettorlend", "Zetterlund", Kind.SOUND),
        ("Sandberg", "Strandberg", Kind.TWO_EDITS),
        ("William", "Will", Kind.CLOSE),
        ("William", "Bill", Kind.NICKNAME),
        ("Einarsson", "Einarsdottir", Kind.ALIKE),
        ("A", "Anna", Kind.INITIAL),
        ("Å", "Åsa", Kind.INITIAL),
        ("B", "Anna", Kind.DIFFERENT),
        ("Bo", "Ek", Kind.DIFFERENT),
        ("Eva", "Åsa", Kind.DIFFERENT),
        ("Lind", "Ek", Kind.DIFFERENT),
    ],
)
def test_kind(one: str, two: str, kind: Kind) -> None:
    (first,), (second,) = units(one), units(two)
    assert kind_of(first, second) is kind
    assert kind_of(second, first) is kind


NAMES = st.text(st.sampled_from("abdeghijklmnorstuvyzåäöéøüß"), min_size=1, max_size=10)


@given(NAMES, NAMES)
def test_a_glance_never_misses_a_likeness(one: str, two: str) -> None:
    for first in units(one):
        for second in units(two):
            assert kind_of(first, second) is kind_of(second, first)
            if nothing_in_common(first, second):
                assert kind_of(first, second) is Kind.DIFFERENT
