"""The service on PostgreSQL and OpenSearch, and what is left of it when OpenSearch is gone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import database
from tests.registry.access.harness import AUDIENCE, Idp
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import Service
from tests.services.opensearch import OpenSearchServer
from tests.support.engines import large_house


@pytest.fixture
def large(
    tmp_path: Path,
    web_idp: Idp,
    fresh_postgres_database: Callable[[], str],
    stoppable_opensearch: OpenSearchServer,
) -> Iterator[Service]:
    """A service on the large house that knows everyone."""
    trusted = {"REGISTRY_TOKENS__ISSUER": web_idp.issuer, "REGISTRY_TOKENS__AUDIENCE": AUDIENCE}
    world = large_house(
        tmp_path, fresh_postgres_database, stoppable_opensearch.url, f"web-{tmp_path.name}".lower(), **trusted
    )
    service = Service(world, web_idp)
    service.load(everyone())
    yield service
    service.close()


def test_without_opensearch_numbers_are_answered_and_names_told_to_wait(
    large: Service, stoppable_opensearch: OpenSearchServer
) -> None:
    by_name = "/v1/practitioners?name=anna+lindqvist"
    assert large.get(by_name).get_json()["total"] == 1
    assert large.get("/readyz").get_json()["status"] == "ok"
    stoppable_opensearch.kill()
    refused = large.get(by_name)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert refused.get_json()["type"].endswith("/problems/search-unavailable")
    assert large.verify(name="Anna Lindqvist", birthDate="1980-05-03").status_code == 503
    assert large.verify(personalIdentityNumber=ANNA_NUMBER).get_json()["verdict"] == "yes"
    assert large.verify(licenceNumber="LK-7").get_json()["verdict"] == "no"
    assert large.get("/v1/practitioners?licenceNumber=LK-7&status=revoked").get_json()["total"] == 1
    ready = large.get("/readyz")
    assert (ready.status_code, ready.get_json()["checks"]["search"]["status"]) == (200, "degraded")
    stoppable_opensearch.start()
    assert large.get(by_name).get_json()["total"] == 1


def test_a_database_that_was_restarted_a_moment_ago_is_asked_anew(
    large: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However lately the connections were in use: nobody asks them whether they are alive.
    monkeypatch.setattr(database, "_ALIVE_S", 3600.0)
    asked = "/v1/practitioners?name=anna+lindqvist"
    assert large.get(asked).get_json()["total"] == 1
    other = sa.create_engine(large.world.settings.database.url)
    with other.connect() as connection:
        gone = connection.scalars(
            sa.text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        ).all()
    other.dispose()
    assert len(gone) >= 2, "connections of SQL truth and of the access log"
    again = large.get(asked)
    assert (again.status_code, again.get_json()["total"]) == (200, 1)
