"""Parts of docs/benchmarks.md that are measured by themselves: each is replaced alone, and stays when others are."""

import re
from dataclasses import dataclass
from pathlib import Path

_BEFORE = "## How it is measured"


@dataclass(frozen=True)
class Block:
    """A part of the report between two marks."""

    name: str

    @property
    def _marks(self) -> tuple[str, str]:
        return f"<!-- {self.name}: begin -->", f"<!-- {self.name}: end -->"

    @property
    def _pattern(self) -> re.Pattern[str]:
        begin, end = map(re.escape, self._marks)
        return re.compile(f"{begin}\\n.*?{end}\\n", re.DOTALL)

    def kept(self, path: Path) -> str:
        """Return this part as it stands in the report, "" if it does not."""
        found = self._pattern.search(path.read_text("utf-8")) if path.exists() else None
        return found[0] if found else ""

    def put(self, path: Path, section: str) -> None:
        """Write this part into the report, in the place of an older one."""
        begin, end = self._marks
        block = f"{begin}\n{section}{end}\n"
        text = path.read_text("utf-8") if path.exists() else "# Speed\n\n"
        if self._pattern.search(text):
            text = self._pattern.sub(lambda _: block, text, count=1)
        elif _BEFORE in text:
            text = text.replace(_BEFORE, f"{block}\n{_BEFORE}", 1)
        else:
            text = f"{text}{block}"
        path.write_text(text, "utf-8")
