"""What was checked before: the list that names nobody, the page of one check, and asking it again."""

import re
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.settings import OwnQuotas
from tests.registry.web.pages.house import (
    EMPLOYER,
    NOBODY,
    NURSE,
    OUTSIDER,
    STAFF,
    House,
    csrf,
    heading,
    press,
    send,
    text,
    without_noise,
)

ID = re.compile(r"ver_[A-Za-z0-9_-]{22}")


@pytest.fixture(scope="module")
def outsider(house: House) -> Iterator[httpx.Client]:
    """An employer of another organisation."""
    with house.browser(OUTSIDER) as browser:
        yield browser


def check(browser: httpx.Client, licence_number: str = "SJ-100", **fields: str) -> httpx.Response:
    asked = {"way": "licence-number", "licence_number": licence_number, "purpose": "recruitment", **fields}
    return send(browser, "/check", **asked)


def check_id(page: httpx.Response) -> str:
    found = ID.search(page.text)
    assert found
    return found[0]


def test_an_answer_has_an_id_a_reference_to_copy_and_a_page_of_its_own(employer: httpx.Client) -> None:
    page = check(employer, reference="ärende 2026-114")
    name = check_id(page)
    assert f'href="/checks/{name}"' in page.text
    assert f"Kontrollens id {name}" in text(page)
    assert "Er referens ärende 2026-114" in text(page)
    line = re.search(r'<p class="copied" id="copied">([^<]+)</p>', page.text)
    assert line
    assert line[1].startswith(f"Legitimationskontroll {name}, ")
    assert line[1].endswith("Ja, gällande legitimation som sjuksköterska. Referens: ärende 2026-114.")
    # Nothing of the person: it is kept in other systems.
    assert not re.search(r"Påhitt|SJ-100|1985", line[1])


def test_the_page_of_a_check_looks_as_the_answer_did_and_says_when_it_was_given(
    employer: httpx.Client,
) -> None:
    fresh = check(employer, "LK-200")
    kept = employer.get(f"/checks/{check_id(fresh)}")
    assert kept.status_code == 200
    assert heading(kept) == heading(fresh)
    assert "Svaret gavs" in text(kept)
    assert "Det kan ha ändrats sedan dess" in text(kept)
    for part in ("Din fråga Legitimationsnummer LK-200", "Återkallad legitimation : 001", "Lindström-Öhman"):
        assert part in text(fresh), part
        assert part in text(kept), part
    licences = re.compile(r'id="licences-title".*</section>', re.DOTALL)
    before, after = licences.search(fresh.text), licences.search(kept.text)
    assert before
    assert after
    assert before[0] == after[0]


def test_a_personal_identity_number_stays_hidden_in_what_is_kept(employer: httpx.Client) -> None:
    fresh = send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")
    kept = employer.get(f"/checks/{check_id(fresh)}")
    assert "19850709-••••" in kept.text
    assert NURSE[-4:] not in ID.sub("", kept.text).replace(check_id(fresh), "")


def test_it_says_where_each_fact_comes_from_and_since_when_it_is_known(employer: httpx.Client) -> None:
    shown = text(check(employer))
    assert "Gäller från 14 juni 2005" in shown
    assert "Uppgiften i registret sedan" in shown
    assert re.search(r"Ursprung Inläsning nummer \d+", shown)


def test_the_reader_is_told_what_to_do_and_whom_to_ask(own_house: House) -> None:
    with writing(own_house.world.engine).begin() as connection:
        connection.execute(
            sa.update(t.authority)
            .where(t.authority.c.id == "hosp-authority")
            .values(url="https://authority.example/")
        )
    with own_house.browser(EMPLOYER) as browser:
        page = check(browser, "PS-300")
        assert "fråga myndigheten vad begränsningen betyder" in text(page)
        assert 'href="https://authority.example/" rel="external noreferrer">Testmyndigheten' in page.text
        assert "Uppge personens namn och födelsedatum" in text(page)
        sure = check(browser, "SJ-100")
        assert "authority.example" not in sure.text


