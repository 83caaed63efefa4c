import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.web.pages import search_answer
from tests.registry.web.pages.house import (
    EMPLOYER,
    NURSE,
    SEARCHER,
    STAFF,
    House,
    heading,
    running_house,
    send,
    text,
)

WRITTEN = f"{NURSE[:8]}-{NURSE[8:]}"


def look(browser: httpx.Client, q: str, **rest: str) -> httpx.Response:
    return browser.get("/search", params={"q": q, "purpose": "recruitment", **rest})


def test_the_form_leads_to_an_address_with_the_name(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        browser.follow_redirects = False
        answer = send(
            browser, "/search", q="  Lindström   Anna ", purpose="employment", profession="physician"
        )
        assert answer.status_code == 303
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        assert asked == {"q": ["Lindström Anna"], "purpose": ["employment"], "profession": ["physician"]}


def test_a_search_lists_people_with_the_answer_for_each_licence(employer: httpx.Client) -> None:
    shown = text(look(employer, "lindstrom"))
    assert "1 person hittades" in shown
    assert "Anna Lindström-Öhman Född 1970 Även: Anna Öhman (tidigare)" in shown
    assert "Nej Läkare Testmyndigheten, LK-200 Ja Sjuksköterska Testmyndigheten, SJ-201" in shown


@pytest.mark.parametrize(
    ("q", "marked", "why"),
    [
        ("nils erik påhitt", "Exakt träff.", "Namnet stämmer."),
        ("påhitt", "Del av namnet.", "Förnamn saknas i frågan."),
        ("nils påhitt", "Del av namnet.", "Alla förnamn är inte angivna: Erik."),
        ("nils erik pohitt", "Liknande.", "Efternamn stavat annorlunda, låter lika: pohitt/Påhitt."),
        ("anna öhman", "Träff på tidigare namn.", "Namnet stämmer; tidigare namn: Anna Öhman."),
        ("nils erik påhitt 1985-07-09", "Exakt träff.", "Född samma dag; namnet stämmer."),
        ("LK-200", "Exakt träff.", "Numret stämmer."),
        (
            *("LK-200 sven kvist", "Stämmer inte med frågan."),
            "Numret stämmer; annat efternamn: kvist/",
        ),
    ],
)
def test_each_hit_says_why_it_is_one(employer: httpx.Client, q: str, marked: str, why: str) -> None:
    page = look(employer, q)
    assert f"{marked} {why}" in text(page)
    # By a sign of its own shape and a word, not by colour.
    mark = {
        "Exakt träff.": "exact",
        "Liknande.": "like",
        "Träff på tidigare namn.": "former",
        "Stämmer inte med frågan.": "unlike",
        "Del av namnet.": "part",
    }[marked]
    assert re.search(rf'<p class="match {mark}"><svg class="icon"[^>]*aria-hidden="true"', page.text)


def test_hits_say_why_in_english_too(house: House) -> None:
    with house.browser(EMPLOYER, "en") as browser:
        assert "Found by a former name. The name agrees; former name: Anna Öhman." in text(
            look(browser, "anna öhman")
        )
        assert "Understood as profession: Physician. Search for all of it as a name instead." in text(
            look(browser, "physician")
        )


def test_what_the_box_was_understood_as_is_said_and_can_be_undone(employer: httpx.Client) -> None:
    page = look(employer, "läkare anna 1970-01-02")
    assert "1 person hittades" in text(page)
    shown = re.search(r"Förstått som (.*?) Sök allt som namn i stället\.", text(page))
    assert shown
    assert "yrke: Läkare" in shown[1]
    assert "1970-01-02" in shown[1]
    (link,) = re.findall(r'<a href="([^"]+)">Sök allt som namn', page.text)
    assert parse_qs(urlsplit(link).query)["q"] == ['"läkare anna 1970-01-02"']
    assert "Förstått som" not in text(look(employer, "andersson"))
    number = text(look(employer, "LK-200"))
    assert "Förstått som legitimationsnummer: LK-200." in number
    by_date = text(look(employer, "påhitt 850709"))
    assert "Ingen legitimation har numret; det läses som födelsedatum: 1985-07-09." in by_date
    assert "1 person hittades" in by_date
    # Digits are nobody's name.
    assert "Sök allt som namn" not in by_date


def test_words_that_nobody_bears_lead_to_those_that_are_meant(employer: httpx.Client) -> None:
    page = look(employer, "andersosn")
    assert "Menade du Andersson ?" in text(page)
    (link,) = re.findall(r'Menade du <a href="([^"]+)">', page.text)
    assert "25 personer hittades" in text(employer.get(link.replace("&amp;", "&")))


def test_the_order_can_be_chosen_and_is_kept(employer: httpx.Client) -> None:
    page = look(employer, "andersson")
    assert re.search(r'aria-current="true">Bästa träff</a>', page.text)
    newest = look(employer, "andersson", sort="issued", page="2")
    assert re.search(r'aria-current="true">Nyaste legitimation</a>', newest.text)
    assert 'rel="prev" href="/search?q=andersson&amp;purpose=recruitment&amp;sort=issued"' in newest.text
    assert '<input type="hidden" name="sort" value="issued">' in newest.text
    by_filter = employer.get("/search?purpose=recruitment&profession=dietitian")
    assert "Bästa träff" not in text(by_filter)
    assert re.search(r'aria-current="true">Namn</a>', by_filter.text)


def test_specialties_and_counties_narrow_too(employer: httpx.Client) -> None:
    page = look(employer, "påhitt")
    assert "Specialitet Ambulanssjukvård 1 personer" in text(page)
    assert "Län Gotlands län 1 personer" in text(page)
    narrowed = look(employer, "påhitt", county="Gotlands län")
    assert "Valda filter Ta bort filtret Gotlands län" in text(narrowed)
    assert "1 person hittades" in text(narrowed)


def test_a_list_does_not_tell_whole_birth_dates(employer: httpx.Client) -> None:
    page = look(employer, "påhitt")
    assert "Född 1985" in text(page)
    assert "1985-07-09" not in page.text
    assert "9 juli 1985" not in text(page)


def test_facets_narrow_and_chips_take_away(employer: httpx.Client) -> None:
    everyone = look(employer, "andersson")
    assert "25 personer hittades" in text(everyone)
    assert "Arbetsterapeut 16 personer Dietist 9 personer" in text(everyone)
    narrowed = employer.get("/search?q=andersson&purpose=recruitment&profession=dietitian")
    assert "9 personer hittades" in text(narrowed)
    assert "Valda filter Ta bort filtret Dietist" in text(narrowed)
    assert 'href="/search?q=andersson&amp;purpose=recruitment"' in narrowed.text
    # Another value of the same filter takes the place of the chosen one, as its count says.
    other = "/search?q=andersson&amp;purpose=recruitment&amp;profession=occupational-therapist"
    assert f'href="{other}"' in narrowed.text


def test_the_rarer_values_of_a_filter_stand_folded(
    employer: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_answer, "_SHOWN", 1)
    # A line or two are not worth folding.
    assert '<details class="more">' not in look(employer, "andersson").text
    monkeypatch.setattr(search_answer, "_FEW", 0)
    page = look(employer, "andersson")
    assert "Arbetsterapeut 16 personer Visa 1 till (Yrke) Dietist 9 personer" in text(page)
    assert '<details class="more">' in page.text


def test_a_search_may_be_by_filter_alone(employer: httpx.Client) -> None:
    page = employer.get("/search?purpose=recruitment&profession=dietitian")
    assert "9 personer hittades" in text(page)


def test_pages_lead_on_and_back(employer: httpx.Client) -> None:
    first, second = look(employer, "andersson"), look(employer, "andersson", page="2")
    assert "Sida 1 av 2" in text(first)
    assert 'rel="next"' in first.text
    assert 'rel="prev"' not in first.text
    assert "Sida 2 av 2" in text(second)
    assert 'rel="prev" href="/search?q=andersson&amp;purpose=recruitment"' in second.text
    assert 'rel="next"' not in second.text
    assert first.text.count("<h3><a") == 20
    assert second.text.count("<h3><a") == 5


def test_nobody_found_is_no_no(employer: httpx.Client) -> None:
    shown = text(look(employer, "xyzzy"))
    assert "Ingen person hittades. Det betyder inte att personen saknar legitimation." in shown
    assert "skyddade personuppgifter visas aldrig" in shown


def test_an_empty_answer_says_what_was_searched_how_fresh_it_is_and_what_to_try(
    employer: httpx.Client,
) -> None:
    page = look(employer, "xyzzy 1985-07-09", profession="dietitian")
    shown = text(page)
    assert "Det här söktes Namn: xyzzy. Född: 1985-07-09. Yrke: Dietist." in shown
    assert re.search(r"HOSP ?, Testmyndigheten Senast inläst \d", shown)
    without = {
        told: parse_qs(urlsplit(link.replace("&amp;", "&")).query)
        for link, told in re.findall(r'<li><a href="([^"]+)">([^<]+)</a></li>', page.text)
    }
    assert without["Ta bort filter."] == {"q": ["xyzzy 1985-07-09"], "purpose": ["recruitment"]}
    # Without anything beside it the answer has the whole width.
    assert 'class="columns"' in look(employer, "xyzzy").text
    assert without["Sök utan födelsedatum eller med bara året."]["q"] == ["xyzzy"]


def test_suggestions_are_professions_and_names_that_several_share(
    house: House, employer: httpx.Client
) -> None:
    before = len(house.events())
    assert employer.get("/search/suggestions", params={"q": "ander"}).json() == ["Andersson"]
    # Only one person bears it: that they are in the registry is told by a search, which is logged.
    assert employer.get("/search/suggestions", params={"q": "påhi"}).json() == []
    assert employer.get("/search/suggestions", params={"q": "hemli"}).json() == []
    assert employer.get("/search/suggestions").json() == []
    assert employer.get("/search/suggestions", params={"q": "sjuksk"}).json()[0] == "sjuksköterska"
    assert len(house.events()) == before


def test_suggestions_are_for_those_who_may_search(house: House) -> None:
    with house.browser(STAFF) as browser:
        assert browser.get("/search/suggestions?q=ander").status_code == 403
    with house.browser() as browser:
        browser.follow_redirects = False
        assert browser.get("/search/suggestions?q=ander").status_code == 302


def test_a_protected_person_is_not_found_by_name(employer: httpx.Client) -> None:
    assert "Hanna" not in text(look(employer, "hemlig hanna"))


def test_somebody_protected_since_the_index_was_made_is_not_shown(own_house: House) -> None:
    with writing(own_house.world.engine).begin() as connection:
        connection.execute(sa.update(t.practitioner).values(protected=True))
    with own_house.browser(EMPLOYER) as browser:
        shown = text(look(browser, "lindstrom"))
    assert "0 personer hittades" in shown
    assert "Lindström-Öhman" not in shown
    assert own_house.event_people(own_house.events()[-1].id) == set()


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"q": "", "profession": "dietitian"}, "Välj ändamålet"),
        ({"q": "andersson"}, "Välj ändamålet"),
        ({"q": "andersson", "purpose": "curiosity"}, "Välj ändamålet"),
        ({"q": "???", "purpose": "recruitment"}, "Sökningen går inte att använda"),
        ({"q": "a" * 201, "purpose": "recruitment"}, "Sökningen går inte att använda"),
        ({"q": "andersson", "purpose": "recruitment", "page": "x"}, "Sökningen går inte att använda"),
        ({"q": "andersson", "purpose": "recruitment", "page": "99999"}, "Sökningen går inte att använda"),
        ({"q": "andersson", "purpose": "recruitment", "sort": "x"}, "Sökningen går inte att använda"),
        ({"q": "andersson", "purpose": "recruitment", "status": "great"}, "Sökningen går inte att använda"),
    ],
)
def test_a_bad_search_says_what_is_wrong(employer: httpx.Client, query: dict[str, str], fault: str) -> None:
    page = employer.get("/search", params=query)
    assert page.status_code == 422
    assert fault in text(page)


