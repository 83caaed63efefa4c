"""Staff lists in a real browser: dropped, confirmed, followed, filtered and printed; by script and without."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.registry.web.pages.browsing import (
    DESKTOP,
    PHONE,
    accessible,
    fits,
    follow,
    log_in,
    nothing_from_elsewhere,
    until,
)
from tests.registry.web.pages.house import EMPLOYER, House
from tests.registry.web.pages.test_lists import LIST

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Drops a file as a mouse would: the browser lets no script make a real drag.
DROP = """([text, name]) => {
  const place = document.querySelector("[data-drop]");
  const given = new DataTransfer();
  given.items.add(new File([text], name, { type: "text/csv" }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: given, bubbles: true, cancelable: true });
    place.dispatchEvent(event);
    if (kind === "dragover") place.dataset.seen = place.className;
  }
}"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A staff list on the reader's machine."""
    path = tmp_path / "personal.csv"
    path.write_bytes(LIST)
    return path


def send(page: "Page", base: str, file: Path) -> None:
    """Choose a file and send it."""
    page.goto(f"{base}/lists")
    page.set_input_files("#file", file)
    page.select_option("#purpose", "employment")
    page.click("form[enctype] button")
    page.wait_for_url("**/lists/lst_*")


def confirm(page: "Page") -> None:
    page.click('form[action$="/columns"] button')
    page.wait_for_selector("#progress")


def test_the_whole_way_without_script(
    lists_house: House, open_page: Callable[..., "Page"], file: Path
) -> None:
    page = open_page()
    with nothing_from_elsewhere(page, lists_house):
        log_in(page, lists_house, EMPLOYER)
        send(page, lists_house.url, file)
        assert page.inner_text("h1") == "Vad säger kolumnerna?"
        page.select_option("#column-7", "")
        confirm(page)
        assert page.locator("[data-progress]").get_attribute("max") == "7"
        lists_house.work()
        # The page loads again by itself.
        page.wait_for_selector("#counts-title", timeout=15_000)
        follow(page, '.filters a:has-text("Inte hittad")')
        assert page.locator("tbody tr").count() == 2
        with page.expect_download() as download:
            page.click('a:has-text("Hämta XLSX")')
        assert download.value.suggested_filename.endswith(".xlsx")
        page.click(".deletion summary")
        page.click(".deletion button")
        page.wait_for_url(f"{lists_house.url}/lists")


def test_a_file_is_dropped_on_its_place(lists_house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(script=True)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page, lists_house, EMPLOYER)
    page.goto(f"{lists_house.url}/lists")
    page.evaluate(DROP, [LIST.decode(), "släppt.csv"])
    assert "over" in (page.locator("[data-drop]").get_attribute("data-seen") or "")
    assert page.locator("[data-drop] [role=status]").inner_text() == "Vald fil: släppt.csv"
    assert "over" not in (page.locator("[data-drop]").get_attribute("class") or "")
    page.select_option("#purpose", "employment")
    page.click("form[enctype] button")
    page.wait_for_url("**/lists/lst_*")
    assert "släppt.csv" in page.inner_text("main")
    assert complaints == []


