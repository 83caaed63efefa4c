"""The search of a large register: the service beside its engine alone, in the same run, and how both grow with the register."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import TypeVar
from urllib.parse import quote_plus, urlsplit

import msgspec

from registry.search.mapping import load_mapping
from tests.bench.asking import Asker, Loads, answers, get
from tests.bench.bulk_registers import Written
from tests.bench.client import Load
from tests.bench.figures import percentile, text_of
from tests.bench.houses import HOUSES, House, open_house
from tests.bench.index_jobs import Indexed
from tests.bench.ingest_jobs import Ingested, Read
from tests.bench.limits import Limits
from tests.bench.machine import busy_share
from tests.bench.processes import BenchError, job, plain_environment, workspace
from tests.bench.search_floor import Bodies, EngineFloor
from tests.bench.search_questions import Questions
from tests.bench.serving import served, settings_for
from tests.services.workspace import Workspace, free_port

# How the people are shared out: an American list with one licence each, and a Swedish register.
_SHARES = {"washington": 0.8, "hosp": 0.2}
# Licences that a person of the Swedish register has.
_LICENCES = {"washington": 1.0, "hosp": 1.053}
_PERCENTS = (50, 95, 99)
T = TypeVar("T")
Say = Callable[[str], None]


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds by percentile (50, 95, 99), with one client and with several, and answers a second of these."""

    one: tuple[float, ...]
    many: tuple[float, ...]
    per_second: float
    asked: int


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """One house with one number of people.

    Attributes:
        asked: how many people were wanted; `people`: how many may be listed.
        service: all questions, over HTTP, with a token.
        service_by_engine: of these the ones that ask the engine; numbers are answered from SQL truth.
        engine: what those ask the engine, straight to it.
        by_kind: of each kind of question, how many were asked and found somebody, and the 95th percentile of one client.
        facets: names of the facets that every answer counts.
        filled_s: how long the register and its index took to make (not measured otherwise).
    """

    house: str
    asked: int
    people: int
    documents: int
    versions: dict[str, str]
    clients: int
    service: Timing
    service_by_engine: Timing
    engine: Timing
    suggestions: Timing
    by_kind: dict[str, tuple[int, int, float]]
    facets: list[str]
    filled_s: float
    busy_before: float | None

    @property
    def ratio(self) -> float:
        """How many times the engine's own 95th percentile the service's is, with several clients."""
        return self.service_by_engine.many[1] / self.engine.many[1]


def measure(
    sizes: Sequence[int], limits: Limits, say: Say, houses: Sequence[str] = HOUSES
) -> Iterator[Searched]:
    """Measure every house and size, saying each as it comes."""
    with workspace() as space:
        for name in houses:
            for people in sizes:
                folder = space.path / f"{name}-{people}"
                folder.mkdir()
                port, issuer_port = free_port(), free_port()
                with open_house(name, folder, folder / "feeds", **settings_for(port, issuer_port)) as house:
                    say(f"\n{name} house, {people:,} people: filling it (not measured)")
                    documents, took_s = _filled(house, people)
                    measuring = _Measuring(house, space, port, issuer_port, limits)
                    one = measuring.measure(people, documents, took_s, busy_share())
                say(_line(one))
                yield one
                shutil.rmtree(folder)


def _filled(house: House, people: int) -> tuple[int, float]:
    """Load so many people and build their index, name counts included; return its documents and how long that took."""
    began = perf_counter()
    job("ingest-prepare", house.environ, house.folder, Read)
    for form, share in _SHARES.items():
        licences = round(people * share * _LICENCES[form])
        wanted = {"form": form, "licences": licences, "into": str(house.folder), "later": False}
        file = job("ingest-write", plain_environment(), house.folder, Written, **wanted)
        job("ingest-pull", house.environ, house.folder, Ingested, form=form, path=file.path, full=False)
        Path(file.path).unlink()
    built = job("rebuild", house.environ, house.folder, Indexed)
    return built.documents, perf_counter() - began


