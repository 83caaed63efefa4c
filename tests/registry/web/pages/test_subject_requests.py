"""People report look-ups and ask for corrections; those who answer see what is asked, and not whose record it is."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from registry.checks.tables import subject_request
from registry.database import writing
from registry.records import tables as t
from registry.sandbox.config import SandboxUser
from tests.registry.web.pages.house import (
    ADMIN,
    EMPLOYER,
    HIDDEN,
    NO_NUMBER,
    NOT_LISTED,
    NURSE,
    OFFICER,
    PROTECTED,
    REVOKED,
    STAFF,
    House,
    heading,
    policy_file,
    press,
    running_house,
    send,
    text,
)

REPORT = re.compile(r'href="(/me/look-ups/\d+/report)"')
REQUEST = re.compile(r'id="(req_[\w-]+)"')


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A registry in which people may have three open requests of at most 200 characters."""
    with running_house(
        tmp_path_factory.mktemp("requests"),
        REGISTRY_CHECKS__SUBJECT_REQUESTS__MAX_OPEN="3",
        REGISTRY_CHECKS__SUBJECT_REQUESTS__MAX_TEXT="200",
    ) as house:
        yield house


@pytest.fixture
def nils(place: House) -> Iterator[httpx.Client]:
    """A browser of somebody whose record it is; whatever waits is ended after the test."""
    with place.browser(STAFF) as browser:
        yield browser
    with writing(place.world.access_engine).begin() as connection:
        connection.execute(sa.update(subject_request).values(state="withdrawn"))


@pytest.fixture
def officer(place: House) -> Iterator[httpx.Client]:
    with place.browser(OFFICER) as browser:
        yield browser


@pytest.fixture
def admin(place: House) -> Iterator[httpx.Client]:
    with place.browser(ADMIN) as browser:
        yield browser


def looked(place: House, number: str = NURSE) -> None:
    with place.browser(EMPLOYER) as browser:
        send(browser, "/check", way="personal-number", personal_number=number, purpose="recruitment")


def report(browser: httpx.Client, words: str = "Jag har aldrig sökt jobb där.") -> httpx.Response:
    address = REPORT.findall(browser.get("/me").text)[0]
    return press(browser, browser.get(address), address, words=words)


def correct(browser: httpx.Client, words: str = "Jag heter Ek sedan 2024.", fact: str = "") -> httpx.Response:
    form = browser.get("/me/corrections/new")
    fact = fact or re.findall(r'<option value="(licence:\d+)"', form.text)[0]
    return press(browser, form, "/me/corrections", fact=fact, words=words)


def answer(browser: httpx.Client, address: str, state: str, words: str = "") -> httpx.Response:
    form = browser.get(address)
    seen = re.search(r'name="seen" value="(\d+)"', form.text)
    assert seen
    return press(browser, form, f"{address}/steps", state=state, words=words, seen=seen[1])


def test_a_reported_look_up_is_answered(place: House, nils: httpx.Client, officer: httpx.Client) -> None:
    looked(place)
    sent = report(nils)
    assert sent.url.path == "/me/requests"
    (request,) = REQUEST.findall(sent.text)
    assert sent.url.fragment == request
    assert "Anmält uppslag: Mottagen" in text(sent)
    assert "Legitimationen kontrollerades · Ändamål: Inför anställning" in text(sent)
    own = nils.get("/me")
    assert f'href="/me/requests#{request}"' in own.text
    assert "Anmälda uppslag" in text(officer.get("/about")), "in the menu"
    listed = officer.get("/reports")
    assert f'href="/reports/{request}"' in listed.text
    opened = officer.get(f"/reports/{request}")
    assert "Jag har aldrig sökt jobb där." in text(opened)
    # Who looked is shown to who answers, and not to the person.
    assert f"Vem: {EMPLOYER.subject}" in text(opened)
    assert EMPLOYER.subject not in own.text
    for name in ("Nils", "Påhitt", NURSE, "1985"):
        assert name not in opened.text
        assert name not in listed.text
    review = answer(officer, f"/reports/{request}", "under-review")
    assert review.url.path == f"/reports/{request}"
    unsaid = answer(officer, f"/reports/{request}", "not-justified")
    assert (unsaid.status_code, "Skriv några ord." in text(unsaid)) == (422, True)
    answer(officer, f"/reports/{request}", "not-justified", "Vi har talat med\narbetsgivaren.")
    told = text(nils.get("/me/requests"))
    assert "Anmält uppslag: Uppslaget var inte befogat" in told
    assert "Utreds · registret" in told
    assert "Vi har talat med arbetsgivaren." in told
    assert OFFICER.subject not in told
    # That it was read and answered is in the log that the person reads.
    assert "Din anmälan eller begäran lästes eller besvarades" in text(nils.get("/me"))
    assert f'href="/reports/{request}"' not in officer.get("/reports").text
    assert f'href="/reports/{request}"' in officer.get("/reports?state=ended").text
    assert 'name="seen"' not in officer.get(f"/reports/{request}").text, "nothing more to answer"


