"""The log: one line an event, whole, and without any personal identity number, whoever logs it and in whatever field."""

import ast
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from registry.identifiers import MASK
from registry.logs import LibraryLog, configure_logs
from tests.registry.access.harness import NURSE_NUMBER
from tests.registry.test_masking import unreadable

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


class Stream(io.StringIO):
    """Keeps what each call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, text: str, /) -> int:
        self.written.append(text)
        return len(text)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """Sets the log up, and tells what it wrote."""
    before, handlers, raising = structlog.get_config(), logging.root.handlers[:], logging.raiseExceptions
    configure_logs()

    def written() -> list[str]:
        return capsys.readouterr().err.splitlines()

    yield written
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.raiseExceptions = raising
    logging.captureWarnings(capture=False)


def test_a_line_is_written_at_once_with_its_end(
    lines: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    structlog.get_logger().info("pulled", feed="hosp")
    (line,) = stream.written
    assert line.endswith("\n")
    assert json.loads(line)["feed"] == "hosp"
    assert lines() == []


def calls() -> list[Any]:
    """Return every call of the log in the product: where it stands, its level and the names of its fields."""
    found = []
    for path in sorted(
        [ROOT / "app.py", *(ROOT / "registry").rglob("*.py"), *(ROOT / "indexer").rglob("*.py")]
    ):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = ast.unparse(node.func.value)
            if node.func.attr in LEVELS and owner.rpartition(".")[2] in {
                "log",
                "_log",
                "logger",
                "quiet",
                "get_logger()",
            }:
                fields = [each.arg or "others" for each in node.keywords]
                name = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append(pytest.param(node.func.attr, fields, id=name))
    return found


@pytest.mark.parametrize(("level", "fields"), calls())
def test_no_call_of_the_log_can_write_a_number(
    level: str, fields: list[str], lines: Callable[[], list[str]]
) -> None:
    """Whatever a field is given: the line has its name still, and nothing to read the number from."""
    ten = NURSE_NUMBER[2:]
    values: list[Any] = [
        NURSE_NUMBER,
        f"{ten[:6]}-{ten[6:]}",
        f"postgresql://x/%{ord(ten[0]):x}{ten[1:]}?q={NURSE_NUMBER}",
        int(NURSE_NUMBER),
        NURSE_NUMBER.encode(),
        ValueError(f"duplicate key ({NURSE_NUMBER})"),
        [ten[:6], ten[6:]],
        {"who": {NURSE_NUMBER: [NURSE_NUMBER]}},
    ]
    method = "info" if level == "log" else level
    for value in values:
        getattr(structlog.get_logger(), method)(str(value), **dict.fromkeys(fields, value))
    written = lines()
    assert len(written) == len(values)
    for line in written:
        told = json.loads(line)
        assert MASK in told["event"] or MASK in line
        assert set(fields) - {"exc_info", "stack_info"} <= told.keys()
        timeless = {key: value for key, value in told.items() if key != "timestamp"}
        assert unreadable(json.dumps(timeless), NURSE_NUMBER), line


def test_the_calls_of_the_log_are_found() -> None:
    assert len(calls()) > 80


def _library() -> None:
    logging.getLogger("opensearchpy").warning("no answer for %s", NURSE_NUMBER)


def _library_error() -> None:
    try:
        int(f"x{NURSE_NUMBER}")
    except ValueError:
        logging.getLogger("sqlalchemy.pool").exception("broken: %s", NURSE_NUMBER)


def _library_of_its_own_level() -> None:
    logging.getLogger("other").log(35, NURSE_NUMBER)


def _ill_formatted() -> None:
    logging.getLogger("httpx").error("%d people", NURSE_NUMBER)


def _exception_of_ours() -> None:
    try:
        int(f"x{NURSE_NUMBER}")
    except ValueError:
        structlog.get_logger().exception("failed")


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (_library, {"event": f"no answer for {MASK}", "logger": "opensearchpy", "level": "warning"}),
        (_library_error, {"event": f"broken: {MASK}", "error": "ValueError", "level": "error"}),
        (_library_of_its_own_level, {"event": MASK, "level": "warning"}),
        (_ill_formatted, {"event": "a line that can't be formatted (TypeError)", "logger": "httpx"}),
        (_exception_of_ours, {"event": "failed", "error": "ValueError"}),
    ],
)
def test_what_libraries_log_goes_the_same_way(
    happens: Callable[[], None], told: dict[str, str], lines: Callable[[], list[str]]
) -> None:
    happens()
    (line,) = lines()
    assert told.items() <= json.loads(line).items()
    assert NURSE_NUMBER not in line


_UNCAUGHT = {
    "raised": "raise ValueError(number)",
    "chained": "try:\n    int('x' + number)\nexcept ValueError as error:\n    raise KeyError(number) from error",
    "in a thread": "import threading; t = threading.Thread(target=int, args=('x' + number,)); t.start(); t.join()",
    "unraisable": "class A:\n    def __del__(self): raise ValueError(number)\na = A()\ndel a",
    "warned": "import warnings; warnings.warn(number)",
}


@pytest.mark.parametrize("code", _UNCAUGHT.values(), ids=_UNCAUGHT)
def test_what_nobody_catches_is_told_without_its_words(code: str) -> None:
    made = f"number = {NURSE_NUMBER[:8]!r} + {NURSE_NUMBER[8:]!r}"
    program = f"from registry.logs import configure_logs\nconfigure_logs()\n{made}\n{code}\n"
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(told) == 1
    assert told[0]["level"] in {"critical", "warning"}
    assert NURSE_NUMBER not in done.stderr + done.stdout


def test_the_systems_own_words_are_told() -> None:
    program = "from registry.logs import configure_logs\nconfigure_logs()\nopen('/nowhere/at-all')\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "No such file or directory: '/nowhere/at-all'" in json.loads(done.stderr)["reason"]
    assert done.returncode == 1


def test_our_own_words_are_told() -> None:
    program = (
        "from registry.logs import configure_logs\nfrom registry.errors import SettingsError\nconfigure_logs()\n"
        f"raise SettingsError('Setting a.b is wrong, not {NURSE_NUMBER}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert json.loads(done.stderr)["reason"] == f"Setting a.b is wrong, not {MASK}"


def test_a_process_has_one_way_for_libraries(lines: Callable[[], list[str]]) -> None:
    configure_logs()
    configure_logs()
    assert [isinstance(handler, LibraryLog) for handler in logging.root.handlers].count(True) == 1
    assert lines() == []
