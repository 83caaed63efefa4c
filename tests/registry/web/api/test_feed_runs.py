"""GET /v1/feed-runs: receipts and their rows, for those who run the registry."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from indexer.feeds.rows import BadRow
from registry.database import writing
from registry.records import receipts
from registry.records import tables as t
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import Service
from tests.support.world import licence, person, source_rows

BAD = [
    BadRow(5, "A-1", "issued", "expected a date as YYYY, YYYY-MM or YYYY-MM-DD", "31/31/2020"),
    BadRow(6, "", "hospId", "the person has no hospId", ""),
    BadRow(7, "A-2", "issued", "expected a date as YYYY, YYYY-MM or YYYY-MM-DD", 'år, "noll"\n;'),
]


def pulled(service: Service) -> int:
    """A run that took in four people and put three rows aside; its number."""
    service.world.load([*source_rows(everyone()), *BAD])
    return newest(service)


def newest(service: Service) -> int:
    with service.world.engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.max(t.feed_run.c.id))) or 0)


def put_aside(service: Service, run_id: int, *rows: dict[str, object]) -> None:
    with writing(service.world.engine).begin() as connection:
        base = {"feed_id": "test", "run_id": run_id, "row_number": 1, "kind": "unreadable", "reason": "r"}
        for row in rows:
            connection.execute(sa.insert(t.quarantined_record).values({**base, **row}))


def test_a_receipt_tells_what_the_run_did_and_why_rows_were_put_aside(service: Service) -> None:
    run = pulled(service)
    told = service.get(f"/v1/feed-runs/{run}").get_json()
    assert (told["id"], told["feed"], told["kind"], told["state"]) == (run, "test", "pull", "succeeded")
    counts = told["counts"]
    assert (counts["read"], counts["added"], counts["quarantined"], counts["removed"]) == (7, 4, 3, 0)
    assert told["rowErrors"] == [
        {"kind": "unreadable", "field": "issued", "reason": BAD[0].reason, "count": 2},
        {"kind": "unreadable", "field": "hospId", "reason": BAD[1].reason, "count": 1},
    ]
    assert told["waitingChanges"] == []
    assert told["durationSeconds"] >= 0
    assert told["links"]["errors"] == f"/v1/feed-runs/{run}/errors"


def test_a_held_run_says_why_and_what_waits(service: Service) -> None:
    crowd = {f"c{n}": person("Ek", f"Liv{n}", licences=[licence(f"C-{n}")]) for n in range(40)}
    service.world.load(crowd)
    service.world.load(dict(list(crowd.items())[:20]))
    told = service.get(f"/v1/feed-runs/{newest(service)}").get_json()
    assert told["state"] == "held"
    assert "absent" in told["heldReason"]
    assert told["counts"]["removalsWithheld"] == 20
    assert told["waitingChanges"] == [{"kind": "removal", "count": 20}]
    [feed] = service.get("/v1/feeds").get_json()["items"]
    assert (feed["held"], feed["state"], feed["lastRunState"]) == (True, "fresh", "held")
    answer = service.verify(licenceNumber="C-39").get_json()
    assert (answer["verdict"], answer["reasons"][0]["code"]) == ("ask", "change-held")
    assert answer["licences"][0]["held"]
    assert answer["sources"][0]["held"]


def test_runs_are_listed_the_newest_first_by_feed_and_page(service: Service) -> None:
    now = datetime.now(UTC)
    for hours in range(5, 0, -1):
        service.world.load(everyone(), finished_at=now - timedelta(hours=hours))
    service.world.load({}, feed="other")
    every = service.get("/v1/feed-runs").get_json()
    assert (every["total"], every["items"][0]["feed"], every["page"], every["limit"]) == (6, "other", 1, 20)
    numbers = [run["id"] for run in every["items"]]
    assert numbers == sorted(numbers, reverse=True)

    second = service.get("/v1/feed-runs?feed=test&limit=2&page=2").get_json()
    assert [run["id"] for run in second["items"]] == numbers[3:5]
    assert second["total"] == 5
    assert second["links"] == {
        "self": "/v1/feed-runs?feed=test&limit=2&page=2",
        "first": "/v1/feed-runs?feed=test&limit=2&page=1",
        "last": "/v1/feed-runs?feed=test&limit=2&page=3",
        "previous": "/v1/feed-runs?feed=test&limit=2&page=1",
        "next": "/v1/feed-runs?feed=test&limit=2&page=3",
    }
    beyond = service.get("/v1/feed-runs?feed=test&limit=2&page=9").get_json()
    assert (beyond["items"], beyond["links"]["previous"]) == ([], "/v1/feed-runs?feed=test&limit=2&page=3")


@pytest.mark.parametrize("query", ["limit=101", "limit=0", "page=0", "feed=nowhere", "before=1", "page=x"])
def test_what_can_not_be_listed_is_refused(full: Service, query: str) -> None:
    answer = full.get(f"/v1/feed-runs?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize("path", ["0", "999999999", str(2**63), "x", "-1"])
@pytest.mark.parametrize("more", ["", "/errors"])
def test_a_run_that_is_not_there_is_not_found(full: Service, path: str, more: str) -> None:
    assert full.get(f"/v1/feed-runs/{path}{more}").status_code == 404


def test_rows_come_as_ndjson_by_default(service: Service) -> None:
    run = pulled(service)
    answer = service.get(f"/v1/feed-runs/{run}/errors")
    assert answer.content_type == "application/x-ndjson; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="feed-run-{run}-errors.ndjson"'
    assert answer.headers["Cache-Control"] == "no-store"
    rows = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert [(row["row"], row["key"], row["field"], row["echo"]) for row in rows] == [
        (bad.row, bad.key, bad.field, bad.echo) for bad in BAD
    ]
    assert set(rows[0]) == {"row", "key", "field", "kind", "reason", "echo"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("text/csv;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("*/*", "application/x-ndjson"),
        ("image/png", "application/x-ndjson"),
    ],
)
def test_the_form_of_the_rows_follows_accept(service: Service, accept: str, kind: str) -> None:
    answer = service.get(f"/v1/feed-runs/{pulled(service)}/errors", headers={"Accept": accept})
    assert answer.mimetype == kind


def test_rows_as_csv_are_a_table_with_a_header(service: Service) -> None:
    run = pulled(service)
    answer = service.get(f"/v1/feed-runs/{run}/errors", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="feed-run-{run}-errors.csv"'
    table = list(csv.reader(io.StringIO(answer.get_data(as_text=True), newline="")))
    assert table[0] == ["row", "key", "field", "kind", "reason", "echo"]
    assert [(int(row[0]), row[1], row[2], row[5]) for row in table[1:]] == [
        (bad.row, bad.key, bad.field, bad.echo) for bad in BAD
    ]


def test_a_run_without_bad_rows_gives_an_empty_table(service: Service) -> None:
    service.world.load(everyone())
    path = f"/v1/feed-runs/{newest(service)}/errors"
    assert service.get(path).get_data() == b""
    as_csv = service.get(path, headers={"Accept": "text/csv"}).get_data(as_text=True)
    assert as_csv == "row,key,field,kind,reason,echo\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_is_calculated_by_a_spreadsheet(service: Service, start: str) -> None:
    run = pulled(service)
    formula = f"{start}cmd|'/c calc'!A1"
    put_aside(service, run, {"key": formula, "field": formula, "reason": formula, "echo": formula})
    answer = service.get(f"/v1/feed-runs/{run}/errors", headers={"Accept": "text/csv"})
    [*_, last] = csv.reader(io.StringIO(answer.get_data(as_text=True), newline=""))
    assert [last[1], last[2], last[4], last[5]] == [f"'{formula}"] * 4
    # For programs it stays what it is.
    as_json = service.get(f"/v1/feed-runs/{run}/errors").get_data(as_text=True).splitlines()
    assert json.loads(as_json[-1])["echo"] == formula


def test_no_receipt_and_no_row_holds_a_personal_identity_number_or_its_digest(service: Service) -> None:
    run = pulled(service)
    slip = f"sent {ANNA_NUMBER}"
    digest = service.world.sealer.digest(ANNA_NUMBER).hex()
    put_aside(
        service,
        run,
        {"key": ANNA_NUMBER, "field": slip, "reason": slip, "echo": slip},
        {"key": digest, "reason": "unreadable"},
    )
    with writing(service.world.engine).begin() as connection:
        connection.execute(sa.update(t.feed_run).values(error=slip, source_name=f"{ANNA_NUMBER}.xml"))
    for path in (f"/v1/feed-runs/{run}", f"/v1/feed-runs/{run}/errors", "/v1/feed-runs"):
        text = service.get(path).get_data(as_text=True)
        assert ANNA_NUMBER not in text
        assert digest not in text
    as_csv = service.get(f"/v1/feed-runs/{run}/errors", headers={"Accept": "text/csv"}).get_data(as_text=True)
    assert ANNA_NUMBER not in as_csv
    assert "[personal number]" in as_csv


def test_a_million_rows_would_cost_no_memory(service: Service) -> None:
    run = pulled(service)
    with writing(service.world.engine).begin() as connection:
        row = {"feed_id": "test", "run_id": run, "row_number": 1, "reason": "r" * 80, "echo": "e" * 100}
        connection.execute(sa.insert(t.quarantined_record), [row] * 30_000)
    with service.world.engine.connect() as connection:
        tracemalloc.start()
        count = sum(1 for _ in receipts.errors(connection, run))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 30_003
    assert peak < 5_000_000  # all of them at once are some 15 MB


def test_receipts_are_read_alike_on_every_database(world_service: Service) -> None:
    run = pulled(world_service)
    told = world_service.get(f"/v1/feed-runs/{run}").get_json()
    assert told["counts"]["quarantined"] == 3
    rows = world_service.get(f"/v1/feed-runs/{run}/errors").get_data(as_text=True).splitlines()
    assert len(rows) == 3
    assert world_service.get("/v1/feed-runs?feed=test").get_json()["total"] == 1
