"""Staff lists on the pages: sent, confirmed, run, read, taken home and deleted; without script."""

import io
import json
import re

import httpx
import openpyxl
import pytest

from registry.web.pages.list_actions import _json
from tests.registry.checks.lists.sheets import csv_text, xlsx
from tests.registry.web.pages.house import (
    EMPLOYER,
    NOBODY,
    NURSE,
    OUTSIDER,
    PROTECTED,
    STAFF,
    House,
    csrf,
    heading,
    press,
    running_house,
    send_file,
    text,
)

HEADER = ("Anst.nr", "Namn", "Födelsedatum", "Personnummer", "Legitimationsnummer", "Yrke", "Avdelning")
ROWS = (
    ("1", "", "", NURSE, "", "sjuksköterska", "A"),
    ("2", "", "", "", "LK-200", "läkare", "A"),
    ("3", "", "", "", "PS-300", "", "B"),
    ("4", "", "", NOBODY, "", "", "B"),
    ("5", "", "", PROTECTED, "", "", "B"),
    ("6", "", "", "19850709-0000", "", "", "C"),
    ("7", "Per Prövo", "1966-12-31", "", "", "psykolog", "C"),
)
LIST = csv_text(HEADER, *ROWS).encode()
COLUMNS = {
    "column-1": "reference",
    "column-2": "name",
    "column-3": "birthDate",
    "column-4": "personalIdentityNumber",
    "column-5": "licenceNumber",
    "column-6": "profession",
    "column-7": "",
}


def confirmed(browser: httpx.Client, data: bytes = LIST, **fields: str) -> httpx.Response:
    """Send a list and confirm its columns."""
    page = send_file(browser, data, **fields)
    return press(browser, page, "/columns", **COLUMNS)


def checked(house: House, browser: httpx.Client, data: bytes = LIST, **fields: str) -> httpx.Response:
    """Send a list, confirm its columns, and have it checked."""
    page = confirmed(browser, data, **fields)
    house.work()
    return browser.get(str(page.url))


def selected(page: httpx.Response) -> dict[str, str]:
    """What each column is taken to tell."""
    return {
        name: (re.findall(r'<option value="([^"]*)" selected', options) or [""])[0]
        for name, options in re.findall(r'<select id="(column-\d+)".*?>(.*?)</select>', page.text, re.DOTALL)
    }


def test_columns_are_recognised_and_shown_with_their_first_values(sender: httpx.Client) -> None:
    page = send_file(sender, LIST, reference="våren")
    assert page.status_code == 200
    assert re.fullmatch(r"/lists/lst_[A-Za-z0-9_-]{22}", page.url.path)
    assert heading(page) == "Vad säger kolumnerna?"
    assert selected(page) == COLUMNS
    shown = text(page)
    assert "LK-200 · PS-300" in shown
    # The first values that there are: only the seventh row has a name.
    assert "Namn Per Prövo" in shown
    assert "1 · 2 · 3" in shown
    assert "Er referens våren" in shown
    # What may be a personal identity number is masked.
    assert "Personnummer ••••••••-••••" in shown
    for number in (NURSE, NOBODY, NURSE[-4:]):
        assert number not in page.text


def test_an_excel_file_is_read_alike(sender: httpx.Client) -> None:
    page = send_file(sender, xlsx(HEADER, *ROWS), "personal.xlsx")
    assert selected(page) == COLUMNS
    assert "personal.xlsx" in text(page)


def test_nothing_is_checked_before_the_columns_are_confirmed(
    lists_house: House, sender: httpx.Client
) -> None:
    page = send_file(sender, LIST)
    assert lists_house.work() == 0
    assert heading(sender.get(str(page.url))) == "Vad säger kolumnerna?"
    waiting = press(sender, page, "/columns", **COLUMNS)
    assert heading(waiting) == "Listan kontrolleras"
    assert "Listan väntar på sin tur." in text(waiting)
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in waiting.text
    assert '<progress id="progress" aria-labelledby="progress-label" max="7" value="0"' in waiting.text
    assert sender.get(f"{waiting.url}/progress").json() == {
        "ended": False,
        "done": 0,
        "rows": 7,
        "text": "Listan väntar på sin tur.",
    }
    lists_house.work()
    assert sender.get(f"{waiting.url}/progress").json()["ended"]


