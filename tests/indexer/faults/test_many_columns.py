"""Feeds with five thousand columns that nobody asked for (failure F5): the index keeps the fields it was made with."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, load_feed
from indexer.feeds.sources import FileSource
from indexer.pull import Puller
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.faults.houses import FaultHouse
from tests.indexer.lists_of_people import EVERYBODY, fhir, gmc, washington
from tests.support.engines import index_of

EXTRA = 5000


def wider_csv(text: str) -> bytes:
    """Give every row so many columns more."""
    header, *rows = csv.reader(io.StringIO(text))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*header, *(f"Extra {n}" for n in range(EXTRA))])
    writer.writerows([*row, *(f"v{n}" for n in range(EXTRA))] for row in rows)
    return out.getvalue().encode()


def wider_json(data: bytes) -> bytes:
    """Give every resource so many members more, and as many extensions."""
    more: dict[str, Any] = {f"extra{n}": f"v{n}" for n in range(EXTRA)}
    more["extension"] = [{"url": f"http://example.org/{n}", "valueString": f"v{n}"} for n in range(EXTRA)]
    return b"".join(orjson.dumps({**orjson.loads(line), **more}) + b"\n" for line in data.splitlines())


FEEDS = {
    "gmc": (wider_csv(gmc(EVERYBODY)), ".csv", {}),
    "washington": (wider_csv(washington(EVERYBODY)), ".csv", {"export": "csv"}),
    "nppes-fhir": (wider_json(fhir(EVERYBODY)), ".ndjson", {}),
}


def mapping(house: FaultHouse) -> object:
    """Return the fields of the index in use, as the engine itself tells them."""
    engine = index_of(house.world)
    try:
        index = engine.current_index()
        assert index is not None
        assert engine.fit(index) == "same"
    finally:
        engine.close()
    if house.engine_url:
        return index, httpx.get(f"{house.engine_url}/{index}/_mapping").raise_for_status().json()
    return index, orjson.loads((house.folder / "index" / index / "meta.json").read_bytes())["schema"]


def feed(name: str, path: Path, options: dict[str, Any]) -> FeedDescriptor:
    shipped = load_feed(CONFIG / "feeds" / f"{name}.toml")
    return replace(shipped, source=FileSource(path=str(path)), options=replace(shipped.options, **options))


@pytest.mark.parametrize("name", FEEDS)
def test_five_thousand_extra_columns_never_reach_the_index(either: FaultHouse, name: str) -> None:
    data, ending, options = FEEDS[name]
    either.run("rebuild")
    before = mapping(either)
    path = either.folder / f"{name}{ending}"
    path.write_bytes(data)
    os.utime(path)
    world = either.world
    puller = Puller(world.engine, world.sealer, load_vocabulary(), world.settings.indexer)
    report = puller.pull(feed(name, path, options))
    # What a feed does with them is its own: read past them, or put the rows aside. Nobody is read wrongly.
    assert report.counts.added + report.counts.quarantined == len(EVERYBODY), report
    either.run("publish")
    assert mapping(either) == before
    either.equal(report.counts.added)
