"""Requests that carry a file: how large they may be, and that no part of them touches a disk.

Every other request keeps to `web.max_body_bytes`.
"""

import io
from collections.abc import Callable
from typing import IO, ParamSpec, TypeVar

import flask
from flask import Flask, current_app, request

from registry.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
_MARK = "_registry_takes_lists"
# Beside the file: boundaries and the other fields of a form.
_AROUND = 65_536


class UploadRequest(flask.Request):
    """A request whose files stay in memory: they hold personal identity numbers, and a temporary file may outlive a crash."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 - as in the base class
        content_type: str | None,  # noqa: ARG002 - as in the base class
        filename: str | None = None,  # noqa: ARG002 - as in the base class
        content_length: int | None = None,  # noqa: ARG002 - as in the base class
    ) -> IO[bytes]:
        return io.BytesIO()


def takes_lists(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view take bodies as large as a staff list (`checks.lists.max_bytes`). Put it innermost."""
    setattr(view, _MARK, True)
    return view


def register(app: Flask, settings: Settings) -> None:
    """Let the views that `takes_lists` marks take large bodies; before anything reads one."""
    app.request_class = UploadRequest
    limit = settings.checks.lists.max_bytes + _AROUND

    def widen() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, _MARK, False):
            request.max_content_length = limit

    app.before_request(widen)
