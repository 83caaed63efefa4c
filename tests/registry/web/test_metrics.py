"""/metrics of the service, on both sizes of the house."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from indexer.compare import compare
from indexer.rebuild import rebuild
from registry.database import writing
from registry.metrics import METRICS
from registry.records import tables as t
from registry.settings import load_settings
from registry.web import create_app
from tests.registry.access.harness import Idp
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import Service
from tests.support.engines import index_of
from tests.support.publishing import quiet
from tests.support.world import KEYS, World, licence, person

NO_DATABASE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture
def desk(house: World, web_idp: Idp) -> Iterator[Service]:
    """A service on either size that knows everyone."""
    service = Service(house, web_idp)
    service.load(everyone())
    yield service
    service.close()


def scrape(service: Service) -> dict[str, dict[tuple[str, ...], float]]:
    """Ask as a Prometheus server does: without a credential."""
    answer = service.ask("GET", "/metrics", scopes=None)
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
    }


def problems(found: dict[str, dict[tuple[str, ...], float]]) -> set[str]:
    return {problem for (problem,), value in found["registry_problem"].items() if value}


def test_a_published_and_compared_house_is_told_as_well(desk: Service) -> None:
    search = index_of(desk.world)
    compare(desk.world.engine, search, desk.world.settings, quiet)
    found = scrape(desk)
    search.close()
    # Three people to be found; the fourth has a protected identity.
    assert found["registry_index_documents"] == found["registry_index_expected_documents"] == {(): 3}
    assert found["registry_index_comparison_documents"] == {(): 3}
    assert set(found["registry_index_comparison_differences"].values()) == {0}
    assert found["registry_outbox_pending"] == {(): 0}
    assert found["registry_database_up"] == {("records",): 1, ("access",): 1}
    assert found["registry_search_up"] == {(): 1}
    assert found["registry_feed_last_pull_state"][("test", "succeeded")] == 1
    assert problems(found) == set()
    assert set(found) == {m.name for m in METRICS if not m.name.startswith("registry_index_build_")}


def test_changes_wait_until_they_are_published(desk: Service) -> None:
    desk.world.load({"new": person("Ny", "Bo", licences=[licence("N1")])}, snapshot=False)
    waiting = scrape(desk)
    assert waiting["registry_outbox_pending"] == {(): 1}
    assert waiting["registry_outbox_oldest_seconds"][()] >= 0
    desk.publish()
    assert scrape(desk)["registry_outbox_pending"] == {(): 0}
    assert scrape(desk)["registry_index_documents"] == {(): 4}


def test_what_was_given_up_and_what_a_comparison_found_needs_a_person(desk: Service) -> None:
    with writing(desk.world.engine).begin() as connection:
        # As a restored backup would: a licence less than the index has.
        connection.execute(sa.delete(t.licence_version))
        connection.execute(sa.delete(t.restriction))
        connection.execute(sa.delete(t.licence).where(t.licence.c.number == "LK-7"))
        row = {"practitioner_id": 1, "created_at": desk.context.now(), "dead": True}
        connection.execute(sa.insert(t.outbox).values(row))
    search = index_of(desk.world)
    compare(desk.world.engine, search, desk.world.settings, quiet)
    search.close()
    found = scrape(desk)
    assert found["registry_index_comparison_differences"] == {("missing",): 1, ("extra",): 1, ("stale",): 0}
    assert found["registry_outbox_dead_letters"] == {(): 1}
    assert problems(found) == {"comparison-differs", "dead-letters"}


def test_a_rebuild_changes_the_index_that_is_told(desk: Service) -> None:
    before = scrape(desk)["registry_index_info"]
    search = index_of(desk.world)
    made = rebuild(desk.world.engine, search, desk.world.settings, quiet)
    search.close()
    found = scrape(desk)
    assert found["registry_index_info"] == {(made.index,): 1}
    assert before != found["registry_index_info"]
    assert found["registry_index_in_use_since_timestamp_seconds"][()] <= desk.context.now().timestamp()
    assert problems(found) == set()


def test_nothing_about_a_person_is_told(full: Service) -> None:
    full.verify(personalIdentityNumber=ANNA_NUMBER)
    text = full.ask("GET", "/metrics", scopes=None).get_data(as_text=True)
    values = re.findall(r'="([^"]*)"', text)
    assert values
    # Labels hold words of the registry and names that the operator gave, and that of the index.
    assert all(
        re.fullmatch(r"[a-zA-Z-]+|\S+-licences-[0-9a-f]+-\d{8}t\d{6}f\d{6}", value) for value in values
    )
    for secret in (ANNA_NUMBER, "Lindqvist", "RN-100.1", full.public_id("anna")):
        assert secret not in text


def test_it_can_be_turned_off(make_service: Callable[..., Service]) -> None:
    service = make_service(REGISTRY_WEB__METRICS="false")
    assert service.ask("GET", "/metrics", scopes=None).status_code == 404
    assert "metrics.metrics" not in service.app.view_functions


def test_without_a_database_it_says_so_and_tells_the_rest(tmp_path: Path) -> None:
    app = create_app(
        load_settings(
            {
                **KEYS,
                "REGISTRY_SERVICE__SANDBOX": "true",
                "REGISTRY_DATABASE__URL": NO_DATABASE,
                "REGISTRY_SEARCH__TANTIVY__PATH": str(tmp_path / "index"),
            }
        )
    )
    answer = app.test_client().get("/metrics")
    lines = [line for line in answer.get_data(as_text=True).splitlines() if not line.startswith("#")]
    assert answer.status_code == 200
    assert lines == [
        'registry_database_up{database="access"} 0.0',
        'registry_database_up{database="records"} 0.0',
        "registry_search_up 0.0",
    ]
    app.extensions["registry-context"].close()


def test_a_schema_that_is_not_there_is_told_as_a_database_that_is_down(service: Service) -> None:
    with service.world.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE search_index RENAME TO elsewhere"))
    found = scrape(service)
    assert found["registry_database_up"][("records",)] == 0
    assert "registry_outbox_pending" not in found
