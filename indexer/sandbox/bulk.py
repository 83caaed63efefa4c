"""The third sandbox authority: a FHIR R4 server with Bulk Data Export of Practitioner.

Follows the Bulk Data Access guide (HL7, 2.0): kick-off with `Prefer: respond-async`, 202 with Content-Location, polling
with X-Progress and Retry-After, a manifest with transactionTime, NDJSON files, and DELETE of the status.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from flask import Blueprint, Response, jsonify, request, send_file, url_for
from werkzeug.http import http_date

from indexer.sandbox.published import Edition, Published

KICK_OFF_PATH = "/fhir/$export"
NDJSON = "application/fhir+ndjson"
_FORMATS = frozenset({NDJSON, "application/ndjson", "ndjson"})
_KNOWN = frozenset({"_type", "_outputFormat"})
# Exports kept; the oldest is forgotten first, as a server does with those nobody deletes.
_KEPT = 100
_LIFETIME = timedelta(hours=1)


@dataclass
class _Export:
    edition: Edition
    request: str
    started_at: datetime
    polls_left: int


class _Exports:
    """The exports under way, by id."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_id: dict[str, _Export] = {}

    def begin(self, export: _Export) -> str:
        name = uuid.uuid4().hex
        with self._lock:
            self._by_id[name] = export
            while len(self._by_id) > _KEPT:
                del self._by_id[next(iter(self._by_id))]
        return name

    def get(self, name: str) -> _Export | None:
        return self._by_id.get(name)

    def poll(self, name: str) -> tuple[_Export, bool] | None:
        """Count a poll; return the export and whether it is complete."""
        with self._lock:
            export = self._by_id.get(name)
            if export is None:
                return None
            export.polls_left -= 1
            return export, export.polls_left < 0

    def end(self, name: str) -> bool:
        with self._lock:
            return self._by_id.pop(name, None) is not None


def fhir(published: Published, polls: int, retry_after_s: int) -> Blueprint:
    """Return the FHIR server.

    Args:
        published: whose current edition an export takes; it stays with that edition if the day changes.
        polls: how often an export answers "not yet".
        retry_after_s: seconds it asks the client to wait in between.
    """
    routes = Blueprint("fhir", __name__)
    exports = _Exports()

    @routes.route(KICK_OFF_PATH, methods=["GET", "POST"])
    def kick_off() -> Response:
        if refused := _refused():
            return refused
        export = _Export(published.now, request.url, datetime.now(UTC).replace(microsecond=0), polls)
        name = exports.begin(export)
        response = Response(status=202)
        response.headers["Content-Location"] = url_for("fhir.status", name=name, _external=True)
        return response

    @routes.get("/fhir/exports/<name>")
    def status(name: str) -> Response:
        polled = exports.poll(name)
        if polled is None:
            return _gone()
        export, complete = polled
        if not complete:
            response = Response(status=202)
            response.headers["X-Progress"] = f"{polls - export.polls_left} of {polls + 1} steps"
            response.headers["Retry-After"] = str(retry_after_s)
            return response
        response = jsonify(_manifest(name, export))
        response.headers["Expires"] = http_date(export.started_at + _LIFETIME)
        return response

    @routes.delete("/fhir/exports/<name>")
    def delete(name: str) -> Response:
        return Response(status=202) if exports.end(name) else _gone()

    @routes.get("/fhir/exports/<name>/<file>")
    def output(name: str, file: str) -> Response:
        export = exports.get(name)
        if export is None or file not in export.edition.registers.ndjson:
            return _gone()
        etag = export.edition.registers.etags[file]
        return send_file(export.edition.folder / file, mimetype=NDJSON, etag=etag, conditional=True)

    return routes


def _manifest(name: str, export: _Export) -> dict[str, Any]:
    files = export.edition.registers.ndjson
    return {
        "transactionTime": export.started_at.isoformat().replace("+00:00", "Z"),
        "request": export.request,
        "requiresAccessToken": False,
        "output": [
            {
                "type": "Practitioner",
                "url": url_for("fhir.output", name=name, file=file, _external=True),
                "count": export.edition.registers.lines[file],
            }
            for file in files
        ],
        "deleted": [],
        "error": [],
    }


def _refused() -> Response | None:
    if "respond-async" not in request.headers.get("Prefer", ""):
        return _outcome(400, "required", "Send the header Prefer: respond-async.")
    if unknown := sorted(set(request.args) - _KNOWN):
        return _outcome(400, "not-supported", f"The parameter {unknown[0]} is not supported.")
    if request.args.get("_outputFormat", NDJSON) not in _FORMATS:
        return _outcome(400, "not-supported", f"Only {NDJSON} can be exported.")
    kinds = request.args.get("_type", "Practitioner").split(",")
    if "Practitioner" not in kinds:
        return _outcome(400, "not-supported", "Only Practitioner can be exported.")
    return None


def _gone() -> Response:
    return _outcome(404, "not-found", "There is no such export; it has been deleted or forgotten.")


def _outcome(status: int, code: str, text: str) -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    response = jsonify(resourceType="OperationOutcome", issue=[issue])
    response.status_code = status
    response.mimetype = "application/fhir+json"
    return response
