"""The pages for those who run the registry: feeds, runs and receipts."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from tests.registry.web.pages.house import ADMIN, BAD, EMPLOYER, HOSP, STAFF, House, heading, text
from tests.support.world import source_rows


def run_of(house: House, feed: str = "hosp") -> int:
    run = t.feed_run
    with house.world.engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.max(run.c.id)).where(run.c.feed_id == feed)) or 0)


def test_feeds_are_listed_with_their_state_and_newest_run(house: House) -> None:
    with house.browser(ADMIN) as browser:
        page = browser.get("/feeds")
    shown = text(page)
    assert heading(page) == "Källor och inläsningar"
    assert "HOSP Källans id hosp Myndighet Testmyndigheten Läge Senast inläst" in shown
    assert "Inläsning: klar" in shown
    assert "väntar på granskning" not in shown


def test_a_feed_that_is_late_held_or_never_read_says_so(own_house: House) -> None:
    own_house.age_feeds(days=3)
    half = dict(list(HOSP.items())[:10])
    own_house.world.load(half, feed="hosp", finished_at=datetime.now(UTC) - timedelta(hours=50))
    own_house.world.describe_feed("new", name_sv="Nya registret")
    with own_house.browser(ADMIN) as browser:
        shown = text(browser.get("/feeds"))
        about = text(browser.get("/about"))
    for page in (shown, about):
        assert "Uppgifterna är äldre än utlovade 48 timmar." in page
        assert "Källan har lämnat ändringar som väntar på granskning." in page
        assert "Källan har inte kunnat läsas in ännu." in page
    assert "Inläsning: hålls för granskning" in shown
    assert "Ingen körning ännu." in shown


def test_runs_of_a_feed_are_paged_from_the_newest(own_house: House) -> None:
    now = datetime.now(UTC)
    for minutes in range(30, 0, -1):
        own_house.world.load(
            [*source_rows(HOSP), *BAD], feed="hosp", finished_at=now - timedelta(minutes=minutes)
        )
    newest = run_of(own_house)
    with own_house.browser(ADMIN, "en") as browser:
        page = browser.get("/feeds/hosp")
        assert heading(page) == "Runs of HOSP (Sweden)"
        assert page.text.count('<tr role="row">') == 26
        assert f'href="/feeds/runs/{newest}"' in page.text
        older = page.text.partition('rel="next" href="')[2].partition('"')[0]
        rest = browser.get(older)
    assert rest.text.count('<tr role="row">') == 7
    assert 'rel="next"' not in rest.text
    assert f'href="/feeds/runs/{newest}"' not in rest.text


def test_a_feed_without_runs_says_so(own_house: House) -> None:
    own_house.world.describe_feed("new")
    with own_house.browser(ADMIN) as browser:
        assert "Ingen körning ännu." in text(browser.get("/feeds/new"))


def test_a_receipt_shows_what_was_done_and_every_row_that_was_not_taken_in(house: House) -> None:
    run = run_of(house)
    with house.browser(ADMIN) as browser:
        page = browser.get(f"/feeds/runs/{run}")
    shown = text(page)
    assert heading(page) == f"Kvitto för körning {run}"
    for fact in (
        "Slag Inläsning Utfall klar",
        f"Lästa rader {len(HOSP) + 2} Nya poster {len(HOSP)}",
        "Borttagna poster 0 Rader som inte kunde tas in 2",
        f"{BAD[0].reason} legitimationsDatum Oläslig 1",
        f"90 9001 legitimationsDatum {BAD[0].reason} 31/31/2020",
    ):
        assert fact in shown, fact
    assert f'href="/feeds/runs/{run}/errors.csv"' in page.text
    assert f'href="/feeds/runs/{run}/errors.ndjson"' in page.text


def test_a_receipt_of_a_held_run_tells_why_and_what_waits(own_house: House) -> None:
    own_house.world.load(dict(list(HOSP.items())[:10]), feed="hosp")
    with own_house.browser(ADMIN) as browser:
        shown = text(browser.get(f"/feeds/runs/{run_of(own_house)}"))
    assert "Körningen hålls för granskning: " in shown
    assert "records are absent" in shown
    assert f"Borttag som lades åt sidan {len(HOSP) - 10}" in shown
    assert f"Väntar på beslut Borttag: {len(HOSP) - 10}" in shown
    assert "Alla rader togs in." in shown


def test_a_receipt_of_a_failed_run_tells_the_error(own_house: House) -> None:
    run = run_of(own_house)
    with writing(own_house.world.engine).begin() as connection:
        table = t.feed_run
        values = {"state": "failed", "error": "The feed gave half a file.", "complete": False}
        connection.execute(sa.update(table).where(table.c.id == run).values(**values, finished_at=None))
    with own_house.browser(ADMIN) as browser:
        shown = text(browser.get(f"/feeds/runs/{run}"))
    assert "Fel: The feed gave half a file." in shown
    assert "Utfall misslyckades, inget ändrades" in shown
    assert "Omfattning En del av registret" in shown


def test_a_long_receipt_shows_the_first_rows_and_gives_all_as_files(own_house: House) -> None:
    run = run_of(own_house)
    with writing(own_house.world.engine).begin() as connection:
        row = {"feed_id": "hosp", "run_id": run, "row_number": 1, "reason": "no date", "echo": "<b>=1</b>"}
        connection.execute(sa.insert(t.quarantined_record), [row] * 150)
    with own_house.browser(ADMIN) as browser:
        page = browser.get(f"/feeds/runs/{run}")
        files = {kind: browser.get(f"/feeds/runs/{run}/errors.{kind}") for kind in ("csv", "ndjson")}
        assert browser.get(f"/feeds/runs/{run}/errors.xml").status_code == 404
    assert "De första 100 raderna visas." in text(page)
    assert "<b>" not in page.text
    assert {kind: len(file.text.splitlines()) for kind, file in files.items()} == {"csv": 153, "ndjson": 152}
    disposition = files["csv"].headers["content-disposition"]
    assert disposition == f'attachment; filename="feed-run-{run}-errors.csv"'
    assert files["csv"].headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/feeds/nowhere", "/feeds/runs/0", f"/feeds/runs/{2**63}"])
def test_what_is_not_there_is_not_found(house: House, path: str) -> None:
    with house.browser(ADMIN) as browser:
        assert browser.get(path).status_code == 404
        if "runs" in path:
            assert browser.get(f"{path}/errors.csv").status_code == 404


@pytest.mark.parametrize("before", ["0", "-5", str(2**70), "x"])
def test_a_page_that_never_was_is_empty_or_the_first(house: House, before: str) -> None:
    with house.browser(ADMIN) as browser:
        assert browser.get("/feeds/hosp", params={"before": before}).status_code == 200


@pytest.mark.parametrize("user", [EMPLOYER, STAFF])
def test_nobody_else_sees_feeds_and_their_runs(house: House, user: object) -> None:
    run = run_of(house)
    paths = ("/feeds", "/feeds/hosp", f"/feeds/runs/{run}", f"/feeds/runs/{run}/errors.csv")
    with house.browser(user) as browser:  # type: ignore[arg-type]
        for path in paths:
            page = browser.get(path)
            assert page.status_code == 403
            assert "31/31/2020" not in page.text
        assert "/feeds" not in browser.get("/").text


def test_strangers_are_sent_to_the_login(house: House) -> None:
    with httpx.Client(base_url=house.url) as browser:
        assert browser.get("/feeds").headers["location"].startswith("/login")


def test_administrators_are_led_to_the_feeds(house: House) -> None:
    with house.browser(ADMIN) as browser:
        page = browser.get("/")
        assert page.text.count('href="/feeds"') == 2
        assert browser.get("/practitioners/AAAAAAAA?purpose=lookup").status_code == 403


def test_reading_receipts_writes_no_access_event_for_it_is_about_nobody(house: House) -> None:
    before = len(house.events())
    with house.browser(ADMIN) as browser:
        browser.get(f"/feeds/runs/{run_of(house)}")
    assert len(house.events()) == before
