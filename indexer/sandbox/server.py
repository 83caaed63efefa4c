"""The sandbox authorities as one HTTP server.

    /hosp/personer.xml                        Socialstyrelsen: HOSP persons as XML
    /resource/qxh8-f4bd.json                  Washington: rows as JSON, page by page
    /api/views/qxh8-f4bd/rows.csv             Washington: all rows as CSV
    /api/views/qxh8-f4bd.json                 Washington: metadata
    /fhir/$export                             provider directory: FHIR Bulk Data Export
    /hsa/...                                  Inera: HSA, asked about one person at a time (see indexer.sandbox.hsa)
    /_sandbox                                 what is in the registers
    POST /_sandbox/day                        on to the next day, or to {"day": N}
    PUT  /_sandbox/faults                     {"hosp": "truncated"}: answer badly; {"hosp": null} ends it

One process with threads; exports under way are kept in memory. Synthetic people only: nothing is protected.
"""

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from indexer.sandbox.bulk import fhir
from indexer.sandbox.errors import SandboxError
from indexer.sandbox.faults import Authority, Faults
from indexer.sandbox.hosp import hosp
from indexer.sandbox.hsa import HsaFaults, hsa
from indexer.sandbox.plan import Plan
from indexer.sandbox.published import Edition, Published
from indexer.sandbox.socrata import washington


def create_app(
    plan: Plan,
    folder: Path,
    *,
    faults: Faults | None = None,
    export_polls: int = 1,
    retry_after_s: int = 1,
    hsa_faults: HsaFaults | None = None,
) -> Flask:
    """Return the authorities as a Flask app; writes the registers of the plan first.

    Args:
        plan: who is in the registers.
        folder: where the registers' files are written.
        faults: how the authorities misbehave; not at all when left out.
        export_polls: how often an export answers "not yet" before its manifest.
        retry_after_s: seconds an export asks the client to wait between polls.
        hsa_faults: how HSA misbehaves; not at all when left out.
    """
    app = Flask(__name__)
    published = Published(plan, folder)
    faults = faults or Faults()
    routes: dict[Authority, Any] = {
        "hosp": hosp(published),
        "washington": washington(published, faults),
        "fhir": fhir(published, export_polls, retry_after_s),
    }
    for authority, blueprint in routes.items():
        blueprint.before_request(_refusing(faults, authority))
        blueprint.after_request(_spoiling(faults, authority))
        app.register_blueprint(blueprint)
    app.register_blueprint(hsa(published, hsa_faults or HsaFaults()))
    _control(app, published, faults)
    return app


def _refusing(faults: Faults, authority: Authority) -> Callable[[], Response | None]:
    return lambda: faults.refusal(authority)


def _spoiling(faults: Faults, authority: Authority) -> Callable[[Response], Response]:
    return lambda response: faults.spoil(authority, response)


def _control(app: Flask, published: Published, faults: Faults) -> None:
    @app.get("/")
    @app.get("/_sandbox")
    def state() -> Response:
        return _state(published.now, faults)

    @app.post("/_sandbox/day")
    def day() -> Response:
        wanted = _body().get("day")
        if wanted is None:
            return _state(published.next_day(), faults)
        if not isinstance(wanted, int):
            raise SandboxError('"day" must be a whole number.')
        return _state(published.move_to(wanted), faults)

    @app.put("/_sandbox/faults")
    def misbehave() -> Response:
        for authority, fault in _body().items():
            faults.set(authority, fault)
        return _state(published.now, faults)

    @app.delete("/_sandbox/faults")
    def behave() -> Response:
        faults.clear()
        return _state(published.now, faults)

    @app.errorhandler(SandboxError)
    def refuse(error: SandboxError) -> tuple[Response, int]:
        return jsonify(error=True, message=error.detail), error.status


def _body() -> dict[str, Any]:
    if not request.get_data():
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise SandboxError("The body must be a JSON object.")
    return body


def _state(edition: Edition, faults: Faults) -> Response:
    content = {**msgspec.to_builtins(edition.registers), "faults": faults.as_dict()}
    return Response(msgspec.json.encode(content), mimetype="application/json")


class _Quiet(WSGIRequestHandler):
    """Writes no line a request: a large pull would write thousands."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


def _server(plan: Plan, folder: Path, host: str, port: int, **options: Any) -> BaseWSGIServer:  # noqa: ANN401 - see create_app
    app = create_app(plan, folder, **options)
    return make_server(host, port, app, threaded=True, request_handler=_Quiet)


def serve(
    host: str,
    port: int,
    size: int,
    seed: int,
    *,
    folder: Path | None = None,
    day: int = 0,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the sandbox authorities until the process is ended (SIGINT, SIGTERM).

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        size: people in the three registers together.
        seed: another seed, other people.
        folder: for the registers' files; a temporary one, removed at the end, when left out.
        day: day to begin with.
        ready: called with the server's address once it answers.

    Raises:
        SandboxError: see `Plan`.
    """
    plan = Plan(size, seed, day)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
        server = _server(plan, folder or Path(scratch), host, port)
        if ready:
            ready(_address(server))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()


@contextmanager
def running(plan: Plan, folder: Path, **options: Any) -> Iterator[str]:  # noqa: ANN401 - see create_app
    """Serve on a free port of this machine for the length of the block, and give the address."""
    server = _server(plan, folder, "127.0.0.1", 0, **options)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield _address(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _address(server: BaseWSGIServer) -> str:
    return f"http://{server.host}:{server.port}"
