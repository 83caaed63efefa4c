from collections import Counter

import pytest

from indexer.sandbox.draw import Draw, Shuffle, Weighted, mix, weighted_names


def test_the_same_parts_give_the_same_stream_and_other_parts_another() -> None:
    first = [Draw(1, 2, 3).random() for _ in range(3)]
    assert first[0] == first[1] == Draw(1, 2, 3).random()
    assert Draw(1, 2, 4).random() != first[0]
    assert mix(1, 2) != mix(2, 1)


def test_mixed_bits_do_not_change_between_versions_of_the_code() -> None:
    # Everything generated hangs on these: if they change, so do all synthetic people.
    assert mix(1, 2, 3) == 7702586659592502839
    assert f"{Draw(1).random():.12f}" == "0.609838058570"


def test_within_stays_within_and_gives_the_low_end_of_an_empty_range() -> None:
    draw = Draw(5)
    assert {draw.within(1, 3) for _ in range(200)} == {1, 2, 3}
    assert draw.within(9, 3) == 9


def test_weighted_options_come_as_often_as_their_weight() -> None:
    draw = Draw(7)
    picked = Counter(Weighted({"often": 9, "seldom": 1}).pick(draw) for _ in range(10_000))
    assert 8_800 < picked["often"] < 9_200
    assert picked["often"] + picked["seldom"] == 10_000


def test_a_name_without_a_weight_has_the_one_before() -> None:
    assert weighted_names("Ann 2, Bo, De la Cruz 0.5,\n Eva").options == ("Ann", "Bo", "De la Cruz", "Eva")


@pytest.mark.parametrize("n", [1, 2, 3, 10, 997, 1000])
def test_a_shuffle_is_one_to_one(n: int) -> None:
    shuffle = Shuffle(n, 42)
    assert sorted(shuffle[i] for i in range(n)) == list(range(n))
    with pytest.raises(IndexError, match="outside"):
        shuffle[n]
