"""The folder of the embedded engine: which indices it holds, which one is in use, and views to read them."""

import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tantivy import Index

from registry.search.mapping import Mapping, is_index_name

if TYPE_CHECKING:
    from tantivy import Schema, Searcher

PREFIX = "registry"
_POINTER = "current"
_UNFINISHED, _DROPPED = ".new-", ".dropped-"


class IndexFolder:
    """Indices in a folder. Names, the pointer and the open readers; no writing of documents."""

    def __init__(self, path: str, mapping: Mapping) -> None:
        self._path = Path(path)
        self._alias = mapping.alias(PREFIX)
        self._lock = threading.Lock()
        self._open: dict[str, Index] = {}

    def path(self, name: str) -> Path:
        """Return an index's own folder.

        Raises:
            ValueError: it is no name of an index (so that none can lead out of the folder).
        """
        if not is_index_name(name, self._alias):
            raise ValueError(f"{name} is no index of this registry.")
        return self._path / name

    def current(self) -> str | None:
        """Return the name of the index in use, None if there is none."""
        try:
            name = (self._path / _POINTER).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        return name if is_index_name(name, self._alias) else None

    def names(self) -> list[str]:
        """Return all indices, oldest first."""
        if not self._path.is_dir():
            return []
        names = (entry.name for entry in self._path.iterdir() if is_index_name(entry.name, self._alias))
        return sorted(names, key=lambda name: name.rpartition("-")[2])

    def create(self, name: str, schema: "Schema") -> None:
        """Make an empty index. It gets its name when it is whole, so that a crash leaves no half one."""
        self._path.mkdir(parents=True, exist_ok=True)
        unfinished = self._path / f"{_UNFINISHED}{name}"
        unfinished.mkdir()
        Index(schema, path=str(unfinished))
        unfinished.rename(self.path(name))

    def point_to(self, name: str) -> None:
        """Put an index in use, durably and in one step."""
        unfinished = self._path / f"{_UNFINISHED}{_POINTER}"
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path / _POINTER)
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self, name: str) -> None:
        """Delete an index; readers that have it open keep their view.

        Raises:
            ValueError: it is in use.
        """
        path = self.path(name)
        if name == self.current():
            raise ValueError(f"{name} is in use; put another index in use first.")
        with self._lock:
            self._open.pop(name, None)
        for left in self._path.glob(f"{_DROPPED}*"):
            shutil.rmtree(left, ignore_errors=True)
        if path.exists():
            dropped = self._path / f"{_DROPPED}{name}"
            path.rename(dropped)
            shutil.rmtree(dropped, ignore_errors=True)

    def searcher(self, name: str) -> "Searcher":
        """Return a view of an index as of its last commit.

        Raises:
            OSError, ValueError: it is not there, or can't be read.
        """
        with self._lock:
            index = self._open.get(name)
            if index is None:
                index = self.open(name)
                # Once, before the first view: doing it beside one fails. "commit" would watch files and lag.
                index.config_reader("manual")
                self._open = {name: index, **{n: i for n, i in self._open.items() if n == self.current()}}
            index.reload()
            return index.searcher()

    def open(self, name: str) -> Index:
        """Open an index from its files.

        Raises:
            OSError, ValueError: it is not there, or can't be read.
        """
        path = self.path(name)
        if not path.is_dir():
            raise FileNotFoundError(2, "no such index")
        return Index.open(str(path))

    def close(self) -> None:
        """Forget the open indices; their files are closed with the last view of them."""
        with self._lock:
            self._open = {}
