from pathlib import Path

import orjson
import pytest

from indexer.feeds import SourceRow
from indexer.feeds.nppes_csv import parse
from indexer.normalize.npi import is_npi
from indexer.normalize.nppes import NppesNormalizer
from indexer.sandbox.errors import SandboxError
from indexer.sandbox.identities import NPI_CAPACITY
from indexer.sandbox.nppes import HEADER, write_deactivations, write_monthly, write_weekly
from indexer.sandbox.nppes_people import NppesPeople
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.nppes_text import LIMIT, OPTIONS

SIZE = 600


def records(path: Path) -> dict[str, bytes]:
    rows = list(parse([path], OPTIONS, LIMIT))
    assert all(isinstance(row, SourceRow) for row in rows)
    return {row.key: row.payload for row in rows if isinstance(row, SourceRow)}


def test_the_header_is_that_of_version_2() -> None:
    assert len(HEADER) == len(set(HEADER)) == 330
    assert (HEADER[0], HEADER[40], HEADER[41], HEADER[107], HEADER[314], HEADER[329]) == (
        "NPI",
        "NPI Reactivation Date",
        "Provider Sex Code",
        "Other Provider Identifier_1",
        "Healthcare Provider Taxonomy Group_1",
        "Certification Date",
    )


def test_everyone_of_a_full_file_can_be_read(tmp_path: Path) -> None:
    path = write_monthly(tmp_path, SIZE)
    assert path.name == "npidata_pfile_20050523-20261108.csv"
    found = records(path)
    normalizer = NppesNormalizer(OPTIONS, load_vocabulary())
    facts = [normalizer.facts(payload) for payload in found.values()]
    assert len(found) == SIZE
    assert all(is_npi(number) for number in found)
    assert sum(fact.ended is not None for fact in facts) in range(5, 60)
    assert sum(len(fact.licences) for fact in facts) > SIZE
    assert {name.use for fact in facts for name in fact.names} == {"official", "former", "alias"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_people(tmp_path: Path) -> None:
    one, two = write_monthly(tmp_path / "1", 50, 4), write_monthly(tmp_path / "2", 50, 4)
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() != write_monthly(tmp_path / "3", 50, 5).read_bytes()


def test_a_full_file_and_its_weekly_ones_make_the_next_full_file(tmp_path: Path) -> None:
    now = records(write_monthly(tmp_path, SIZE))
    for week in (1, 2, 3):
        path = write_weekly(tmp_path, SIZE, week=week)
        changed = records(path)
        assert 0 < len(changed) < SIZE * 0.08
        now |= changed
    assert path.name == "npidata_pfile_20261123-20261129.csv"
    assert now == records(write_monthly(tmp_path / "next", SIZE, week=3))


def test_the_report_lists_who_is_emptied_in_the_full_file(tmp_path: Path) -> None:
    report = records(write_deactivations(tmp_path, SIZE, week=2))
    full = records(write_monthly(tmp_path, SIZE, week=2))
    emptied = {key: payload for key, payload in full.items() if len(orjson.loads(payload)) <= 3}
    assert report.keys() == emptied.keys()
    assert sum(report[key] == emptied[key] for key in report) >= len(report) - 2  # but for replaced ones
    assert report


def test_there_are_only_so_many_numbers() -> None:
    with pytest.raises(SandboxError):
        NppesPeople(NPI_CAPACITY)


def test_organisations_have_numbers_of_their_own() -> None:
    people = NppesPeople(200)
    assert {people.organisation_npi(j) for j in range(50)}.isdisjoint(p.npi for p in people.in_week(4))
