"""`/v1/verification-batches`: a whole staff list, checked by a worker; what became of each row, as JSON and as files."""

from datetime import datetime
from typing import Any

from flask import Response, g

from registry.access.guard import current_caller, reads_in_bulk
from registry.checks.lists import answers, handling
from registry.checks.lists.files import MEDIA_TYPES, FileForm, csv_file, xlsx_file
from registry.checks.lists.handling import StaffList
from registry.checks.lists.results import ATTENTION, RESULTS, Result
from registry.settings import Settings
from registry.vocabulary import Language
from registry.web.api import batch_examples as examples
from registry.web.api import present
from registry.web.api.batch_schemas import (
    BatchPageSchema,
    BatchQuestionSchema,
    BatchResultSchema,
    BatchResultsSchema,
    BatchSchema,
    FileQuerySchema,
    PageQuerySchema,
    ResultsQuerySchema,
)
from registry.web.api.batch_upload import QUERY, received
from registry.web.api.limits import IDEMPOTENCY_KEY, KEYED, RATE_LIMIT, rate_limit
from registry.web.api.operation import ApiBlueprint, File, operation
from registry.web.api.parsing import MEDIA_TYPE, raise_for_query
from registry.web.api.shown import audience, shape_of
from registry.web.context import context
from registry.web.uploads import takes_lists

blueprint = ApiBlueprint("verification-batches", "Check a whole staff list.")
PATH = "/v1/verification-batches"
_SCOPE = "registry:verify"
_NEEDS = ("staffList.id", "listRow.result")
_ROW = shape_of(BatchResultSchema())
_ID = {"in": "path", "name": "id", "description": "The `id` of a list."}
_PAGE, _RESULTS, _FILE = PageQuerySchema(), ResultsQuerySchema(), FileQuerySchema()
_DELIMITERS = {"semicolon": ";", "comma": ",", "tab": "\t"}
_TEXT = {"type": "string"}
_BODIES = {
    MEDIA_TYPE: {"schema": BatchQuestionSchema, "example": examples.QUESTION},
    MEDIA_TYPES["csv"]: {"schema": {**_TEXT, "description": "With a header."}, "example": examples.CSV},
    MEDIA_TYPES["xlsx"]: {
        "schema": {**_TEXT, "description": "A workbook; its first sheet."},
        "example": examples.XLSX,
    },
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "description": "The file, and the query parameters as fields.",
            "required": ["file", "purpose"],
            "properties": {"file": {**_TEXT, "description": "CSV or XLSX."}, "purpose": _TEXT},
        },
        "example": {"file": examples.CSV, "purpose": "employment"},
    },
}


@operation(
    blueprint,
    "/verification-batches",
    method="POST",
    operation_id="sendVerificationBatch",
    scope=_SCOPE,
    needs=_NEEDS,
    query=QUERY,
    bodies=_BODIES,
    status=202,
    headers=(IDEMPOTENCY_KEY,),
    answer_headers={"Location": "Where the list is.", **RATE_LIMIT},
    answer=BatchSchema(),
    example=examples.BATCH,
    problems=(
        "unreadable-list",
        "list-columns",
        "list-too-large",
        "list-state",
        "purpose-not-allowed",
        "quota-exceeded",
        *KEYED,
    ),
)
@reads_in_bulk
@takes_lists
def send(asked: dict[str, Any]) -> tuple[present.Values, dict[str, str]]:
    """Send a staff list to be checked: JSON, or a CSV or XLSX file with any order of columns.

    Columns are recognised by their headers, in Swedish and English; where one is not, say which it is with `columns`. The
    list is accepted at once and checked by a worker: ask for it again until its `state` is `done`. What is sent is kept
    sealed and deleted row by row as it is checked; results are deleted at `expiresAt`, or when you delete the list.
    """
    sent = received(context(), asked, g.request_id)
    return values(sent.found), {"Location": f"{PATH}/{sent.found.id}", **rate_limit(sent.quotas)}


@operation(
    blueprint,
    "/verification-batches",
    operation_id="listVerificationBatches",
    scope=_SCOPE,
    needs=_NEEDS,
    query=_PAGE,
    answer=BatchPageSchema(),
    example=examples.PAGE,
)
def list_lists(asked: dict[str, int]) -> present.Values:
    """List the staff lists of your organisation, the newest first."""
    ours, page = context(), asked["page"]
    limit = _limit(asked, ours.settings.search.default_limit, ours.settings.search.max_limit)
    found, total = handling.page(ours, current_caller(), limit=limit, offset=(page - 1) * limit)
    return {
        "items": [values(each) for each in answers.currently(ours, current_caller(), found)],
        "total": total,
        "page": page,
        "limit": limit,
    }


