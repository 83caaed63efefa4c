"""The rows that a run did not take in, as a file: NDJSON for programs, CSV for a spreadsheet.

Streamed, so that a million rows cost no memory. The connection is opened as the first row is sent, and closed with the
answer.
"""

from collections.abc import Iterator

import structlog
from flask import Response, g

from registry.access.guard import current_caller
from registry.errors import NotFoundError
from registry.records import receipts
from registry.records.error_rows import Kind, error_lines
from registry.web.context import Context

log = structlog.get_logger()
MEDIA_TYPES: dict[Kind, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


def error_file(ours: Context, run_id: int, kind: Kind) -> Response:
    """Return the rows of a run as an attachment.

    Raises:
        NotFoundError: there is no such run.
    """
    with ours.truth.connect() as connection:
        if run_id > receipts.MAX_RUN or receipts.receipt(connection, run_id) is None:
            raise NotFoundError
    # An echo may hold a word of a person's record: who took the file is told in the service's log.
    caller = current_caller()
    log.info(
        "errors of a run read",
        run=run_id,
        issuer=caller.issuer,
        subject=caller.subject,
        request_id=g.request_id,
    )

    def body() -> Iterator[bytes]:
        with ours.truth.connect() as connection:
            yield from error_lines(receipts.errors(connection, run_id), kind)

    return Response(
        body(),
        content_type=f"{MEDIA_TYPES[kind]}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="feed-run-{run_id}-errors.{kind}"'},
    )
