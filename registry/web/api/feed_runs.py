"""`GET /v1/feed-runs`: what was done with each feed, and every row that could not be taken in."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from registry.errors import NotFoundError
from registry.records import receipts
from registry.records.error_rows import Kind
from registry.records.read import feeds as read_feeds
from registry.records.receipts import Receipt, Run
from registry.web.api import present
from registry.web.api.feed_run_schemas import EXAMPLE, LIST_EXAMPLE, FeedRunsSchema, ReceiptSchema
from registry.web.api.fields import CamelCase, Count, Text, about
from registry.web.api.operation import ApiBlueprint, File, operation
from registry.web.api.parsing import raise_for_query
from registry.web.context import Context, context
from registry.web.error_files import MEDIA_TYPES, error_file

blueprint = ApiBlueprint("feed-runs", "What each run of a feed did, for those who run the registry.")
_ADMIN = "registry:admin"
_ID = {
    "in": "path",
    "name": "id",
    "description": "The number of a run.",
    "schema": {"type": "integer", "minimum": 0},
}
_FILES = {
    MEDIA_TYPES["ndjson"]: File(
        "One JSON object a line, with the members `row`, `key`, `field`, `kind`, `reason` and `echo`.",
        '{"row":7,"key":"A1","field":"issued","kind":"unreadable","reason":"expected a date","echo":"31/31/2020"}\n',
    ),
    MEDIA_TYPES["csv"]: File(
        "The same as a table with a header line (RFC 4180). Cells that a spreadsheet would calculate begin with `'`.",
        "row,key,field,kind,reason,echo\r\n7,A1,issued,unreadable,expected a date,31/31/2020\r\n",
    ),
}


class FeedRunsQuerySchema(CamelCase):
    """Which runs are listed."""

    feed = Text(max_length=64, metadata=about("Id of a feed, see `GET /v1/feeds`; all feeds when left out."))
    page = Count(low=1, load_default=1, metadata=about("Page of the answer, from 1; the newest runs first."))
    limit = Count(low=1, metadata=about("Runs a page.", default=20))


QUERY = FeedRunsQuerySchema()


@operation(
    blueprint,
    "/feed-runs",
    operation_id="listFeedRuns",
    scope=_ADMIN,
    needs=("feedRun.id",),
    query=QUERY,
    answer=FeedRunsSchema(),
    example=LIST_EXAMPLE,
)
def list_runs(asked: dict[str, Any]) -> present.Values:
    """List runs, the newest first.

    A run that is `held` has applied what is bad news and put the rest aside, `heldReason` says why; `failed` and
    `abandoned` runs changed nothing.
    """
    ours = context()
    limit, page, feed = _limit(asked, ours), asked["page"], asked.get("feed")
    with ours.truth.connect() as connection:
        if feed is not None and feed not in read_feeds(connection):
            raise_for_query({"feed": ["There is no such feed; `GET /v1/feeds` lists them."]}, QUERY)
        found = receipts.runs(connection, feed, limit=limit, offset=(page - 1) * limit)
        total = receipts.count_runs(connection, feed)
    return {
        "items": [_run(each) for each in found],
        "total": total,
        "page": page,
        "limit": limit,
        "links": _links(page, max(1, -(-total // limit))),
    }


@operation(
    blueprint,
    "/feed-runs/<int:id>",
    operation_id="getFeedRun",
    scope=_ADMIN,
    needs=("feedRun.id",),
    answer=ReceiptSchema(),
    example=EXAMPLE,
    problems=("not-found",),
    parameters=(_ID,),
)
def read_run(id: int) -> present.Values:  # noqa: A002 - its name in the API
    """Read the receipt of one run: what it did, what it put aside and why."""
    with context().truth.connect() as connection:
        found = receipts.receipt(connection, id) if id <= receipts.MAX_RUN else None
    if found is None:
        raise NotFoundError
    return _receipt(found)


@operation(
    blueprint,
    "/feed-runs/<int:id>/errors",
    operation_id="listFeedRunErrors",
    scope=_ADMIN,
    needs=("feedRun.id",),
    files=_FILES,
    problems=("not-found",),
    parameters=(_ID,),
)
def read_errors(id: int) -> Response:  # noqa: A002 - its name in the API
    """Read every row that a run did not take in, as a file.

    `Accept: text/csv` gives a table, anything else one JSON object a line. `echo` is enough of the row to find it at
    the authority, without personal identity numbers.
    """
    wanted = request.accept_mimetypes.best_match(list(MEDIA_TYPES.values()))
    kind: Kind = "csv" if wanted == MEDIA_TYPES["csv"] else "ndjson"
    return error_file(context(), id, kind)


def _limit(asked: dict[str, Any], ours: Context) -> int:
    search = ours.settings.search
    limit: int = asked.get("limit", search.default_limit)
    if limit > search.max_limit:
        raise_for_query({"limit": [f"Must be at most {search.max_limit}."]}, QUERY)
    return limit


def _run(run: Run) -> present.Values:
    return {
        "id": run.id,
        "feed": run.feed_id,
        "kind": run.kind,
        "state": run.state,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_seconds": run.duration_s,
        "stamp": run.stamp,
        "source_name": run.source_name or None,
        "digest": run.digest or None,
        "complete": run.complete,
        "held_reason": run.held_reason or None,
        "notes": list(run.notes),
        "error": run.error or None,
        "of_run": run.of_run,
        "undone_by": run.undone_by,
        "counts": run.counts,
        "links": {"self": f"/v1/feed-runs/{run.id}", "errors": f"/v1/feed-runs/{run.id}/errors"},
    }


def _receipt(found: Receipt) -> present.Values:
    return {
        **_run(found.run),
        "row_errors": found.quarantined,
        "waiting_changes": [{"kind": kind, "count": count} for kind, count in found.waiting.items()],
    }


def _links(page: int, last: int) -> present.Values:
    return {
        "self": _address(page),
        "first": _address(1),
        "last": _address(last),
        "previous": _address(min(page - 1, last)) if page > 1 else None,
        "next": _address(page + 1) if page < last else None,
    }


def _address(page: int) -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
    return f"{request.path}?{urlencode([*asked, ('page', str(page))])}"
