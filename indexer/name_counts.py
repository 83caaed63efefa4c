"""Counting names anew: at the end of a rebuild and of a comparison (`indexer compare`, daily by `indexer run`)."""

from datetime import UTC, datetime

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from indexer.expected import snapshot
from registry.database import writing
from registry.records.name_counting import count_names
from registry.records.name_counts import replace_all
from registry.settings import Index

log = structlog.get_logger()


def count_anew(engine: Engine, settings: Index) -> int:
    """Count the names in SQL truth and put the result in place of the last one; return how many names are listed.

    Raises:
        SQLAlchemyError: the database failed; the last result stands.
    """
    with snapshot(engine) as connection:
        counted, people = count_names(connection)
    with writing(engine).begin() as connection:
        listed = replace_all(connection, counted, people, datetime.now(UTC), settings.name_counts_keep)
    log.info("names counted", names=listed, people=people)
    return listed


def count_anew_if_possible(engine: Engine, settings: Index) -> None:
    """Do the same after other work, which must not fail for it: the last result stands, and the log says so."""
    try:
        count_anew(engine, settings)
    except SQLAlchemyError as error:
        log.warning("names could not be counted; the last count stands", kind=type(error).__name__)
