"""How often somebody may ask: across workers, by caller, organisation and address; and whom nobody else can stop."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from registry.access.caller import Caller
from registry.access.rates import TooManyRequestsError
from registry.checks.quota import Quota, _add, _used
from registry.checks.tables import check_quota
from registry.web import create_app
from registry.web.rates import RATES, DatabaseRates, networks
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import AUDIENCE, Idp
from tests.registry.web.contract import Contract
from tests.support.world import World, make_settings

CALLER, ORGANISATION, REFUSED = 6, 10, 8
# A full minute, so that a window begins with the test.
NOON = 22_000 * 86_400 + 43_200.0


@dataclass
class Workers:
    """Processes of one service as far as rates know: each app has its own engine and counts for itself."""

    apps: list[Flask]
    idp: Idp
    clock: Clock
    turn: int = 0
    answers: list[int] = field(default_factory=list)

    def ask(self, token: str | None = None, path: str = "/v1/feeds", **rest: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's
        self.turn += 1
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = {"REMOTE_ADDR": rest.pop("address", "192.0.2.1")}
        client = self.apps[self.turn % len(self.apps)].test_client()
        return client.open(path, headers={**headers, **rest.pop("headers", {})}, environ_base=address, **rest)

    def statuses(self, times: int, *args: Any, **rest: Any) -> list[int]:  # noqa: ANN401 - as ask
        return [self.ask(*args, **rest).status_code for _ in range(times)]

    def rates(self) -> list[DatabaseRates]:
        return [app.extensions[RATES] for app in self.apps]


@pytest.fixture
def workers(world: World, web_idp: Idp) -> Iterator[Workers]:
    """Two, on each database."""
    settings = make_settings(
        Path(world.settings.search.tantivy.path).parent,
        world.settings.database.url,
        REGISTRY_TOKENS__ISSUER=web_idp.issuer,
        REGISTRY_TOKENS__AUDIENCE=AUDIENCE,
        REGISTRY_TOKENS__TIMEOUT_S="30",
        REGISTRY_RATES__CALLER_PER_MINUTE=str(CALLER),
        REGISTRY_RATES__ORGANISATION_PER_MINUTE=str(ORGANISATION),
        REGISTRY_RATES__REFUSED_PER_MINUTE=str(REFUSED),
    )
    clock = Clock(NOON)
    made = Workers([create_app(settings) for _ in range(2)], web_idp, clock)
    for rates in made.rates():
        rates._clock = clock
    yield made
    for app in made.apps:
        app.extensions["registry-context"].close()


def test_a_caller_may_ask_so_often_whichever_worker_answers(workers: Workers) -> None:
    token = workers.idp.token()
    assert workers.statuses(CALLER, token) == [200] * CALLER
    workers.clock.pass_(20)
    refused = workers.ask(token)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
    assert refused.get_json() | {"instance": "", "detail": ""} == {
        "type": refused.get_json()["type"],
        "title": "Too many requests",
        "status": 429,
        "detail": "",
        "instance": "",
        "rate": "requests-per-minute",
        "limit": CALLER,
        "retryAfter": 40,
    }
    contract = Contract(_document(workers.apps[0]))
    contract.check("GET", "/v1/feeds", 429, dict(refused.headers), refused.get_json())
    workers.clock.pass_(40)
    assert workers.ask(token).status_code == 200


def _document(app: Flask) -> Any:  # noqa: ANN401 - JSON
    return app.json.loads(app.extensions["registry-openapi"])


def test_what_is_refused_counts_too(workers: Workers) -> None:
    token = workers.idp.token(scope="registry:search")
    verify = {"path": "/v1/verifications", "method": "POST", "json": {}}
    assert workers.statuses(CALLER, token, **verify) == [403] * CALLER
    assert workers.statuses(2, token, **verify) == [429, 429]


def test_an_organisation_may_ask_so_often_and_another_goes_on(workers: Workers) -> None:
    tokens = [workers.idp.token(sub=f"system-{n}", client_id=f"system-{n}") for n in range(3)]
    given = [status for token in tokens for status in workers.statuses(5, token)]
    assert given == [200] * ORGANISATION + [429] * 5
    other = workers.idp.token(sub="system-9", **{"https://id.oidc.se/claim/orgNumber": "2321000131"})
    assert workers.ask(other).status_code == 200


def test_many_at_once_get_no_more_than_the_limit(workers: Workers) -> None:
    token = workers.idp.token()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: workers.ask(token).status_code, range(24)))
    assert answers.count(200) == CALLER
    assert answers.count(429) == 24 - CALLER


def test_made_up_tokens_of_one_address_stop_there_and_stop_nobody_else(workers: Workers) -> None:
    for n in range(3 * REFUSED):
        status = workers.ask(f"made-up.{n}.token").status_code
        assert status in {401, 429}
    assert workers.ask("made-up.x.token").status_code == 429
    assert workers.ask(workers.idp.token()).status_code == 200, "a token that holds, at the same address"
    assert workers.ask().status_code == 401, "without any, one is asked for it"
    assert workers.ask("made-up.y.token", address="192.0.2.2").status_code == 401
    assert workers.ask(path="/livez").status_code == 200
    workers.clock.pass_(60)
    assert workers.ask("made-up.z.token").status_code == 401


def test_a_few_wrong_tokens_write_nothing(workers: Workers) -> None:
    """Who sends them from ever new addresses makes no rows."""
    for n in range(30):
        assert workers.ask("made-up.x.token", address=f"2001:db8:{n:x}::1").status_code == 401
    with workers.apps[0].extensions["registry-context"].access.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(check_quota)) == 0


def test_a_subscribers_whole_network_is_one_address(workers: Workers) -> None:
    for n in range(4 * REFUSED):
        workers.ask("made-up.x.token", address=f"2001:db8:1:2::{n + 1:x}")
    assert workers.ask("made-up.x.token", address="2001:db8:1:2:ffff::1").status_code == 429
    assert workers.ask("made-up.x.token", address="2001:db8:1:3::1").status_code == 401


def test_a_database_that_is_down_stops_nobody_by_rates(
    workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, *_) = workers.rates()
    broken = sa.create_engine("sqlite:////nowhere/at/all.db")
    rates = DatabaseRates(broken, first._settings, workers.clock)
    for _ in range(3 * CALLER):
        rates.admitted(Caller("https://idp.example", "system-1"))
    assert capsys.readouterr().out.count("requests_not_counted") <= 1
    broken.dispose()


def test_nothing_is_counted_where_the_limit_is_nought(make_service: Callable[..., Any]) -> None:
    service = make_service(
        REGISTRY_RATES__CALLER_PER_MINUTE="0",
        REGISTRY_RATES__ORGANISATION_PER_MINUTE="0",
        REGISTRY_RATES__REFUSED_PER_MINUTE="0",
    )
    assert {service.get("/v1/feeds").status_code for _ in range(30)} == {200}
    wrong = {"Authorization": "Bearer a.b.c"}
    assert {service.get("/v1/feeds", headers=wrong).status_code for _ in range(30)} == {401}
    with service.context.access.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(check_quota)) == 0


@pytest.mark.parametrize("ahead", [61, 3600, 10_000_000])
def test_a_clock_that_is_wrong_locks_nobody_out(workers: Workers, ahead: int) -> None:
    engine = workers.apps[0].extensions["registry-context"].access
    window = int(NOON)
    quota = Quota("requests-per-minute", "caller x", 3, 60)
    assert _add(engine, quota, window + ahead // 60 * 60 + 60, 3) == 3
    assert _used(engine, quota, window) == 0
    assert _add(engine, quota, window, 2) == 2, "a window far in the future does not count"
    assert _add(engine, quota, window, 2) is None


def test_a_forked_worker_begins_anew(workers: Workers) -> None:
    rates = workers.rates()[0]
    caller = Caller("https://idp.example", "system-1")
    for _ in range(CALLER):
        rates.admitted(caller)
    rates.after_fork()
    with pytest.raises(TooManyRequestsError):
        rates.admitted(caller)


@given(st.ip_addresses())
def test_every_address_is_counted_as_itself_or_as_its_network(address: Any) -> None:  # noqa: ANN401 - either version
    nets = networks(str(address))
    assert len(nets) == (1 if address.version == 4 or address.ipv4_mapped else 2)
    assert all(nets)


@pytest.mark.parametrize("text", ["", "unix:", "x", "192.0.2.1:80", "1" * 500])
def test_what_is_no_address_is_not_counted(text: str) -> None:
    assert networks(text) == ()


def test_a_zone_is_no_part_of_an_address() -> None:
    assert networks("fe80::1%eth0") == ("fe80::/64", "fe80::/48")
    assert networks("::ffff:192.0.2.1") == ("192.0.2.1",)


def test_the_time_is_the_services_own(make_service: Callable[..., Any]) -> None:
    rates: DatabaseRates = make_service().app.extensions[RATES]
    assert rates._clock is time.time
