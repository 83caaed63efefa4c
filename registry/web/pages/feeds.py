"""For those who run the registry: feeds and how their runs went, and the receipt of each run."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Response, request, url_for

from registry.access.guard import requires_scope
from registry.errors import NotFoundError
from registry.records import receipts
from registry.records.error_rows import Kind
from registry.records.receipts import Quarantined, Receipt, RowError, Run
from registry.web.context import context
from registry.web.error_files import error_file
from registry.web.pages.blueprints import pages
from registry.web.pages.common import known_feeds, viewer
from registry.web.pages.render import page
from registry.web.pages.views import SourceView, Viewer

ADMIN = "registry:admin"
# Runs listed on a page, and rows shown of a receipt; all rows are in the files.
RUNS_SHOWN, ROWS_SHOWN = 25, 100
# What a run did, in the order in which it is told; the second row only where there was any.
_ALWAYS = ("read", "added", "changed", "unchanged", "removed", "quarantined")
_SELDOM = ("removals_withheld", "changes_withheld", "duplicates", "test_people", "skipped")


@dataclass(frozen=True, slots=True)
class RunView:
    """A run in a list."""

    number: int
    url: str
    kind: str
    state: str
    started: str
    duration: str
    read: str
    changed: str
    quarantined: str
    warns: bool


@dataclass(frozen=True, slots=True)
class FeedView:
    """A feed: whether it keeps its promise, what waits, and its newest run."""

    id: str
    url: str
    source: SourceView
    last: RunView | None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt: facts as label and value."""

    run: RunView
    held_reason: str
    notes: tuple[str, ...]
    error: str
    waiting: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, str], ...]
    reasons: tuple[Quarantined, ...]
    rows: tuple[RowError, ...]
    more_rows: bool


@pages.get("/feeds")
@requires_scope(ADMIN)
def feeds() -> Response:
    """List the feeds, how fresh they are, and what waits."""
    known = known_feeds()
    view = viewer(known)
    with context().truth.connect() as connection:
        last = {feed: receipts.runs(connection, feed, limit=1) for feed in known}
    shown = [
        FeedView(
            id=feed.id,
            url=url_for("pages.feed_runs", feed_id=feed.id),
            source=view.source(feed),
            last=next((_run(run, view) for run in last[feed.id]), None),
        )
        for feed in known.values()
    ]
    return page("feeds.html", feeds=shown)


@pages.get("/feeds/<feed_id>")
@requires_scope(ADMIN)
def feed_runs(feed_id: str) -> Response:
    """List the runs of a feed, the newest first; `before` leads to older ones."""
    known = known_feeds()
    if feed_id not in known:
        raise NotFoundError
    view = viewer(known)
    before = request.args.get("before", type=int)
    with context().truth.connect() as connection:
        found = receipts.runs(connection, feed_id, limit=RUNS_SHOWN + 1, before=_within(before))
    more = len(found) > RUNS_SHOWN
    older = url_for("pages.feed_runs", feed_id=feed_id, before=found[RUNS_SHOWN - 1].id) if more else ""
    return page(
        "feed_runs.html",
        source=view.source(known[feed_id]),
        runs=[_run(run, view) for run in found[:RUNS_SHOWN]],
        older=older,
        feeds_url=url_for("pages.feeds"),
    )


def _within(before: int | None) -> int | None:
    return None if before is None else max(0, min(before, receipts.MAX_RUN))


@pages.get("/feeds/runs/<int:run_id>")
@requires_scope(ADMIN)
def receipt(run_id: int) -> Response:
    """Show what a run did, and the first rows that it did not take in."""
    with context().truth.connect() as connection:
        found = receipts.receipt(connection, run_id) if run_id <= receipts.MAX_RUN else None
        if found is None:
            raise NotFoundError
        rows = tuple(receipts.errors(connection, run_id, limit=ROWS_SHOWN + 1))
    known = known_feeds()
    view = viewer(known)
    feed = known[found.run.feed_id]
    return page(
        "receipt.html",
        source=view.source(feed),
        receipt=_receipt(found, rows, view),
        feed_url=url_for("pages.feed_runs", feed_id=feed.id),
        files=[(kind, url_for("pages.error_rows", run_id=run_id, kind=kind)) for kind in ("csv", "ndjson")],
    )


@pages.get("/feeds/runs/<int:run_id>/errors.<any(csv, ndjson):kind>")
@requires_scope(ADMIN)
def error_rows(run_id: int, kind: Kind) -> Response:
    """Give the rows that a run did not take in, as a file."""
    return error_file(context(), run_id, kind)


def _run(run: Run, view: Viewer) -> RunView:
    language, counts = view.language, run.counts
    seconds = run.duration_s
    return RunView(
        number=run.id,
        url=url_for("pages.receipt", run_id=run.id),
        kind=language.text(f"feeds.kind-{run.kind}"),
        state=language.text(f"feeds.state-{run.state}"),
        started=language.moment(run.started_at, view.zone),
        duration=""
        if seconds is None
        else language.text("feeds.seconds", number=language.number(round(seconds))),
        read=language.number(counts.read),
        changed=language.number(counts.added + counts.changed + counts.removed),
        quarantined=language.number(counts.quarantined),
        warns=run.state in {"held", "failed", "abandoned"},
    )


def _receipt(found: Receipt, rows: tuple[RowError, ...], view: Viewer) -> ReceiptView:
    language, run = view.language, found.run
    return ReceiptView(
        run=_run(run, view),
        held_reason=run.held_reason,
        notes=run.notes,
        error=run.error,
        waiting=tuple(
            language.text(f"feeds.waits-{kind}", number=language.number(count))
            for kind, count in found.waiting.items()
        ),
        facts=tuple(_facts(run, view)),
        counts=tuple(
            (language.text(f"feeds.count-{name.replace('_', '-')}"), language.number(count))
            for name in (*_ALWAYS, *_SELDOM)
            if (count := getattr(run.counts, name)) or name in _ALWAYS
        ),
        reasons=found.quarantined,
        rows=rows[:ROWS_SHOWN],
        more_rows=len(rows) > ROWS_SHOWN,
    )


def _facts(run: Run, view: Viewer) -> Iterator[tuple[str, str]]:
    language = view.language
    text = language.text
    shown = _run(run, view)
    yield text("feeds.kind"), shown.kind
    yield text("feeds.state"), shown.state
    yield text("feeds.started"), shown.started
    yield text("feeds.finished"), language.moment(run.finished_at, view.zone) if run.finished_at else ""
    yield text("feeds.duration"), shown.duration
    yield text("feeds.stamp"), run.stamp or ""
    yield text("feeds.source-name"), run.source_name
    yield text("feeds.digest"), run.digest
    if run.complete is not None:
        yield text("feeds.complete"), text("feeds.complete-yes" if run.complete else "feeds.complete-no")
    yield text("feeds.of-run"), str(run.of_run or "")
    yield text("feeds.undone-by"), str(run.undone_by or "")
