"""GET /v1/feeds and GET /v1/api-info."""

from datetime import UTC, datetime, timedelta

from tests.registry.web.people import everyone
from tests.registry.web.service import Service


def test_feeds_say_how_complete_and_fresh_they_are_and_what_silence_means(full: Service) -> None:
    (feed,) = full.get("/v1/feeds").get_json()["items"]
    assert (feed["id"], feed["completeness"], feed["mode"], feed["maxAgeHours"]) == (
        "test",
        "current_and_lapsed",
        "snapshot",
        48,
    )
    assert (feed["state"], feed["lastRunState"], feed["stamp"]) == ("fresh", "succeeded", None)
    assert feed["authority"]["name"] == {"sv": "Testmyndigheten", "en": "The test authority"}
    assert feed["silence"]["sv"].startswith("Personen har ingen legitimation")


def test_a_late_feed_is_stale_and_one_never_pulled_says_so(service: Service) -> None:
    service.world.load(everyone(), finished_at=datetime.now(UTC) - timedelta(hours=49))
    service.world.describe_feed("unread")
    states = {feed["id"]: feed["state"] for feed in service.get("/v1/feeds").get_json()["items"]}
    assert states == {"test": "stale", "unread": "never"}


def test_without_feeds_the_list_is_empty(service: Service) -> None:
    assert service.get("/v1/feeds").get_json() == {"items": []}


def test_api_info_has_what_the_profile_asks_for(full: Service) -> None:
    answer = full.ask("GET", "/v1/api-info", scopes=None)
    info = answer.get_json()
    assert info.keys() == {"apiName", "apiVersion", "apiReleased", "apiDocumentation", "apiStatus"}
    assert info["apiDocumentation"] == "http://127.0.0.1:8000/v1/openapi.json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_unknown_parameters_are_refused_also_where_none_are_taken(full: Service) -> None:
    assert full.get("/v1/feeds?limit=5").status_code == 400
