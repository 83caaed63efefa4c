"""Any bytes give rows, quarantine or one clear error."""

from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.feeds.nppes_layout import NpiOptions
from indexer.sandbox.npi_registry import NpiRegistry
from indexer.sandbox.nppes import organisation_row, row, write_workbook
from indexer.sandbox.nppes_people import NppesPeople
from tests.indexer.feeds.fuzzing import EXAMPLES, assert_holds, mutated
from tests.indexer.feeds.nppes_text import NPIS, OPTIONS, text

PEOPLE = NppesPeople(60, seed=3)
PERSONS = [PEOPLE.person(i, 2) for i in range(60)]
PERSON_FILE = (
    text() + "\n".join([*(row(person) for person in PERSONS[:3]), organisation_row(NPIS[0]), ""])
).encode()
EMPTIED = (text() + "".join(f"{row(person)}\n" for person in PERSONS if person.emptied)).encode()
REPORT = f"NPPES Deactivated Records\nNPI,NPPES Deactivation Date\n{NPIS[0]},01/02/2020\n".encode()
RESULTS = b"".join(
    orjson.dumps(result) + b"\n"
    for person in PERSONS[:8]
    for result in NpiRegistry([person]).answer({"version": "2.1", "number": person.npi})["results"]
)
quick = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
wide = text().encode()


@given(data=mutated(PERSON_FILE, EMPTIED, REPORT))
@quick
def test_the_files(tmp_path: Path, data: bytes) -> None:
    assert assert_holds("nppes-csv", OPTIONS, tmp_path, data)


@given(data=st.builds(lambda rows: wide + rows, mutated(PERSON_FILE.removeprefix(wide))))
@quick
def test_rows_under_a_right_header(tmp_path: Path, data: bytes) -> None:
    assert assert_holds("nppes-csv", OPTIONS, tmp_path, data)


@given(data=st.data())
@quick
def test_the_report_as_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    write_workbook(
        tmp_path / "x.xlsx", [("NPPES",), ("NPI", "NPPES Deactivation Date"), (NPIS[0], "01/02/2020")]
    )
    workbook = (tmp_path / "x.xlsx").read_bytes()
    assert assert_holds("nppes-csv", OPTIONS, tmp_path, data.draw(mutated(workbook)))


@given(data=mutated(RESULTS, b'{"number": 9000000007, "enumeration_type": "NPI-1", "basic": {}}\n'))
@quick
def test_results_of_the_registry(tmp_path: Path, data: bytes) -> None:
    assert assert_holds("npi-registry-json", NpiOptions(vocabulary="nucc"), tmp_path, data)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ("number", "basic", "last_name", "status", "taxonomies", "code", "license", "other_names")
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(basic=JSON, taxonomies=JSON, other_names=JSON)
@quick
def test_results_with_other_values_than_the_registry_s(
    tmp_path: Path, basic: object, taxonomies: object, other_names: object
) -> None:
    result = {
        "number": NPIS[0],
        "enumeration_type": "NPI-1",
        "basic": basic,
        "taxonomies": taxonomies,
        "other_names": other_names,
    }
    data = orjson.dumps(result) + b"\n"
    found = assert_holds("npi-registry-json", NpiOptions(vocabulary="nucc"), tmp_path, data)
    assert found["rows"] == 1


@pytest.mark.parametrize("data", [PERSON_FILE, EMPTIED, REPORT])
def test_the_samples_themselves_are_good(tmp_path: Path, data: bytes) -> None:
    found = assert_holds("nppes-csv", OPTIONS, tmp_path, data)
    assert found["rows"] > 0
    assert (found["bad"], found["refused"]) == (0, 0)
