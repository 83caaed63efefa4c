from tests.bench.matching_speed import CANDIDATES, pages, pairs_per_second


def test_the_same_pages_every_time_with_one_or_two_names_each() -> None:
    first, again = pages(3), pages(3)
    assert first == again
    assert all(len(page.people) == CANDIDATES for page in first)
    assert {len(names) for page in first for names, _ in page.people} == {1, 2}


def test_pairs_are_scored_and_counted() -> None:
    assert pairs_per_second(1, rounds=1) > 0
