"""What one does with a staff list: confirm its columns, cancel it, ask its rows again, delete it, take its results as a file.

Where the list is no longer in the state that its page showed (it has ended, or a colleague was faster), its page tells what it is now.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from flask import Response, g, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import current_caller, requires_scope
from registry.checks import quota
from registry.checks.lists import answers, handling, unconfirmed
from registry.checks.lists.errors import ListStateError
from registry.web.api.batches import result_file
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import FormError
from registry.web.pages.list_columns import SAMPLE_ROWS, chosen_columns, read_chosen, width_of
from registry.web.pages.lists import columns_page, to_list
from registry.web.pages.render import current_language

_CONFLICT, _UNUSABLE = 409, 422


@pages.post("/lists/<list_id>/columns")
@requires_scope("registry:verify")
def confirm_columns(list_id: str) -> Response:
    """Take what the columns tell, and let the list be checked."""
    shared, caller = context(), current_caller()
    found = handling.read(shared, caller, list_id)
    if found.state != "mapping":
        return to_list(list_id)
    chosen, first_is_row = read_chosen(request.form), "first-is-row" in request.form
    width = width_of(unconfirmed.sample(shared, caller, list_id, SAMPLE_ROWS))
    columns, errors = chosen_columns(found.frame, chosen, width)
    if columns is None:
        return columns_page(found, chosen, errors, _UNUSABLE)
    if first_is_row and found.frame.get("first"):
        # The other rows were taken from the quota when the list came.
        quota.take(shared.access, shared.settings.checks, caller, "list-rows", 1)
        unconfirmed.keep_first(shared, caller, list_id)
    try:
        handling.confirm(shared, caller, list_id, columns, request_id=g.request_id)
    except ListStateError:
        found = handling.read(shared, caller, list_id)
        if found.state == "mapping":
            # Still to be confirmed: too many lists are not done yet.
            return columns_page(found, chosen, (FormError("columns", "wrong.lists-waiting"),), _CONFLICT)
    return to_list(list_id)


@pages.post("/lists/<list_id>/cancellation")
@requires_scope("registry:verify")
def cancel_list(list_id: str) -> Response:
    """Stop a list; one that has ended stays as it is, and its page shows that."""
    with suppress(ListStateError):
        handling.cancel(context(), current_caller(), list_id, request_id=g.request_id)
    return to_list(list_id)


@pages.post("/lists/<list_id>/resumption")
@requires_scope("registry:verify")
def resume_list(list_id: str) -> Response:
    """Ask those rows again that could not be asked; where there is none, the list's page shows that."""
    with suppress(ListStateError):
        handling.resume(context(), current_caller(), list_id, request_id=g.request_id)
    return to_list(list_id)


@pages.post("/lists/<list_id>/deletion")
@requires_scope("registry:verify")
def delete_list(list_id: str) -> Response:
    """Delete a list with its results."""
    handling.delete(context(), current_caller(), list_id, request_id=g.request_id)
    return flask_response(redirect(url_for("pages.lists"), 303))


@pages.get("/lists/<list_id>/results.<any(csv, xlsx, json):form>")
@requires_scope("registry:verify")
def list_file(list_id: str, form: str) -> Response:
    """Send all results as a file."""
    language = current_language().code
    if form == "json":
        return _json_file(list_id)
    return result_file(list_id, "csv" if form == "csv" else "xlsx", {"language": language})


def _json_file(list_id: str) -> Response:
    _, rows = answers.everything(context(), current_caller(), list_id, request_id=g.request_id)
    return Response(
        _json(rows),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="results-{list_id}.json"'},
    )


def _json(rows: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    """Give {"items": [...]} row by row, as `registry.checks.lists.results` describes a row."""
    before = b'{"items":['
    for row in rows:
        yield before + msgspec.json.encode(row)
        before = b",\n"
    yield b'{"items":[]}' if before != b",\n" else b"]}"
