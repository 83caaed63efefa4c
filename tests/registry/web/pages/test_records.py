import html
import re
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from indexer import joins, runs
from registry.access.tables import access_event, access_event_subject
from registry.database import writing
from registry.identifiers import NPI, PERSONAL_IDENTITY_NUMBER
from registry.records import tables as t
from registry.records.facts import IdentifierFacts
from tests.registry.web.pages.house import (
    EMPLOYER,
    HIDDEN,
    HOSP,
    NAMELESS,
    NO_NUMBER,
    NO_ROLE,
    NOT_LISTED,
    NURSE,
    PROTECTED,
    STAFF,
    UNNAMED,
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


@pytest.mark.parametrize(
    ("accept", "said"), [("sv", "Namn saknas i källan"), ("en", "Name not given by the source")]
)
def test_where_the_source_gives_no_name_the_pages_say_so(house: House, accept: str, said: str) -> None:
    with house.browser(EMPLOYER, accept) as browser:
        way = {"way": "personal-number", "personal_number": NAMELESS}
        checked = send(browser, "/check", purpose="recruitment", **way)
        address = re.findall(r'href="(/practitioners/[^"]+)"', checked.text)[0]
        page = browser.get(html.unescape(address))
    assert checked.status_code == 200
    assert said in text(checked)
    assert heading(page) == said
    assert f"<title>{said}" in page.text
    with house.browser(UNNAMED, accept) as browser:
        assert said in text(browser.get("/me"))


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
    assert (
        "Legitimationen kontrollerades · Ändamål: Inför anställning Svaret: Ja Organisation 2120000142"
        in events
    )
    found = "Träffar i sökningen: 1, en av dem var du"
    assert f"Visad i en sökning · Ändamål: Tillsyn {found} Organisation 2120000142" in events
    assert "Egna uppgifter visades · Ändamål: Egna uppgifter Du själv" in events
    # The latest first.
    assert (
        events.index("Egna uppgifter") < events.index("Visad i en sökning") < events.index("kontrollerades")
    )
    assert "Ebba" not in events


def test_an_event_without_an_organisation_says_so(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")
    kept = [column.name for column in access_event.c if column.name not in {"id", "organisation"}]
    with writing(own_house.world.access_engine).begin() as connection:
        # What is written can't be changed, so another event is: the same, of no organisation.
        last = connection.scalar(sa.select(sa.func.max(access_event.c.id)))
        same = sa.select(*(access_event.c[name] for name in kept)).where(access_event.c.id == last)
        copy = access_event.insert().from_select(kept, same).returning(access_event.c.id)
        people = sa.select(
            sa.literal(connection.execute(copy).scalar_one()), access_event_subject.c.practitioner_id
        ).where(access_event_subject.c.event_id == last)
        connection.execute(access_event_subject.insert().from_select(["event_id", "practitioner_id"], people))
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
    assert "Svaret: Fråga" in shown, "what the employer was told, as about somebody who is not there"


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


# ---------------------------------------------------------------- history, what waits, and ids that lead on


def test_people_see_what_the_registry_has_known_of_them_and_when(own_house: House) -> None:
    suspended = swedish("SJ", "registered-nurse", number="SJ-100", status="suspended", raw_status="indragen")
    changed = {**HOSP, "nurse": msgspec.structs.replace(HOSP["nurse"], licences=(suspended,))}
    own_house.world.load(changed, feed="hosp")
    own_house.world.load(HOSP, feed="hosp")
    with writing(own_house.world.engine).begin() as connection:
        run = t.feed_run
        wrong, back = sorted(connection.scalars(sa.select(run.c.id).where(run.c.feed_id == "hosp")))[-2:]
        connection.execute(sa.update(run).where(run.c.id == wrong).values(undone_run_id=back))
    with own_house.browser(STAFF) as browser:
        shown = text(browser.get("/me"))
        english = text(browser.get("/me?lang=en"))
    history = shown.partition("Vad registret har känt till och när")[2].partition("Vem har tagit del")[0]
    assert "Sjuksköterska, Testmyndigheten Känt sedan" in history
    assert history.count(" till ") >= 2
    wrong_part = history[history.index("Uppgiften kom med en felaktig inläsning") :]
    assert "Myndighetens eget ord indragen" in wrong_part
    assert "Giltighet från 14 juni 2005" in history
    assert "The fact came with a faulty reading" in english


def test_a_licence_that_the_source_dropped_is_told_in_its_history(own_house: House) -> None:
    others = {key: facts for key, facts in HOSP.items() if key != "nurse"}
    own_house.world.load(others, feed="hosp")
    with own_house.browser(STAFF) as browser:
        assert "Källan redovisade inte legitimationen." in text(browser.get("/me"))


def test_others_do_not_see_history(house: House, employer: httpx.Client) -> None:
    assert "Vad registret har känt till" not in text(read(employer, house.public_id("Påhitt")))


def test_a_licence_with_something_that_waits_says_so_on_every_page(own_house: House) -> None:
    own_house.world.load(dict(list(HOSP.items())[12:]), feed="hosp")
    with own_house.browser(EMPLOYER) as employer:
        shown = text(read(employer, own_house.public_id("Påhitt")))
        checked = send(
            employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment"
        )
    for page in (shown, text(checked)):
        assert "Den nyare uppgiften väntar på granskning." in page
        assert "Källan har lämnat ändringar som väntar på granskning." in page
    assert heading(checked) == "Fråga myndigheten"
    with own_house.browser(STAFF) as browser:
        assert "Sjuksköterska Fråga" in text(browser.get("/me"))


def test_an_old_id_shows_the_person_with_both_records_and_they_see_who_asked_under_either(
    own_house: House,
) -> None:
    nils, other = own_house.public_id("Påhitt"), own_house.public_id("Prövo")
    with own_house.browser(EMPLOYER) as employer:
        read(employer, other, "certificate")
        merge(own_house, other, into=nils)
        page = read(employer, other)
        assert heading(page) == "Nils Erik Påhitt"
        assert "Psykolog" in text(page)
    [(event, subjects)] = [(e, own_house.event_people(e.id)) for e in own_house.events()[-1:]]
    assert (event.answer, subjects) == ("found", {internal_id(own_house, nils)})
    with own_house.browser(STAFF) as browser:
        shown = text(browser.get("/me"))
    events = shown.partition("Vem har tagit del av mina uppgifter?")[2]
    assert "Ändamål: När ett intyg utfärdas" in events
    assert "Ändamål: Tillsyn" in events


def test_an_old_id_of_somebody_now_protected_has_no_page(own_house: House) -> None:
    old = own_house.public_id("Prövo")
    merge(own_house, old, into=own_house.public_id("Hemlig"))
    with own_house.browser(EMPLOYER) as employer:
        hidden, absent = read(employer, old), read(employer, "A" * 22)
    assert hidden.status_code == absent.status_code == 404
    assert without_noise(hidden).replace(old, "?") == without_noise(absent).replace("A" * 22, "?")


def internal_id(house: House, public_id: str) -> int:
    with house.world.engine.connect() as connection:
        found = connection.scalar(
            sa.select(t.practitioner.c.id).where(t.practitioner.c.public_id == public_id)
        )
    return int(found or 0)


def merge(house: House, one: str, into: str) -> None:
    """Join one person's records to another's."""
    ids = internal_id(house, into), internal_id(house, one)
    with writing(house.world.engine).begin() as connection:
        run_id = runs.start(connection, "hosp")
        joins.merge(connection, *ids, run_id=run_id, now=datetime.now(UTC), system=NPI, use="official")
