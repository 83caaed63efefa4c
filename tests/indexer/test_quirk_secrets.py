"""Secrets end: what an operator sees when an authority no longer accepts one, and what it takes to go on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from indexer.feeds import load_feed
from indexer.feeds.sources import HttpSource, SocrataSource
from indexer.pull import Puller
from registry.records import read
from registry.records import tables as t
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.source import Answer, Asked, running
from tests.indexer.lists_of_people import EVERYBODY, hosp, washington
from tests.support.world import World

OLD, NEW = "secret-of-ninety-days-ago", "secret-of-today"


def pages() -> bytes:
    """One page of Washington's dataset, as JSON."""
    header, *rows = (line.split(",") for line in washington(EVERYBODY).splitlines())
    return msgspec.json.encode(
        [
            {name.casefold(): value for name, value in zip(header, row, strict=True) if "/" not in value}
            for row in rows
        ]
    )


# How a secret is kept: the shipped feed, key of its source, header of the request, and what stands in the file.
KINDS: dict[str, tuple[str, Callable[[], bytes], str, str, str]] = {
    "token": ("hosp", lambda: hosp(EVERYBODY).encode(), "token_file", "authorization", "{}\n"),
    "header": ("hosp", lambda: hosp(EVERYBODY).encode(), "header_file", "x-api-key", "X-Api-Key: {}\n"),
    "app token": ("washington", pages, "app_token_file", "x-app-token", "{}\n"),
}


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_that_has_expired_is_told_of_by_its_file_and_a_new_one_is_read_without_a_restart(
    small_world: World, tmp_path: Path, kind: str, status: int
) -> None:
    name, body, key, header, written = KINDS[kind]
    accepted, data, secret = [OLD], body(), tmp_path / "secret"

    def answer(asked: Asked) -> Answer:
        if asked.headers.get(header, "").removeprefix("Bearer ") not in accepted:
            return Answer(b'{"message": "no"}', status=status)
        return Answer(b"[]" if asked.query.get("$offset", "0") != "0" else data)

    with running() as server:
        server.routes["/feed"] = answer
        keys = {"url": f"{server.url}/feed", key: str(secret)}
        source = (
            SocrataSource(**keys, check_count=False) if kind == "app token" else HttpSource(**keys)  # type: ignore[arg-type]
        )
        feed = msgspec.structs.replace(load_feed(CONFIG / "feeds" / f"{name}.toml"), source=source)
        puller = Puller(
            small_world.engine, small_world.sealer, load_vocabulary(), small_world.settings.indexer, full=True
        )
        secret.write_text(written.format(OLD))
        first = puller.pull(feed)
        accepted[:] = [NEW]
        before = len(server.asked)
        refused = puller.pull(feed)
        asked = len(server.asked) - before
        with small_world.engine.connect() as connection:
            state = read.feeds(connection)[feed.id]
        secret.write_text(written.format(NEW))
        again = puller.pull(feed)

    assert (first.state, first.error) == ("succeeded", "")
    assert refused.state == state.last_run_state == "failed"
    for word in (f"answers {status}", "expired", key):
        assert word in refused.error
    assert OLD not in refused.error
    assert asked == 1, "a refusal is no passing fault, and who tries again and again may be locked out"
    # What stood still stands, and stops being believed when the feed's promise has passed.
    assert small_world.count(t.source_record, t.source_record.c.gone_run_id.is_(None)) == len(EVERYBODY)
    now = datetime.now(UTC)
    assert state.fresh(now)
    assert not state.fresh(now + timedelta(hours=state.max_age_hours + 1))
    assert (again.state, again.counts.unchanged) == ("succeeded", len(EVERYBODY))
