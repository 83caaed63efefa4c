"""Pages show people whole or not at all: who is shown less by the policy gets no page that shows more."""

from collections.abc import Iterator

import pytest

from registry.access.guard import stated_scopes
from registry.web.pages.whole import _SHOWN
from tests.registry.web.pages.house import (
    ADMIN,
    EMPLOYER,
    REVOKED,
    STAFF,
    House,
    heading,
    policy_file,
    running_house,
    send,
)

PEOPLE = (
    "/search",
    "/search?q=lindstr%C3%B6m&purpose=recruitment",
    "/search/suggestions?q=lind",
    "/check",
    "/checks",
    "/lists",
)
LIST = "/lists/lst_AAAAAAAAAAAAAAAAAAAAAA/results.json"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A registry where employers are not shown, for one purpose, that somebody has died; all else is as shipped."""
    folder = tmp_path_factory.mktemp("narrow")
    less = '[roles.employer.purposes.lookup]\ndeath = "absent"\n[roles.employer.sees]'
    path = policy_file(tmp_path_factory.mktemp("policy"), "[roles.employer.sees]", less)
    with running_house(folder, REGISTRY_ACCESS__POLICY_FILE=path) as house:
        yield house


def test_every_scope_of_a_page_says_what_its_pages_show(house: House) -> None:
    rules = [rule for rule in house.app.url_map.iter_rules() if rule.endpoint.startswith("pages.")]
    assert len(rules) > 20
    for rule in rules:
        for method in rule.methods or set():
            assert set(stated_scopes(house.app, rule.endpoint, method) or ()) <= _SHOWN.keys()


def test_who_is_shown_less_than_a_page_shows_gets_no_page_about_people(narrow: House) -> None:
    person = f"/practitioners/{narrow.public_id('Lindström-Öhman')}"
    with narrow.browser(EMPLOYER) as browser:
        for address in (*PEOPLE, person, LIST):
            page = browser.get(address)
            assert page.status_code == 403, address
            assert "Lindström" not in page.text
        assert heading(browser.get("/search")) == "Du har inte behörighet"
        assert browser.get("/").status_code == 200
    assert not narrow.events()


def test_others_get_theirs_by_the_same_policy(narrow: House, house: House) -> None:
    with narrow.browser(STAFF) as browser:
        assert browser.get("/me").status_code == 200
    with narrow.browser(ADMIN) as browser:
        assert browser.get("/feeds").status_code == 200
        assert browser.get("/search").status_code == 403
    with house.browser(EMPLOYER) as browser:
        for address in (
            "/search?q=lindstr%C3%B6m&purpose=recruitment",
            "/search/suggestions?q=lind",
            "/checks",
            "/lists",
        ):
            assert browser.get(address).status_code == 200, address


def test_a_check_that_is_sent_without_its_page_shows_nobody_either(narrow: House, house: House) -> None:
    for one, status in ((house, 200), (narrow, 403)):
        with one.browser(EMPLOYER) as browser:
            fields = {"way": "personal-number", "personal_number": REVOKED, "purpose": "recruitment"}
            answer = send(browser, "/check", **fields)
            assert answer.status_code == status
            assert ("Lindström" in answer.text) == (status == 200)