def test_too_large_a_file_is_not_even_sent(lists_house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(script=True)
    log_in(page, lists_house, EMPLOYER)
    page.goto(f"{lists_house.url}/lists")
    page.evaluate("document.querySelector('[data-drop]').dataset.dropBytes = '10'")
    page.evaluate(DROP, ["x" * 11, "stor.csv"])
    assert page.locator("[data-drop] [role=status]").inner_text().startswith("Listan är för stor.")
    assert page.evaluate("document.querySelector('#file').files.length") == 0


def test_progress_moves_and_ends_by_itself(
    lists_house: House, open_page: Callable[..., "Page"], file: Path
) -> None:
    page = open_page(script=True)
    log_in(page, lists_house, EMPLOYER)
    send(page, lists_house.url, file)
    confirm(page)
    half = '{"ended": false, "done": 3, "rows": 7, "text": "3 av 7 rader är kontrollerade."}'
    page.route("**/progress", lambda route: route.fulfill(body=half, content_type="application/json"))
    until(page, "document.querySelector('#progress').value === 3")
    assert page.inner_text("#progress-text") == "3 av 7 rader är kontrollerade."
    assert page.inner_text("[aria-live=polite]") == "3 av 7 rader är kontrollerade."
    page.unroute("**/progress")
    lists_house.work()
    page.wait_for_selector("#counts-title")
    assert page.locator(".counts li").count() == 6


def test_progress_goes_on_after_an_answer_that_failed(
    lists_house: House, open_page: Callable[..., "Page"], file: Path
) -> None:
    page = open_page(script=True)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page, lists_house, EMPLOYER)
    send(page, lists_house.url, file)
    confirm(page)
    page.route("**/progress", lambda route: route.fulfill(status=503, body="{}"))
    with page.expect_response("**/progress"):
        pass
    page.unroute("**/progress")
    lists_house.work()
    page.wait_for_selector("#counts-title")
    assert complaints == []


def test_a_list_is_cancelled_from_its_progress(
    lists_house: House, open_page: Callable[..., "Page"], file: Path
) -> None:
    page = open_page(script=True)
    log_in(page, lists_house, EMPLOYER)
    send(page, lists_house.url, file)
    confirm(page)
    page.click('form[action$="/cancellation"] button')
    page.wait_for_selector("#counts-title")
    assert "Kontrollen avbröts." in page.inner_text("main")


def results(page: "Page", house: House, file: Path) -> None:
    log_in(page, house, EMPLOYER)
    send(page, house.url, file)
    confirm(page)
    house.work()
    page.wait_for_selector("#counts-title", timeout=15_000)


def test_on_paper_stands_the_summary_and_nothing_to_click(
    lists_house: House, open_page: Callable[..., "Page"], file: Path
) -> None:
    page = open_page(wide=True)
    results(page, lists_house, file)
    page.emulate_media(media="print")
    for shown in ("h1", ".counts", "#rows-title", "#about-title", ".paper-only >> nth=0"):
        assert page.is_visible(shown), shown
    for hidden in (".top", ".filters", ".deletion", "main .button >> nth=0"):
        assert not page.is_visible(hidden), hidden


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_the_pages_of_a_list_are_accessible_and_fit_a_phone(
    lists_house: House, open_page: Callable[..., "Page"], file: Path, language: str
) -> None:
    page = open_page(script=True, language=language)
    log_in(page, lists_house, EMPLOYER)
    page.goto(f"{lists_house.url}/lists")
    looks_right(page, language)
    page.click("form[enctype] button")
    page.wait_for_selector('[role="alert"]')
    looks_right(page, language)
    send(page, lists_house.url, file)
    looks_right(page, language)
    page.select_option("#column-7", "birthDate")
    page.click('form[action$="/columns"] button')
    page.wait_for_selector('[role="alert"]')
    looks_right(page, language)
    page.select_option("#column-7", "")
    confirm(page)
    looks_right(page, language)
    lists_house.work()
    page.wait_for_selector("#counts-title")
    looks_right(page, language)
    page.goto(f"{page.url.partition('?')[0]}?show=all")
    page.click(".deletion summary")
    looks_right(page, language)


def looks_right(page: "Page", language: str) -> None:
    accessible(page, language)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    fits(page)


def test_rows_are_a_table_where_there_is_room(
    lists_house: House, open_page: Callable[..., "Page"], file: Path
) -> None:
    page = open_page(wide=True)
    results(page, lists_house, file)
    for size, kind in ((DESKTOP, "table-row"), (PHONE, "block")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        shown = page.evaluate("getComputedStyle(document.querySelector('.rows tbody tr')).display")
        assert shown == kind
