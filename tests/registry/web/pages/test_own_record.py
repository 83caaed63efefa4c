"""Who has looked, page by page, and everything about oneself as a file."""

import json
from datetime import datetime

import httpx
import pytest

from tests.registry.web.pages.house import (
    EMPLOYER,
    HIDDEN,
    NO_NUMBER,
    NOT_LISTED,
    NURSE,
    PROTECTED,
    STAFF,
    House,
    send,
    text,
)

EVENTS = "Vem har tagit del av mina uppgifter?"


def _looked(house: House, times: int) -> None:
    with house.browser(EMPLOYER) as employer:
        for _ in range(times):
            send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")


def test_earlier_look_ups_are_on_pages_of_their_own(own_house: House) -> None:
    _looked(own_house, 52)
    with own_house.browser(STAFF) as browser:
        first = browser.get("/me")
        assert first.text.count("Svaret: Ja") == 50
        assert "Senaste" not in text(first)
        older = httpx.URL(
            first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        )
        second = browser.get(older)
        # Two are left. That the first page was seen is newer than where the page begins.
        assert second.text.count("Svaret: Ja") == 2
        assert "Du själv" not in text(second)
        assert 'rel="next"' not in second.text
        assert 'rel="prev" href="/me#events-title"' in second.text
        assert "Nils Erik Påhitt" in text(second)


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "9" * 19, "²", "1 OR 1=1"])
def test_what_is_no_event_is_no_page(house: House, before: str) -> None:
    with house.browser(STAFF) as browser:
        assert browser.get("/me", params={"before": before}).status_code == 400


def test_before_the_first_event_there_is_none(house: House) -> None:
    with house.browser(STAFF) as browser:
        assert "Ingen har tagit del av dina uppgifter." in text(browser.get("/me?before=0"))


def test_what_was_given_out_is_told_where_nothing_was(own_house: House) -> None:
    own_house.protect("Påhitt")
    with own_house.browser(EMPLOYER) as employer:
        employer.get(f"/practitioners/{own_house.public_id('Påhitt')}?purpose=supervision")
    with own_house.browser(STAFF) as browser:
        events = text(browser.get("/me")).partition(EVENTS)[2]
    assert "Uppgifterna visades · Ändamål: Tillsyn Inget lämnades ut om dig" in events


def test_everything_held_about_oneself_is_a_file(own_house: House) -> None:
    _looked(own_house, 1)
    with own_house.browser(STAFF) as browser:
        answer = browser.get("/me/export")
        assert 'href="/me/export" download' in browser.get("/me").text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mina-uppgifter.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    whole = json.loads(answer.content)
    assert whole["personalIdentityNumber"] == NURSE
    (record,) = whole["records"]
    assert (record["name"], record["protected"]) == ("Nils Erik Påhitt", False)
    assert [one["profession"]["code"] for one in record["licences"]] == ["registered-nurse"]
    (licence,) = record["history"]
    assert licence["feed"] == "hosp"
    assert [one["knownTo"] for one in licence["versions"]] == [None]
    export, check = whole["lookUps"]
    # The file tells of itself, too: it is written to the log before it is made.
    assert (export["action"], export["yourself"]) == ("own-record", True)
    assert (check["action"], check["answer"], check["organisation"]) == ("verify", "yes", "2120000142")
    assert (check["purpose"], check["yourself"]) == ("recruitment", False)
    assert datetime.fromisoformat(check["at"]).tzinfo is not None
    assert "Ebba" not in answer.text
    event = own_house.events()[-2]
    assert (event.action, event.question) == ("own-record", '{"export":true}')


def test_every_look_up_is_in_the_file(own_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.web.pages.own_record._EVENTS_AT_ONCE", 3)
    _looked(own_house, 7)
    with own_house.browser(STAFF) as browser:
        whole = browser.get("/me/export").json()
    assert [one["action"] for one in whole["lookUps"]] == ["own-record", *["verify"] * 7]


def test_a_protected_person_gets_theirs_and_nobody_elses(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=PROTECTED, purpose="recruitment")
        assert employer.get("/me/export").status_code == 403
    with own_house.browser(HIDDEN) as browser:
        whole = browser.get("/me/export").json()
    (record,) = whole["records"]
    assert (record["name"], record["protected"]) == ("Hanna Hemlig", True)
    assert [one["answer"] for one in whole["lookUps"]] == ["1 records", "ask"]


@pytest.mark.parametrize("user", [NOT_LISTED, NO_NUMBER])
def test_who_is_not_in_the_registry_gets_an_empty_one(house: House, user: object) -> None:
    with house.browser(user) as browser:  # type: ignore[arg-type]
        whole = browser.get("/me/export").json()
    assert (whole["records"], whole["lookUps"]) == ([], [])


def test_without_its_event_there_is_no_file(own_house: House) -> None:
    with own_house.browser(STAFF) as browser:
        own_house.break_access_log()
        answer = browser.get("/me/export")
    assert answer.status_code == 503
    assert NURSE not in answer.text