def test_a_look_up_is_reported_once(place: House, nils: httpx.Client) -> None:
    looked(place)
    address = REPORT.findall(nils.get("/me").text)[0]
    first = press(nils, nils.get(address), address, words="En gång")
    again = press(nils, nils.get(address), address, words="En gång till")
    assert first.url == again.url
    assert "En gång till" not in again.text
    assert address not in nils.get("/me").text


def test_only_ones_own_look_ups_by_others_can_be_reported(place: House, nils: httpx.Client) -> None:
    looked(place, REVOKED)
    foreign = place.events()[-1].id
    nils.get("/me")
    own = place.events()[-1].id
    assert nils.get(f"/me/look-ups/{10**30}/report").status_code == 404
    for event in (foreign, own, 0, 10**17):
        assert nils.get(f"/me/look-ups/{event}/report").status_code == 404
        assert send(nils, f"/me/look-ups/{event}/report", words="x").status_code == 404
    with place.browser(EMPLOYER) as employer:
        assert employer.get(f"/me/look-ups/{foreign}/report").status_code == 403


def test_a_correction_names_who_owns_the_fact(place: House, nils: httpx.Client, admin: httpx.Client) -> None:
    with writing(place.world.engine).begin() as connection:
        connection.execute(sa.update(t.authority).values(url="https://authority.example"))
    form = nils.get("/me/corrections/new")
    assert 'href="/me/corrections/new"' in nils.get("/me").text
    assert "Legitimationen: Sjuksköterska, Testmyndigheten" in text(form)
    assert 'href="https://authority.example"' in form.text.partition("Vem äger uppgifterna?")[2]
    sent = correct(nils, "Fel\r\ndatum\x07")
    request = REQUEST.findall(sent.text)[0]
    assert "Myndighet som äger uppgiften Testmyndigheten" in text(sent)
    assert "Fel datum" in text(sent)
    assert f'href="/corrections/{request}"' in admin.get("/corrections").text
    opened = admin.get(f"/corrections/{request}")
    assert "Legitimationen: Sjuksköterska, Testmyndigheten" in text(opened)
    for name in ("Nils", "Påhitt", NURSE, "1985"):
        assert name not in opened.text
    answer(admin, f"/corrections/{request}", "forwarded")
    answer(admin, f"/corrections/{request}", "not-corrected", "Testmyndigheten har inget beslut.")
    assert "Begärd rättelse: Inte rättad" in text(nils.get("/me/requests"))


@pytest.mark.parametrize("fact", ["person", "missing"])
def test_who_one_is_and_what_is_missing_can_be_corrected(nils: httpx.Client, fact: str) -> None:
    form = nils.get("/me/corrections/new")
    (value,) = re.findall(rf'<option value="({fact}:[^"]+)"', form.text)
    sent = text(correct(nils, fact=value))
    assert {
        "person": "Namn, födelsedatum eller nummer enligt Testmyndigheten",
        "missing": "Något som saknas från Testmyndigheten",
    }[fact] in sent


def test_what_is_wrong_with_a_form_is_told_and_kept(nils: httpx.Client) -> None:
    empty = correct(nils, " \r\n ")
    assert (empty.status_code, "Skriv några ord." in text(empty)) == (422, True)
    long = correct(nils, "Ö" * 201)
    assert (long.status_code, "Texten är för lång." in text(long)) == (422, True)
    assert "Ö" * 201 in long.text
    other = correct(nils, "Så här", fact="licence:999999")
    assert (other.status_code, "Välj i listan vad som är fel." in text(other)) == (422, True)
    assert "Så här" in other.text
    assert correct(nils, "Ö" * 200).url.path == "/me/requests"


