"""A process for one job of the measurement, so that its memory is its own: `python -m tests.bench.worker JOB RESULT`.

Arguments come as JSON on standard input, the result goes as JSON to the file RESULT; settings are the environment's.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from registry.logs import configure_logs
from tests.bench import (
    days_jobs,
    index_floor,
    index_jobs,
    index_visible,
    ingest_floor,
    ingest_jobs,
    ledger_jobs,
    lists_jobs,
    pull_floor,
    pull_jobs,
    query_floor,
    search_floor,
    search_questions,
)

JOBS: dict[str, Callable[..., msgspec.Struct]] = {
    "pull": pull_jobs.first,
    "pull-again": pull_jobs.again,
    "pull-floor": pull_floor.measure,
    "publish": index_jobs.publish,
    "rebuild": index_jobs.rebuild,
    "compare": index_jobs.compare,
    "index-floor": index_floor.measure,
    "visible": index_visible.measure,
    "query-floor": query_floor.measure,
    "search-questions": search_questions.draw,
    "search-bodies": search_floor.record,
    "search-floor": search_floor.measure,
    "ingest-write": ingest_jobs.write,
    "ingest-read": ingest_jobs.read,
    "ingest-prepare": ingest_jobs.prepare,
    "ingest-pull": ingest_jobs.pull,
    "ingest-floor": ingest_floor.measure,
    "ledger-fill": ledger_jobs.fill,
    "ledger-seal": ledger_jobs.seal_all,
    "ledger-verify": ledger_jobs.verify_all,
    "ledger-damage": ledger_jobs.damage,
    "ledger-prove": ledger_jobs.prove,
    "ledger-insert": ledger_jobs.insert,
    "ledger-days": days_jobs.read_days,
    "lists": lists_jobs.check,
    "lists-draw": lists_jobs.draw_rows,
}


def main(name: str, result: Path) -> None:
    """Run one job."""
    configure_logs()
    arguments: dict[str, Any] = msgspec.json.decode(sys.stdin.buffer.read())
    result.write_bytes(msgspec.json.encode(JOBS[name](**arguments)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