def test_an_empty_form_says_what_is_missing(employer: httpx.Client) -> None:
    page = send(employer, "/search", q=" ")
    assert page.status_code == 422
    assert "Skriv ett namn eller ett legitimationsnummer." in text(page)


def test_a_search_page_without_a_question_is_the_form(employer: httpx.Client) -> None:
    page = employer.get("/search")
    assert page.status_code == 200
    assert heading(page) == "Sök i registret"
    assert 'role="alert"' not in page.text


@pytest.mark.parametrize("typed", [WRITTEN, NURSE, NURSE[2:]])
def test_a_personal_identity_number_in_the_search_box_is_checked_and_never_in_an_address(
    house: House, typed: str
) -> None:
    with house.browser(EMPLOYER) as browser:
        browser.follow_redirects = False
        page = send(browser, "/search", q=typed, purpose="recruitment")
    assert page.status_code == 200
    assert heading(page) == "Ja, gällande legitimation som sjuksköterska"
    assert "location" not in page.headers
    assert house.events()[-1].action == "verify"


def test_a_number_that_only_looks_like_a_personal_identity_number_is_checked_as_a_licence_number(
    house: House,
) -> None:
    with house.browser(EMPLOYER) as browser:
        page = send(browser, "/search", q="8507099999", purpose="recruitment")
    assert heading(page) == "Fråga myndigheten"
    # The event holds it masked: it may be somebody's all the same.
    assert "licence_number" in json.loads(house.events()[-1].question)


