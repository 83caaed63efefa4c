"""/livez and /readyz."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.settings import load_settings
from registry.web import create_app
from tests.registry.web.people import everyone
from tests.registry.web.service import Service
from tests.support.world import KEYS, person

NO_DATABASE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


def test_all_is_well(service: Service) -> None:
    service.load(everyone())
    answer = service.ask("GET", "/readyz", scopes=None)
    ready = answer.get_json()
    assert (answer.status_code, ready["status"]) == (200, "ok")
    assert {name: check["status"] for name, check in ready["checks"].items()} == dict.fromkeys(
        ("database", "accessLog", "index", "feeds", "search"), "ok"
    )
    assert ready["checks"]["search"]["documents"] == 3


def test_without_databases_the_process_lives_but_is_not_ready() -> None:
    app = create_app(
        load_settings({**KEYS, "REGISTRY_SERVICE__SANDBOX": "true", "REGISTRY_DATABASE__URL": NO_DATABASE})
    )
    client = app.test_client()
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    checks = answer.get_json()["checks"]
    assert (answer.status_code, answer.get_json()["status"]) == (503, "down")
    assert (checks["database"]["status"], checks["accessLog"]["status"]) == ("down", "down")
    assert "127.0.0.1" not in answer.get_data(as_text=True)
    app.extensions["registry-context"].close()


def test_a_schema_that_was_never_made_is_not_ready(make_service: Callable[..., Service]) -> None:
    service = make_service()
    with service.world.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE practitioner RENAME TO elsewhere"))
    answer = service.ask("GET", "/readyz", scopes=None)
    assert (answer.status_code, answer.get_json()["checks"]["database"]) == (503, {"status": "down"})


def test_without_an_index_it_is_ready_and_says_so(service: Service) -> None:
    service.world.load(everyone())
    answer = service.ask("GET", "/readyz", scopes=None)
    checks = answer.get_json()["checks"]
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert checks["search"]["status"] == "degraded"
    assert (checks["index"]["status"], checks["index"]["pending"], checks["index"]["deadLetters"]) == (
        "ok",
        4,
        0,
    )


def test_changes_that_wait_too_long_and_dead_letters_are_told(service: Service) -> None:
    service.world.load(everyone())
    long_ago = datetime.now(UTC) - timedelta(seconds=400)
    with writing(service.world.engine).begin() as connection:
        connection.execute(sa.update(t.outbox).values(created_at=long_ago))
    index = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["index"]
    assert index["status"] == "degraded"
    assert index["oldestPendingSeconds"] >= 400
    with writing(service.world.engine).begin() as connection:
        connection.execute(sa.update(t.outbox).values(dead=True))
    index = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["index"]
    assert (index["status"], index["pending"], index["deadLetters"]) == ("degraded", 0, 4)


def test_a_late_feed_is_told(service: Service) -> None:
    service.world.load(everyone(), finished_at=datetime.now(UTC) - timedelta(hours=49))
    feeds = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["feeds"]
    assert feeds == {"status": "degraded", "stale": ["test"], "held": []}


def test_a_feed_whose_changes_wait_for_review_is_told(service: Service) -> None:
    crowd = {f"c{n}": person("Ek", f"Liv{n}") for n in range(40)}
    service.world.load(crowd)
    service.world.load(dict(list(crowd.items())[:20]))
    feeds = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["feeds"]
    assert feeds == {"status": "degraded", "stale": [], "held": ["test"]}
