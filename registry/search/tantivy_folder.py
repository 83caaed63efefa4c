"""The folder of the embedded engine: which indices it holds, which one is in use, and views to read them."""

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from tantivy import Index

from registry.errors import SwapError
from registry.search.mapping import Difference, Mapping, index_age, is_index_name
from registry.struct_types import ready

if TYPE_CHECKING:
    from tantivy import Schema, Searcher

PREFIX = "registry"
_POINTER = "current"
# Held while an index is put in use or dropped: by a process, and let go by the kernel when that ends.
_LOCK = ".swap.lock"
# In each index: the mapping it was made for, as it is told (`Mapping.new`).
_MAPPING = "mapping.json"
_UNFINISHED, _DROPPED = ".new-", ".dropped-"


@ready
class _Told(msgspec.Struct):
    """A mapping as it stands in a file (`Mapping.new`)."""

    dynamic: str
    properties: dict[str, dict[str, Any]]
    meta: dict[str, Any] = msgspec.field(name="_meta")


class IndexFolder:
    """Indices in a folder. Names, the pointer and the open readers; no writing of documents."""

    def __init__(self, path: str, mapping: Mapping, schema: "Schema") -> None:
        self._path = Path(path)
        self._mapping = mapping
        self._schema = schema
        self._alias = mapping.alias(PREFIX)
        self._fitting: str | None = None
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
        return sorted(names, key=index_age)

    def create(self, name: str) -> None:
        """Make an empty index. It gets its name when it is whole, so that a crash leaves no half one."""
        self._path.mkdir(parents=True, exist_ok=True)
        unfinished = self._path / f"{_UNFINISHED}{name}"
        unfinished.mkdir()
        Index(self._schema, path=str(unfinished))
        (unfinished / _MAPPING).write_bytes(orjson.dumps(self._mapping.new))
        unfinished.rename(self.path(name))

    def difference(self, name: str) -> Difference | None:
        """Compare an index with the mapping, by what it was made for and the fields it has; None if there is none.

        Raises:
            OSError, ValueError: it can't be read.
        """
        try:
            index = self.open(name)
        except FileNotFoundError:
            return None
        told = self._mapping.difference(self._told(name))
        if index.schema == self._schema or told.changed:
            return told
        return replace(told, changed=("the form of its fields",))

    def _told(self, name: str) -> dict[str, Any]:
        """Return the mapping that an index was made for; nothing if it does not tell."""
        try:
            told = msgspec.json.decode((self.path(name) / _MAPPING).read_bytes(), type=_Told)
        except (FileNotFoundError, msgspec.MsgspecError):
            return {}
        return {"_meta": told.meta, "dynamic": told.dynamic, "properties": told.properties}

    def fits(self, name: str) -> bool:
        """Tell whether an index can be searched and written by this version; the one in use is looked at once.

        Raises:
            OSError, ValueError: it can't be read.
        """
        if name == self._fitting:
            return True
        told = self.difference(name)
        if told is None:
            raise FileNotFoundError(2, "no such index")
        if told.fit == "same":
            self._fitting = name
            return True
        return False

    def point_to(self, name: str, replacing: str | None) -> None:
        """Put an index in use in place of another, durably and in one step.

        Raises:
            SwapError: the other is not in use.
            FileNotFoundError: the index was dropped meanwhile.
        """
        with self._swapping():
            current = self.current()
            if current != replacing:
                raise SwapError(
                    f"{current or 'No index'} is in use, not {replacing or 'none'}; {name} was not put in use."
                )
            if not self.path(name).is_dir():
                raise FileNotFoundError(2, "no such index")
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

    @contextmanager
    def _swapping(self) -> Iterator[None]:
        """Be the only one, among all threads and processes, that puts in use or drops."""
        self._path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def drop(self, name: str) -> None:
        """Delete an index; readers that have it open keep their view.

        Raises:
            ValueError: it is in use.
        """
        path = self.path(name)
        dropped = self._path / f"{_DROPPED}{name}"
        with self._swapping():
            if name == self.current():
                raise ValueError(f"{name} is in use; put another index in use first.")
            if path.exists():
                path.rename(dropped)
        with self._lock:
            self._open.pop(name, None)
        for left in self._path.glob(f"{_DROPPED}*"):
            shutil.rmtree(left, ignore_errors=True)

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
