"""A new index from SQL truth, built beside the one in use and put in its place when it has passed its checks.

The steps and why they may be interrupted anywhere: `indexer.building`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy.engine import Engine

from indexer.building import Builder, Progress, told_when_busy
from indexer.expected import snapshot
from indexer.lock import only_one
from indexer.name_counts import count_anew_if_possible
from indexer.rebuild_checks import check_count, check_mapping, check_sample, check_versions
from indexer.sending import RebuildError
from indexer.settling import settle
from registry.records import search_indices
from registry.records.hidden import last_hidden
from registry.search.port import IndexEngine
from registry.settings import Settings

__all__ = ["Progress", "RebuildError", "Rebuilt", "back", "rebuild"]

log = structlog.get_logger()


@dataclass
class Rebuilt:
    """The index in use now.

    Attributes:
        documents: how many it held when it was checked.
        before: the one that was in use before, kept for `rebuild --back`; None: there was none, or it is the same.
        resumed: a build that was left unfinished was continued.
        changed: whether anything was done; False: nothing had to be.
    """

    index: str
    documents: int
    before: str | None = None
    resumed: bool = False
    changed: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return asdict(self)


def rebuild(
    engine: Engine,
    search: IndexEngine,
    settings: Settings,
    progress: Progress,
    *,
    fresh: bool = False,
    in_place: bool = False,
    alone: bool = False,
) -> Rebuilt:
    """Build an index, check it and swap to it; one that was left unfinished by an earlier rebuild is continued.

    Changes that are loaded meanwhile go to the index in use as always, and are in the new one after the swap.

    Args:
        fresh: drop what an earlier rebuild left, and begin anew.
        alone: keep no index beside it, so that no file holds what SQL truth does not show any more (`indexer.clearing`).
        in_place: instead, give the index in use the fields that this version has added, and write its documents again.

    Raises:
        RebuildError: a check failed or a document was refused; the new index is dropped, the one in use stands.
        BusyError: another process rebuilds, or too much is being loaded at the moment; what was built is kept.
        LostLeaseError: another process has taken over; what was built is kept.
        SearchUnavailableError: the engine failed; what was built is kept.
        SwapError: another index has come into use meanwhile; what was built is kept.
    """
    with told_when_busy(), only_one(engine, "rebuild", settings.indexer) as guard:
        builder = Builder(engine, search, settings, progress, guard)
        rebuilt = _in_place(builder) if in_place else _rebuild(builder, fresh=fresh, alone=alone)
        count_anew_if_possible(engine, settings.index)
        return rebuilt


def back(engine: Engine, search: IndexEngine, settings: Settings, progress: Progress) -> Rebuilt:
    """Put the previous index in use again, once it has been told everything that has changed since and is checked.

    Raises:
        RebuildError: there is no previous index, it was made for other fields, or it fails a check.
        BusyError, LostLeaseError, SearchUnavailableError, SwapError: as `rebuild`.
    """
    with told_when_busy(), only_one(engine, "rebuild", settings.indexer) as guard:
        return _back(Builder(engine, search, settings, progress, guard))


def _rebuild(builder: Builder, *, fresh: bool, alone: bool) -> Rebuilt:
    before = settle(builder.engine, builder.search)
    with builder.engine.connect() as connection:
        hidden_below = last_hidden(connection) + 1 if alone else 0
    row, resumed = builder.begin(fresh=fresh, hidden_below=hidden_below)
    try:
        builder.fill(row.name, row.filled_to)
        mark = builder.catch_up(row.name, row.mark)
        builder.search.finish_index(row.name)
        mark, documents = _checked(builder, row.name, mark, aged=resumed)
        builder.put_in_use(row.name, mark, documents, replacing=before, alone=alone)
    except RebuildError:
        builder.discard(row.name)
        raise
    return Rebuilt(row.name, documents, None if alone else before, resumed=resumed)


def _checked(builder: Builder, name: str, mark: int, *, aged: bool = False) -> tuple[int, int]:
    """Catch up to one moment of SQL truth, check the index against that very moment; return its mark and count.

    Exact, whatever is loaded meanwhile: nobody but this rebuild writes to an index that is not in use.

    Args:
        aged: it was not made just now, so that all its versions are compared too: the database may have been restored
            from a backup since.
    """
    index = builder.settings.index
    with snapshot(builder.engine) as connection:
        mark, _ = builder.replay(connection, name, mark)
        builder.search.refresh(name)
        check_mapping(builder.search, name)
        documents = check_count(builder.search, name, connection)
        if aged:
            check_versions(builder.search, name, connection, index)
        check_sample(builder.search, name, connection, index.rebuild_sample)
    log.info("rebuild: checks passed", index=name, documents=documents)
    return mark, documents


def _back(builder: Builder) -> Rebuilt:
    current = settle(builder.engine, builder.search)
    there = builder.search.indices()
    with builder.engine.connect() as connection:
        rows = search_indices.known(connection).values()
    row = next((one for one in rows if one.state == "previous" and one.name in there), None)
    if row is None:
        raise RebuildError("There is no previous index to go back to. `indexer rebuild` makes a new one.")
    if builder.search.fit(row.name) != "same":
        raise RebuildError(
            f"The previous index {row.name} was made for other fields than this version's, so that it can't be used. "
            "`indexer rebuild` makes a new one; to go back to an earlier version of the software, run its own."
        )
    # One that is not known to be whole is told everything.
    mark = builder.catch_up(row.name, row.mark if row.whole else 0)
    mark, documents = _checked(builder, row.name, mark, aged=True)
    builder.put_in_use(row.name, mark, documents, replacing=current)
    return Rebuilt(row.name, documents, current)


def _in_place(builder: Builder) -> Rebuilt:
    """Add fields to the index in use and write its documents again.

    Until all are written the index says of itself that it is not complete: this version neither searches it nor publishes
    to it, and a second start after a kill writes all of them again.
    """
    search = builder.search
    name = settle(builder.engine, search)
    if name is None:
        raise RebuildError("There is no index in use to add fields to. Run `indexer rebuild`.")
    fit = search.fit(name)
    if fit == "same":
        return Rebuilt(name, search.count(name), changed=False)
    if fit == "other":
        raise RebuildError(
            f"{name} can't be changed in place: a field was removed, has another type or is filled differently. "
            "Run `indexer rebuild`."
        )
    try:
        search.add_fields(name)
    except ValueError as error:
        raise RebuildError(str(error)) from error
    # Publishers of an earlier version may write too. Versions decide who is right, and an equal one is written again.
    builder.fill(name, 0)
    search.refresh(name)
    with snapshot(builder.engine) as connection:
        check_sample(search, name, connection, builder.settings.index.rebuild_sample, published=True)
    search.finish_index(name)
    check_mapping(search, name)
    documents = search.count(name)
    log.info("rebuild: all documents have the new fields", index=name, documents=documents)
    return Rebuilt(name, documents)