def test_each_page_that_shows_somebody_their_own_is_in_the_log(place: House, nils: httpx.Client) -> None:
    looked(place)
    before = len(place.events())
    empty = correct(nils, "")
    report(nils, "x" * 201)
    told = [(event.action, event.question) for event in place.events()[before:]]
    form = ("own-record", '{"correction":true}')
    assert empty.status_code == 422
    assert told[:2] == [form, form]
    assert told[2][0] == "own-record"
    assert [question for _, question in told[3:]] == [f'{{"event":"{place.events()[before - 1].id}"}}'] * 2


def test_so_many_may_wait(place: House, nils: httpx.Client) -> None:
    for _ in range(3):
        correct(nils)
    refused = correct(nils, "En till")
    assert (refused.status_code, "väntar redan på svar" in text(refused)) == (422, True)
    looked(place)
    assert "väntar redan på svar" in text(report(nils))
    page = nils.get("/me/requests")
    address = re.findall(r'action="(/me/requests/req_[\w-]+/withdrawal)"', page.text)[0]
    assert "Begärd rättelse: Återkallad" in text(press(nils, page, address))
    assert correct(nils, "En till").url.path == "/me/requests"


def test_nobody_withdraws_what_is_anothers(place: House, nils: httpx.Client) -> None:
    request = REQUEST.findall(correct(nils).text)[0]
    with place.browser(HIDDEN) as hanna:
        send(hanna, f"/me/requests/{request}/withdrawal")
        assert place.events()[-2].answer == "not found"
        assert request not in hanna.get("/me/requests").text
    assert "Begärd rättelse: Mottagen" in text(nils.get("/me/requests"))


def test_of_two_who_answer_the_second_reads_the_first(nils: httpx.Client, admin: httpx.Client) -> None:
    address = f"/corrections/{REQUEST.findall(correct(nils).text)[0]}"
    form = admin.get(address)
    answer(admin, address, "forwarded")
    late = press(admin, form, f"{address}/steps", state="corrected", words="Klart", seen="1")
    assert (late.status_code, "Någon annan har svarat under tiden" in text(late)) == (409, True)
    assert "Lämnad till myndigheten" in text(late)
    for seen in ("", "x", "-1", "9" * 50, "²"):
        assert press(admin, form, f"{address}/steps", state="corrected", seen=seen).status_code == 409
    for state in ("", "withdrawn", "closed", "explained"):
        refused = press(admin, form, f"{address}/steps", state=state, words="x", seen="2")
        assert refused.status_code in {409, 422}
    assert "Begärd rättelse: Lämnad till myndigheten" in text(nils.get("/me/requests"))


def test_each_kind_is_for_those_who_answer_it(
    place: House, nils: httpx.Client, officer: httpx.Client, admin: httpx.Client
) -> None:
    looked(place)
    reported, corrected = (REQUEST.findall(each.text)[0] for each in (report(nils), correct(nils)))
    for browser, addresses in (
        (officer, ("/corrections", f"/corrections/{corrected}")),
        (admin, ("/reports", f"/reports/{reported}")),
        (nils, ("/corrections", "/reports", f"/reports/{reported}", f"/corrections/{corrected}")),
    ):
        for address in addresses:
            assert browser.get(address).status_code == 403
    assert officer.get(f"/reports/{corrected}").status_code == 404
    assert admin.get(f"/corrections/{reported}").status_code == 404
    assert send(admin, f"/corrections/{reported}/steps", state="corrected").status_code == 404
    assert officer.get("/reports/req_none").status_code == 404


def test_a_protected_person_asks_too_and_is_told_of_to_nobody(place: House, officer: httpx.Client) -> None:
    looked(place, PROTECTED)
    with place.browser(HIDDEN) as hanna:
        request = REQUEST.findall(report(hanna, "Hur hittade de mig?").text)[0]
        opened = officer.get(f"/reports/{request}")
        for name in ("Hanna", "Hemlig", PROTECTED, "1990", "BM-400", "Barnmorska"):
            assert name not in opened.text
        answer(officer, f"/reports/{request}", "explained", "De frågade med ditt personnummer.")
        assert "De frågade med ditt personnummer." in text(hanna.get("/me/requests"))
        whole = hanna.get("/me/export").json()
    (told,) = whole["requests"]
    assert [one["words"] for one in told["steps"]] == [
        "Hur hittade de mig?",
        "De frågade med ditt personnummer.",
    ]
    assert (told["kind"], told["state"], told["lookUp"]["organisation"]) == (
        "look-up",
        "explained",
        "2120000142",
    )
    assert "caller" not in told["lookUp"]


