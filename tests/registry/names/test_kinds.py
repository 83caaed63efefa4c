"""Initials and particles, and particles written together with the name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import names
from registry.errors import SettingsError
from registry.names.kinds import _particles


def word(name: str) -> names.Word:
    (found,) = names.words(name)
    return found


@pytest.mark.parametrize(
    ("name", "initial"),
    [
        ("J", True),
        ("J.", True),
        ("å", True),
        ("Þ", True),
        ("Ж", True),
        ("Θ", True),
        ("Bo", False),
        ("J-P", False),
        ("7", False),
        ("李", False),
        ("م", True),
    ],
)
def test_an_initial_is_a_lone_letter_of_an_alphabet(name: str, initial: bool) -> None:
    assert names.is_initial(word(name)) is initial


PARTICLES = "von Von VAN af av de del della da di du den der la le les zu zum zur ter ten te al El bin bint ibn abu abou mac"


@pytest.mark.parametrize("name", PARTICLES.split())
def test_a_particle_is_known_in_any_case(name: str) -> None:
    assert names.is_particle(word(name))


@pytest.mark.parametrize("name", ["Bo", "Ben", "Do", "Li", "Essen", "Vanessa", "Y", "e", "Aldo"])
def test_a_name_is_no_particle(name: str) -> None:
    assert not names.is_particle(word(name))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Anna de la Croix", ["delacroix", "lacroix"]),
        ("van Dam", ["vandam"]),
        ("von Sydow Berg", ["vonsydow"]),
        ("Abdul Rahman", ["abdulrahman"]),
        ("Al Hassan", ["alhassan"]),
        ("Mac Donald", ["macdonald"]),
        ("Anna Berg", []),
        ("von", []),
        ("de la", []),
        ("", []),
    ],
)
def test_particles_are_joined_with_the_name_that_follows(name: str, made: list[str]) -> None:
    assert [one.written for one in names.joined(names.words(name))] == made


@pytest.mark.parametrize(
    ("name", "rests"),
    [
        ("Delacroix", ["croix", "acroix", "lacroix"]),
        ("vonSydow", ["sydow"]),
        ("Vanderberg", ["berg", "rberg", "derberg"]),
        ("Alhassan", ["hassan"]),
        ("Dennis", ["nnis"]),
        ("Deng", []),
        ("Vonn", []),
        ("Berg", []),
    ],
)
def test_a_name_is_taken_out_of_what_a_particle_is_glued_to(name: str, rests: list[str]) -> None:
    assert [one.written for one in names.unglued(word(name))] == rests


@pytest.mark.parametrize("name", ["von Sydow", "de la Croix", "van den Berg", "Abdul Rahman", "al Hassan"])
def test_a_name_spaced_and_the_same_name_glued_meet(name: str) -> None:
    spaced = names.words(name)
    glued = word(name.replace(" ", ""))
    assert glued in names.joined(spaced)
    assert spaced[-1] in names.unglued(glued)


def test_a_long_row_of_particles_is_joined_at_its_end_only() -> None:
    made = names.joined(names.words("von " * 500 + "Berg"))
    assert [one.written for one in made] == ["von" * n + "berg" for n in (4, 3, 2, 1)]


@given(st.text())
def test_any_text_is_joined_and_taken_apart_within_bounds(text: str) -> None:
    found = names.words(text)
    assert all(len(one.written) <= names.MAX_WORD for one in names.joined(found))
    for one in found:
        assert len(names.unglued(one)) <= 3
        assert not (names.is_initial(one) and names.is_particle(one))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("glued = [1]\n[particles]\nx = []", "glued"),
        ('glued = []\nwords = "von"\n[particles]', "words"),
        ("glued = []", "particles"),
        ("[particles", "not valid TOML"),
        ('glued = []\n[particles]\nx = ["de la"]', "'de la' must be one word"),
        ('glued = ["-"]\n[particles]', "'-' must be one word"),
    ],
)
def test_a_wrong_list_stops_with_the_file_and_the_fix(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "particles.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=r"particles\.toml") as error:
        _particles(path)
    assert told in str(error.value)


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        _particles(tmp_path / "none.toml")
