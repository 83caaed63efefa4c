import re

import httpx
import pytest
from flask import Flask

from registry.access.guard import admissions, unprotected_rules
from registry.settings import ROOT
from registry.web.pages.render import environment
from tests.registry.web.pages.house import (
    EMPLOYER,
    NO_ROLE,
    STAFF,
    House,
    csrf,
    heading,
    text,
)

PUBLIC = ("/", "/about")


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize(("accept", "code"), [("sv", "sv"), ("en-GB,en;q=0.9", "en"), ("fi", "sv")])
def test_pages_come_in_the_language_of_the_browser(house: House, path: str, accept: str, code: str) -> None:
    with house.browser(accept=accept) as browser:
        page = browser.get(path)
    assert f'<html lang="{code}">' in page.text
    assert page.headers["content-language"] == code
    assert "Accept-Language" in page.headers["vary"]


def test_the_language_link_is_remembered(house: House) -> None:
    with house.browser() as browser:
        assert 'href="/about?lang=en" lang="en" hreflang="en">English' in browser.get("/about").text
        assert heading(browser.get("/about?lang=en")) == "About the registry"
        assert heading(browser.get("/")) == "May this person practise?"
        cookie = browser.cookies.jar
        assert {(c.name, c.value, c.has_nonstandard_attr("HttpOnly")) for c in cookie} == {
            ("language", "en", True)
        }
        assert heading(browser.get("/?lang=sv")) == "Får personen arbeta i yrket?"