@pytest.mark.parametrize(
    ("columns", "messages"),
    [
        (
            {**COLUMNS, "column-5": "personalIdentityNumber"},
            ["En annan kolumn säger redan det."],
        ),
        ({"column-1": "reference"}, ["Ange en kolumn med legitimationsnummer eller personnummer"]),
        ({"column-2": "name"}, ["Ange en kolumn med legitimationsnummer eller personnummer"]),
        (
            {"column-2": "nonsense", "column-x": "name", "column-9999999": "name"},
            ["Ange en kolumn med legitimationsnummer eller personnummer"],
        ),
    ],
)
def test_columns_that_do_not_say_who_are_refused(
    sender: httpx.Client, columns: dict[str, str], messages: list[str]
) -> None:
    page = press(sender, send_file(sender, LIST), "/columns", **columns)
    assert page.status_code == 422
    for message in messages:
        assert message in text(page)
    chosen = {name: field for name, field in selected(page).items() if field}
    assert chosen == {
        name: field for name, field in columns.items() if field and name in COLUMNS and field != "nonsense"
    }
    for anchor in re.findall(r'<a href="#([^"]+)">', page.text):
        assert f'id="{anchor}"' in page.text


def test_a_list_without_headers_is_explained(sender: httpx.Client) -> None:
    page = send_file(sender, csv_text(("x", "SJ-100"), ("y", "LK-200")).encode())
    assert "Rubrikerna säger inte säkert vem raderna gäller." in text(page)


HEADLESS = csv_text(("SJ-100",), ("LK-200", "extra"), ("PS-300",)).encode()


@pytest.mark.parametrize(("kept", "rows"), [({"first-is-row": "1"}, ["1", "2", "3"]), ({}, ["2", "3"])])
def test_the_first_row_is_checked_where_it_is_a_person(
    lists_house: House, sender: httpx.Client, kept: dict[str, str], rows: list[str]
) -> None:
    page = send_file(sender, HEADLESS)
    assert 'name="first-is-row"' in page.text
    # Nothing is lost on the way by a choice that can't be used.
    wrong = press(sender, page, "/columns", **kept)
    assert wrong.status_code == 422
    assert ("checked" in wrong.text) == bool(kept)
    waiting = press(
        sender, wrong, "/columns", **kept, **{"column-1": "licenceNumber", "column-2": "reference"}
    )
    lists_house.work()
    result = sender.get(f"{waiting.url.copy_with(query=None)}/results.json").json()
    assert [str(row["row"]) for row in result["items"]] == rows
    assert {row["row"]: row["reference"] for row in result["items"]}[2] == "extra"


def test_where_headers_are_known_the_first_row_is_no_person(sender: httpx.Client) -> None:
    assert "first-is-row" not in send_file(sender, LIST).text


def test_a_column_beyond_the_headers_can_be_chosen(lists_house: House, sender: httpx.Client) -> None:
    page = send_file(sender, csv_text(("Namn",), *[("x",)] * 15, ("Ada", "SJ-100")).encode())
    assert "Kolumn 2" in text(page)
    waiting = press(sender, page, "/columns", **{"column-2": "licenceNumber"})
    assert waiting.status_code == 200
    assert heading(waiting) != heading(page)


def test_each_row_gets_one_of_six_results_and_errors_name_their_column(
    lists_house: House, sender: httpx.Client
) -> None:
    page = checked(lists_house, sender, LIST, reference="våren")
    assert heading(page) == "Resultat för personal.csv"
    shown = text(page)
    assert "Resultat Ja 1 Nej 1 Fråga 2 Inte hittad 2 Oklar 0 Kunde inte kontrolleras 1" in shown
    # What needs attention comes first.
    assert '?show=attention" aria-current="true"' in page.text
    assert "Behöver ses över (6)" in shown
    assert "Nils Erik Påhitt" not in shown
    assert "Kolumnen Personnummer: Personnumret går inte att läsa." in shown
    assert "Lindström-Öhman" in shown
    assert "Född 1966" in shown
    assert shown.count("Personen har ingen legitimation i testregistret.") == 2
    everything = text(sender.get(f"{page.url}?show=all"))
    assert "Nils Erik Påhitt" in everything
    for number in (NURSE, NOBODY, PROTECTED, "Hemlig"):
        assert number not in page.text
        assert number not in everything


