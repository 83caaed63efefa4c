"""The README's promises: its examples work in the demo as written, and what it names exists."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.cli import main as indexer
from registry.cli import main as registry
from registry.settings import ROOT

README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```", README.split("## Asking the API")[1].split("\n## ")[0], re.DOTALL)
PATIENCE_S = 120


@dataclass
class Demo:
    """A running demo."""

    base_url: str
    folder: Path

    def run(self, example: str) -> str:
        """Run an example as a reader would paste it, against this demo's own port and folder."""
        script = example.replace("http://127.0.0.1:8000", self.base_url).replace(
            ". .demo/", f". {self.folder}/"
        )
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f". {self.folder}/environment\n{script}"],
            capture_output=True,
            text=True,
            env=environ,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    arguments = [
        sys.executable,
        "-m",
        "indexer.sandbox.demo",
        "--size",
        "60",
        "--port",
        "0",
        "--folder",
        str(folder),
    ]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    ) as process:
        assert process.stdout
        lines = []
        until = time.monotonic() + PATIENCE_S
        for line in process.stdout:
            lines.append(line)
            if "Stop with Ctrl-C" in line or time.monotonic() > until:
                break
        output = "".join(lines)
        found = re.search(r"The service answers at (\S+)", output)
        assert found, output
        yield Demo(found[1], folder)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=PATIENCE_S) == 0


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_answers_what_the_readme_says(demo: Demo, number: int) -> None:
    example = EXAMPLES[number]
    expected = re.findall(r"^# → (.+)$", example, re.MULTILINE)
    output = demo.run(example)

    assert expected, "every example says what it answers, in a line that starts with '# → '"
    for words in expected:
        assert re.sub(r"\s", "", words) in re.sub(r"\s", "", output)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README))))
def test_a_linked_file_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_command_is_in_the_readme() -> None:
    for group in (indexer, registry):
        for name in group.commands:
            assert f"`{name}" in README or f"{group.name} {name}" in README, name
