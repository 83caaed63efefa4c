"""What gunicorn logs and answers by itself: never a query string, a referrer or a personal identity number.

Named in config/gunicorn.conf.py. Access lines are JSON on standard output; everything else goes through the same mask to
standard error.
"""

import re
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import gunicorn.http.wsgi  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]
import orjson
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from registry.logs import frames
from registry.masking import mask
from registry.settings import Settings
from registry.web.problem_types import PROBLEM_TYPES
from registry.web.problems import MEDIA_TYPE, problem_body

_QUERY = re.compile(r"\?[^\s'\"]*")
_MAX_PATH = 300
_SLUGS = {414: "uri-too-long", 431: "headers-too-large", 500: "internal"}


def hide_banner() -> None:
    """Tell no software or version in the header `Server`."""
    gunicorn.http.wsgi.SERVER = "registry"


def answer_as_problems(settings: Settings) -> None:
    """Give the refusals that gunicorn makes by itself, before a request is read, the shape of all others.

    Its own pages repeat what was sent. Statuses that the API does not have become 400.
    """

    def write_error(sock: socket.socket, status: int, _reason: str, _message: str) -> None:
        gunicorn.util.write_nonblock(sock, refusal(settings, status))

    gunicorn.util.write_error = write_error


def refusal(settings: Settings, status: int) -> bytes:
    """Return a whole HTTP answer for a request that could not be read."""
    kind = PROBLEM_TYPES[_SLUGS.get(status, "bad-request")]
    body = orjson.dumps(problem_body(settings, kind, detail="", instance="", extra={}))
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}",
        "Server: registry",
        "Connection: close",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
    )
    return "\r\n".join((*head, "", "")).encode("ascii") + body


def masked(text: str) -> str:
    """Return a line for a log without query strings and personal identity numbers."""
    return mask(_QUERY.sub("?…", text))


class ServiceLog(Logger):  # type: ignore[misc]
    """Gunicorn's log."""

    def access(
        self,
        resp: Any,  # noqa: ANN401 - gunicorn's response
        _req: object,
        environ: Mapping[str, Any],
        request_time: timedelta,
    ) -> None:
        """Write one line for a request. As JSON, so that nothing in a path can forge a line."""
        if self.access_log_enabled:
            self.access_log.info("%s", orjson.dumps(access_line(resp, environ, request_time)).decode())

    def critical(self, msg: str, *args: object, **_kwargs: object) -> None:
        """Log a line, masked."""
        self.error_log.critical("%s", _text(msg, args))

    def error(self, msg: str, *args: object, **_kwargs: object) -> None:
        """Log a line, masked."""
        self.error_log.error("%s", _text(msg, args))

    def warning(self, msg: str, *args: object, **_kwargs: object) -> None:
        """Log a line, masked."""
        self.error_log.warning("%s", _text(msg, args))

    def info(self, msg: str, *args: object, **_kwargs: object) -> None:
        """Log a line, masked."""
        self.error_log.info("%s", _text(msg, args))

    def exception(self, msg: str, *args: object, **_kwargs: object) -> None:
        """Log where an error was raised, not what it said."""
        error = sys.exception()
        where = f"{type(error).__name__} at {'; '.join(frames(error))}" if error else ""
        self.error_log.error("%s %s", _text(msg, args), where)


def _text(msg: str, args: tuple[object, ...]) -> str:
    return masked(msg % args if args else msg)


def access_line(resp: Any, environ: Mapping[str, Any], request_time: timedelta) -> dict[str, Any]:  # noqa: ANN401 - gunicorn's
    """Return what the access log tells about a request."""
    headers = {str(name).lower(): value for name, value in resp.headers}
    path = str(environ.get("PATH_INFO", "")).encode("utf-8", "replace").decode()
    return {
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "remote": environ.get("REMOTE_ADDR", ""),
        "method": environ.get("REQUEST_METHOD", ""),
        "path": mask(path)[:_MAX_PATH],
        "status": int(str(resp.status).split(maxsplit=1)[0]),
        "bytes": resp.sent or 0,
        "ms": round(request_time / timedelta(milliseconds=1), 1),
        "requestId": headers.get("x-request-id", ""),
    }
