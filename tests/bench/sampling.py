"""Where the time of a job goes: a timer looks a hundred times a second at which part of the code is running.

Unlike a profiler it does not slow down code of many small calls, so it can run beside the measurement itself.
"""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from registry.settings import ROOT

_EVERY_S = 0.01

# The part of a sample is that of the innermost frame whose file stands here; longer beginnings win.
PULL: Mapping[str, str] = {
    "indexer/pull.py": "begin, commit, the rest",
    "indexer/feeds/": "fetch",
    **{
        f"indexer/feeds/{name}.py": "parse"
        for name in (
            "__init__",
            "hosp_xml",
            "socrata_rows",
            "socrata_csv",
            "socrata_json",
            "socrata_columns",
            "fhir_ndjson",
            "nppes_csv",
            "nppes_layout",
            "nppes_lines",
            "rows",
            "text",
        )
    },
    "indexer/normalize/": "normalize",
    "indexer/testpeople.py": "normalize",
    "registry/sealing.py": "digest and seal",
    "indexer/payloads.py": "digest and seal",
    "indexer/people.py": "join people",
    "indexer/joins.py": "join people",
    **{
        f"indexer/{name}.py": "compare with what is known"
        for name in ("load", "known", "heads", "vanished", "guard", "held", "quarantine")
    },
    "indexer/write.py": "write to SQL",
    "indexer/fold.py": "write to SQL",
    "indexer/history.py": "write to SQL",
}
PUBLISH: Mapping[str, str] = {
    **{f"indexer/{name}.py": "begin, commit, the rest" for name in ("publish", "publish_round", "claims")},
    **{
        f"indexer/{name}.py": "count, swap, the rest"
        for name in ("rebuild", "building", "builds", "settling", "first_index", "expected")
    },
    "indexer/rebuild_checks.py": "checks",
    # Batches are encoded and sent by threads beside the one that is looked at.
    "indexer/sending.py": "wait for the engine",
    "registry/records/": "read from SQL",
    "registry/records/outbox.py": "outbox",
    "registry/records/search_indices.py": "count, swap, the rest",
    "registry/search/document.py": "build documents",
    "registry/search/checksum.py": "build documents",
    "registry/names/": "build documents",
    "registry/search/": "encode and send to the engine, wait",
}
COMPARE: Mapping[str, str] = {
    "indexer/": "judge, record, the rest",
    "indexer/expected.py": "add up SQL",
    "registry/records/expected.py": "add up SQL",
    "registry/records/": "judge, record, the rest",
    "registry/search/": "add up the index",
}


@contextmanager
def sampled(parts: Mapping[str, str]) -> Iterator[Counter[str]]:
    """Count samples per part while the block runs. In the main thread only (signals go there)."""
    counted: Counter[str] = Counter()
    by_length = sorted(parts, key=len, reverse=True)
    known: dict[str, str | None] = {}

    def part_of(filename: str) -> str | None:
        if filename not in known:
            path = Path(filename)
            relative = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
            known[filename] = next((parts[each] for each in by_length if relative.startswith(each)), None)
        return known[filename]

    def look(_number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if part := part_of(frame.f_code.co_filename):
                counted[part] += 1
                return
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _EVERY_S, _EVERY_S)
    try:
        yield counted
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def shares(counted: Mapping[str, int]) -> dict[str, float]:
    """Return each part's share of all samples, the largest first."""
    total = sum(counted.values())
    ordered = sorted(counted.items(), key=lambda item: -item[1])
    return {part: count / total for part, count in ordered}
