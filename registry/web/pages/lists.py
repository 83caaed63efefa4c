"""Staff lists: sending one, looking at how far it has come, and what became of its rows."""

from collections.abc import Mapping
from typing import Any

from flask import Response, g, jsonify, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import current_caller, requires_scope
from registry.checks.lists import answers, handling, unconfirmed
from registry.checks.lists.errors import ListStateError, ListTooLargeError, UnreadableListError
from registry.checks.lists.fields import FIELDS
from registry.checks.lists.handling import StaffList
from registry.errors import BadRequestError
from registry.web.api.batch_upload import taken_in
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import Choices, FormError
from registry.web.pages.common import (
    Option,
    authority_options,
    known_feeds,
    profession_codes,
    profession_options,
    purpose_options,
    purposes,
    viewer,
)
from registry.web.pages.list_columns import SAMPLE_ROWS, column_views
from registry.web.pages.list_upload import ListTyped, file_error, read_list_form
from registry.web.pages.list_view import (
    counts,
    filters,
    list_view,
    progress_text,
    results_url,
    row_view,
    wanted,
)
from registry.web.pages.render import current_language, page
from registry.web.uploads import takes_lists

_CONFLICT, _UNUSABLE = 409, 422
_LISTS_A_PAGE = 50
_FILE_FORMS = ("csv", "xlsx", "json")
_LONGEST_NUMBER = 6


@pages.get("/lists")
@requires_scope("registry:verify")
def lists() -> Response:
    """Show the form that sends a list, and the lists of the organisation."""
    return _form(ListTyped(), ())


@pages.post("/lists")
@requires_scope("registry:verify")
@takes_lists
def send_list() -> Response:
    """Take a list in; what its columns tell is confirmed on the next page."""
    shared = context()
    authorities = {feed.authority_id for feed in known_feeds().values()}
    choices = Choices(profession_codes(), authorities, purposes())
    limits = shared.settings.checks.lists
    form = read_list_form(request.form, request.files.get("file"), choices, limits, shared.today())
    if form.sent is None:
        return _form(form.typed, form.errors, _UNUSABLE)
    try:
        found = taken_in(shared, form.sent, g.request_id).found
    except ListStateError:
        # The only state in which a new list is refused: too many are not done yet.
        return _form(form.typed, (FormError("file", "wrong.lists-waiting"),), _CONFLICT)
    except (ListTooLargeError, UnreadableListError) as error:
        return _form(form.typed, (FormError("file", file_error(error)),), _UNUSABLE)
    return to_list(found.id)


def _form(typed: ListTyped, errors: tuple[FormError, ...], status: int = 200) -> Response:
    known = known_feeds()
    view, limits, number = viewer(known), context().settings.checks.lists, _page_number()
    found, total = handling.page(
        context(), current_caller(), limit=_LISTS_A_PAGE, offset=(number - 1) * _LISTS_A_PAGE
    )
    return page(
        "lists.html",
        status=status,
        scripts=("upload.js",),
        form=typed,
        errors=errors,
        purposes=purpose_options(),
        professions=profession_options(),
        authorities=authority_options(known),
        max_rows=view.language.number(limits.max_rows),
        max_megabytes=view.language.number(limits.max_bytes // 1_048_576),
        max_bytes=limits.max_bytes,
        keep_days=view.language.number(limits.keep_days),
        lists=[list_view(each, view) for each in found],
        newer=url_for("pages.lists", page=number - 1) if number > 1 else "",
        older=url_for("pages.lists", page=number + 1) if number * _LISTS_A_PAGE < total else "",
    )


@pages.get("/lists/<list_id>")
@requires_scope("registry:verify")
def staff_list(list_id: str) -> Response:
    """Show a list in the state it is in: its columns to confirm, its progress, or its results."""
    found = handling.read(context(), current_caller(), list_id)
    if found.state == "mapping":
        return columns_page(found)
    return _results_page(found) if found.ended else _progress_page(found)


@pages.get("/lists/<list_id>/progress")
@requires_scope("registry:verify")
def list_progress(list_id: str) -> Response:
    """Tell how far a list has come, for the script of its page."""
    found = handling.read(context(), current_caller(), list_id)
    return jsonify(
        {
            "ended": found.ended,
            "done": found.done,
            "rows": found.rows,
            "text": progress_text(found, current_language()),
        }
    )


def columns_page(
    found: StaffList,
    chosen: Mapping[int, str] | None = None,
    errors: tuple[FormError, ...] = (),
    status: int = 200,
) -> Response:
    """Return the page on which the columns of a list are confirmed.

    Args:
        found: a list that waits for its columns.
        chosen: what the reader chose, column from 0 → field; None: what was recognised.
        errors: what is wrong with it.
        status: of the answer.
    """
    sample = unconfirmed.sample(context(), current_caller(), found.id, SAMPLE_ROWS)
    language = current_language()
    fields = [Option(field, language.text(f"field.{field}")) for field in FIELDS]
    return page(
        "list_columns.html",
        status=status,
        list=list_view(found, viewer(known_feeds())),
        columns=column_views(found.frame, sample, chosen),
        fields=fields,
        errors=errors,
        unclear=bool(found.frame["problem"]) and chosen is None,
        headless=bool(found.frame.get("first")),
        first_is_row="first-is-row" in request.form,
        confirm_url=url_for("pages.confirm_columns", list_id=found.id),
        **_action_urls(found.id),
    )


def _progress_page(found: StaffList) -> Response:
    return page(
        "list_progress.html",
        scripts=("progress.js",),
        list=list_view(found, viewer(known_feeds())),
        progress_url=url_for("pages.list_progress", list_id=found.id),
        **_action_urls(found.id),
    )


def _results_page(found: StaffList) -> Response:
    shared, caller, language = context(), current_caller(), current_language()
    show, results = wanted(request.args.get("show", ""), found)
    number, size = _page_number(), shared.settings.checks.lists.page_rows
    shown = answers.page(
        shared,
        caller,
        found.id,
        results=results,
        limit=size,
        offset=(number - 1) * size,
        request_id=g.request_id,
    )
    # Read again: whoever has become protected is counted as not found now.
    found = handling.read(shared, caller, found.id)
    linked, view = caller.may("registry:read"), viewer(known_feeds())
    last = number * size >= shown.total
    return page(
        "list_results.html",
        list=list_view(found, view),
        state=found.state,
        counts=counts(found, language),
        filters=filters(found, show, language),
        rows=[row_view(each, found.purpose, language, linked=linked) for each in shown.rows],
        total=language.number(shown.total),
        # Where somebody was not found, each source says what its silence means.
        sources=view.sources() if found.counts.get("notFound") else (),
        files=[
            (form.upper(), url_for("pages.list_file", list_id=found.id, form=form)) for form in _FILE_FORMS
        ],
        newer=results_url(found.id, show, number - 1) if number > 1 else "",
        older="" if last else results_url(found.id, show, number + 1),
        **_action_urls(found.id),
    )


def _action_urls(list_id: str) -> dict[str, Any]:
    return {
        "cancel_url": url_for("pages.cancel_list", list_id=list_id),
        "resume_url": url_for("pages.resume_list", list_id=list_id),
        "delete_url": url_for("pages.delete_list", list_id=list_id),
    }


def to_list(list_id: str) -> Response:
    """Lead to the page of a list."""
    return flask_response(redirect(url_for("pages.staff_list", list_id=list_id), 303))


def _page_number() -> int:
    """Return the page asked for, from 1.

    Raises:
        BadRequestError: it is none.
    """
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER and int(text)):
        raise BadRequestError("page must be a number of a page.")
    return int(text)
