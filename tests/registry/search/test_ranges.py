"""An index read as a whole: in ranges of keys, added up, and documents as they were stored. The same on both engines."""

import random
from collections.abc import Sequence

import pytest

from registry.errors import SearchUnavailableError
from registry.search import IndexEngine
from registry.search.checksum import PRIME, checksum
from registry.search.document import Operation, document_id, documents, licence_key, operations
from registry.search.port import Bucket, Extent
from tests.registry.search.people import Register, licence, person


def put(key: int, version: int) -> Operation:
    return Operation(key, version, {"practitioner_id": key, "siblings": False, "names": ["eva"]})


def fill(register: Register, changes: Sequence[Operation]) -> None:
    assert {outcome.state for outcome in register.engine.bulk(changes)} <= {"done"}
    register.engine.refresh()


@pytest.fixture
def spread(register: Register) -> dict[int, int]:
    """Documents with keys far apart and large versions, deletions between them; versions by key."""
    drawn = random.Random(3)
    keys = [0, 1, 2, 999, 1000, 1001, 2**40, *(drawn.randrange(10**6) * 2 for _ in range(300))]
    versions = {key: drawn.randrange(1, 2**45) for key in keys}
    fill(register, [put(key, version) for key, version in versions.items()])
    gone = keys[1::10]
    fill(register, [Operation(key, versions.pop(key) + 1, None) for key in dict.fromkeys(gone)])
    return versions


@pytest.mark.parametrize(
    ("low", "high"),
    [(None, None), (0, 0), (999, 1001), (None, 1000), (1000, None), (-5, 10**7), (2**40, 2**62), (7, 3)],
)
def test_a_scan_gives_the_keys_from_low_to_high_with_both(
    register: Register, spread: dict[int, int], low: int | None, high: int | None
) -> None:
    wanted = [
        (document_id(key), version)
        for key, version in sorted(spread.items())
        if (low is None or key >= low) and (high is None or key <= high)
    ]
    assert list(register.engine.scan(low=low, high=high)) == wanted


@pytest.mark.parametrize("width", [500, 1000, 10**6, 2**50])
def test_buckets_are_exact_sums_over_ranges_of_keys(
    register: Register, spread: dict[int, int], width: int
) -> None:
    wanted: dict[int, Bucket] = {}
    for key, version in spread.items():
        if key > 10**7 and width < 10**6:
            continue
        was = wanted.get(key // width, Bucket(0, 0, 0))
        wanted[key // width] = Bucket(
            was.count + 1, was.checks + checksum(key, version), was.versions + version
        )
    found = register.engine.buckets(width)
    assert {number: bucket for number, bucket in found.items() if number in wanted} == wanted
    assert sum(bucket.count for bucket in found.values()) == len(spread)


def test_sums_stay_exact_where_they_are_as_large_as_a_million_documents_make_them(register: Register) -> None:
    # A million documents with check numbers and versions of 2**31 add up to 2**51, as these do.
    version = 2**40 + 1
    keys = [key for key in range(20_000) if checksum(key, version) > PRIME // 2][:2000]
    fill(register, [put(key, version) for key in keys])
    (bucket,) = register.engine.buckets(10**6).values()
    assert bucket == Bucket(2000, sum(checksum(key, version) for key in keys), 2000 * version)


def test_one_differing_document_changes_its_bucket_only(register: Register) -> None:
    fill(register, [put(key, 7) for key in range(100)])
    before = register.engine.buckets(10)
    fill(register, [put(55, 8), Operation(77, 8, None), put(103, 1)])
    after = register.engine.buckets(10)
    assert {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)} == {5, 7, 10}


def test_an_empty_index_has_no_buckets_and_no_documents(register: Register) -> None:
    assert register.engine.buckets(1000) == {}
    assert list(register.engine.scan(low=0, high=10)) == []
    assert register.engine.stored([0, 1, 2]) == {}
    assert register.engine.stored([]) == {}


@pytest.mark.parametrize("width", [0, -1])
def test_a_range_without_width_is_refused(register: Register, width: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        register.engine.buckets(width)


def test_documents_come_back_as_they_were_stored_whatever_they_hold(register: Register) -> None:
    people = [
        person(
            "Eva Ek", licence("AB-12", valid_from="2019", valid_to="2030-05"), licence(), former=["Eva Al"]
        ),
        person("Åsa 'Ö' \"Ä\" ☃", licence(restrictions=[{"kind": "revoked", "valid_from": "2020"}])),
        person("No Licence", licences=(), birth_date="1980-02", identifiers=[("npi", "1679576722")]),
    ]
    register.publish(*people)
    wanted = {one.key: one.stored for each in people for one in documents(each)}
    assert register.engine.stored([*wanted, 10**9]) == wanted


def test_what_was_deleted_is_not_given_as_a_document(register: Register) -> None:
    someone = person("Eva Ek", version=1)
    register.publish(someone)
    keys = [operation.key for operation in operations(someone)]
    assert len(register.engine.stored(keys)) == 1
    fill(register, [Operation(key, 2, None) for key in keys])
    assert register.engine.stored(keys) == {}


def test_any_index_can_be_read_as_a_whole_before_it_is_in_use(register: Register) -> None:
    index = register.engine.create_index()
    wanted = put(licence_key(5), 9)
    register.engine.bulk([wanted], index)
    register.engine.finish_index(index)
    assert list(register.engine.scan(index, low=0)) == [("l5", 9)]
    assert register.engine.buckets(100, index) == {0: Bucket(1, checksum(10, 9), 9)}
    assert register.engine.stored([10], index) == {10: wanted.stored}
    assert register.engine.buckets(100) == {}


def test_more_documents_than_a_page_are_read_and_given_whole(register: Register) -> None:
    changes = [put(key, 3) for key in range(10_050)]
    fill(register, changes)
    assert [identity for identity, _ in register.engine.scan(low=10)] == [
        document_id(key) for key in range(10, 10_050)
    ]
    assert register.engine.stored([change.key for change in changes]) == {
        change.key: change.stored for change in changes
    }


def test_without_an_index_reading_says_so(engine: IndexEngine) -> None:
    gone = "registry-licences-0123456789-20260520t123015f000042"
    for index in (None, gone):
        for read in (
            lambda: engine.buckets(10, index),  # noqa: B023 - called at once
            lambda: engine.stored([1], index),  # noqa: B023 - called at once
            lambda: list(engine.scan(index)),  # noqa: B023 - called at once
        ):
            with pytest.raises(SearchUnavailableError):
                read()


def test_how_far_an_index_reaches_is_told_exactly_deletions_counting_for_versions_only(
    register: Register,
) -> None:
    assert register.engine.extent() == Extent(last_key=-1, last_version=0)
    fill(register, [put(2**53 + 2, 5), put(2**53 + 4, 2**60 + 1), Operation(2**54, 2**60 + 3, None)])
    assert register.engine.extent() == Extent(last_key=2**53 + 4, last_version=2**60 + 3)
    other = register.engine.create_index()
    assert register.engine.extent(other) == Extent(last_key=-1, last_version=0)
