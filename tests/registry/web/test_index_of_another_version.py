"""A service that starts on another version's index: search says so, everything that SQL answers alone goes on."""

import re
from pathlib import Path

from structlog.testing import capture_logs

from registry.search.port import OTHER_MAPPING
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import Service


def test_search_is_unavailable_look_up_by_number_works_and_the_operator_is_told_what_to_do(
    service: Service,
) -> None:
    service.load(everyone())
    folder = Path(service.world.settings.search.tantivy.path)
    index = (folder / "current").read_text()
    told = folder / index / "mapping.json"
    told.write_text(re.sub(r'"documents":\d+', '"documents":99', told.read_text()))
    with capture_logs() as logged:
        refused = service.get("/v1/practitioners?name=anna+lindqvist")
        assert refused.status_code == 503
        assert refused.get_json()["type"].endswith("/problems/search-unavailable")
        assert service.verify(name="Anna Lindqvist", birthDate="1980-05-03").status_code == 503
        assert service.verify(personalIdentityNumber=ANNA_NUMBER).get_json()["verdict"] == "yes"
        assert service.verify(licenceNumber="LK-7").get_json()["verdict"] == "no"
        ready = service.ask("GET", "/readyz", scopes=None)
    (line,) = [one for one in logged if one["event"] == "the search index does not fit this version"]
    assert (line["log_level"], line["index"], line["do"]) == ("error", index, OTHER_MAPPING)
    assert "documents" in line["why"]
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert ready.get_json()["checks"]["search"]["status"] == "degraded"