@pytest.mark.parametrize("user", [NOT_LISTED, NO_NUMBER])
def test_who_is_not_in_the_registry_has_nothing_to_ask(house: House, user: SandboxUser) -> None:
    with house.browser(user) as browser:
        assert "inget att rätta" in text(browser.get("/me/corrections/new"))
        assert "Du har inte anmält eller begärt något." in text(browser.get("/me/requests"))
        assert send(browser, "/me/corrections", fact="licence:1", words="x").status_code == 422
        assert send(browser, "/me/look-ups/1/report", words="x").status_code == 404


def test_lists_are_paged_and_what_is_late_is_marked(
    own_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.web.pages.answering.REQUESTS_A_PAGE", 2)
    with own_house.browser(STAFF) as nils, own_house.browser(ADMIN) as admin:
        for _ in range(5):
            correct(nils)
        late = sa.update(subject_request).values(created_at=subject_request.c.created_at)
        with writing(own_house.world.access_engine).begin() as connection:
            first = connection.execute(sa.select(subject_request.c.id, subject_request.c.created_at)).first()
            assert first
            connection.execute(
                late.where(subject_request.c.id == first.id).values(
                    created_at=first.created_at - timedelta(days=40)
                )
            )
        page, found = admin.get("/corrections"), []
        assert text(page).count("Försenad") == 1
        while True:
            found += re.findall(r'href="/corrections/(req_[\w-]+)"', page.text)
            older = re.search(r'rel="next" href="([^"]+)"', page.text)
            if not older:
                break
            page = admin.get(older[1].replace("&amp;", "&"))
            assert "Försenad" not in text(page)
        assert len(found) == len(set(found)) == 5
        assert found[0] == first.id
        assert admin.get("/corrections?state=ended").text.count("req_") == 0
        for wrong in (
            "",
            "x",
            "2026-01-01_req_1",
            "2026-01-01T00:00:00_req_1",
            f"2026-01-01T00:00:00Z_{'x' * 50}",
        ):
            assert admin.get("/corrections", params={"after": wrong}).status_code == 400


def test_without_its_event_a_request_is_not_shown(own_house: House) -> None:
    with own_house.browser(STAFF) as nils, own_house.browser(ADMIN) as admin:
        request = REQUEST.findall(correct(nils, "Hemliga ord").text)[0]
        own_house.break_access_log()
        for browser, address in ((admin, f"/corrections/{request}"), (nils, "/me/requests")):
            answered = browser.get(address)
            assert answered.status_code == 503
            assert "Hemliga ord" not in answered.text


def test_in_english(place: House, nils: httpx.Client) -> None:
    correct(nils)
    with place.browser(STAFF, accept="en") as english:
        assert heading(english.get("/me/corrections/new")) == "Ask for a correction"
        assert "Correction asked for: Received" in text(english.get("/me/requests"))


def test_the_policy_decides_whether_people_are_told_who_looked(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = 'look_ups = "shown"\nwho_looked = "absent"'
    path = policy_file(tmp_path_factory.mktemp("policy"), before, 'look_ups = "shown"\nwho_looked = "shown"')
    with running_house(tmp_path_factory.mktemp("told"), REGISTRY_ACCESS__POLICY_FILE=path) as house:
        looked(house)
        with house.browser(STAFF) as nils:
            assert f"Vem: {EMPLOYER.subject}" in text(nils.get("/me"))
            assert nils.get("/me/export").json()["lookUps"][2]["caller"] == EMPLOYER.subject


def test_where_look_ups_are_not_shown_nothing_is_told_of_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = 'look_ups = "shown"\nwho_looked = "absent"'
    path = policy_file(
        tmp_path_factory.mktemp("policy"), before, 'look_ups = "absent"\nwho_looked = "absent"'
    )
    with running_house(tmp_path_factory.mktemp("hidden"), REGISTRY_ACCESS__POLICY_FILE=path) as house:
        looked(house)
        with house.browser(STAFF) as nils:
            page = nils.get("/me")
            assert "Inför anställning" not in page.text
            assert "2120000142" not in page.text
            assert "Nils Erik Påhitt" in text(page)
            assert nils.get("/me/export").json()["lookUps"][0] == {}
