"""/v1/verification-batches: sending lists in every form, asking how they stand, results as JSON and files."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from werkzeug.test import TestResponse

from registry.access.caller import Caller
from registry.checks.desk import Desk, open_desk
from registry.checks.lists.worker import Worker
from tests.registry.checks.lists.sheets import csv_text, xlsx
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import Service

PATH = "/v1/verification-batches"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER = ("Anst nr", "Leg.nr", "Personnummer", "Namn", "Födelsedatum", "Avdelning")
ROWS = (
    ("1", "RN-100.1", "", "", "", "4"),
    ("2", "", ANNA_NUMBER, "", "", "4"),
    ("3", "", "", "Bo Holm", "1971-11-30", "4"),
    ("4", "nosuch", "", "", "", "5"),
    ("5", "", "19800503-9809", "", "", "5"),
    ("=1+1", "RN-2", "", "", "", "5"),
)
JSON_ROWS = [
    {"reference": "1", "licenceNumber": "RN-100.1"},
    {"reference": "2", "personalIdentityNumber": ANNA_NUMBER},
    {"reference": "3", "name": "Bo Holm", "birthDate": "1971-11-30"},
    {"reference": "4", "licenceNumber": "nosuch"},
    {"reference": "5", "personalIdentityNumber": "19800503-9809"},
    {"reference": "=1+1", "licenceNumber": "RN-2"},
]
COUNTS = {"foundYes": 2, "foundNo": 2, "foundAsk": 0, "notFound": 1, "ambiguous": 0, "couldNotCheck": 1}


@pytest.fixture(scope="module")
def desk(full: Service) -> Iterator[Desk]:
    """Where a worker works."""
    made = open_desk(full.world.settings)
    yield made
    made.close()


@pytest.fixture
def work(desk: Desk) -> Callable[[], int]:
    return lambda: Worker(desk).run(once=True)


def send_csv(service: Service, data: bytes = b"", query: str = "", **rest: Any) -> TestResponse:  # noqa: ANN401 - of the client
    body = data or csv_text(HEADER, *ROWS).encode()
    url = f"{PATH}?purpose=employment{query}"
    return service.ask("POST", url, data=body, content_type="text/csv", **rest)


def send_json(service: Service, **body: object) -> TestResponse:
    return service.ask("POST", PATH, json={"purpose": "employment", "rows": JSON_ROWS, **body})


def send_form(service: Service, data: bytes, **fields: object) -> TestResponse:
    form = {"purpose": "employment", **fields, "file": (io.BytesIO(data), "personal.csv")}
    return service.ask("POST", PATH, data=form, content_type="multipart/form-data")


FORMS: dict[str, Callable[[Service], TestResponse]] = {
    "csv": send_csv,
    "cp1252": lambda service: send_csv(service, csv_text(HEADER, *ROWS).encode("cp1252")),
    "xlsx": lambda service: service.ask(
        "POST", f"{PATH}?purpose=employment", data=xlsx(HEADER, *ROWS), content_type=SHEET
    ),
    "json": send_json,
    "form with csv": lambda service: send_form(service, csv_text(HEADER, *ROWS).encode()),
    "form with xlsx": lambda service: send_form(service, xlsx(HEADER, *ROWS)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_is_accepted_checked_and_answered(full: Service, work: Callable[[], int], form: str) -> None:
    answer = FORMS[form](full)
    assert answer.status_code == 202
    sent = answer.get_json()
    assert answer.headers["Location"] == sent["links"]["self"] == f"{PATH}/{sent['id']}"
    assert (sent["state"], sent["rows"], sent["done"]) == ("accepted", 6, 0)
    assert work() == 6
    done = full.get(sent["links"]["self"]).get_json()
    assert (done["state"], done["done"], done["counts"]) == ("done", 6, COUNTS)
    page = full.get(sent["links"]["results"]).get_json()
    assert [(each["reference"], each["result"], each["verdict"]) for each in page["items"]] == [
        ("1", "found", "yes"),
        ("2", "found", "yes"),
        ("3", "found", "no"),
        ("4", "notFound", "ask"),
        ("5", "couldNotCheck", None),
        # openpyxl writes this one as a formula, which has no value until Excel has computed it.
        ("" if "xlsx" in form else "=1+1", "found", "no"),
    ]
    first = 1 if form == "json" else 2
    assert [each["row"] for each in page["items"]] == list(range(first, first + 6))
    person = page["items"][0]["practitioner"]
    assert (person["id"], person["birthYear"]) == (full.public_id("anna"), "1980")
    assert "9809" not in str(page["items"][4])


def test_what_was_recognised_is_told(full: Service) -> None:
    sent = send_csv(full, query="&fileName=personal.csv&reference=Avd+4").get_json()
    assert sent["columns"] == [
        {"field": "reference", "header": "Anst nr", "place": 1},
        {"field": "licenceNumber", "header": "Leg.nr", "place": 2},
        {"field": "personalIdentityNumber", "header": "Personnummer", "place": 3},
        {"field": "name", "header": "Namn", "place": 4},
        {"field": "birthDate", "header": "Födelsedatum", "place": 5},
    ]
    assert sent["unknownColumns"] == ["Avdelning"]
    assert (sent["fileName"], sent["reference"], sent["purpose"]) == ("personal.csv", "Avd 4", "employment")


def test_a_list_can_be_about_a_past_day_and_past_knowledge(full: Service, work: Callable[[], int]) -> None:
    asked = {"onDate": "2020-05-01", "knownAt": "2021-01-01T00:00:00+01:00", "profession": "sjuksköterska"}
    sent = send_json(full, **asked).get_json()
    told = (sent["onDate"], sent["knownAt"], sent["profession"], sent["authority"])
    assert told == ("2020-05-01", "2020-12-31T23:00:00Z", "registered-nurse", None)
    work()
    # The registry of these tests knew nobody then.
    counts = full.get(sent["links"]["self"]).get_json()["counts"]
    assert counts["foundYes"] == 0
    assert counts["couldNotCheck"] == 1
    assert '"known_at"' in full.events()[-1].question


def test_columns_can_be_named(full: Service, work: Callable[[], int]) -> None:
    data = csv_text(["Kod", "Nummer"], ["RN-100.1", "x"]).encode()
    refused = send_csv(full, data)
    assert (refused.status_code, refused.get_json()["type"].rpartition("/")[2]) == (422, "list-columns")
    assert "'Kod'" not in refused.get_json()["detail"]
    sent = send_csv(full, data, "&columns=licenceNumber%3DKod&columns=reference%3D%232")
    assert sent.status_code == 202
    work()
    items = full.get(sent.get_json()["links"]["results"]).get_json()["items"]
    assert [(each["result"], each["reference"]) for each in items] == [("found", "x")]


def test_a_form_says_the_same_as_a_query(full: Service) -> None:
    data = csv_text(["Kod", "Nummer"], ["RN-100.1", "x"]).encode()
    sent = send_form(
        full,
        data,
        columns=["licenceNumber=Kod", "reference=Nummer"],
        profession="sjuksköterska",
        onDate="2026-01-31",
    )
    assert sent.status_code == 202
    assert [each["field"] for each in sent.get_json()["columns"]] == ["licenceNumber", "reference"]
    assert sent.get_json()["fileName"] == "personal.csv"


def test_results_can_be_filtered_and_paged(full: Service, work: Callable[[], int]) -> None:
    links = send_csv(full).get_json()["links"]
    work()
    page = full.get(f"{links['results']}?attention=true&limit=2&page=2").get_json()
    assert (page["total"], page["page"], page["limit"]) == (4, 2, 2)
    assert [each["reference"] for each in page["items"]] == ["5", "=1+1"]
    some = full.get(f"{links['results']}?results=foundNo&results=notFound").get_json()
    assert [each["reference"] for each in some["items"]] == ["3", "4", "=1+1"]
    none = full.get(f"{links['results']}?results=foundYes&attention=true").get_json()
    assert (none["items"], none["total"]) == ([], 0)
    for query in ("limit=1001", "limit=0", "page=0", "results=maybe", "more=1"):
        assert full.get(f"{links['results']}?{query}").status_code == 400


def test_results_come_as_csv_for_swedish_excel(full: Service, work: Callable[[], int]) -> None:
    links = send_csv(full).get_json()["links"]
    work()
    answer = full.get(links["csv"])
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="results-lst_')
    assert answer.data.startswith(b"\xef\xbb\xbfRad;Referens;Resultat;Besked;")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert [row[2] for row in rows[1:]] == [
        "hittad/ja",
        "hittad/ja",
        "hittad/nej",
        "inte hittad",
        "kunde inte kontrolleras",
        "hittad/nej",
    ]
    assert rows[1][5:9] == ["Anna Maria Lindqvist", "1980", "Sjuksköterska", "RN-100.1"]
    assert rows[5][-1].startswith("Personnummer: ")
    # What a spreadsheet would calculate is text.
    assert rows[6][1] == "'=1+1"
    english = full.get(f"{links['csv']}?language=en&delimiter=comma&attention=true").data.decode("utf-8-sig")
    assert english.startswith("Row,Reference,Result,Verdict,")
    assert len(english.splitlines()) == 5


def test_results_come_as_a_workbook(full: Service, work: Callable[[], int]) -> None:
    links = send_csv(full).get_json()["links"]
    work()
    answer = full.get(f"{links['xlsx']}?language=en")
    assert answer.headers["Content-Type"] == SHEET
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert rows[0][:4] == ("Row", "Reference", "Result", "Verdict")
    assert [row[0] for row in rows[1:]] == [2, 3, 4, 5, 6, 7]
    assert rows[1][2] == "found/yes"
    cell = book.worksheets[0].cell(7, 2)
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1", "s", True)
    assert full.get(f"{links['xlsx']}?language=en").data == answer.data


def test_a_list_can_be_cancelled_resumed_and_deleted(full: Service, work: Callable[[], int]) -> None:
    links = send_csv(full).get_json()["links"]
    cancelled = full.ask("POST", f"{links['self']}/cancellation")
    assert (cancelled.status_code, cancelled.get_json()["state"]) == (200, "cancelled")
    assert work() == 0
    resumed = full.ask("POST", f"{links['self']}/resumption")
    assert (resumed.status_code, resumed.get_json()["type"].rpartition("/")[2]) == (409, "list-state")
    deleted = full.ask("DELETE", links["self"])
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert full.get(links["self"]).status_code == 404
    assert full.ask("DELETE", links["self"]).status_code == 404


def test_lists_are_listed_newest_first(full: Service) -> None:
    ids = [send_csv(full).get_json()["id"] for _ in range(3)]
    page = full.get(f"{PATH}?limit=2").get_json()
    assert [each["id"] for each in page["items"]] == [ids[2], ids[1]]
    assert page["total"] >= 3
    assert full.get(f"{PATH}?limit=101").status_code == 400
    for each in ids:
        full.ask("DELETE", f"{PATH}/{each}")


def test_another_organisation_sees_nothing(full: Service, desk: Desk) -> None:
    links = send_csv(full).get_json()["links"]
    token = full.idp.token(scope="registry:verify", **{"https://id.oidc.se/claim/orgNumber": "5569999999"})
    headers = {"Authorization": f"Bearer {token}"}
    for method, url in (
        ("GET", links["self"]),
        ("GET", links["results"]),
        ("GET", links["csv"]),
        ("GET", links["xlsx"]),
        ("DELETE", links["self"]),
        ("POST", f"{links['self']}/cancellation"),
        ("POST", f"{links['self']}/resumption"),
    ):
        assert full.ask(method, url, headers=headers).status_code == 404, url
    assert full.get(PATH, headers=headers).get_json()["total"] == 0
    assert full.get(links["self"]).status_code == 200
    assert Caller("a", "b").organisation == ""
    full.ask("DELETE", links["self"])
    assert desk.settings.checks.lists.max_waiting > 0


def _refused(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["type"].rpartition("/")[2]


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("", 400, "invalid-query"),
        ("?purpose=nonsense", 400, "bad-request"),
        ("?purpose=own-record", 403, "purpose-not-allowed"),
        ("?purpose=employment&profession=trollkarl", 400, "invalid-query"),
        ("?purpose=employment&authority=nosuch", 400, "invalid-query"),
        ("?purpose=employment&onDate=2999-01-01", 400, "invalid-query"),
        ("?purpose=employment&columns=Kod", 400, "invalid-query"),
        ("?purpose=employment&columns=kod%3DKod", 422, "list-columns"),
        ("?purpose=employment&more=1", 400, "invalid-query"),
        (f"?purpose=employment&reference={ANNA_NUMBER}", 400, "personal-number-in-url"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_at_once(full: Service, query: str, status: int, slug: str) -> None:
    data = csv_text(HEADER, *ROWS).encode()
    answer = full.ask("POST", PATH + query, data=data, content_type="text/csv")
    assert _refused(answer) == (status, slug)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"rows": "x"}, "/rows"),
        ({"rows": None}, "/rows"),
        ({"rows": [{"licenceNumber": 7}]}, "/rows/0/licenceNumber"),
        ({"rows": [{}, {"number": "7"}]}, "/rows/1"),
        ({"rows": [{"name": "x" * 801}]}, "/rows/0"),
        ({"purpose": None}, "/purpose"),
        ({"onDate": "2999-01-01"}, "/onDate"),
        ({"knownAt": "2999-01-01T00:00:00Z"}, "/knownAt"),
        ({"knownAt": "yesterday"}, "/knownAt"),
        ({"profession": "trollkarl"}, "/profession"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_is_wrong_with_json_is_pointed_at(full: Service, body: dict[str, Any], pointer: str) -> None:
    answer = send_json(full, **body)
    assert _refused(answer) == (422, "invalid-body")
    assert [each["pointer"] for each in answer.get_json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("data", "content_type", "status", "slug"),
    [
        (b"x", "text/plain", 415, "unsupported-media-type"),
        (b"PK\x03\x04x", SHEET, 422, "unreadable-list"),
        (b"Leg.nr\r\n", "text/csv", 422, "unreadable-list"),
        (b"{", "application/json", 400, "invalid-json"),
        (b"{}", "application/json; charset=latin-1", 415, "unsupported-media-type"),
    ],
)
def test_bodies_that_are_no_lists_are_refused(
    full: Service, data: bytes, content_type: str, status: int, slug: str
) -> None:
    query = "" if "json" in content_type else "?purpose=employment"
    answer = full.ask("POST", PATH + query, data=data, content_type=content_type)
    assert _refused(answer) == (status, slug)


@pytest.mark.parametrize(
    "form",
    [
        {"purpose": "employment"},
        {"file": None},
        {"purpose": "employment", "file": None, "more": "x"},
        {"purpose": ["employment", "recruitment"], "file": None},
        {"purpose": "employment", "file": None, "onDate": "soon"},
        {"purpose": "employment", "file": None, "columns": "Kod"},
        {"purpose": "employment", "other": None},
    ],
)
def test_forms_that_are_wrong_are_refused(full: Service, form: dict[str, Any]) -> None:
    data = csv_text(HEADER, *ROWS).encode()
    sent = {name: (io.BytesIO(data), "x.csv") if value is None else value for name, value in form.items()}
    answer = full.ask("POST", PATH, data=sent, content_type="multipart/form-data")
    assert _refused(answer) == (422, "invalid-body")


def test_everything_stands_in_one_place(full: Service) -> None:
    answer = full.ask("POST", f"{PATH}?purpose=employment", json={"purpose": "employment", "rows": JSON_ROWS})
    assert _refused(answer) == (400, "invalid-query")
    form = {"purpose": "employment", "file": (io.BytesIO(b"x"), "x.csv")}
    answer = full.ask("POST", f"{PATH}?purpose=employment", data=form, content_type="multipart/form-data")
    assert _refused(answer) == (400, "invalid-query")
    answer = send_csv(full, headers={"Content-Encoding": "gzip"})
    assert _refused(answer) == (415, "unsupported-media-type")


def test_lists_may_be_larger_than_other_bodies_and_are_bounded_too(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(
        REGISTRY_CHECKS__LISTS__MAX_BYTES="200000", REGISTRY_CHECKS__LISTS__MAX_ROWS="9000"
    )
    service.load(everyone())
    rows = [("1", "RN-100.1") for _ in range(9000)]
    data = csv_text(("Ref", "Leg.nr"), *rows).encode()
    assert len(data) > service.world.settings.web.max_body_bytes
    assert send_csv(service, data).status_code == 202
    assert _refused(send_csv(service, csv_text(("Ref", "Leg.nr"), *rows, rows[0]).encode())) == (
        413,
        "list-too-large",
    )
    assert _refused(send_json(service, rows=[{"name": "x"}] * 9001)) == (413, "list-too-large")
    answer = send_csv(service, b"x" * 300_000)
    assert _refused(answer) == (413, "body-too-large")
    assert answer.get_json()["maxBytes"] > 200_000
    assert _refused(service.verify(name="x" * 70_000)) == (413, "body-too-large")


def test_rows_count_against_the_quota(make_service: Callable[..., Service]) -> None:
    service = make_service(REGISTRY_CHECKS__QUOTAS__LIST_ROWS_PER_DAY="10")
    service.load(everyone())
    assert send_csv(service).status_code == 202
    answer = send_csv(service)
    assert _refused(answer) == (429, "quota-exceeded")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_scope_is_needed_before_anything_is_read(full: Service) -> None:
    answer = full.ask("POST", PATH, data=b"x", content_type="text/csv", scopes=("registry:read",))
    assert _refused(answer) == (403, "insufficient-scope")
    assert full.get(f"{PATH}/{quote('lst_nosuch')}").status_code == 404


def keyed(service: Service, key: str, body: bytes = b"", query: str = "") -> TestResponse:
    data = body or csv_text(HEADER, *ROWS).encode()
    url, headers = f"{PATH}?purpose=employment{query}", {"Idempotency-Key": key}
    return service.ask("POST", url, data=data, content_type="text/csv", headers=headers)


def test_a_list_sent_again_with_its_key_is_the_list_that_there_is(
    full: Service, work: Callable[[], int]
) -> None:
    first = keyed(full, "lost-answer")
    work()
    again = keyed(full, "lost-answer")
    assert (again.status_code, again.headers["Location"]) == (202, first.headers["Location"])
    assert (first.get_json()["state"], again.get_json()["state"]) == ("accepted", "done")
    assert work() == 0
    assert keyed(full, "another").headers["Location"] != first.headers["Location"]


def test_a_key_is_bound_to_the_list_and_how_it_was_sent(full: Service) -> None:
    assert keyed(full, "bound").status_code == 202
    for other in (keyed(full, "bound", b"Leg.nr\n1"), keyed(full, "bound", query="&reference=x")):
        assert (other.status_code, other.get_json()["type"].rsplit("/", 1)[-1]) == (
            422,
            "idempotency-key-reused",
        )


def test_a_key_of_a_form_does_not_depend_on_the_border_between_its_parts(full: Service) -> None:
    def form(data: bytes) -> TestResponse:
        fields = {"purpose": "employment", "file": (io.BytesIO(data), "personal.csv")}
        headers = {"Idempotency-Key": "form"}
        return full.ask("POST", PATH, data=fields, content_type="multipart/form-data", headers=headers)

    first, again, other = form(b"Leg.nr\n1"), form(b"Leg.nr\n1"), form(b"Leg.nr\n2")
    assert first.headers["Location"] == again.headers["Location"]
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)


def test_a_list_that_is_refused_gives_its_key_back(full: Service) -> None:
    assert keyed(full, "mended", b"Leg.nr\n").status_code == 422
    assert keyed(full, "mended", b"Leg.nr\n1").status_code == 202


def test_what_is_left_of_the_rows_is_told(full: Service) -> None:
    first, second = (send_csv(full) for _ in range(2))
    assert first.headers["RateLimit-Policy"] == '"list-rows-per-day";q=200000;w=86400'

    def left(answer: TestResponse) -> int:
        return int(answer.headers["RateLimit"].split(";")[1].removeprefix("r="))

    assert left(first) - left(second) == len(ROWS)


def test_without_headers_every_row_is_checked_where_columns_are_given_by_place(full: Service) -> None:
    data = csv_text(["RN-100.1", "Anna"], ["RN-2", "Karl"]).encode()
    answer = send_csv(full, data, "&columns=licenceNumber%3D%231")
    assert (answer.status_code, answer.get_json()["rows"]) == (202, 2)
