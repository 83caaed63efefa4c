"""Rendering: this room's own template environment, the frame around every page, and its answer headers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, g, make_response, request, url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.datastructures import MultiDict

from registry.access.caller import Caller
from registry.access.csrf import csrf_token
from registry.access.login import LOGIN
from registry.access.providers import login_offered
from registry.access.sessions import SessionsUnavailableError, needs_secure_cookies
from registry.access.signed_in import optional_caller
from registry.identifiers import holds_personal_number
from registry.settings import Settings
from registry.web.context import context
from registry.web.pages.language import CODES, Language, choose

FOLDER = Path(__file__).parent
LANGUAGE_COOKIE = "language"
_YEAR_S = 31_536_000
# Nothing runs and nothing comes from elsewhere. `form-action` also counts for where a form is redirected to, and
# logging out leads on to the identity provider.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{provider}; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Where a page names a script of ours: that one may run, and ask us.
_SCRIPT_POLICY = "; script-src 'self'; connect-src 'self'"
_OWN_NAMES = {"sv": "Svenska", "en": "English"}


@dataclass(frozen=True, slots=True)
class UserView:
    """Who is logged in, for the frame, and what they may do."""

    name: str
    organisation: str
    may_check: bool
    may_search: bool
    may_see_self: bool
    may_administer: bool


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One link of the menu: its text's key, where it leads, and whether we are there."""

    key: str
    url: str
    current: bool


@cache
def environment() -> Environment:
    """Return the templates; an unknown name in one is an error, never an empty place on the page."""
    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:16]


def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so that browsers may keep it."""
    return url_for("assets.static", filename=name, v=_digest(name))


def current_language() -> Language:
    """Return the language of this answer."""
    if "registry_language" not in g:
        g.registry_language = choose(
            request.args.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.accept_languages,
            context().settings.service.default_language,
        )
    chosen: Language = g.registry_language
    return chosen


def page(
    template: str,
    *,
    status: int = 200,
    scripts: Sequence[str] = (),
    **values: Any,  # noqa: ANN401 - what templates show
) -> Response:
    """Return a page: the template inside the frame.

    Args:
        template: its file.
        status: of the answer.
        scripts: static files that may run on the page, which must work without them. No page has any on which somebody is
            asked for a personal identity number in a field.
        values: what the template shows.
    """
    settings = context().settings
    lang = current_language()
    caller = _caller()
    html = (
        environment()
        .get_template(f"pages/{template}")
        .render(
            lang=lang,
            t=lang.text,
            user=_user(caller),
            menu=_menu(caller, settings),
            links=_links(settings),
            switch=_switch(lang),
            asset=asset,
            csrf_token=csrf_token() if caller else "",
            scripts=scripts,
            **values,
        )
    )
    return _with_headers(make_response(html, status), settings, lang, runs=bool(scripts))


def _caller() -> Caller | None:
    """Return who is logged in; nobody where sessions can't be read, so that an error page can still be shown."""
    try:
        return optional_caller()
    except SessionsUnavailableError:
        return None


def _user(caller: Caller | None) -> UserView | None:
    if caller is None:
        return None
    return UserView(
        name=caller.name,
        organisation=caller.organisation,
        may_check=caller.may("registry:verify"),
        may_search=caller.may("registry:search"),
        may_see_self=_offered(caller, "registry:self"),
        may_administer=caller.may("registry:admin"),
    )


def _menu(caller: Caller | None, settings: Settings) -> Sequence[MenuItem]:
    items = [("frame.about", "pages_public.about")]
    if caller:
        if _offered(caller, "registry:admin"):
            items.insert(0, ("frame.feeds", "pages.feeds"))
        if _offered(caller, "registry:corrections"):
            items.insert(0, ("frame.corrections", "pages.corrections"))
        if _offered(caller, "registry:oversight"):
            items.insert(0, ("frame.oversight", "pages.privacy"))
        if _offered(caller, "registry:reports"):
            items.insert(0, ("frame.reports", "pages.reports"))
        if _offered(caller, "registry:self"):
            items.insert(0, ("frame.me", "pages.me"))
        if _offered(caller, "registry:search"):
            items.insert(0, ("frame.search", "pages.search"))
        if _offered(caller, "registry:verify"):
            items.insert(0, ("frame.checks", "pages.checks"))
            items.insert(0, ("frame.lists", "pages.lists"))
            items.insert(0, ("frame.check", "pages_public.start"))
    menu = [MenuItem(key, url_for(endpoint), request.endpoint == endpoint) for key, endpoint in items]
    if caller is None and login_offered(settings):
        menu.append(MenuItem("frame.log-in", _login_url(), current=False))
    return menu


def _offered(caller: Caller, scope: str) -> bool:
    """Tell whether a page is in the menu: also one that takes a stronger login, which the page then asks for."""
    return caller.may(scope) or scope in caller.withheld


def _links(settings: Settings) -> dict[str, str]:
    return {
        "start": url_for("pages_public.start"),
        "about": url_for("pages_public.about"),
        "check": url_for("pages.check"),
        "consents": url_for("pages.own_consents"),
        "checks": url_for("pages.checks"),
        "lists": url_for("pages.lists"),
        "search": url_for("pages.search"),
        "suggestions": url_for("pages.suggestions"),
        "me": url_for("pages.me"),
        "requests": url_for("pages.own_requests"),
        "correction": url_for("pages.correction"),
        "send_correction": url_for("pages.send_correction"),
        "export": url_for("pages.export_own"),
        "feeds": url_for("pages.feeds"),
        "privacy": url_for("pages.privacy"),
        "reports": url_for("pages.reports"),
        "login": _login_url() if login_offered(settings) else "",
        "logout": url_for("login.logout"),
        "sessions": url_for("pages.sessions"),
        "other_sessions": url_for("pages.end_other_sessions"),
    }


def _login_url() -> str:
    """Return where to log in and come back here; to the start page from what can't be asked for again."""
    here = _address(request.args) if request.endpoint and request.method == "GET" else "/"
    return url_for("login.start", next=here)


def _switch(lang: Language) -> dict[str, str]:
    """Return the link to the same page in the other language; to the start page from an answer to a form."""
    other = next(code for code in CODES if code != lang.code)
    args = MultiDict(request.args)
    args.setlist("lang", [other])
    again = request.method == "GET" and request.routing_exception is None
    url = _address(args) if again else url_for("pages_public.start", lang=other)
    return {"url": url, "code": other, "name": _OWN_NAMES[other]}


def _address(args: MultiDict[str, str]) -> str:
    """Return this page's address with `args`; without them where they may hold a personal identity number."""
    if any(holds_personal_number(value) for value in (request.path, *args.values())):
        return url_for("pages_public.start")
    query = urlencode(list(args.items(multi=True)))
    return f"{request.path}?{query}" if query else request.path


def _with_headers(response: Response, settings: Settings, lang: Language, *, runs: bool) -> Response:
    policy = _POLICY.format(provider=_provider()) + (_SCRIPT_POLICY if runs else "")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Content-Language"] = lang.code
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept-Language")
    response.vary.add("Cookie")
    if request.args.get("lang") == lang.code:
        response.set_cookie(
            LANGUAGE_COOKIE,
            lang.code,
            max_age=_YEAR_S,
            secure=needs_secure_cookies(settings.service),
            httponly=True,
            samesite="Lax",
        )
    return response


def _provider() -> str:
    """Return where logging out leads on to, as a source of the policy; for who is not logged in there is nothing to leave."""
    caller = _caller()
    origin = current_app.extensions[LOGIN].logout_origin(caller) if caller else ""
    return f" {origin}" if origin else ""
