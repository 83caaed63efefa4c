"""The page on which somebody with a protected identity lets an employer check them, and the employer's field for the code."""

import re
from collections.abc import Iterator

import httpx
import pytest

from registry.checks.consent_code import new_code
from registry.checks.tables import identity_consent
from registry.database import writing
from tests.registry.web.pages.house import (
    EMPLOYER,
    HIDDEN,
    NO_NUMBER,
    OUTSIDER,
    PROTECTED,
    STAFF,
    House,
    press,
    send,
    text,
)

CODE = re.compile(r'id="code">([0-9A-Z-]{19})<')
REFUSED = "Medgivandekoden kan inte användas för den här frågan."


@pytest.fixture
def hanna(house: House) -> Iterator[httpx.Client]:
    """A browser in which somebody with a protected identity is logged in; the codes of the test are forgotten."""
    with house.browser(HIDDEN) as browser:
        yield browser
    with writing(house.world.access_engine).begin() as connection:
        connection.execute(identity_consent.delete())


def make(browser: httpx.Client, organisation: str = "212000-0142", hours: str = "24") -> httpx.Response:
    return press(browser, browser.get("/me/consents"), "/me/consents", organisation=organisation, hours=hours)


def code_of(page: httpx.Response) -> str:
    found = CODE.search(page.text)
    assert found, text(page)
    return found[1]


def check(browser: httpx.Client, code: str, number: str = PROTECTED) -> httpx.Response:
    return send(
        browser,
        "/check",
        way="personal-number",
        personal_number=number,
        purpose="recruitment",
        consent_code=code,
    )


def test_the_whole_way(house: House, hanna: httpx.Client, employer: httpx.Client) -> None:
    assert "Låt en arbetsgivare kontrollera mig" in text(hanna.get("/me"))
    made = make(hanna)
    code = code_of(made)
    assert "212000-0142" in text(made)
    answered = check(employer, code.lower().replace("-", " "))
    assert answered.status_code == 200
    assert "Hanna Hemlig" in text(answered) or "Ja" in text(answered)
    assert "/practitioners/" not in answered.text, "the person has no page that an employer may open"
    kept = employer.get(re.search(r'href="(/checks/ver_[^"]+)"', answered.text)[1])  # type: ignore[index]
    assert "gällde för en kontroll" in text(kept)
    assert "/again" not in kept.text
    listed = text(hanna.get("/me/consents"))
    assert "Använd" in listed
    assert code not in hanna.get("/me/consents").text
    assert "Organisation 2120000142" in text(hanna.get("/me"))


def test_used_up_withdrawn_or_given_to_another_a_code_opens_nothing(
    house: House, hanna: httpx.Client, employer: httpx.Client
) -> None:
    used, withdrawn, foreign = (
        code_of(make(hanna, each)) for each in ("2120000142", "2120000142", "2321000131")
    )
    check(employer, used)
    page = hanna.get("/me/consents")
    for address in re.findall(r'action="(/me/consents/con_[^"]+/withdrawal)"', page.text):
        hanna.post(address, data={"csrf_token": re.search(r'csrf_token" value="([^"]+)"', page.text)[1]})  # type: ignore[index]
    answers = [check(employer, each) for each in (used, withdrawn, foreign, new_code())]
    assert {answer.status_code for answer in answers} == {422}
    assert all(REFUSED in text(answer) for answer in answers)
    assert all("Hemlig" not in answer.text for answer in answers)
    with house.browser(OUTSIDER) as outsider:
        assert REFUSED in text(check(outsider, foreign)), "withdrawn too"


def test_a_mistyped_code_is_told_by_itself(employer: httpx.Client) -> None:
    told = check(employer, "ABCD-EFGH")
    assert told.status_code == 422
    assert "16 bokstäver och siffror" in text(told)
    assert "ABCD-EFGH" in told.text, "shown again to be corrected"


@pytest.mark.parametrize(
    ("organisation", "hours", "wrong"),
    [
        ("212000-0143", "24", "organisationsnummer med tio siffror"),
        ("", "24", "organisationsnummer med tio siffror"),
        ("19800503-9807", "24", "organisationsnummer med tio siffror"),
        ("212000-0142", "999", "Välj hur länge"),
        ("212000-0142", "x", "Välj hur länge"),
    ],
)
def test_what_is_wrong_with_the_form_is_told(
    hanna: httpx.Client, organisation: str, hours: str, wrong: str
) -> None:
    told = make(hanna, organisation, hours)
    assert told.status_code == 422
    assert wrong in text(told)
    assert "19800503-980" not in told.text
    assert not CODE.search(told.text)


def test_a_sole_trader_is_given_a_code_and_their_number_is_shown_nowhere(
    house: House, hanna: httpx.Client
) -> None:
    made = make(hanna, "19800503-9808")
    code_of(made)
    for page in (made, hanna.get("/me/consents"), hanna.get("/me")):
        assert "9808" not in page.text
    assert "En enskild näringsidkare" in text(made)
    assert "En enskild näringsidkare" in text(hanna.get("/me/consents"))


def test_too_many_codes_are_refused(house: House, hanna: httpx.Client) -> None:
    for _ in range(house.world.settings.checks.consents.max_unused):
        code_of(make(hanna))
    told = make(hanna)
    assert told.status_code == 422
    assert "Återkalla en" in text(told)


def test_whoever_is_not_protected_needs_no_code(house: House) -> None:
    for user in (STAFF, NO_NUMBER):
        with house.browser(user) as browser:
            page = browser.get("/me/consents")
            assert "Dina uppgifter är inte skyddade" in text(page)
            assert '<form method="post" action="/me/consents"' not in page.text
            token = re.search(r'csrf_token" value="([^"]+)"', page.text)
            answer = browser.post(
                "/me/consents",
                data={"csrf_token": token[1] if token else "", "organisation": "2120000142", "hours": "24"},
            )
            assert answer.status_code == 404


def test_employers_have_no_such_page(employer: httpx.Client) -> None:
    assert employer.get("/me/consents").status_code == 403


def test_it_is_in_english_too(house: House) -> None:
    with house.browser(HIDDEN, accept="en") as browser:
        assert "Let an employer check me" in text(browser.get("/me/consents"))
        assert EMPLOYER.organisation not in browser.get("/me/consents").text
