import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from registry.verification.question import MAX_NUMBER
from tests.registry.web.pages.house import (
    EMPLOYER,
    NOBODY,
    NURSE,
    PROBATION,
    PROTECTED,
    REVOKED,
    STAFF,
    House,
    csrf,
    heading,
    send,
    text,
    without_noise,
)


def check(browser: httpx.Client, **fields: str) -> httpx.Response:
    return send(browser, "/check", **{"purpose": "recruitment", **fields})


def by_number(browser: httpx.Client, digits: str, **fields: str) -> httpx.Response:
    return check(browser, way="personal-number", personal_number=digits, **fields)


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"way": "personal-number", "personal_number": NURSE}, "Ja, gällande legitimation som sjuksköterska"),
        (
            {"way": "personal-number", "personal_number": NURSE, "profession": "registered-nurse"},
            "Ja, gällande legitimation som sjuksköterska",
        ),
        (
            {"way": "name", "given": "Nils Erik", "family": "Påhitt", "birth_date": "1985-07-09"},
            "Ja, gällande legitimation som sjuksköterska",
        ),
        (
            {"way": "licence-number", "licence_number": "lk 200"},
            "Nej, ingen gällande legitimation som läkare",
        ),
        (
            {
                "way": "personal-number",
                "personal_number": NURSE,
                "profession": "midwife",
                "authority": "hosp-authority",
            },
            "Nej, ingen gällande legitimation som barnmorska",
        ),
        ({"way": "personal-number", "personal_number": PROBATION}, "Fråga myndigheten"),
        ({"way": "personal-number", "personal_number": NOBODY}, "Fråga myndigheten"),
        ({"way": "personal-number", "personal_number": PROTECTED}, "Fråga myndigheten"),
        ({"way": "personal-number", "personal_number": REVOKED}, "Frågan behöver preciseras"),
    ],
)
def test_a_check_gives_its_answer_as_the_heading(
    employer: httpx.Client, fields: dict[str, str], answer: str
) -> None:
    page = check(employer, **fields)
    assert page.status_code == 200
    assert heading(page) == answer
    assert f"<title>{answer} – Legitimationsregistret</title>" in page.text


def test_a_yes_tells_what_it_rests_on(employer: httpx.Client) -> None:
    shown = text(by_number(employer, NURSE))
    for fact in (
        "Legitimationen gäller utan begränsningar i dag",
        "enligt Testmyndigheten",
        "Patientsäkerhetslagen",
        "Nils Erik Påhitt",
        "Födelseår 1985",
        "Status i källan Giltig",
        "Myndighetens eget ord giltigLegitimation=true",
        "Inga begränsningar redovisade",
        "33 Ambulanssjukvård, från maj 2012",
        "Utfärdad 14 juni 2005",
        "Källa HOSP Senast inläst",
        "Regelversion 2026-11-22",
        "Ändamål Inför anställning",
        "Ebba Exempel, Organisation 2120000142",
    ):
        assert fact in shown, fact


@pytest.mark.parametrize(
    ("fields", "explanation"),
    [
        (
            {"way": "name", "given": "Nils Erik", "family": "Påhitt", "birth_date": "1985-07-09"},
            "Exakt träff. Född samma dag; namnet stämmer.",
        ),
        (
            {"way": "name", "given": "Nils Erik", "family": "Pohitt", "birth_date": "1985-07-09"},
            "Nära träff. Född samma dag; efternamn stavat annorlunda, låter lika: Pohitt/Påhitt.",
        ),
        (
            {"way": "name", "given": "Anna", "family": "Öhman", "birth_date": "1970-01-02"},
            "Träff på tidigare namn. Född samma dag; namnet stämmer; tidigare namn: Anna Öhman.",
        ),
        ({"way": "licence-number", "licence_number": "SJ-100"}, "Exakt träff. Numret stämmer."),
    ],
)
def test_who_was_found_is_shown_with_why(
    employer: httpx.Client, fields: dict[str, str], explanation: str
) -> None:
    assert f"Så hittades personen {explanation}" in text(check(employer, **fields))


