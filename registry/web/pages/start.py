"""The start page, and the page about the registry: what it is, where its facts come from, what its words mean."""

from flask import Response

from registry.access.signed_in import optional_caller
from registry.vocabulary import STATUSES, Vocabulary
from registry.web.context import context
from registry.web.pages.blueprints import open_pages
from registry.web.pages.check_form import WAYS, FormError, Typed
from registry.web.pages.common import (
    authority_options,
    known_feeds,
    profession_options,
    purpose_options,
    viewer,
)
from registry.web.pages.language import Language
from registry.web.pages.render import current_language, page
from registry.web.pages.search_form import SearchTyped


@open_pages.get("/")
def start() -> Response:
    """Show what the registry is, and to people who may ask, the forms."""
    return start_page(Typed())


def start_page(typed: Typed, errors: tuple[FormError, ...] = (), status: int = 200) -> Response:
    """Return the start page with what was typed and what is wrong with it."""
    caller = optional_caller()
    known = known_feeds() if caller and caller.may("registry:verify") else {}
    return page(
        "start.html",
        status=status,
        form=typed,
        errors=errors,
        ways=WAYS,
        professions=profession_options(),
        authorities=authority_options(known),
        purposes=purpose_options(),
        search=SearchTyped(),
        max_query_length=context().settings.search.max_query_length,
    )


@open_pages.get("/about")
def about() -> Response:
    """Tell where the facts come from and how fresh they are, what the words mean, and how people are protected."""
    return page(
        "about.html",
        sources=viewer(known_feeds()).sources(),
        statuses=_statuses(context().vocabulary, current_language()),
    )


def _statuses(words: Vocabulary, language: Language) -> list[tuple[str, str]]:
    return [
        (words.status_label(status, language.code), language.text(f"status-text.{status}"))
        for status in STATUSES
    ]
