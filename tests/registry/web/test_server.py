"""What the server's own log may hold."""

import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from registry.web.server import ServiceLog, access_line, masked


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Invalid request: GET /x?name=anna HTTP/9", "Invalid request: GET /x?… HTTP/9"),
        ("path '/x?a=b'", "path '/x?…'"),
        ("800503-9808 again", "[personal number] again"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_lines_are_masked(text: str, left: str) -> None:
    assert masked(text) == left


def test_an_access_line_tells_what_was_done_and_nothing_of_what_was_asked() -> None:
    response = SimpleNamespace(headers=[("X-Request-Id", "abc")], status="200 OK", sent=12)
    environ = {
        "REMOTE_ADDR": "192.0.2.1",
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v1/x/800503-9808\udcff" + "y" * 400,
        "QUERY_STRING": "name=anna",
        "HTTP_REFERER": "https://x/?name=anna",
    }
    line = access_line(response, environ, timedelta(milliseconds=12.34))
    assert {name: line[name] for name in ("remote", "method", "status", "bytes", "ms", "requestId")} == {
        "remote": "192.0.2.1",
        "method": "GET",
        "status": 200,
        "bytes": 12,
        "ms": 12.3,
        "requestId": "abc",
    }
    assert line["path"].startswith("/v1/x/[personal number]?")
    assert len(line["path"]) == 300
    assert "anna" not in str(line)


@pytest.fixture
def service_log(caplog: pytest.LogCaptureFixture) -> Any:  # noqa: ANN401 - gunicorn has no types
    config = Config()
    config.set("accesslog", "-")
    made = ServiceLog(config)
    for log in (made.error_log, made.access_log):
        log.propagate = True
        log.handlers.clear()
    caplog.set_level(logging.DEBUG)
    return made


def test_every_level_is_masked(service_log: Any, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401 - as above
    for level in ("critical", "error", "warning", "info"):
        getattr(service_log, level)("Bad request %s", "/x?name=anna")
    assert [record.getMessage() for record in caplog.records] == ["Bad request /x?…"] * 4


def test_an_exception_is_told_by_its_place_not_by_its_words(
    service_log: Any,  # noqa: ANN401 - as above
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        int("Anna Lindqvist")
    except ValueError:
        service_log.exception("Error handling request %s", "/x?name=anna")
    (record,) = caplog.records
    assert "ValueError at test_server.py" in record.getMessage()
    assert "Lindqvist" not in caplog.text
    assert "anna" not in caplog.text


def test_the_access_log_can_be_turned_off(service_log: Any, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401 - as above
    response = SimpleNamespace(headers=[], status="200 OK", sent=0)
    service_log.access(response, None, {}, timedelta())
    assert len(caplog.records) == 1
    service_log._access_log_enabled = False
    service_log.access(response, None, {}, timedelta())
    assert len(caplog.records) == 1
