"""What every answer carries."""

import re
from collections.abc import Callable

import pytest

from registry.web.headers import read_trace
from tests.registry.web.service import Service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.mark.parametrize("url", ["/livez", "/v1/feeds", "/nowhere", "/v1/practitioners?name=anna", "/"])
def test_every_answer_keeps_browsers_careful(full: Service, url: str) -> None:
    headers = full.get(url).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    assert "Access-Control-Allow-Origin" not in headers
    assert "Strict-Transport-Security" not in headers
    assert "Server" not in headers


def test_transport_security_is_told_where_the_service_is_behind_tls(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(REGISTRY_SERVICE__BASE_URL="https://registry.example")
    headers = service.ask("GET", "/livez", scopes=None).headers
    assert headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_a_trace_is_continued_with_a_span_of_our_own(full: Service) -> None:
    answer = full.get("/livez", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != PARENT


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"00-{TRACE}-{PARENT}",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01\r\nX-Forged: 1",
    ],
)
def test_without_a_valid_trace_a_new_one_begins(header: str | None) -> None:
    trace = read_trace(header)
    assert trace.trace_id not in {TRACE, "0" * 32}
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace.traceparent)


def test_a_later_version_of_the_trace_header_is_understood() -> None:
    assert read_trace(f"01-{TRACE}-{PARENT}-01-future").trace_id == TRACE


def test_a_request_id_from_outside_is_not_taken_over(full: Service) -> None:
    answer = full.get("/livez", headers={"X-Request-Id": "forged"})
    assert answer.headers["X-Request-Id"] != "forged"
