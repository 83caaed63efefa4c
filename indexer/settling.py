"""Which index is in use: the engine's word, and what SQL must do when it learns of a change."""

from datetime import UTC, datetime

import structlog
from sqlalchemy.engine import Engine

from registry.database import writing
from registry.records import search_indices
from registry.search.port import IndexEngine

log = structlog.get_logger()


def settle(engine: Engine, search: IndexEngine) -> str | None:
    """Return the index in use, None if there is none, and record it if SQL believes otherwise.

    SQL believes otherwise when a rebuild died between its swap and its note, when an operator has moved the alias, and
    when a backup of either side was restored. Then, in one transaction: the index is recorded as the one in use, the one
    before as the previous one, and everyone whose version is not below the new one's mark goes into the outbox.

    So no change is lost that was confirmed to the former index only. Let a publisher send version V, having chosen the
    former index because it was in use at that moment. V was committed before the publisher read it, hence before the
    swap. Either V is below the new index's mark, and the new index holds it; or V is not, and this transaction, which
    begins after the swap, sees it and queues it, whether the publisher removes its own row before or after. What is
    committed later is read, and therefore sent, after the swap. It does not matter which process comes here first, nor
    how long after the swap.

    Two processes may come at once. The engine is asked under the lock that the note is made under, so that whoever notes
    last has also asked last, and a belief from before a swap never replaces one from after it. (The lock waits for the
    engine here, but only when there is something to note.)

    An index that SQL knows nothing of, or that no rebuild has found whole, may lack anything: it is used, since it is in
    use, and a warning says how to mend it.

    Raises:
        SearchUnavailableError: the engine can't be asked.
    """
    name = search.current_index()
    with engine.connect() as connection:
        if search_indices.in_use(connection) == name:
            return name
    now = datetime.now(UTC)
    with writing(engine).begin() as connection:
        search_indices.lock(connection)
        name = search.current_index()
        believed = search_indices.in_use(connection)
        if believed == name:
            return name
        if name is None:
            search_indices.none_in_use(connection, now)
            log.warning("no search index is in use any more", before=believed)
            return None
        row = search_indices.known(connection).get(name)
        search_indices.put_in_use(connection, name, now)
        if row is None or not row.whole:
            search_indices.doubt(connection, name)
            log.warning(
                "an index is in use that was not made here or is not finished; run `indexer compare --repair`",
                index=name,
                before=believed,
            )
            return name
        queued = search_indices.queue_changed(connection, row.mark, now)
    log.info("index in use", index=name, before=believed, queued=queued)
    return name
