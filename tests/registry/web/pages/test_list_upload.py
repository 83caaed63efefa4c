"""The form that sends a staff list: what is wrong with a file or a field is said at once, with what to do."""

import re

import httpx
import pytest

from registry.settings import load_settings
from tests.registry.web.pages.house import EMPLOYER, NURSE, heading, running_house, send_file, text
from tests.registry.web.pages.test_lists import LIST


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "", "Välj en fil."),
        (b"", "tom.csv", "Filen innehåller inga rader om personer."),
        (b" \r\n", "tom.csv", "Filen innehåller inga rader om personer."),
        (b"Personnummer\r\n", "rubrik.csv", "Filen innehåller inga rader om personer."),
        (b"\xd0\xcf\x11\xe0gammal", "gammal.xls", "Filen är en äldre Excel-fil"),
        (b"PK\x03\x04trasig", "trasig.xlsx", "Filen går inte att läsa."),
        ("Namn;Födelsedatum\r\nÃ¶berg;1980\r\n".encode(), "fel.csv", "Filen går inte att läsa."),
        (b"Namn;" * 300 + b"\r\na\r\n", "bred.csv", "Listan är för stor."),
        # Only found out while the list is taken in.
        (b"Namn\r\n" + b"a\r\n" * 20 + b"x" * 3000 + b"\r\n", "lang.csv", "Listan är för stor."),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(
    sender: httpx.Client, data: bytes, name: str, message: str
) -> None:
    page = send_file(sender, data, name, reference="behålls")
    assert page.status_code == 422
    assert message in text(page)
    assert '<a href="#file">' in page.text
    assert 'value="behålls"' in page.text


def test_whatever_is_wrong_with_the_form_is_said(sender: httpx.Client) -> None:
    page = send_file(
        sender,
        LIST,
        purpose="",
        reference=f"till {NURSE}",
        profession="astrologer",
        authority="nobody",
        on_date="31/12",
    )
    assert page.status_code == 422
    assert re.findall(r'<a href="#([a-z-]+)">', page.text)[-5:] == [
        "purpose",
        "reference",
        "profession",
        "authority",
        "on-date",
    ]
    assert NURSE not in page.text
    late = send_file(sender, LIST, on_date="2199-12-31", reference="x" * 300)
    assert "Datumet får inte vara senare än i dag." in text(late)
    assert "Texten är för lång." in text(late)


def test_too_large_a_file_is_refused_with_a_page(sender: httpx.Client) -> None:
    limit = load_settings({}).checks.lists.max_bytes
    page = send_file(sender, b"x" * (limit + 100_000))
    assert page.status_code == 413
    assert heading(page) == "Filen är för stor"


def test_more_lists_than_may_wait_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("waiting")
    with (
        running_house(folder, REGISTRY_CHECKS__LISTS__MAX_WAITING="1") as house,
        house.browser(EMPLOYER) as browser,
    ):
        send_file(browser, LIST)
        page = send_file(browser, LIST)
    assert page.status_code == 409
    assert "Så många listor som får vara i gång samtidigt är redan i gång." in text(page)