@operation(
    blueprint,
    "/verification-batches/<id>",
    operation_id="getVerificationBatch",
    scope=_SCOPE,
    needs=_NEEDS,
    answer=BatchSchema(),
    example=examples.BATCH,
    problems=("not-found",),
    parameters=(_ID,),
)
def read(id: str) -> present.Values:  # noqa: A002 - its name in the API
    """Read how far a staff list has come, and how many rows have which result."""
    return values(answers.current(context(), current_caller(), id))


@operation(
    blueprint,
    "/verification-batches/<id>",
    method="DELETE",
    operation_id="deleteVerificationBatch",
    scope=_SCOPE,
    needs=_NEEDS,
    status=204,
    problems=("not-found",),
    parameters=(_ID,),
)
def delete(id: str) -> Response:  # noqa: A002 - its name in the API
    """Delete a staff list with its results, whatever its state. What was asked and answered stays in the access log."""
    handling.delete(context(), current_caller(), id, request_id=g.request_id)
    return Response(status=204)


@operation(
    blueprint,
    "/verification-batches/<id>/cancellation",
    method="POST",
    operation_id="cancelVerificationBatch",
    scope=_SCOPE,
    needs=_NEEDS,
    answer=BatchSchema(),
    example=examples.BATCH,
    problems=("not-found", "list-state"),
    parameters=(_ID,),
)
def cancel(id: str) -> present.Values:  # noqa: A002 - its name in the API
    """Stop a staff list. Results that there are stay; what is left of the upload is deleted at once."""
    handling.cancel(context(), current_caller(), id, request_id=g.request_id)
    return values(answers.current(context(), current_caller(), id))


@operation(
    blueprint,
    "/verification-batches/<id>/resumption",
    method="POST",
    operation_id="resumeVerificationBatch",
    scope=_SCOPE,
    needs=_NEEDS,
    status=202,
    answer=BatchSchema(),
    example=examples.BATCH,
    problems=("not-found", "list-state"),
    parameters=(_ID,),
)
@reads_in_bulk
def resume(id: str) -> present.Values:  # noqa: A002 - its name in the API
    """Check again those rows, and only those, that could not be checked because search was unavailable."""
    handling.resume(context(), current_caller(), id, request_id=g.request_id)
    return values(answers.current(context(), current_caller(), id))


@operation(
    blueprint,
    "/verification-batches/<id>/results",
    operation_id="listVerificationBatchResults",
    scope=_SCOPE,
    needs=_NEEDS,
    query=_RESULTS,
    answer=BatchResultsSchema(),
    example=examples.RESULTS,
    problems=("not-found", "access-log-unavailable"),
    parameters=(_ID,),
)
@reads_in_bulk
def results(asked: dict[str, Any], id: str) -> present.Values:  # noqa: A002 - its name in the API
    """Read what became of each row, in the order of the rows.

    `couldNotCheck` is never the same as `notFound`: nothing was found out about the person. Who has become protected since
    is answered like one who was not found.
    """
    ours, page = context(), asked["page"]
    lists = ours.settings.checks.lists
    limit = _limit(asked, lists.page_rows, lists.max_page_rows)
    found = answers.page(
        ours,
        current_caller(),
        id,
        results=_wanted(asked),
        limit=limit,
        offset=(page - 1) * limit,
        request_id=g.request_id,
    )
    return {
        "items": [_snake(each) for each in found.rows],
        "total": found.total,
        "page": page,
        "limit": limit,
    }


@operation(
    blueprint,
    "/verification-batches/<id>/results.csv",
    operation_id="getVerificationBatchCsv",
    scope=_SCOPE,
    needs=_NEEDS,
    query=_FILE,
    files={
        MEDIA_TYPES["csv"]: File(
            "One line a row (RFC 4180, UTF-8 with a byte order mark).", examples.CSV_RESULTS
        )
    },
    problems=("not-found", "list-state", "access-log-unavailable"),
    parameters=(_ID,),
)
@reads_in_bulk
def results_csv(asked: dict[str, Any], id: str) -> Response:  # noqa: A002 - its name in the API
    """Read the results as CSV, as Swedish Excel opens it. Cells that a spreadsheet would calculate begin with `'`."""
    return result_file(id, "csv", asked)


