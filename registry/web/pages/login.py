"""Where a person chooses the identity provider to log in at, and the addresses of login that pages show."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, current_app, url_for

from registry.access.caller import Caller
from registry.access.login import LOGIN, LoginViews
from registry.access.providers import Trusted
from registry.web.pages.render import current_language, page


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One provider as it is offered: its name in the reader's language, and where its login begins."""

    label: str
    url: str


def login_choice(providers: Sequence[Trusted], path: str) -> Response:
    """Show the providers in the order of the settings; `path` is where the login leads to."""
    code = current_language().code
    return page(
        "login_choice.html",
        providers=[
            ProviderView(_label(each, code), url_for("login.start", provider=each.name, next=path))
            for each in providers
        ],
    )


def login_url(path: str) -> str:
    """Return where to log in and come back to `path`; "" where no login is offered."""
    views: LoginViews = current_app.extensions[LOGIN]
    return views.login_url(path)


def stronger_login(caller: Caller, path: str) -> str:
    """Return where to log in anew with a stronger method and come back to `path`."""
    views: LoginViews = current_app.extensions[LOGIN]
    return views.stronger_url(caller, path)


def _label(trusted: Trusted, code: str) -> str:
    labels = {"sv": trusted.settings.label_sv, "en": trusted.settings.label_en}
    return labels[code] or labels["sv"] or labels["en"] or trusted.name