def test_asking_again_tells_what_has_changed(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as browser:
        first = check(browser, reference="r-1")
        kept = browser.get(f"/checks/{check_id(first)}")
        same = press(browser, kept, "/again")
        assert str(same.url).startswith(f"{own_house.url}/checks/ver_")
        assert "Vad har ändrats? Jämfört med svaret" in text(same)
        assert "Inget har ändrats." in text(same)
        assert "Er referens r-1" in text(same)
        assert f'href="/checks/{check_id(first)}"' in same.text
        own_house.age_feeds(days=30)
        later = press(browser, same, "/again")
        assert heading(later) == "Fråga myndigheten"
        assert "Svaret: ja → fråga myndigheten" in text(later)
        assert "Gör om kontrollen när källan har lästs in igen" in text(later)


def test_a_past_day_and_past_knowledge_are_said_in_words(employer: httpx.Client) -> None:
    past = text(check(employer, on_date="2026-01-15"))
    assert "Svaret gäller den 15 januari 2026, med det som registret vet nu" in past
    known = check(employer, known_on="2026-01-15")
    assert "Svaret gäller den 15 januari 2026, så som registret kände till det 15 januari 2026" in text(known)
    assert "Med det som var känt 15 januari 2026" in text(known)
    assert heading(known) == "Fråga myndigheten"
    today = text(check(employer))
    assert "med det som registret vet nu" not in today


def test_the_list_names_nobody_and_is_filtered_by_reference(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        name = check_id(check(browser, reference="lista-77"))
        check(browser, "LK-200", reference="lista-78")
        page = browser.get("/checks")
        assert heading(page) == "Organisationens kontroller"
        assert f"/checks/{name}" in page.text
        assert "Påhitt" not in page.text
        assert "SJ-100" not in page.text
        found = press(browser, page, "/checks", reference=" lista-77 ")
        assert str(found.url) == f"{house.url}/checks?reference=lista-77"
        assert "Kontroller med referensen lista-77" in text(found)
        assert ID.findall(found.text) == [name]
        assert "Inga kontroller att visa." in text(browser.get("/checks?reference=finns-inte"))


def test_a_number_in_the_filter_never_becomes_part_of_an_address(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = press(browser, browser.get("/checks"), "/checks", reference=f"ärende {NURSE}")
        assert page.status_code == 200
        assert NURSE not in str(page.url)
        assert NURSE not in page.text


def test_a_long_list_has_pages(own_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.web.pages.checks.CHECKS_A_PAGE", 2)
    with own_house.browser(EMPLOYER) as browser:
        made = [check_id(check(browser)) for _ in range(3)]
        first = browser.get("/checks")
        assert ID.findall(first.text) == made[:0:-1]
        assert 'rel="next" href="/checks?page=2"' in first.text
        second = browser.get("/checks?page=2")
        assert ID.findall(second.text) == made[:1]
        assert 'rel="prev" href="/checks"' in second.text
        for wrong in ("0", "x", "-1", "9999999"):
            assert browser.get(f"/checks?page={wrong}").status_code == 400


def test_another_organisation_is_answered_as_if_there_were_none(
    employer: httpx.Client, outsider: httpx.Client
) -> None:
    page = check(employer)
    name = check_id(page)
    for answer in (outsider.get(f"/checks/{name}"), outsider.get("/checks/ver_AAAAAAAAAAAAAAAAAAAAAA")):
        assert answer.status_code == 404
        assert heading(answer) == "Sidan finns inte"
    token = csrf(outsider.get("/checks"))
    assert outsider.post(f"/checks/{name}/again", data={"csrf_token": token}).status_code == 404
    assert name not in outsider.get("/checks").text


def test_what_tells_of_somebody_protected_now_is_gone(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as browser:
        told = check_id(check(browser))
        nobody = check_id(
            send(browser, "/check", way="personal-number", personal_number=NOBODY, purpose="recruitment")
        )
        own_house.protect("Påhitt")
        assert browser.get(f"/checks/{told}").status_code == 404
        assert browser.get(f"/checks/{nobody}").status_code == 200
        listed = browser.get("/checks").text
        assert told not in listed
        assert nobody in listed
        absent, hidden = check(browser, "SJ-999"), check(browser)
        assert without_noise(hidden).replace("SJ-100", "?") == without_noise(absent).replace("SJ-999", "?")


def test_showing_a_check_is_logged_for_the_person(house: House, employer: httpx.Client) -> None:
    name = check_id(check(employer))
    employer.get(f"/checks/{name}")
    event = house.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("evidence", "recruitment", "found")
    assert len(house.event_people(event.id)) == 1


def test_only_those_who_may_check_see_checks(house: House) -> None:
    with house.browser(STAFF) as browser:
        for path in ("/checks", "/checks/ver_AAAAAAAAAAAAAAAAAAAAAA"):
            assert browser.get(path).status_code == 403
        assert 'href="/checks"' not in browser.get("/").text


def test_a_used_up_quota_is_said_in_plain_words(own_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_house.browser(EMPLOYER) as browser:
        settings = own_house.app.extensions["registry-context"].settings
        monkeypatch.setitem(settings.checks.quotas_of, EMPLOYER.organisation, OwnQuotas(checks_per_minute=0))
        page = check(browser)
    assert page.status_code == 429
    assert heading(page) == "Kvoten är slut för tillfället"
    assert page.headers["retry-after"]