def test_results_are_filtered_one_by_one(lists_house: House, sender: httpx.Client) -> None:
    page = checked(lists_house, sender)
    table = re.compile(r"<tbody.*</tbody>", re.DOTALL)
    for show, numbers in (
        ("yes", ["2"]),
        ("no", ["3"]),
        ("ask", ["4", "8"]),
        ("absent", ["5", "6"]),
        ("warning", ["7"]),
        ("attention", ["3", "4", "5", "6", "7", "8"]),
        ("all", ["2", "3", "4", "5", "6", "7", "8"]),
        ("nonsense", ["3", "4", "5", "6", "7", "8"]),
    ):
        found = table.search(sender.get(f"{page.url}?show={show}").text)
        assert found
        assert re.findall(r'data-label="Rad">(\d+)<', found[0]) == numbers, show
    assert "Inga rader att visa." in text(sender.get(f"{page.url}?show=several"))


def test_long_results_have_pages(lists_house: House, sender: httpx.Client) -> None:
    rows = [(str(i), "", "", "", f"XX-{i}", "", "") for i in range(150)]
    page = checked(lists_house, sender, csv_text(HEADER, *rows).encode())
    assert re.findall(r'data-label="Rad">(\d+)<', page.text)[-1] == "101"
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page.text)
    second = sender.get(older.replace("&amp;", "&"))
    assert re.findall(r'data-label="Rad">(\d+)<', second.text)[0] == "102"
    assert 'rel="next"' not in second.text
    assert sender.get(f"{page.url}?page=x").status_code == 400


def test_results_come_as_files(lists_house: House, sender: httpx.Client) -> None:
    page = checked(lists_house, sender)
    files = dict(re.findall(r'href="(/lists/[^"]+/results\.(\w+))"', page.text))
    by_form = {form: sender.get(address) for address, form in files.items()}
    assert sorted(by_form) == ["csv", "json", "xlsx"]
    for form, answer in by_form.items():
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].endswith(f'.{form}"')
    assert by_form["csv"].content.startswith(b"\xef\xbb\xbfRad;Referens;Resultat;")
    assert [each["row"] for each in by_form["json"].json()["items"]] == [2, 3, 4, 5, 6, 7, 8]
    sheet = openpyxl.load_workbook(io.BytesIO(by_form["xlsx"].content)).active
    assert sheet is not None
    assert sheet.max_row == 8
    assert sender.get(f"{page.url}/results.pdf").status_code == 404


def test_the_json_file_of_a_list_without_rows_is_json(lists_house: House, sender: httpx.Client) -> None:
    waiting = confirmed(sender)
    stopped = press(sender, waiting, "/cancellation")
    items = json.loads(sender.get(f"{stopped.url}/results.json").text)["items"]
    assert [each["errors"][0]["code"] for each in items] == ["cancelled"] * 7
    assert json.loads(b"".join(_json(iter(())))) == {"items": []}


def test_a_list_is_cancelled_and_says_so(lists_house: House, sender: httpx.Client) -> None:
    stopped = press(sender, confirmed(sender), "/cancellation")
    assert heading(stopped) == "Resultat för personal.csv"
    assert "Kontrollen avbröts. 0 av 7 rader är kontrollerade." in text(stopped)
    assert lists_house.work() == 0


def test_what_comes_too_late_changes_nothing(lists_house: House, sender: httpx.Client) -> None:
    mapping = send_file(sender, LIST)
    waiting = press(sender, mapping, "/columns", **COLUMNS)
    lists_house.work()
    for late, action in ((waiting, "/cancellation"), (mapping, "/columns")):
        page = press(sender, late, action)
        assert page.status_code == 200
        assert "Resultat Ja 1 Nej 1" in text(page)
    token = csrf(sender.get("/lists"))
    again = sender.post(f"{waiting.url}/resumption", data={"csrf_token": token})
    assert "Resultat Ja 1 Nej 1" in text(again)


