"""/livez and /readyz."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from indexer.compare import compare
from registry.database import writing
from registry.records import search_indices
from registry.records import tables as t
from registry.records.index_tables import index_comparison
from registry.search.document import Operation
from registry.settings import load_settings
from registry.web import create_app
from tests.registry.web.people import everyone
from tests.registry.web.service import Service
from tests.support.engines import index_of
from tests.support.publishing import licence_keys, quiet
from tests.support.waiting import until
from tests.support.world import KEYS, person

NO_DATABASE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


def test_all_is_well(service: Service) -> None:
    service.load(everyone())
    answer = service.ask("GET", "/readyz", scopes=None)
    ready = answer.get_json()
    assert (answer.status_code, ready["status"]) == (200, "ok")
    assert {name: check["status"] for name, check in ready["checks"].items()} == dict.fromkeys(
        ("database", "accessLog", "index", "feeds", "staffLists", "search"), "ok"
    )
    assert ready["checks"]["search"] == {"status": "ok", "documents": 3}


def index_check(service: Service) -> dict[str, Any]:
    """What is told about the index, when the documents that there should be have been counted."""

    def counted() -> bool:
        answer = service.ask("GET", "/readyz", scopes=None).get_json()
        return answer["checks"]["index"]["expectedDocuments"] is not None

    until(counted)
    found: dict[str, Any] = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["index"]
    return found


def test_the_index_is_told_beside_sql(service: Service) -> None:
    service.load(everyone())
    search = index_of(service.world)
    compare(service.world.engine, search, service.world.settings, quiet)
    found = index_check(service)
    assert (found["status"], found["problems"]) == ("ok", [])
    assert (found["documents"], found["expectedDocuments"]) == (3, 3)
    assert found["name"] == search.current_index()
    comparison = found["comparison"]
    assert comparison["expected"] == 3
    assert not any(comparison[kind] for kind in ("missing", "extra", "stale", "repaired"))
    for moment in (found["inUseSince"], found["countedAt"], comparison["at"]):
        assert abs(datetime.now(UTC) - datetime.fromisoformat(moment)) < timedelta(minutes=5)
    assert found["building"] is None
    search.close()


def test_a_probe_does_not_wait_for_the_count(service: Service) -> None:
    service.load(everyone())
    first = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["index"]
    assert first["status"] == "ok"
    assert first["expectedDocuments"] in {None, 3}
    assert index_check(service)["expectedDocuments"] == 3


def test_a_comparison_that_found_differences_and_one_that_is_too_old_are_told(service: Service) -> None:
    service.load(everyone())
    with writing(service.world.engine).begin() as connection:
        connection.execute(sa.update(t.practitioner).values(version=10**6))
    search = index_of(service.world)
    compare(service.world.engine, search, service.world.settings, quiet)
    search.close()
    found = index_check(service)
    assert (found["status"], found["problems"]) == ("degraded", ["comparison-differs"])
    assert found["comparison"]["stale"] == 3
    with writing(service.world.engine).begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(hours=49)
        connection.execute(sa.update(index_comparison).values(finished_at=long_ago, stale=0))
    assert index_check(service)["problems"] == ["comparison-old"]


def test_documents_that_are_missing_are_seen_without_a_comparison(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(REGISTRY_INDEX__COMPARE_PAUSE_S="0.01")
    service.load(everyone())
    search = index_of(service.world)
    search.bulk([Operation(licence_keys(service.world)[0], 10**9, None)])
    search.close()
    found = index_check(service)
    assert (found["documents"], found["expectedDocuments"]) == (2, 3)
    assert (found["status"], found["problems"]) == ("degraded", ["count-differs"])


def test_a_rebuild_that_stands_still_is_told(service: Service) -> None:
    service.load(everyone())
    with writing(service.world.engine).begin() as connection:
        search_indices.begun(connection, "next", 1, datetime.now(UTC) - timedelta(hours=1))
    found = index_check(service)
    assert (found["status"], found["problems"]) == ("degraded", ["build-still"])
    assert found["building"]["share"] == 0


def test_an_index_for_other_fields_is_told_by_a_word(service: Service) -> None:
    service.load(everyone())
    search = index_of(service.world)
    name = search.current_index()
    search.close()
    assert name is not None
    # An index of a version that did not tell what it was made for.
    (Path(service.world.settings.search.tantivy.path) / name / "mapping.json").unlink()
    check = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["search"]
    assert check == {"status": "degraded", "documents": None, "problem": "other-mapping"}


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
    assert checks["search"] == {"status": "degraded", "documents": None, "problem": "no-index"}
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
    assert index["problems"] == ["changes-late"]
    assert index["oldestPendingSeconds"] >= 400
    with writing(service.world.engine).begin() as connection:
        connection.execute(sa.update(t.outbox).values(dead=True))
    index = service.ask("GET", "/readyz", scopes=None).get_json()["checks"]["index"]
    assert (index["status"], index["pending"], index["deadLetters"]) == ("degraded", 0, 4)
    assert index["problems"] == ["dead-letters"]


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
