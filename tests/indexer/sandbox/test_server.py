import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest
from lxml import etree

from indexer.sandbox import fixed
from indexer.sandbox.faults import FAULTS
from indexer.sandbox.plan import Plan
from indexer.sandbox.server import running
from tests.indexer.sandbox.conftest import Sandbox
from tests.support.waiting import until

HOSP = "/hosp/personer.xml"
ROWS = "/resource/qxh8-f4bd.json"
CSV = "/api/views/qxh8-f4bd/rows.csv"
EXPORT = "/fhir/$export"
ASYNC = {"Prefer": "respond-async", "Accept": "application/fhir+json"}


# --- HOSP -----------------------------------------------------------------------------------------------------------


def test_hosp_gives_the_file_with_what_a_cache_needs(sandbox: Sandbox) -> None:
    answer = sandbox.http.get(HOSP)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.headers["etag"] == f'"{sandbox.registers.etags["hosp.xml"]}"'
    assert "last-modified" in answer.headers
    assert answer.content == (sandbox.folder / "hosp.xml").read_bytes()


@pytest.mark.parametrize("header", ["etag", "last-modified"])
@pytest.mark.parametrize("path", [HOSP, CSV, f"{ROWS}?$order=:id&$limit=5"])
def test_what_the_client_has_is_not_sent_again(sandbox: Sandbox, path: str, header: str) -> None:
    first = sandbox.http.get(path)
    ask = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}[header]
    again = sandbox.http.get(path, headers={ask: first.headers[header]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_a_broken_download_can_be_continued(sandbox: Sandbox) -> None:
    whole = (sandbox.folder / "hosp.xml").read_bytes()
    etag = f'"{sandbox.registers.etags["hosp.xml"]}"'
    rest = sandbox.http.get(HOSP, headers={"Range": "bytes=1000-", "If-Range": etag})
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert rest.content == whole[1000:]
    assert sandbox.http.get(HOSP, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


# --- Washington -----------------------------------------------------------------------------------------------------


def rows(sandbox: Sandbox, **query: str | int) -> list[dict[str, str]]:
    answer = sandbox.http.get(ROWS, params={f"${name}": value for name, value in query.items()})
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    found: list[dict[str, str]] = answer.json()
    return found


@pytest.mark.parametrize("page", [7, 100, 599, 50_000])
def test_pages_ordered_by_id_hold_every_row_once(sandbox: Sandbox, page: int) -> None:
    everything = orjson.loads(b"[" + (sandbox.folder / "washington.rows").read_bytes()[1:] + b"]")
    found: list[dict[str, str]] = []
    while part := rows(sandbox, limit=page, offset=len(found), order=":id"):
        assert len(part) <= page
        found += part
    assert found == everything


def test_without_an_order_pages_overlap_as_they_may_in_reality(sandbox: Sandbox) -> None:
    one, other = rows(sandbox, limit=20), rows(sandbox, limit=20)
    assert len(one) == len(other) == 20
    assert one != other
    assert len(rows(sandbox, limit=50_000)) == sandbox.registers.washington.rows


def test_a_thousand_rows_come_at_most_unless_asked(tmp_path: Path) -> None:
    with running(Plan(2400, year=2026), tmp_path) as url:
        assert len(httpx.get(f"{url}{ROWS}").json()) == 1000


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"$limit": "50001"}, "50000"),
        ({"$limit": "-1"}, "$limit"),
        ({"$offset": "x"}, "$offset"),
        ({"$order": "lastname"}, ":id"),
        ({"$select": "lastname"}, "count"),
        ({"$where": "1=1"}, "$where"),
    ],
)
def test_errors_are_an_object_not_an_array(sandbox: Sandbox, query: dict[str, str], says: str) -> None:
    answer = sandbox.http.get(ROWS, params=query)
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert says in answer.json()["message"]


def test_the_data_set_tells_its_size_and_when_it_changed(sandbox: Sandbox) -> None:
    answer = sandbox.http.get(ROWS, params={"$select": "count(*)"})
    assert answer.json() == [{"count": str(sandbox.registers.washington.rows)}]
    page = sandbox.http.get(ROWS, params={"$order": ":id", "$limit": 1})
    assert page.headers["x-soda2-truth-last-modified"] == answer.headers["x-soda2-truth-last-modified"]
    metadata = sandbox.http.get("/api/views/qxh8-f4bd.json").json()
    assert metadata["rowsUpdatedAt"] == sandbox.registers.published_at.timestamp()
    assert [column["name"] for column in metadata["columns"]][:2] == ["CredentialNumber", "LastName"]


def test_past_the_end_there_is_an_empty_array(sandbox: Sandbox) -> None:
    assert rows(sandbox, offset=1_000_000, order=":id") == []


def test_the_csv_export_is_a_download_of_all_rows(sandbox: Sandbox) -> None:
    answer = sandbox.http.get(CSV)
    assert "attachment" in answer.headers["content-disposition"]
    lines = answer.text.splitlines()
    assert lines[0].startswith("CredentialNumber,LastName,FirstName")
    assert len(lines) == sandbox.registers.washington.rows + 1