@operation(
    blueprint,
    "/verification-batches/<id>/results.xlsx",
    operation_id="getVerificationBatchXlsx",
    scope=_SCOPE,
    needs=_NEEDS,
    query=_FILE,
    files={MEDIA_TYPES["xlsx"]: File("A workbook with one sheet of texts.", examples.XLSX)},
    problems=("not-found", "list-state", "access-log-unavailable"),
    parameters=(_ID,),
)
@reads_in_bulk
def results_xlsx(asked: dict[str, Any], id: str) -> Response:  # noqa: A002 - its name in the API
    """Read the results as an Excel workbook. No cell of it is a formula."""
    return result_file(id, "xlsx", asked)


def result_file(list_id: str, form: FileForm, asked: dict[str, Any]) -> Response:
    """Return the results of a list as an attachment, also for the pages.

    Args:
        list_id: of the caller's organisation.
        form: of the file.
        asked: `language`, `delimiter` and `attention`, where given.

    Raises:
        NotFoundError: there is no such list of the caller's organisation.
        NotShownError: the caller's role is not shown what became of rows.
        AccessLogUnavailableError: what is shown could not be logged.
    """
    ours, mine = context(), audience()
    mine.require(*_NEEDS)
    language: Language = asked.get("language") or ours.settings.service.default_language
    _, rows = answers.everything(
        ours, current_caller(), list_id, results=_wanted(asked), request_id=g.request_id
    )
    if not mine.sees_all(_ROW):
        rows = (mine.show(_ROW, each) for each in rows)
    if form == "csv":
        body = csv_file(rows, language, _delimiter(asked, ours.settings))
    else:
        body = xlsx_file(rows, language)
    charset = "; charset=utf-8" if form == "csv" else ""
    return Response(
        body,
        content_type=f"{MEDIA_TYPES[form]}{charset}",
        headers={"Content-Disposition": f'attachment; filename="results-{list_id}.{form}"'},
    )


def _delimiter(asked: dict[str, Any], settings: Settings) -> str:
    return _DELIMITERS.get(asked.get("delimiter", ""), settings.checks.lists.csv_delimiter)


def _wanted(asked: dict[str, Any]) -> list[Result] | None:
    """Return the results asked for; None for all."""
    wanted: list[Result] | None = asked.get("results") or None
    if asked.get("attention"):
        return [each for each in ATTENTION if wanted is None or each in wanted]
    return wanted


def _limit(asked: dict[str, int], usual: int, most: int) -> int:
    limit = asked.get("limit", usual)
    if limit > most:
        raise_for_query({"limit": [f"Must be at most {most}."]}, _PAGE)
    return limit


def values(found: StaffList) -> present.Values:
    """Return a list as the API shows it."""
    frame, path = found.frame, f"{PATH}/{found.id}"
    headers, columns = frame["headers"], frame["columns"] or {}
    return {
        "id": found.id,
        "state": found.state,
        "purpose": found.purpose,
        "reference": found.reference or None,
        "file_name": frame["fileName"] or None,
        "profession": frame["profession"] or None,
        "authority": frame["authority"] or None,
        "on_date": frame["onDate"],
        "day": frame["day"] if frame["columns"] is not None else None,
        "rule_version": frame["ruleVersion"] or None,
        "known_at": datetime.fromisoformat(frame["knownAt"]) if frame["knownAt"] else None,
        "rows": found.rows,
        "done": found.done,
        "counts": {_snaked(each): found.counts.get(each, 0) for each in RESULTS},
        "retryable": found.retryable,
        "columns": [
            {"field": field, "header": headers[place] if place < len(headers) else "", "place": place + 1}
            for field, place in sorted(columns.items(), key=lambda item: int(item[1]))
        ],
        "unknown_columns": frame["unknown"],
        "error": found.error or None,
        "created_at": found.created_at,
        "started_at": found.started_at,
        "ended_at": found.ended_at,
        "expires_at": found.expires_at,
        "links": {
            "self": path,
            "results": f"{path}/results",
            "csv": f"{path}/results.csv",
            "xlsx": f"{path}/results.xlsx",
        },
    }


def _snaked(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def _snake(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Return a plain value with the names that schemas know."""
    if isinstance(value, dict):
        return {_snaked(name): _snake(each) for name, each in value.items()}
    return [_snake(each) for each in value] if isinstance(value, list) else value