class _Measuring(msgspec.Struct, frozen=True):
    house: House
    space: Workspace
    port: int
    issuer_port: int
    limits: Limits

    def measure(self, people: int, documents: int, filled_s: float, busy: float | None) -> Searched:
        house, limits = self.house, self.limits
        questions = self._job("search-questions", Questions, count=limits.requests)
        asker = Asker(house.folder, limits)
        engine, asked = self._engine(asker, questions.texts)
        with served(house, self.space, self.port, self.issuer_port) as (token, _):
            texts = [get(f"/v1/practitioners?q={quote_plus(text)}", token) for text in questions.texts]
            begun = [get(f"/v1/suggestions?q={quote_plus(text)}", token) for text in questions.beginnings]
            searches, suggestions = asker.ask(self.port, texts), asker.ask(self.port, begun)
        found = answers(searches.one)
        facets = found[0]["facets"]
        assert isinstance(facets, Mapping)
        return Searched(
            house=house.name,
            asked=people,
            people=questions.people,
            documents=documents,
            versions=house.versions,
            clients=limits.clients,
            service=_timing(searches),
            service_by_engine=_timing(searches, asked),
            engine=engine,
            suggestions=_timing(suggestions),
            by_kind=_by_kind(questions.kinds, found, searches.one),
            facets=sorted(facets),
            filled_s=filled_s,
            busy_before=busy,
        )

    def _engine(self, asker: Asker, texts: Sequence[str]) -> tuple[Timing, Sequence[bool]]:
        """Ask the engine alone; tell too which questions ask it at all."""
        if not self.house.engine_url:
            limits = self.limits
            arguments = {"texts": texts, "clients": limits.clients, "seconds": limits.seconds}
            told = self._job("search-floor", EngineFloor, **arguments)
            return _timing(Loads(told.one, told.many, limits.clients)), told.asked
        bodies = self._job("search-bodies", Bodies, texts=texts).of
        alias = load_mapping().alias(self.house.settings.search.opensearch.prefix)
        path = f"/{alias}/_search?allow_partial_search_results=false"
        several = [[_post(path, body) for body in each] for each in bodies if each]
        first = [each[0] for each in several]
        more = {place: each[1:] for place, each in enumerate(several) if len(each) > 1}
        port = urlsplit(self.house.engine_url).port
        assert port is not None
        asker.ask(
            port, first, more
        )  # Java compiles what searches use; what it takes meanwhile is not the floor
        return _timing(asker.ask(port, first, more)), [bool(each) for each in bodies]

    def _job(self, name: str, kind: type[T], **arguments: object) -> T:
        return job(name, self.house.environ, self.house.folder, kind, **arguments)


def _post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _timing(loads: Loads, counted: Sequence[bool] | None = None) -> Timing:
    """Return the percentiles of all questions, or of those that are counted."""
    one, many = (_latencies(load, counted) for load in (loads.one, loads.many))
    return Timing(
        tuple(percentile(one, percent) for percent in _PERCENTS),
        tuple(percentile(many, percent) for percent in _PERCENTS),
        loads.many.per_second,
        len(many),
    )


def _latencies(load: Load, counted: Sequence[bool] | None) -> list[float]:
    if counted is None:
        return load.latencies_ms
    return [ms for place, ms in zip(load.places, load.latencies_ms, strict=True) if counted[place]]


def _by_kind(
    kinds: Sequence[str], found: Sequence[Mapping[str, object]], load: Load
) -> dict[str, tuple[int, int, float]]:
    """Tell for each kind how many were asked, how many found anybody, and how slow the slow ones were.

    Raises:
        BenchError: someone who is in the register was not found by their number.
    """
    asked: Counter[str] = Counter()
    some: Counter[str] = Counter()
    latencies: dict[str, list[float]] = {}
    for kind, answer, ms in zip(kinds, found, load.latencies_ms, strict=True):
        asked[kind] += 1
        some[kind] += bool(answer["total"])
        latencies.setdefault(kind, []).append(ms)
    if some["licence number"] < asked["licence number"]:
        raise BenchError("A licence number of the register was not found by the search.")
    return {kind: (asked[kind], some[kind], percentile(latencies[kind], 95)) for kind in sorted(asked)}


def _line(one: Searched) -> str:
    return (
        f"  {one.house} house, {one.people:,} people (filled in {timedelta(seconds=round(one.filled_s))}): search p95 "
        f"{text_of(one.service.one[1])} ms at one client, {text_of(one.service.many[1])} ms at {one.clients} "
        f"({text_of(one.service.per_second)}/s), {one.ratio:.2f} times the engine alone "
        f"({text_of(one.engine.many[1])} ms, {text_of(one.engine.per_second)}/s); suggestions p95 "
        f"{text_of(one.suggestions.one[1])} ms"
    )
