"""Short forms of names are a hint in both directions, and never more."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import names
from registry.errors import SettingsError
from registry.names.nicknames import _linked


def nicknames(name: str) -> frozenset[str]:
    (word,) = names.words(name)
    return names.nicknames(word)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("Kalle", "Karl"),
        ("Kalle", "Carl"),
        ("Pelle", "Per"),
        ("Lasse", "Lars"),
        ("Maggan", "Margareta"),
        ("Greta", "Margareta"),
        ("Lotta", "Charlotta"),
        ("Stina", "Kristina"),
        ("Kajsa", "Katarina"),
        ("Bill", "William"),
        ("Bob", "Robert"),
        ("Peggy", "Margaret"),
        ("Micke", "Mikael"),
        ("Gösta", "Gustaf"),
        ("Gosta", "Gustaf"),
        ("Goesta", "Gustaf"),
        ("Åkan", "Åke"),
        ("Kasia", "Katarzyna"),
        ("Sasha", "Alexander"),
        ("Abdi", "Abdullah"),
        ("Kostas", "Konstantinos"),
    ],
)
def test_a_short_form_and_its_name_are_linked_both_ways(short: str, full: str) -> None:
    assert set(names.words(full)[0].typed) <= nicknames(short)
    assert set(names.words(short)[0].typed) & nicknames(full)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Kalle", "Charlie"), ("Karl", "Carl"), ("Anna", "Eva"), ("Lisa", "Lena"), ("Kalle", "Kalle")],
)
def test_nothing_else_is_linked(one: str, other: str) -> None:
    assert names.fold(other) not in nicknames(one)


def test_an_unknown_name_has_none() -> None:
    assert nicknames("Xyzzy") == frozenset()
    assert nicknames("Öxyzzy") == frozenset()


def test_every_link_goes_both_ways_and_never_to_itself() -> None:
    linked = _linked()
    assert len(linked) > 1000
    for key, others in linked.items():
        assert key not in others
        assert all(key in linked[other] for other in others)


@given(st.sampled_from(sorted(_linked())))
def test_links_of_words_are_symmetric(key: str) -> None:
    for other in nicknames(key):
        assert key in nicknames(other)


@given(st.text())
def test_any_text_has_nicknames_that_are_typed_keys(text: str) -> None:
    for word in names.words(text):
        assert all(key.isascii() and key.islower() for key in names.nicknames(word))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('groups = [{ names = ["Karl"] }]', "short"),
        ('groups = [{ names = ["Karl"], short = ["Kalle"], long = [] }]', "long"),
        ('groups = [{ names = ["Karl Erik"], short = [] }]', "'Karl Erik' must be one word"),
        ("groups = 1", "groups"),
    ],
)
def test_a_wrong_list_stops_with_the_file_and_the_fix(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "nicknames.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=r"nicknames\.toml") as error:
        _linked(path)
    assert told in str(error.value)