def test_rows_that_could_not_be_asked_are_asked_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("unpublished")
    with running_house(folder, published=False, REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="0") as house:
        with house.browser(EMPLOYER) as browser:
            page = checked(house, browser)
            assert "1 rad kunde inte kontrolleras just då" in text(page)
            assert "Namnsökningen svarade inte. Kontrollera raden igen." in text(page)
            house.publish()
            press(browser, page, "/resumption")
            house.work()
            after = browser.get(str(page.url))
        assert "Resultat Ja 1 Nej 1 Fråga 2 Inte hittad 2 Oklar 0 Kunde inte kontrolleras 1" in text(after)
        assert "Kontrollera dem igen" not in text(after)


def test_a_list_is_deleted_at_once(lists_house: House, sender: httpx.Client) -> None:
    page = checked(lists_house, sender, reference="tas bort")
    assert page.url.path in sender.get("/lists").text
    after = press(sender, page, "/deletion")
    assert after.url.path == "/lists"
    assert page.url.path not in after.text
    assert sender.get(str(page.url)).status_code == 404


def test_the_lists_tell_their_state_and_when_they_go(lists_house: House, sender: httpx.Client) -> None:
    send_file(sender, LIST, "höst.csv")
    shown = text(sender.get("/lists"))
    assert "höst.csv" in shown
    assert "Väntar på att kolumnerna bekräftas" in shown
    assert "Raderas" in shown


def test_another_organisation_sees_nothing_of_a_list(lists_house: House, sender: httpx.Client) -> None:
    page = checked(lists_house, sender)
    with lists_house.browser(OUTSIDER) as other:
        listed = other.get("/lists")
        assert page.url.path not in listed.text
        assert "Inga listor ännu." in text(listed)
        for path in ("", "/progress", "/results.csv", "/results.json"):
            assert other.get(f"{page.url.path}{path}").status_code == 404
        token = csrf(listed)
        for action in ("columns", "cancellation", "resumption", "deletion"):
            answer = other.post(f"{page.url.path}/{action}", data={"csrf_token": token})
            assert answer.status_code == 404, action
    assert sender.get(str(page.url)).status_code == 200


def test_a_row_about_somebody_protected_now_is_not_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_house(tmp_path_factory.mktemp("protected")) as house, house.browser(EMPLOYER) as browser:
        page = checked(house, browser)
        house.protect("Påhitt")
        shown = text(browser.get(f"{page.url}?show=all"))
    assert "Resultat Ja 0 Nej 1 Fråga 2 Inte hittad 3" in shown
    assert "Påhitt" not in shown


def test_what_is_said_of_every_row_holds_for_rows_without_their_own(
    lists_house: House, sender: httpx.Client
) -> None:
    page = checked(
        lists_house, sender, profession="midwife", authority="hosp-authority", on_date="2026-11-01"
    )
    shown = text(page)
    assert "Yrke för rader utan eget Barnmorska" in shown
    assert "Myndighet för rader utan egen Testmyndigheten" in shown
    assert "Datum som svaret ska gälla 1 november 2026" in shown


def test_forms_need_their_proof_and_pages_their_scope(lists_house: House, sender: httpx.Client) -> None:
    page = send_file(sender, LIST)
    assert sender.post("/lists", data={"purpose": "employment"}).status_code == 403
    for action in ("columns", "cancellation", "resumption", "deletion"):
        assert sender.post(f"{page.url}/{action}").status_code == 403
    with lists_house.browser(STAFF) as browser:
        assert browser.get("/lists").status_code == 403
        assert browser.get(str(page.url)).status_code == 403
        assert 'href="/lists"' not in browser.get("/").text


def test_lists_come_in_english_too(lists_house: House) -> None:
    with lists_house.browser(EMPLOYER, "en") as browser:
        page = checked(lists_house, browser)
    shown = text(page)
    assert heading(page) == "Results for personal.csv"
    assert "Yes 1 No 1 Ask 2 Not found 2 Ambiguous 0 Could not check 1" in shown
    assert "The column Personnummer: The personal identity number can't be read." in shown