@pytest.mark.parametrize(
    ("given", "family", "birth_date"),
    [
        # Day and month swapped, another given name, too little of the name.
        ("Nils Erik", "Påhitt", "1985-09-07"),
        ("Nina", "Påhitt", "1985-07-09"),
        ("N", "Påhitt", "1985-07-09"),
    ],
)
def test_who_is_only_like_is_asked_about_and_nothing_of_them_is_told(
    employer: httpx.Client, given: str, family: str, birth_date: str
) -> None:
    page = check(employer, way="name", given=given, family=family, birth_date=birth_date)
    assert heading(page) in {"Frågan behöver preciseras", "Fråga myndigheten"}
    assert "Så hittades personen" not in text(page)
    for told in (
        "SJ-100",
        "Personen i registret",
        "9 juli 1985" if birth_date != "1985-07-09" else "33 Amb",
    ):
        assert told not in text(page)


def test_the_personal_identity_number_is_not_shown_whole(employer: httpx.Client) -> None:
    page = by_number(employer, NURSE)
    assert "19850709-••••" in page.text
    assert NURSE not in page.text
    assert NURSE[-4:] not in page.text


def test_a_no_tells_the_restriction(employer: httpx.Client) -> None:
    shown = text(check(employer, way="licence-number", licence_number="LK-200"))
    assert "Återkallad legitimation : 001 Återkallad legitimation från 1 mars 2024" in shown
    assert "Personens övriga legitimationer" in shown


def test_a_person_recorded_as_deceased_is_no_one_to_talk_to(house: House, employer: httpx.Client) -> None:
    page = check(employer, way="licence-number", licence_number="AP-450")
    assert heading(page) == "Nej, ingen gällande legitimation som apotekare"
    assert "Kontrollera noga vem du har framför dig" in text(page)
    assert "Prata med personen" not in text(page)
    record = employer.get(f"/practitioners/{house.public_id('Avliden')}?purpose=supervision")
    assert "Avliden 3 februari 2025" in text(record)


def test_a_yes_for_several_professions_names_them(employer: httpx.Client) -> None:
    page = check(employer, way="licence-number", licence_number="SE2321000131-P000000000077")
    assert heading(page) == "Ja, gällande legitimation"
    assert "Legitimationerna som barnmorska och sjuksköterska gäller utan begränsningar i dag" in text(page)


def test_not_found_says_what_silence_means_for_each_source(employer: httpx.Client) -> None:
    shown = text(by_number(employer, NOBODY))
    assert "Källor och vad det betyder att inte finnas där" in shown
    assert shown.count("Personen har ingen legitimation i testregistret.") == 2


def test_a_protected_person_is_answered_exactly_as_somebody_who_is_not_there(employer: httpx.Client) -> None:
    hidden, absent = by_number(employer, PROTECTED), by_number(employer, NOBODY)
    assert without_noise(hidden).replace(PROTECTED[:8], "?") == without_noise(absent).replace(NOBODY[:8], "?")
    for number in ("BM-400", "BM-401"):
        page = check(employer, way="licence-number", licence_number=number)
        assert without_noise(page).replace(number, "?") == without_noise(
            check(employer, way="licence-number", licence_number="BM-999")
        ).replace("BM-999", "?")


def test_a_licence_from_abroad_is_said_to_be_so(employer: httpx.Client) -> None:
    page = check(employer, way="licence-number", licence_number="RN60999111")
    assert heading(page) == "Ja, gällande legitimation som sjuksköterska"
    assert "Svaret gäller i USA (US-WA), inte automatiskt i andra länder." in text(page)


def test_a_past_date_is_answered_in_the_past_tense(employer: httpx.Client) -> None:
    no = check(employer, way="licence-number", licence_number="LK-200", on_date=day(1))
    assert heading(no) == "Nej, ingen legitimation som läkare gällde då"
    yes = check(employer, way="licence-number", licence_number="SJ-100", on_date=day(1))
    assert heading(yes) == "Ja, legitimation som sjuksköterska gällde då"
    assert "Legitimationen gällde utan begränsningar den" in text(yes)
    # The registry did not know the licence then.
    earlier = check(employer, way="licence-number", licence_number="SJ-100", on_date=day(9))
    assert heading(earlier) == "Fråga myndigheten"


def day(ago: int) -> str:
    return (datetime.now(ZoneInfo("Europe/Stockholm")).date() - timedelta(days=ago)).isoformat()


