"""Any bytes give rows, quarantine or one clear error: HOSP XML, Socrata pages and Socrata CSV."""

from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.feeds import load_feed
from indexer.feeds.options import HospOptions, SocrataOptions
from registry.settings import CONFIG
from tests.indexer.feeds.fuzzing import EXAMPLES, assert_holds, mutated
from tests.indexer.feeds.hosp_xml_text import document, licence, person, restriction

UNHURRIED = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HOSP = HospOptions(vocabulary="hosp", jurisdiction="SE")
WHOLE = document(
    person("1", licences=licence(more=restriction("001", "Återkallad legitimation"))),
    person("2", more="<skyddadIdentitet>true</skyddadIdentitet>"),
    person("3", licences=licence("NA") + licence("SG", "false", "2001")),
)
ROWS = [
    {
        "credentialnumber": f"RN{n}",
        "lastname": "Öberg",
        "firstname": "Anna",
        "credentialtype": "Registered Nurse License",
        "status": "Expired – Active MSL",
        "birthyear": "1980",
        "firstissuedate": "2005-06-03T00:00:00.000",
        "lastissuedate": "2025-01-01",
        "expirationdate": "12/31/2027",
        "actiontaken": "No",
    }
    for n in range(3)
]
HEADER = [*ROWS[0], "middlename", "ceduedate"]
CSV = "\n".join(
    [",".join(HEADER), *(",".join(f'"{row.get(name, "")}"' for name in HEADER) for row in ROWS), ""]
)
SAMPLES = {
    "hosp": (
        WHOLE.encode(),
        WHOLE.encode("utf-16"),
        WHOLE.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        WHOLE.replace("?>\n", '?>\n<!DOCTYPE a [<!ENTITY b "c">]>\n', 1).encode(),
    ),
    "json": (orjson.dumps(ROWS), orjson.dumps([{**ROWS[0], "more": {"a": [1, {"b": None}]}}, 7, []])),
    "csv": (CSV.encode(), CSV.encode("utf-16"), b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode()),
}


def socrata(name: str = "washington", **changes: object) -> SocrataOptions:
    options = load_feed(CONFIG / "feeds" / f"{name}.toml").options
    assert isinstance(options, SocrataOptions)
    return replace(options, **changes)


@pytest.mark.parametrize("sample", SAMPLES["hosp"][:3])
def test_the_hosp_samples_are_good_before_they_are_spoilt(tmp_path: Path, sample: bytes) -> None:
    found = assert_holds("hosp-person-xml", HOSP, tmp_path, sample)
    assert found == {"rows": 3, "bad": 0, "gone": 0, "refused": 0}


@pytest.mark.parametrize("export", ["json", "csv"])
def test_the_socrata_samples_are_good_before_they_are_spoilt(tmp_path: Path, export: str) -> None:
    found = assert_holds("socrata", socrata(export=export), tmp_path, SAMPLES[export][0])
    assert found == {"rows": 3, "bad": 0, "gone": 0, "refused": 0}


@UNHURRIED
@given(mutated(*SAMPLES["hosp"]))
def test_any_bytes_as_hosp_xml(tmp_path: Path, data: bytes) -> None:
    assert_holds("hosp-person-xml", HOSP, tmp_path, data)


@UNHURRIED
@given(mutated(*SAMPLES["json"]))
def test_any_bytes_as_socrata_pages(tmp_path: Path, data: bytes) -> None:
    assert_holds("socrata", socrata(), tmp_path, data)


@UNHURRIED
@given(mutated(*SAMPLES["csv"]), st.booleans())
def test_any_bytes_as_socrata_csv(tmp_path: Path, data: bytes, final_newline: bool) -> None:
    options = socrata(export="csv", final_newline=final_newline)
    assert_holds("socrata", options, tmp_path, data)


@UNHURRIED
@given(mutated(*SAMPLES["json"], *SAMPLES["csv"]), st.sampled_from(["json", "csv"]))
def test_any_bytes_where_rows_of_cases_are_put_together(tmp_path: Path, data: bytes, export: str) -> None:
    options = socrata(
        export=export, cases=("actiontaken", "ceduedate"), only={"status": ()}, empty=("No",), no_action=()
    )
    assert_holds("socrata", options, tmp_path, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@UNHURRIED
@given(
    st.lists(
        JSON | st.dictionaries(st.sampled_from([*HEADER, "Credential Number", ":id", ""]), JSON), max_size=4
    )
)
def test_any_values_as_rows_of_a_page(tmp_path: Path, rows: list[object]) -> None:
    try:
        page = orjson.dumps(rows)
    except TypeError:  # numbers beyond 64 bits, lone surrogates
        page = repr(rows).encode("utf-8", "surrogatepass")
    assert_holds("socrata", socrata(), tmp_path, page)


@pytest.mark.parametrize(
    "page",
    [
        b"[" + b"[" * 5000 + b"]" * 5000 + b"]",
        b'[{"credentialnumber":"RN1","lastname":"x","more":' + b"[" * 300 + b"]" * 300 + b"}]",
        b'[{"credentialnumber":"RN1","lastname":"x","more":' + b"[" * 900 + b"]" * 900 + b"}]",
        b"[" + b"[" * 1000 + b"]" * 1000 + b"]",
        b'[{"credentialnumber":"\\ud800"}]',
        b'[{"credentialnumber":"\xff"}]',
        b'[{"credentialnumber":1e999,"lastname":123456789012345678901234567890}]',
    ],
)
def test_what_json_can_hold_and_a_row_can_not(tmp_path: Path, page: bytes) -> None:
    assert sum(assert_holds("socrata", socrata(), tmp_path, page).values()) == 1


@pytest.mark.parametrize("depth", [100, 300, 10_000])
def test_xml_nested_deep_is_read_or_refused(tmp_path: Path, depth: int) -> None:
    deep = document(person("1", more="<a>" * depth + "x" + "</a>" * depth))
    found = assert_holds("hosp-person-xml", HOSP, tmp_path, deep.encode())
    assert (found["rows"], found["refused"]) == ((1, 0) if depth == 100 else (0, 1))
