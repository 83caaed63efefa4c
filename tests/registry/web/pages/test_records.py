import httpx
import pytest
import sqlalchemy as sa

from registry.access.tables import access_event
from registry.database import writing
from registry.identifiers import PERSONAL_IDENTITY_NUMBER
from registry.records.facts import IdentifierFacts
from tests.registry.web.pages.house import (
    EMPLOYER,
    HIDDEN,
    NO_NUMBER,
    NO_ROLE,
    NOT_LISTED,
    NURSE,
    PROTECTED,
    STAFF,
    House,
    heading,
    own,
    send,
    swedish,
    text,
    without_noise,
)
from tests.support.world import person


def read(browser: httpx.Client, public_id: str, purpose: str = "supervision") -> httpx.Response:
    return browser.get(f"/practitioners/{public_id}", params={"purpose": purpose})


def test_a_practitioner_has_a_page_with_the_answer_for_each_licence(
    house: House, employer: httpx.Client
) -> None:
    page = read(employer, house.public_id("Lindström-Öhman"))
    shown = text(page)
    assert heading(page) == "Anna Lindström-Öhman"
    for fact in (
        "Tidigare namn Anna Öhman",
        "Födelsedatum 2 januari 1970",
        "Läkare Nej Nej: Legitimationen som läkare är återkallad",
        "Sjuksköterska Ja Ja: Legitimationen som sjuksköterska",
        "Källa HOSP Senast inläst",
        "Regelversion",
        "Ändamål Tillsyn",
    ):
        assert fact in shown, fact


def test_a_page_shows_public_numbers_and_never_the_personal_identity_number(
    house: House, employer: httpx.Client
) -> None:
    shown = text(read(employer, house.public_id("Påhitt")))
    assert "HSA-id SE2321000131-P000000000042" in shown
    assert "Personnummer" not in shown
    assert NURSE[-4:] not in shown


def test_partial_dates_are_shown_as_they_are(house: House, employer: httpx.Client) -> None:
    assert "Födelsedatum 1979" in text(read(employer, house.public_id("Miller")))


def test_a_record_is_read_for_a_purpose_only(house: House, employer: httpx.Client) -> None:
    public_id = house.public_id("Påhitt")
    before = len(house.events())
    asked = employer.get(f"/practitioners/{public_id}")
    assert heading(asked) == "Varför vill du se uppgifterna?"
    wrong = read(employer, public_id, "own-record")
    assert "Välj ändamålet med uppslaget." in text(wrong)
    assert "Påhitt" not in asked.text + wrong.text
    assert len(house.events()) == before


def test_a_protected_person_has_no_page_and_sees_who_asked(house: House, employer: httpx.Client) -> None:
    secret, none = house.public_id("Hemlig"), "A" * 22
    hidden, absent = read(employer, secret), read(employer, none)
    assert hidden.status_code == absent.status_code == 404
    assert without_noise(hidden).replace(secret, "?") == without_noise(absent).replace(none, "?")
    event, other = house.events()[-2:]
    assert (event.action, event.answer) == (other.action, other.answer) == ("read", "not found")
    assert len(house.event_people(event.id)) == 1
    assert house.event_people(other.id) == set()


@pytest.mark.parametrize("public_id", ["%00", "a b", "å", "x" * 65])
def test_what_is_no_id_is_not_found(employer: httpx.Client, public_id: str) -> None:
    assert read(employer, public_id).status_code == 404


def test_reading_a_record_is_logged(house: House, employer: httpx.Client) -> None:
    read(employer, house.public_id("Påhitt"), "certificate")
    event = house.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("read", "certificate", "found")
    assert len(house.event_people(event.id)) == 1


def test_a_record_without_its_event_is_not_shown(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as browser:
        own_house.break_access_log()
        page = read(browser, own_house.public_id("Påhitt"))
        assert page.status_code == 503
        assert "Påhitt" not in page.text


def test_people_see_their_own_record_with_their_number(house: House) -> None:
    with house.browser(STAFF) as browser:
        shown = text(browser.get("/me"))
    assert "Personnummer 19850709-9805" in shown
    assert "Sjuksköterska Ja" in shown
    assert "Gotlands län" in shown


def test_people_see_who_has_looked(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")
        employer.get("/search?q=påhitt&purpose=supervision")
    with own_house.browser(STAFF) as browser:
        browser.get("/me")
        shown = text(browser.get("/me"))
    events = shown.partition("Vem har tagit del av mina uppgifter?")[2]
    assert "Legitimationen kontrollerades · Ändamål: Inför anställning Organisation 2120000142" in events
    assert "Visad i en sökning · Ändamål: Tillsyn Organisation 2120000142" in events
    assert "Egna uppgifter visades · Ändamål: Egna uppgifter Du själv" in events
    # The latest first.
    assert (
        events.index("Egna uppgifter") < events.index("Visad i en sökning") < events.index("kontrollerades")
    )
    assert "Ebba" not in events


def test_an_event_without_an_organisation_says_so(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")
    with writing(own_house.world.access_engine).begin() as connection:
        connection.execute(sa.update(access_event).values(organisation=""))
    with own_house.browser(STAFF) as browser:
        assert "Organisation saknas i loggen" in text(browser.get("/me"))


def test_a_protected_person_sees_their_own_record_and_who_asked_for_it(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=PROTECTED, purpose="recruitment")
    with own_house.browser(HIDDEN) as browser:
        shown = text(browser.get("/me"))
    assert "Dina uppgifter är skyddade." in shown
    assert "Hanna Hemlig" in shown
    assert "Barnmorska Ja" in shown
    assert "Legitimationen kontrollerades" in shown


def test_somebody_who_is_not_listed_is_told_what_that_means(house: House) -> None:
    with house.browser(NOT_LISTED) as browser:
        shown = text(browser.get("/me"))
    assert "Du finns inte i registret. Det behöver inte betyda att du saknar legitimation." in shown
    assert "Personen har ingen legitimation i testregistret." in shown


def test_a_login_without_a_number_shows_no_record(house: House) -> None:
    with house.browser(NO_NUMBER) as browser:
        assert "Inloggningen lämnade inget personnummer" in text(browser.get("/me"))


def test_several_records_with_one_number_are_all_shown(own_house: House) -> None:
    # The old number of one record is the number of another: they are not merged on that.
    old = IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value=NURSE, use="old")
    people = {
        "other": person(
            "Påhitt-Äldre",
            "Nils",
            identifiers=(own("195001019807"), old),
            licences=[swedish("AT", "audiologist")],
        )
    }
    own_house.world.describe_feed("other")
    own_house.world.load(people, feed="other")
    with own_house.browser(STAFF) as browser:
        shown = text(browser.get("/me"))
    assert "Påhitt-Äldre" in shown
    assert "Nils Erik Påhitt" in shown


def test_looking_at_ones_own_record_is_logged(house: House) -> None:
    with house.browser(STAFF) as browser:
        browser.get("/me")
    event = house.events()[-1]
    assert (event.action, event.purpose, event.question) == ("own-record", "own-record", "{}")
    assert len(house.event_people(event.id)) == 1


@pytest.mark.parametrize("user", [EMPLOYER, NO_ROLE])
def test_without_the_scope_ones_own_record_is_refused(house: House, user: object) -> None:
    with house.browser(user) as browser:  # type: ignore[arg-type]
        page = browser.get("/me")
        assert page.status_code == 403
        assert heading(page) == "Du har inte behörighet"


def test_staff_may_not_read_other_peoples_records(house: House) -> None:
    with house.browser(STAFF) as browser:
        assert read(browser, house.public_id("Lindström-Öhman")).status_code == 403