def test_the_form_comes_back_with_what_is_wrong(employer: httpx.Client) -> None:
    page = check(employer, way="name", given="Per", family="Prövo", birth_date="31/12", purpose="")
    assert page.status_code == 422
    assert "<title>Fel: Får personen arbeta i yrket?" in page.text
    assert '<a href="#birth-date">Födelsedatumet går inte att läsa' in page.text
    assert 'value="Prövo"' in page.text
    assert 'aria-describedby="birth-date-hint birth-date-wrong" aria-invalid="true"' in page.text
    assert 'role="alert"' in page.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"way": "licence-number", "licence_number": "9" * (MAX_NUMBER + 1)},
            "Legitimationsnumret går inte att läsa",
        ),
        (
            {"way": "name", "given": "??", "family": "!!", "birth_date": "1980-01-01"},
            "Namnet går inte att läsa",
        ),
    ],
)
def test_what_only_the_verification_refuses_is_said_at_the_field(
    employer: httpx.Client, fields: dict[str, str], message: str
) -> None:
    page = check(employer, **fields)
    assert page.status_code == 422
    assert message in page.text


def test_every_check_is_logged_without_the_personal_identity_number(
    house: House, employer: httpx.Client
) -> None:
    by_number(employer, NURSE, profession="registered-nurse", on_date="2026-11-01")
    event = house.events()[-1]
    assert (event.action, event.purpose, event.organisation) == ("verify", "recruitment", "2120000142")
    assert json.loads(event.question) == {
        "by_personal_number": True,
        "profession": "registered-nurse",
        "on_date": "2026-11-01",
    }
    assert len(house.event_people(event.id)) == 1
    assert event.request_id


def test_a_hit_on_a_protected_person_is_logged_for_that_person(house: House, employer: httpx.Client) -> None:
    by_number(employer, PROTECTED)
    event = house.events()[-1]
    assert event.answer == "ask"
    assert len(house.event_people(event.id)) == 1


def test_names_are_escaped(employer: httpx.Client) -> None:
    page = check(employer, way="licence-number", licence_number="TL-500")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert re.findall(r"<script[^>]*>", page.text) == re.findall(r'<script src="/assets/[^>]*>', page.text)
    assert "&lt;b&gt;" in page.text


def test_a_check_has_no_address_of_its_own(house: House, employer: httpx.Client) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.get("/check", follow_redirects=False)
        assert (page.status_code, page.headers["location"]) == (303, "/")
    assert str(by_number(employer, NURSE).url) == f"{house.url}/check"


def test_a_form_without_proof_is_refused(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.post("/check", data={"way": "licence-number", "licence-number": "SJ-100"})
        assert page.status_code == 403
        assert heading(page) == "Formuläret är för gammalt"


def test_only_employers_may_check(house: House) -> None:
    with house.browser(STAFF) as browser:
        token = csrf(browser.get("/"))
        page = browser.post("/check", data={"csrf_token": token, "way": "licence-number"})
        assert page.status_code == 403
        assert heading(page) == "Du har inte behörighet"


def test_a_form_sent_after_the_login_has_ended_says_so(house: House) -> None:
    with house.browser() as browser:
        page = browser.post("/check", data={"way": "licence-number"})
        assert page.status_code == 401
        assert heading(page) == "Du behöver logga in"
        assert 'class="button" href="/login?next=/"' in page.text


def test_no_answer_leaves_when_it_cannot_be_logged(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as browser:
        own_house.break_access_log()
        page = by_number(browser, NURSE)
        assert page.status_code == 503
        assert heading(page) == "Svaret kan inte lämnas just nu"
        assert "Påhitt" not in page.text
        assert page.headers["retry-after"]


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        (
            {"way": "licence-number", "licence_number": "SJ-100"},
            "Yes, there is a licence in force as registered nurse",
        ),
        (
            {"way": "licence-number", "licence_number": "LK-200"},
            "No, there is no licence in force as physician",
        ),
        ({"way": "licence-number", "licence_number": "PS-300"}, "Ask the authority"),
        ({"way": "personal-number", "personal_number": REVOKED}, "The question needs to be more exact"),
    ],
)
def test_answers_come_in_english_too(house: House, fields: dict[str, str], answer: str) -> None:
    with house.browser(EMPLOYER, "en") as browser:
        page = check(browser, **fields)
    assert heading(page) == answer
    assert '<html lang="en">' in page.text
    assert "The test authority" in page.text
