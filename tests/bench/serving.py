"""Figures: search and verification over HTTP under gunicorn, as `registry serve` starts it, with real tokens."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from urllib.parse import quote_plus, urlsplit

from indexer.sandbox.demo import token as take_token
from indexer.sandbox.logins import SYSTEM_CLIENT, write_provider_file
from registry.access.caller import Caller
from registry.access.log import record_access
from registry.database import open_database
from registry.search.mapping import load_mapping
from registry.search.opensearch_dsl import search_body
from registry.search.query import SearchQuery, plan
from tests.bench.asking import Asker, Loads, answers, figures, get, post
from tests.bench.client import Load
from tests.bench.figures import Figure, Share, percentile, text_of
from tests.bench.houses import House
from tests.bench.limits import Limits
from tests.bench.machine import children, memory_mb
from tests.bench.processes import BenchError, job, running
from tests.bench.query_floor import QueryFloor
from tests.bench.questions import Questions, draw, kind_of
from tests.services.workspace import Workspace

_START_S = 120.0
_TRIVIAL = "/livez"


def settings_for(port: int, issuer_port: int) -> dict[str, str]:
    """Return the settings of a service on `port` that trusts the development identity provider and has no quotas to speak of."""
    issuer = f"http://127.0.0.1:{issuer_port}"
    return {
        "REGISTRY_SERVICE__BASE_URL": f"http://127.0.0.1:{port}",
        "REGISTRY_TOKENS__ISSUER": issuer,
        # One client asks as much as it can.
        "REGISTRY_RATES__CALLER_PER_MINUTE": "10_000_000",
        "REGISTRY_RATES__ORGANISATION_PER_MINUTE": "10_000_000",
        "REGISTRY_CHECKS__QUOTAS__CHECKS_PER_MINUTE": "10_000_000",
        "REGISTRY_CHECKS__QUOTAS__CHECKS_PER_DAY": "10_000_000",
        "REGISTRY_CHECKS__QUOTAS__LIST_ROWS_PER_DAY": "1_000_000_000",
    }


@contextmanager
def served(house: House, space: Workspace, port: int, issuer_port: int) -> Iterator[tuple[str, int]]:
    """Run the service of a house and its identity provider; yield a token and the service's process id."""
    base, issuer = house.settings.service.base_url, house.settings.tokens.issuer
    users = house.folder / "provider.json"
    secret = write_provider_file(users, base)[SYSTEM_CLIENT]
    provider = ["registry.cli", "sandbox", "--port", str(issuer_port), "--file", str(users)]
    service = ["registry.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    discovery = f"{issuer}/.well-known/openid-configuration"
    with (
        _process(provider, house, space, "provider", discovery),
        _process(service, house, space, "service", f"{base}{_TRIVIAL}") as master,
    ):
        yield take_token(issuer, secret), master


def _process(
    arguments: list[str], house: House, space: Workspace, name: str, ready: str
) -> AbstractContextManager[int]:
    log = house.folder / f"{name}.log"
    return running(arguments, house.environ, space, log, ready=ready, patience_s=_START_S)


@dataclass(frozen=True)
class Serving:
    """Starts the service and its identity provider, asks, and ends them."""

    space: Workspace
    port: int
    issuer_port: int
    limits: Limits

    def __call__(self, house: House) -> tuple[list[Figure], list[Share], dict[str, str]]:
        """Measure the service of a house whose index is built."""
        with served(house, self.space, self.port, self.issuer_port) as (token, master):
            return self._measure(house, token, master)

    def _measure(
        self, house: House, token: str, master: int
    ) -> tuple[list[Figure], list[Share], dict[str, str]]:
        before = _workers_mb(master, peak=False)
        questions = draw(house.settings, self.limits.requests)
        asker = Asker(house.folder, self.limits)
        trivial = asker.ask(self.port, [get(_TRIVIAL)] * self.limits.requests)
        engine = self._engine(house, asker, questions)
        search = asker.ask(self.port, _searches(questions, token))
        by_licence = asker.ask(self.port, _verifications("licenceNumber", questions.licence_numbers, token))
        by_person = asker.ask(
            self.port, _verifications("personalIdentityNumber", questions.personal_numbers, token)
        )
        made = [
            *figures("search by name", search, engine, "the query straight to the engine", trivial),
            *figures("verify by licence number", by_licence, trivial, _TRIVIAL, trivial),
            *figures("verify by personal identity number", by_person, trivial, _TRIVIAL, trivial),
            Figure(
                group="memory",
                what="gunicorn worker, highest",
                value=max(_workers_mb(master, peak=True)),
                unit="MiB",
                floor=max(before),
                floor_what="a worker before its first question",
                note=f"{len(before)} workers",
            ),
        ]
        facts = {
            "found by name": _found(questions, search.one),
            "verified by licence number": _outcomes(by_licence.one),
            "verified by personal identity number": _outcomes(by_person.one),
            "writing one access event, alone": _access_event(house),
            _TRIVIAL: f"p50 {text_of(percentile(trivial.one.latencies_ms, 50))} ms one client; "
            f"{text_of(trivial.many.per_second)} requests/s at {trivial.clients} clients",
            f"engine alone at {engine.clients} clients": f"{text_of(engine.many.per_second)} queries/s",
        }
        return made, [], facts

    def _engine(self, house: House, asker: Asker, questions: Questions) -> Loads:
        """Ask the engine itself the same searches."""
        if not house.engine_url:
            told = job(
                "query-floor",
                house.environ,
                house.folder,
                QueryFloor,
                searches=questions.searches,
                clients=self.limits.clients,
                seconds=self.limits.seconds,
            )
            return Loads(told.one, told.many, self.limits.clients)
        limits = house.settings.search
        path = f"/{load_mapping().alias(limits.opensearch.prefix)}/_search?allow_partial_search_results=false"
        today = date.today()  # noqa: DTZ011 - any day will do
        bodies = [search_body(plan(SearchQuery(text=text), limits, today)) for text in questions.searches]
        port = urlsplit(house.engine_url).port
        assert port is not None
        requests = [post(path, body) for body in bodies]
        asker.ask(port, requests)  # Java compiles what searches use; what it takes meanwhile is not the floor
        return asker.ask(port, requests)


def _workers_mb(master: int, *, peak: bool) -> list[float]:
    return [memory_mb(pid, peak=peak) for pid in children(master)]


def _searches(questions: Questions, token: str) -> list[bytes]:
    return [get(f"/v1/practitioners?name={quote_plus(text)}", token) for text in questions.searches]


def _verifications(field: str, numbers: Sequence[str], token: str) -> list[bytes]:
    return [post("/v1/verifications", {field: one, "purpose": "employment"}, token) for one in numbers]


def _found(questions: Questions, load: Load) -> str:
    """Tell how many searches of each kind found anybody."""
    asked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for place, answer in enumerate(answers(load)):
        kind = kind_of(place)
        asked[kind] += 1
        found[kind] += bool(answer["total"])
    return ", ".join(f"{kind} {found[kind]} of {asked[kind]}" for kind in sorted(asked))


def _outcomes(load: Load) -> str:
    """Tell how verifications ended.

    Raises:
        BenchError: someone who is in the registry was not found.
    """
    outcomes = Counter(str(answer["outcome"]) for answer in answers(load))
    if outcomes["notFound"]:
        raise BenchError(f"Numbers of the registry were not found by it: {dict(outcomes)}.")
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())


def _access_event(house: House) -> str:
    settings = house.settings
    engine = open_database(settings.access_database_url, settings.database, service=True)
    caller = Caller(issuer="bench", subject="bench")

    def write() -> object:
        return record_access(
            engine,
            settings.access,
            caller,
            purpose="employment",
            action="verify",
            question={},
            answer="ask",
            practitioner_ids=[1],
            request_id="bench",
        )

    took = sorted(_timed(write) for _ in range(100))
    engine.dispose()
    return f"p50 {text_of(percentile(took, 50))} ms, p95 {text_of(percentile(took, 95))} ms"


def _timed(function: Callable[[], object]) -> float:
    began = perf_counter()
    function()
    return (perf_counter() - began) * 1000
