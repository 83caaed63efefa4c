"""What docs/cluster.md tells operators to write and to run, taken from the page and used here as it stands."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from registry.settings import ROOT

_PAGE = ROOT / "docs" / "cluster.md"
_BLOCK = re.compile(r"^<!-- test: (.+?) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SECONDS = 120.0


def block(name: str, replacing: Mapping[str, str] | None = None) -> str:
    """Return a block of the page, with what must be other on this machine replaced; each such text must be there."""
    (text,) = (body for title, body in _BLOCK.findall(_PAGE.read_text("utf-8")) if title == name)
    for old, new in (replacing or {}).items():
        assert old in text, f"{old!r} is not in block {name!r}"
        text = text.replace(old, new)
    return str(text)


def names() -> list[str]:
    """Return the names of all blocks that tests use."""
    return [title for title, _ in _BLOCK.findall(_PAGE.read_text("utf-8"))]


def run(name: str, folder: Path, replacing: Mapping[str, str] | None = None, before: str = "") -> str:
    """Run a block, after the text `before`, as a shell script in a folder; return what it printed."""
    return script(f"{before}\n{block(name, replacing)}", folder)


def script(text: str, folder: Path) -> str:
    """Run a shell script in a folder and return what it printed; it must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