def test_the_language_link_keeps_the_search(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.get("/search?q=andersson&purpose=recruitment&profession=dietitian")
        link = "/search?q=andersson&amp;purpose=recruitment&amp;profession=dietitian&amp;lang=en"
        assert f'href="{link}"' in page.text
        assert "9 people found" in text(browser.get(link.replace("&amp;", "&")))


@pytest.mark.parametrize("path", ["/", "/about", "/search", "/me", "/nowhere"])
@pytest.mark.parametrize("accept", ["sv", "en"])
@pytest.mark.parametrize("user", [EMPLOYER, STAFF])
def test_every_page_has_the_frame_that_helps_everybody(
    house: House, path: str, accept: str, user: object
) -> None:
    with house.browser(user, accept) as browser:  # type: ignore[arg-type]
        page = browser.get(path)
    assert page.text.count("<h1") == 1
    assert '<a class="skip" href="#content">' in page.text
    assert '<main id="content" tabindex="-1">' in page.text
    assert "<nav aria-label=" in page.text
    assert re.search(r"<title>[^<]+ – [^<]+</title>", page.text)


def test_pages_run_nothing_and_load_nothing_from_elsewhere(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'")
    assert not re.search("unsafe|script-src|connect-src", policy)
    assert house.idp.issuer in policy
    assert not re.search(r"<script|<style| style=| on[a-z]+=|javascript:", page.text)
    assert set(re.findall(r'(?:src|href|action)="(https?:|//)', page.text)) == set()


def test_one_page_runs_one_script_of_ours_and_nothing_else(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.get("/search")
        (address,) = re.findall(r"<script([^>]*)>([^<]*)</script>", page.text)
        source = re.fullmatch(r' src="(/assets/suggest\.js\?v=[0-9a-f]{16})" defer', address[0])
        assert source
        assert address[1] == ""
        script = browser.get(source[1])
    policy = page.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert policy[-2:] == ["script-src 'self'", "connect-src 'self'"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert "max-age=31536000" in script.headers["cache-control"]
    assert not re.search(r"innerHTML|insertAdjacent|eval\(|new Function|document\.write|https?:", script.text)


def test_no_template_holds_script_or_styles() -> None:
    ours = '<script src="{{ asset(script) }}" defer></script>'
    for name in environment().list_templates():
        source, _, _ = environment().loader.get_source(environment(), name)  # type: ignore[union-attr]
        assert not re.search(r"<script|<style| style=| on[a-z]+=|\|\s*safe", source.replace(ours, "")), name


def test_pages_about_people_are_not_kept_by_anyone(house: House, employer: httpx.Client) -> None:
    assert employer.get("/").headers["cache-control"] == "no-store"
    assert employer.get("/search?q=andersson&purpose=recruitment").headers["cache-control"] == "no-store"


def test_styles_are_kept_because_their_address_changes_with_them(house: House) -> None:
    with house.browser() as browser:
        addresses = re.findall(r'rel="stylesheet" href="([^"]+)"', browser.get("/").text)
        styles = [browser.get(address) for address in addresses]
    assert [address.partition("?")[0] for address in addresses] == [
        "/assets/frame.css",
        "/assets/forms.css",
        "/assets/answers.css",
        "/assets/search.css",
        "/assets/lists.css",
        "/assets/print.css",
    ]
    for style in styles:
        assert style.status_code == 200
        assert style.headers["content-type"].startswith("text/css")
        assert "max-age=31536000" in style.headers["cache-control"]
        assert not re.search(r"@import|url\(", style.text)


def test_strangers_are_sent_to_the_login_and_back(house: House) -> None:
    with house.browser() as browser:
        browser.follow_redirects = False
        page = browser.get("/search?q=andersson&purpose=recruitment")
    assert page.status_code == 302
    assert page.headers["location"] == "/login?next=/search?q%3Dandersson%26purpose%3Drecruitment"


def test_strangers_see_what_it_is_and_how_to_log_in(house: House) -> None:
    with house.browser() as browser:
        page = browser.get("/")
    assert "För arbetsgivare" in text(page)
    assert 'class="button" href="/login?next=/"' in page.text
    assert "<form" not in page.text


def test_each_role_sees_what_it_may_use(house: House) -> None:
    shown = {}
    for user in (EMPLOYER, STAFF, NO_ROLE):
        with house.browser(user) as browser:
            shown[user.subject] = browser.get("/")
    menus = {
        name: re.findall(r'<li><a href="([^"?]+)"', page.text.split("</nav>")[0])
        for name, page in shown.items()
    }
    assert menus["ebba"] == ["/", "/lists", "/checks", "/search", "/about"]
    assert menus["nils"] == ["/me", "/about"]
    assert menus["rolf"] == ["/about"]
    assert 'action="/check"' in shown["ebba"].text
    assert 'action="/check"' not in shown["nils"].text
    assert "ditt konto har ingen roll" in text(shown["rolf"])


def test_somebody_logs_out(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.get("/")
        assert "Inloggad: Ebba Exempel · organisation 2120000142" in text(page)
        after = browser.post("/logout", data={"csrf_token": csrf(page)})
        assert str(after.url) == f"{house.url}/"
        assert "Inloggad" not in text(after)


@pytest.mark.parametrize(
    ("request_line", "status", "headings"),
    [
        ("GET /nowhere", 404, ("Sidan finns inte", "There is no such page")),
        ("PUT /about", 405, ("Det går inte att öppna", "The address can't be opened")),
        ("GET /about?x=19850709-9805", 400, ("Personnummer får inte stå", "A personal identity number must")),
        ("GET /login/callback?state=x&code=y", 400, ("Inloggningen lyckades inte", "The login did not")),
    ],
)
def test_errors_are_pages_that_say_what_to_do(
    house: House, request_line: str, status: int, headings: tuple[str, str]
) -> None:
    for accept, words in zip(("sv", "en"), headings, strict=True):
        with house.browser(accept=accept) as browser:
            page = browser.request(*request_line.split())
        assert page.status_code == status
        assert heading(page).startswith(words)
        assert 'href="/"' in page.text
        assert page.headers["x-request-id"] in page.text


def test_too_large_a_form_is_refused_with_a_page(house: House) -> None:
    with house.browser(EMPLOYER) as browser:
        page = browser.post("/check", data={"given": "x" * 100_000})
    assert page.status_code == 413
    assert heading(page) == "Det du skickade är för stort"


def test_an_unforeseen_fault_is_a_page_without_details(
    own_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setitem(own_house.app.view_functions, "pages_public.about", fail)
    with own_house.browser() as browser:
        page = browser.get("/about")
    assert page.status_code == 500
    assert heading(page) == "Något gick fel"
    assert "secret detail" not in page.text


def test_when_sessions_cannot_be_read_the_reader_is_told(own_house: House) -> None:
    with own_house.browser(EMPLOYER) as browser:
        own_house.break_sessions()
        page = browser.get("/search")
    assert page.status_code == 503
    assert heading(page) == "Inloggningen fungerar inte just nu"


def test_the_page_about_the_registry_tells_sources_and_words(house: House) -> None:
    with house.browser() as browser:
        shown = text(browser.get("/about"))
    assert "HOSP Testmyndigheten Personen har ingen legitimation i testregistret. Senast inläst" in shown
    assert "Återkallad Gäller inte. Myndigheten har återkallat den." in shown


def test_a_stale_source_says_so(own_house: House) -> None:
    own_house.age_feeds(days=30)
    with own_house.browser(EMPLOYER) as browser:
        assert "Uppgifterna är äldre än utlovade 48 timmar." in text(browser.get("/about"))
        page = browser.get(f"/practitioners/{own_house.public_id('Påhitt')}?purpose=lookup")
    assert "Sjuksköterska Fråga" in text(page)
    assert "Uppgifterna är äldre än utlovade 48 timmar." in text(page)


def test_every_page_says_who_may_call_it(house: House) -> None:
    app: Flask = house.app
    assert unprotected_rules(app) == []
    ours = {
        name: kind.kind
        for name, kind in admissions(app).items()
        if kind and name.split(".")[0].startswith("pages")
    }
    assert {name for name, kind in ours.items() if kind == "public"} == {
        "pages_public.start",
        "pages_public.about",
    }
    assert all(kind == "login" for name, kind in ours.items() if name.startswith("pages."))


def test_the_documentation_lists_every_page(house: House) -> None:
    documented = set(re.findall(r"`((?:GET|POST) /[^`]*)`", (ROOT / "docs/pages.md").read_text("utf-8")))
    ours = {
        f"{method} {rule.rule}"
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        if rule.endpoint.partition(".")[0] in {"pages", "pages_public", "assets"}
    }
    assert documented == ours