def test_a_name_together_with_a_number_is_sent_back_without_it(employer: httpx.Client) -> None:
    page = send(employer, "/search", q=f"Påhitt {WRITTEN}", purpose="recruitment")
    assert page.status_code == 422
    assert "Skriv bara personnumret, eller bara namnet." in text(page)
    assert NURSE[-4:] not in page.text


def test_a_number_without_a_purpose_is_sent_back_without_it(employer: httpx.Client) -> None:
    page = send(employer, "/search", q=WRITTEN)
    assert page.status_code == 422
    assert NURSE[-4:] not in page.text


def test_a_personal_identity_number_in_an_address_is_refused(employer: httpx.Client) -> None:
    page = look(employer, WRITTEN)
    assert page.status_code == 400
    assert heading(page) == "Personnummer får inte stå i en adress"
    assert "Skriv personnumret i formuläret på startsidan" in text(page)
    assert NURSE[-4:] not in page.text


def test_who_may_search_but_not_check_gets_no_answer_to_a_number(house: House) -> None:
    with house.browser(SEARCHER) as browser:
        assert "25 personer hittades" in text(look(browser, "andersson"))
        token = browser.get("/search").text.split('name="csrf_token" value="')[1].split('"')[0]
        page = browser.post("/search", data={"csrf_token": token, "q": WRITTEN, "purpose": "recruitment"})
        assert page.status_code == 403