# --- FHIR -----------------------------------------------------------------------------------------------------------


def test_an_export_from_kick_off_to_deletion(sandbox: Sandbox) -> None:
    http = sandbox.http
    begun = http.get(EXPORT, params={"_type": "Practitioner"}, headers=ASYNC)
    assert begun.status_code == 202
    status = begun.headers["content-location"]
    waiting = http.get(status)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "0")
    assert waiting.headers["x-progress"]
    done = http.get(status)
    manifest = done.json()
    assert done.status_code == 200
    assert "expires" in done.headers
    assert manifest["transactionTime"].endswith("Z")
    assert manifest["request"].endswith("/fhir/$export?_type=Practitioner")
    assert manifest["requiresAccessToken"] is False
    assert manifest["error"] == []
    for output in manifest["output"]:
        file = http.get(output["url"])
        assert file.headers["content-type"].startswith("application/fhir+ndjson")
        assert len(file.text.splitlines()) == output["count"]
    assert sum(output["count"] for output in manifest["output"]) == sandbox.registers.directory.rows
    assert http.delete(status).status_code == 202
    assert [http.get(status).status_code, http.get(output["url"]).status_code] == [404, 404]
    assert http.delete(status).json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        (ASYNC, {"_type": "Patient"}),
        (ASYNC, {"_since": "2026-01-01T00:00:00Z"}),
        (ASYNC, {"_outputFormat": "text/csv"}),
    ],
)
def test_what_cannot_be_exported_is_refused_with_an_outcome(
    sandbox: Sandbox, headers: dict[str, str], query: dict[str, str]
) -> None:
    answer = sandbox.http.get(EXPORT, params=query, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_abandoned_exports_are_forgotten_oldest_first(own_sandbox: Sandbox) -> None:
    http = own_sandbox.http
    status = [http.post(EXPORT, headers=ASYNC).headers["content-location"] for _ in range(101)]
    assert http.get(status[0]).status_code == 404
    assert http.get(status[1]).status_code == 202


def test_an_export_stays_with_the_day_it_began(own_sandbox: Sandbox) -> None:
    http = own_sandbox.http
    status = http.get(EXPORT, headers=ASYNC).headers["content-location"]
    http.get(status)
    before = [http.get(output["url"]).text for output in http.get(status).json()["output"]]
    http.post("/_sandbox/day")
    assert [http.get(output["url"]).text for output in http.get(status).json()["output"]] == before


# --- the sandbox itself ---------------------------------------------------------------------------------------------


def families(http: httpx.Client, number: str) -> list[str]:
    """Surnames of the person with that number in the HOSP file."""
    root = etree.fromstring(http.get(HOSP).content)
    namespace = "{urn:riv:masterdata:organisationalresources:licensetopractice:2}"
    return [
        person.findtext(f"{namespace}efternamn") or ""
        for person in root
        if person.findtext(f"{namespace}personId/{namespace}extension") == number
    ]


def test_the_next_day_changes_files_etags_and_times(own_sandbox: Sandbox) -> None:
    http = own_sandbox.http
    first = http.get(HOSP)
    assert families(http, fixed.MARRIED_ON_DAY_1_NUMBER) == ["Provholm"]
    moved = http.post("/_sandbox/day")
    assert moved.json()["day"] == 1
    second = http.get(HOSP, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.headers["last-modified"] != first.headers["last-modified"]
    assert families(http, fixed.MARRIED_ON_DAY_1_NUMBER) == ["Provek"]
    assert http.post("/_sandbox/day", json={"day": 0}).json()["etags"] == own_sandbox.registers.etags


def test_of_the_days_before_one_is_kept(own_sandbox: Sandbox) -> None:
    for _ in range(3):
        own_sandbox.http.post("/_sandbox/day")
    days = sorted(folder.name.split("-")[5] for folder in own_sandbox.folder.parent.glob("size-*"))
    assert days == ["2", "3"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_sandbox/day", {"day": 61}),
        ("POST", "/_sandbox/day", {"day": "tomorrow"}),
        ("POST", "/_sandbox/day", [1]),
        ("PUT", "/_sandbox/faults", {"hosp": "nonsense"}),
        ("PUT", "/_sandbox/faults", {"nobody": "slow"}),
    ],
)
def test_wrong_orders_are_refused_with_a_reason(
    own_sandbox: Sandbox, method: str, path: str, body: object
) -> None:
    answer = own_sandbox.http.request(method, path, json=body)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert own_sandbox.http.get("/_sandbox").json()["day"] == 0


def test_the_state_tells_what_is_in_the_registers(sandbox: Sandbox) -> None:
    state = sandbox.http.get("/").json()
    assert (state["size"], state["seed"], state["day"]) == (1200, 5, 0)
    assert state["hosp"]["people"] == 600
    assert sum(state["washington"]["broken"].values()) > 0


# --- faults ---------------------------------------------------------------------------------------------------------


@contextmanager
def misbehaving(sandbox: Sandbox, authority: str, fault: str) -> Iterator[httpx.Client]:
    answer = sandbox.http.put("/_sandbox/faults", json={authority: fault})
    assert answer.json()["faults"] == {authority: fault}
    yield sandbox.http
    assert sandbox.http.delete("/_sandbox/faults").json()["faults"] == {}


@pytest.mark.parametrize("path", [HOSP, CSV, f"{ROWS}?$order=:id"])
def test_truncated_is_half_a_body_that_claims_to_be_whole(own_sandbox: Sandbox, path: str) -> None:
    whole = own_sandbox.http.get(path).content
    with misbehaving(own_sandbox, "hosp" if path == HOSP else "washington", "truncated") as http:
        assert http.get(path).content == whole[: len(whole) // 2]
    assert own_sandbox.http.get(path).content == whole


def test_aborted_breaks_off_in_the_middle(own_sandbox: Sandbox) -> None:
    with misbehaving(own_sandbox, "hosp", "aborted") as http, pytest.raises(httpx.RemoteProtocolError):
        http.get(HOSP)


@pytest.mark.parametrize(
    ("path", "empty"), [(HOSP, b"GetHospPerson"), (CSV, b"CredentialNumber"), (f"{ROWS}?$order=:id", b"[]")]
)
def test_empty_is_well_formed_and_holds_nobody(own_sandbox: Sandbox, path: str, empty: bytes) -> None:
    with misbehaving(own_sandbox, "hosp" if path == HOSP else "washington", "empty") as http:
        answer = http.get(path)
        assert answer.status_code == 200
        assert empty in answer.content
        assert b"hospPerson>" not in answer.content
        assert answer.content.count(b"\n") <= 3
        assert http.get(ROWS, params={"$select": "count(*)"}).json()[0]["count"] in {
            "0",
            str(own_sandbox.registers.washington.rows),
        }


def test_blank_is_no_body_and_wrong_type_a_login_page(own_sandbox: Sandbox) -> None:
    with misbehaving(own_sandbox, "hosp", "blank") as http:
        assert (http.get(HOSP).status_code, http.get(HOSP).content) == (200, b"")
    with misbehaving(own_sandbox, "hosp", "wrong-type") as http:
        answer = http.get(HOSP)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_slow_gives_the_same_in_the_end(own_sandbox: Sandbox) -> None:
    whole = own_sandbox.http.get(HOSP).content
    with misbehaving(own_sandbox, "hosp", "slow") as http:
        assert http.get(HOSP).content == whole


def test_short_pages_hold_less_than_asked_and_the_count_tells(own_sandbox: Sandbox) -> None:
    with misbehaving(own_sandbox, "washington", "short-pages") as http:
        assert len(http.get(ROWS, params={"$limit": 20, "$order": ":id"}).json()) == 10
        count = http.get(ROWS, params={"$select": "count(*)"}).json()[0]["count"]
        assert int(count) == own_sandbox.registers.washington.rows


def test_error_and_throttled_ask_to_come_back(own_sandbox: Sandbox) -> None:
    with misbehaving(own_sandbox, "fhir", "error") as http:
        answer = http.get(EXPORT, headers=ASYNC)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    with misbehaving(own_sandbox, "washington", "throttled") as http:
        assert [http.get(ROWS).status_code for _ in range(4)] == [429, 200, 429, 200]


def test_an_exports_files_are_spoilt_but_not_its_manifest(own_sandbox: Sandbox) -> None:
    with misbehaving(own_sandbox, "fhir", "truncated") as http:
        status = http.get(EXPORT, headers=ASYNC).headers["content-location"]
        http.get(status)
        (output,) = http.get(status).json()["output"]
        file = own_sandbox.folder / "practitioner.0.ndjson"
        assert len(http.get(output["url"]).content) == file.stat().st_size // 2


def test_a_fault_of_one_authority_leaves_the_others_alone_and_ends_with_null(own_sandbox: Sandbox) -> None:
    with misbehaving(own_sandbox, "hosp", "error") as http:
        assert http.get(ROWS).status_code == 200
        assert http.put("/_sandbox/faults", json={"hosp": None}).json()["faults"] == {}
        assert http.get(HOSP).status_code == 200


def test_conditional_answers_are_not_spoilt(own_sandbox: Sandbox) -> None:
    etag = own_sandbox.http.get(HOSP).headers["etag"]
    for fault in set(FAULTS) - {"error", "throttled"}:
        with misbehaving(own_sandbox, "hosp", fault) as http:
            assert http.get(HOSP, headers={"If-None-Match": etag}).status_code == 304


# --- serving --------------------------------------------------------------------------------------------------------

_SERVE = """
from indexer.sandbox.server import serve
serve("127.0.0.1", 0, size=60, seed=1, ready=lambda address: print(address, flush=True))
"""


def test_serving_ends_cleanly_when_told_to(tmp_path: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        try:
            assert httpx.get(f"{address}/_sandbox").json()["size"] == 60
            assert any(tmp_path.iterdir())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
    until(lambda: not any(tmp_path.iterdir()))
