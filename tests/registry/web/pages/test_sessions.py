"""The page of one's own logins: seeing them, ending one or all others, and nobody else's."""

import re

import httpx

from tests.registry.web.pages.house import EMPLOYER, OUTSIDER, House, press, text

ENDING = re.compile(r'action="(/sessions/[0-9a-f]{24}/end)"')
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def endings(browser: httpx.Client) -> list[str]:
    return ENDING.findall(browser.get("/sessions").text)


def logged_in(browser: httpx.Client) -> bool:
    return "Ebba Exempel" in text(browser.get("/"))


def test_a_person_sees_where_they_are_logged_in_and_ends_it(house: House) -> None:
    with house.browser(EMPLOYER) as here, house.browser(EMPLOYER) as there, house.browser(OUTSIDER) as else_:
        before = len(endings(here))
        page = text(here.get("/sessions"))
        assert "Den du använder nu" in page
        assert page.count("En annan webbläsare") >= 2
        ours = [one for one in endings(here) if one not in endings(there)]
        assert len(ours) == 1, "each sees the other, and not itself, to be ended"
        press(here, here.get("/sessions"), ours[0])
        assert logged_in(here)
        assert not logged_in(there)
        assert len(endings(here)) == before - 1
        assert "Olle Utanför" in text(else_.get("/"))


def test_all_others_are_ended_at_once(house: House) -> None:
    with house.browser(EMPLOYER) as here, house.browser(EMPLOYER) as one, house.browser(EMPLOYER) as two:
        press(here, here.get("/sessions"), "/sessions/end-others")
        assert endings(here) == []
        assert "Avsluta alla andra" not in text(here.get("/sessions"))
        assert [logged_in(each) for each in (here, one, two)] == [True, False, False]


def test_nobody_ends_anybody_elses(house: House) -> None:
    with house.browser(EMPLOYER) as ebba, house.browser(EMPLOYER) as again, house.browser(OUTSIDER) as olle:
        (hers, *_) = endings(ebba)
        assert hers not in olle.get("/sessions").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', olle.get("/sessions").text)
        assert token
        for handle in (hers, "/sessions/" + "0" * 24 + "/end", "/sessions/x/end"):
            assert olle.post(handle, data={"csrf_token": token[1]}).status_code == 200
        assert logged_in(ebba)
        assert logged_in(again)
        assert ebba.post(hers).status_code == 403, "not without the form's proof"
        assert logged_in(again)


def test_the_kind_of_browser_is_told_and_no_more(house: House) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "en", "User-Agent": FIREFOX}
    with httpx.Client(base_url=house.url, follow_redirects=True, headers=headers) as browser:
        choice = browser.get("/login")
        browser.post(choice.url, data={"login": EMPLOYER.subject})
        page = text(browser.get("/sessions"))
        assert "Firefox, Windows" in page
        assert "140" not in page
        press(browser, browser.get("/sessions"), "/logout")


def test_strangers_are_sent_to_the_login(house: House) -> None:
    with house.browser() as browser:
        assert "/sessions" in str(browser.get("/sessions", follow_redirects=False).headers["Location"])
