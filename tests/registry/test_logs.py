"""The log: one line an event, whole."""

import io
import json
import sys

import pytest
import structlog

from registry.logs import configure_logs


class Stream(io.StringIO):
    """Keeps what each call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, text: str, /) -> int:
        self.written.append(text)
        return len(text)


def test_a_line_is_written_at_once_with_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    before = structlog.get_config()
    configure_logs()
    try:
        structlog.get_logger().info("pulled", feed="hosp")
    finally:
        structlog.configure(**before)
    (line,) = stream.written
    assert line.endswith("\n")
    assert json.loads(line)["feed"] == "hosp"
