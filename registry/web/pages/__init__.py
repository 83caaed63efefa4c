"""Pages for people: server-rendered, in Swedish and English; they work without script."""

from flask import Flask

from registry.settings import Settings
from registry.web.pages import (
    answering,
    check,
    checks,
    consents,
    feeds,
    list_actions,
    lists,
    oversight,
    own_record,
    records,
    search,
    sessions,
    start,
    subject_requests,
)
from registry.web.pages.blueprints import assets, open_pages, pages
from registry.web.pages.errors import error_page
from registry.web.pages.render import environment
from registry.web.pages.whole import whole_or_not
from registry.web.problems import ERROR_PAGE

# Importing them puts their views into the blueprints.
__all__ = [
    "answering",
    "check",
    "checks",
    "consents",
    "feeds",
    "list_actions",
    "lists",
    "oversight",
    "own_record",
    "records",
    "register",
    "search",
    "sessions",
    "start",
    "subject_requests",
]


pages.before_request(whole_or_not)


def register(app: Flask, _settings: Settings) -> None:
    """Give `app` the pages, their styles, and their page for errors."""
    environment()
    for blueprint in (open_pages, pages, assets):
        app.register_blueprint(blueprint)
    app.extensions[ERROR_PAGE] = error_page