def test_staff_may_not_search(house: House) -> None:
    with house.browser(STAFF) as browser:
        assert browser.get("/search").status_code == 403


def test_every_search_is_logged_with_those_it_showed(house: House, employer: httpx.Client) -> None:
    look(employer, "andersson", page="2", profession="occupational-therapist")
    look(employer, "andersson")
    event = house.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("search", "recruitment", "25")
    assert json.loads(event.question) == {"q": "andersson", "filters": [], "page": "1"}
    assert len(house.event_people(event.id)) == 20


def test_a_search_without_its_event_is_not_shown(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as browser:
        own_house.break_access_log()
        page = look(browser, "andersson")
        assert page.status_code == 503
        assert "Andersson" not in text(page)


def test_while_the_engine_is_down_numbers_are_still_answered(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with (
        running_house(tmp_path_factory.mktemp("down"), published=False) as house,
        house.browser(EMPLOYER) as browser,
    ):
        down = look(browser, "andersson")
        assert down.status_code == 503
        assert down.headers["retry-after"]
        assert heading(down) == "Namnsökningen fungerar inte just nu"
        assert "Kontroll med personnummer eller legitimationsnummer fungerar som vanligt" in text(down)
        by_name = {"way": "name", "given": "Nils", "family": "Påhitt", "birth_date": "1985-07-09"}
        assert send(browser, "/check", purpose="recruitment", **by_name).status_code == 503
        number = {"way": "personal-number", "personal_number": NURSE}
        assert heading(send(browser, "/check", purpose="recruitment", **number)).startswith("Ja")
