"""Writing to Tantivy indices: versions guarded under the index's own writer lock, one outcome per operation."""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from tantivy import Index, IndexWriter, Query

from registry.search.document import Operation
from registry.search.mapping import Mapping
from registry.search.port import OTHER_MAPPING, Outcome
from registry.search.tantivy_folder import IndexFolder
from registry.search.tantivy_form import Form

if TYPE_CHECKING:
    from tantivy import Schema

    from registry.settings import TantivySettings

_log = structlog.get_logger(__name__)
_MIB = 1024 * 1024
# How long to wait for another process's bulk to end, and how often to look. A bulk takes well under a second.
_LOCK_WAIT_S, _LOCK_LOOK_S = 5.0, 0.05
LOCKED = "another process is writing to this search index"


class IndexWriters:
    """The writers of this process, at most one an index; guarded by one lock, since a writer is for one thread."""

    def __init__(
        self, folder: IndexFolder, schema: "Schema", mapping: Mapping, settings: "TantivySettings"
    ) -> None:
        self._folder = folder
        self._schema = schema
        self._form = Form(mapping)
        self._settings = settings
        self._lock = threading.Lock()
        self._building: dict[str, tuple[Index, IndexWriter]] = {}

    def apply(self, name: str, operations: Sequence[Operation], *, keep_open: bool) -> list[Outcome]:
        """Apply operations to an index and commit. Never raises.

        Args:
            keep_open: keep the writer and its lock for the next call; `finish` lets them go.
        """
        with self._lock:
            try:
                if name not in self._building and not self._folder.fits(name):
                    return [Outcome(operation, "retry", OTHER_MAPPING) for operation in operations]
                index, writer = self._writer(name)
            except (OSError, ValueError) as error:
                reason = LOCKED if _is_locked(error) else f"the search index can't be written: {_kind(error)}"
                return [Outcome(operation, "retry", reason) for operation in operations]
            self._building[name] = index, writer
            try:
                outcomes = self._write(index, writer, operations)
                if not keep_open:
                    self._end(name)
            except (OSError, ValueError, RuntimeError) as error:
                # A writer that failed is not used again; what it had not committed is gone with it.
                self._building.pop(name, None)
                _log.warning("search index error", kind=_kind(error))
                reason = f"the search index can't be written: {_kind(error)}"
                return [Outcome(operation, "retry", reason) for operation in operations]
            return outcomes

    def finish(self, name: str) -> None:
        """Wait for merges and let the writer of an index go, if there is one."""
        with self._lock:
            try:
                self._end(name)
            except (ValueError, RuntimeError) as error:
                raise OSError(5, f"merging failed: {_kind(error)}") from error

    def forget(self, name: str) -> None:
        """Let the writer of an index go without waiting."""
        with self._lock:
            self._building.pop(name, None)

    def close(self) -> None:
        """Let all writers go."""
        with self._lock:
            self._building = {}

    def _writer(self, name: str) -> tuple[Index, IndexWriter]:
        if known := self._building.get(name):
            return known
        index = self._folder.open(name)
        index.config_reader("manual")
        heap = self._settings.writer_heap_mb * _MIB
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                return index, index.writer(heap, self._settings.writer_threads)
            except ValueError as error:
                if not _is_locked(error) or time.monotonic() > deadline:
                    raise
            time.sleep(_LOCK_LOOK_S)

    def _end(self, name: str) -> None:
        if known := self._building.pop(name, None):
            known[1].wait_merging_threads()

    def _write(self, index: Index, writer: IndexWriter, operations: Sequence[Operation]) -> list[Outcome]:
        versions = self._versions(index, [operation.key for operation in operations])
        outcomes = []
        for operation in operations:
            known = versions.get(operation.key)
            if known is not None and known > operation.version:
                outcomes.append(Outcome(operation, "superseded"))
                continue
            text, reason = self._form.written(operation.stored)
            if reason:
                outcomes.append(Outcome(operation, "failed", reason))
                continue
            if known is not None:
                # By an i64 term: on an unsigned field this deletes nothing, silently.
                writer.delete_documents_by_term("key", operation.key)
            writer.add_json(text)
            versions[operation.key] = operation.version
            outcomes.append(Outcome(operation, "done"))
        writer.commit()
        return outcomes

    def _versions(self, index: Index, keys: list[int]) -> dict[int, int]:
        """Read the versions that the index holds; nobody can change them while we have the writer."""
        index.reload()
        searcher = index.searcher()
        if not (keys and searcher.num_docs):
            return {}
        query = Query.term_set_query(self._schema, "key", keys)
        found = [address for _, address in searcher.search(query, limit=len(keys), count=False).hits]
        stored = zip(
            searcher.fast_field_values("key", found),
            searcher.fast_field_values("version", found),
            strict=True,
        )
        return {int(key or 0): int(version or 0) for key, version in stored}


def _is_locked(error: Exception) -> bool:
    return "LockBusy" in str(error)


def _kind(error: Exception) -> str:
    return type(error).__name__
