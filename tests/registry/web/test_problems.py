"""Every refusal has one shape, a documented type, and tells nothing it should not."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Blueprint
from werkzeug import exceptions

import registry.web  # noqa: F401 - so that every error of the service is defined
from registry.access.guard import public
from registry.access.refusals import refused_between
from registry.access.tables import access_event_subject
from registry.errors import RegistryError
from registry.web.problem_types import PROBLEM_TYPES
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import Service

# Errors that never answer a request.
_NOT_ANSWERS = {"settings", "migration-failed", "swap-refused", "lost-list", "ledger"}


def _kinds(kind: type[RegistryError]) -> Iterator[type[RegistryError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def test_every_error_of_the_service_has_its_problem_type() -> None:
    for kind in _kinds(RegistryError):
        if kind.__module__.startswith("registry.") and kind.slug not in _NOT_ANSWERS:
            documented = PROBLEM_TYPES[kind.slug]
            assert (documented.status, documented.title) == (kind.status, kind.title), kind


def test_every_problem_type_is_documented_under_its_uri_for_programs_and_for_people(full: Service) -> None:
    for item in full.ask("GET", "/problems/", scopes=None).get_json()["items"]:
        path = item["type"].removeprefix("http://127.0.0.1:8000")
        assert full.ask("GET", path, scopes=None).get_json() == item
        page = full.ask("GET", path, scopes=None, headers={"Accept": "text/html"})
        assert page.content_type == "text/html; charset=utf-8"
        assert item["meaning"]["sv"].split(".")[0].split("`")[0] in page.get_data(as_text=True)


def test_an_unknown_problem_type_is_not_found(full: Service) -> None:
    assert full.ask("GET", "/problems/no-such", scopes=None).status_code == 404


def _ask(service: Service, method: str, url: str, **rest: Any) -> tuple[int, dict[str, Any], dict[str, str]]:  # noqa: ANN401 - as the client takes it
    answer = service.ask(method, url, **rest)
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json(), dict(answer.headers)


@pytest.mark.parametrize(
    ("method", "url", "rest", "status", "slug"),
    [
        ("GET", "/v1/nowhere", {}, 404, "not-found"),
        ("GET", "/v1/", {}, 404, "not-found"),
        ("GET", "/v1/practitioners/", {}, 404, "not-found"),
        ("DELETE", "/v1/practitioners", {}, 405, "method-not-allowed"),
        ("DELETE", "/v1/verifications", {}, 405, "method-not-allowed"),
        ("POST", "/v1/verifications", {"data": "{}"}, 415, "unsupported-media-type"),
        (
            "POST",
            "/v1/verifications",
            {"data": "{}", "content_type": "text/json"},
            415,
            "unsupported-media-type",
        ),
        ("POST", "/v1/verifications", {"data": {"a": "b"}}, 415, "unsupported-media-type"),
        (
            "POST",
            "/v1/verifications",
            {"data": "{}", "content_type": "application/json; charset=latin-1"},
            415,
            "unsupported-media-type",
        ),
        (
            "POST",
            "/v1/verifications",
            {"data": "{}", "content_type": "application/json", "headers": {"Content-Encoding": "gzip"}},
            415,
            "unsupported-media-type",
        ),
        ("POST", "/v1/verifications", {"json": {"name": "x" * 70_000}}, 413, "body-too-large"),
    ],
)
def test_wrong_requests(
    full: Service, *, method: str, url: str, rest: dict[str, Any], status: int, slug: str
) -> None:
    given, problem, _ = _ask(full, method, url, **rest)
    assert given == problem["status"] == status
    assert problem["type"] == f"http://127.0.0.1:8000/problems/{slug}"
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    assert problem["instance"] == url


def test_a_wrong_method_is_told_the_right_ones(full: Service) -> None:
    _, _, headers = _ask(full, "DELETE", "/v1/verifications")
    assert headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_body_without_a_length_is_cut_off_too(full: Service) -> None:
    stream = io.BytesIO(b'{"name": "' + b"x" * 70_000)
    status, problem, _ = _ask(
        full,
        "POST",
        "/v1/verifications",
        input_stream=stream,
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (status, problem["maxBytes"]) == (413, 65_536)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"purpose": NaN}',
        b'{"licenceNumber": "a", "licenceNumber": "b", "purpose": "lookup"}',
        b'{"a":' * 10_000,
        b'{"name": ' + b"1" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_told_so(full: Service, body: bytes) -> None:
    status, problem, _ = _ask(full, "POST", "/v1/verifications", data=body, content_type="application/json")
    assert (status, problem["type"].rpartition("/")[2]) == (400, "invalid-json")


def test_no_answer_leaves_without_its_access_event(make_service: Callable[..., Service]) -> None:
    service = make_service()
    service.load(everyone())
    public_id = service.public_id("anna")
    access_event_subject.drop(service.world.access_engine)
    for method, url, rest in (
        ("GET", "/v1/practitioners?name=anna", {}),
        ("GET", "/v1/practitioners?licenceNumber=RN-100.1", {}),
        ("GET", f"/v1/practitioners/{public_id}", {}),
        ("POST", "/v1/verifications", {"json": {"personalIdentityNumber": ANNA_NUMBER, "purpose": "lookup"}}),
    ):
        status, problem, headers = _ask(service, method, url, **rest)
        assert (status, problem["type"].rpartition("/")[2]) == (503, "access-log-unavailable")
        assert headers["Retry-After"] == "30"
        assert "Lindqvist" not in str(problem)


def test_a_database_that_is_down_is_told_without_its_words(make_service: Callable[..., Service]) -> None:
    service = make_service()
    with service.world.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE feed RENAME TO elsewhere"))
    status, problem, headers = _ask(service, "GET", "/v1/feeds")
    assert (status, problem["type"].rpartition("/")[2]) == (503, "database-unavailable")
    assert headers["Retry-After"] == "30"
    assert "feed " not in problem["detail"]


def _broken(service: Service, error: Exception) -> None:
    stray = Blueprint("stray", __name__)
    public(stray, why="a test")

    def fail() -> str:
        raise error

    stray.add_url_rule("/v1/fail", "fail", fail)
    stray.add_url_rule("/fail", "fail-page", fail)
    service.app.register_blueprint(stray)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Anna Lindqvist 19800503-9808"),
        sa.exc.IntegrityError("INSERT INTO licence", {"number": "RN-1"}, Exception("RN-1")),
    ],
)
def test_a_fault_of_ours_is_told_without_its_words_in_answer_and_log(
    service: Service, error: Exception, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    _broken(service, error)
    answer = service.ask("GET", "/v1/fail", scopes=None)
    assert answer.status_code == 500
    assert answer.get_json()["type"].endswith("/problems/internal")
    logged = "".join(capfd.readouterr()) + caplog.text
    assert answer.headers["X-Request-Id"] in logged
    assert "test_problems.py" in logged
    for secret in ("Lindqvist", "19800503-9808", "RN-1", "INSERT"):
        assert secret not in logged
        assert secret not in answer.get_data(as_text=True)


def test_a_person_gets_a_page_where_a_program_gets_json(service: Service) -> None:
    _broken(service, RuntimeError("secret words"))
    for url, status in (("/nowhere", 404), ("/fail", 500)):
        page = service.ask("GET", url, scopes=None, headers={"Accept": "text/html"})
        assert (page.status_code, page.mimetype) == (status, "text/html")
        assert "secret words" not in page.get_data(as_text=True)
        assert service.ask("GET", url, scopes=None).mimetype == "application/problem+json"
    assert (
        service.ask("GET", "/v1/fail", headers={"Accept": "text/html"}).mimetype == "application/problem+json"
    )


def test_when_the_error_page_fails_too_the_problem_is_told(service: Service) -> None:
    def fail(_kind: object, _detail: str) -> str:
        raise ValueError("no template")

    service.app.extensions["registry-error-page"] = fail
    answer = service.ask("GET", "/nowhere", scopes=None, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


_OF_LIBRARIES: list[tuple[Exception, str]] = [
    (sa.exc.InterfaceError("x", None, Exception("x")), "database-unavailable"),
    (sa.exc.OperationalError("x", None, Exception("x")), "database-unavailable"),
    (sa.exc.DBAPIError("x", None, Exception("x"), connection_invalidated=True), "database-unavailable"),
    (sa.exc.DBAPIError("x", None, Exception("x")), "internal"),
    (sa.exc.TimeoutError("x"), "database-unavailable"),
    (exceptions.UnsupportedMediaType(), "unsupported-media-type"),
    (exceptions.NotFound(), "not-found"),
    (exceptions.ImATeapot(), "bad-request"),
    (exceptions.BadGateway(), "internal"),
    (KeyError("x"), "internal"),
]


def test_errors_of_libraries_become_ours(service: Service) -> None:
    stray = Blueprint("stray", __name__)
    public(stray, why="a test")

    @stray.get("/v1/fail/<int:number>")
    def fail(number: int) -> str:
        raise _OF_LIBRARIES[number][0]

    service.app.register_blueprint(stray)
    for number, (error, slug) in enumerate(_OF_LIBRARIES):
        status, problem, _ = _ask(service, "GET", f"/v1/fail/{number}", scopes=None)
        assert problem["type"].endswith(f"/problems/{slug}"), error
        assert status == PROBLEM_TYPES[slug].status


def test_redirects_of_routing_stay_redirects(service: Service) -> None:
    answer = service.ask("GET", "/v1//feeds")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/v1/feeds")


def test_a_form_with_too_many_parts_is_told_how_many_it_may_have(full: Service) -> None:
    limit = full.world.settings.web.max_form_parts
    parts: dict[str, Any] = {f"field-{n}": "x" for n in range(limit + 1)}
    parts["file"] = (io.BytesIO(b"a;b"), "list.csv")
    url = "/v1/verification-batches"
    answer = full.ask("POST", url, data=parts, content_type="multipart/form-data")
    assert answer.status_code == 413
    assert answer.get_json()["detail"] == f"The form may have {limit} parts at most."


def test_who_was_refused_what_is_in_the_log(full: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert full.ask("GET", "/v1/practitioners/x", scopes=("registry:search",)).status_code == 403
    told = capsys.readouterr().out
    for part in ("request refused", "insufficient-scope", "registry:read", "system-1", "2120000142"):
        assert part in told
    wrong = {"Authorization": "Bearer a.b.c"}
    assert full.ask("GET", "/v1/feeds", scopes=None, headers=wrong).status_code == 401
    told = capsys.readouterr().out
    assert "request refused" in told
    assert "invalid-token" in told
    assert full.ask("GET", "/v1/feeds", scopes=None).status_code == 401
    assert "request refused" not in capsys.readouterr().out, "nothing was tried"


def test_who_was_refused_what_is_counted(full: Service) -> None:
    full.context.refusals.write()
    with full.world.access_engine.connect() as connection:
        before = _counted(connection)
    assert full.ask("GET", "/v1/practitioners/x", scopes=("registry:search",)).status_code == 403
    wrong = {"Authorization": "Bearer a.b.c"}
    for _ in range(3):
        assert full.ask("GET", "/v1/feeds", scopes=None, headers=wrong).status_code == 401
    # Nothing was tried, nothing was refused.
    assert full.ask("GET", "/v1/feeds", scopes=None).status_code == 401
    assert full.ask("GET", "/v1/nothing").status_code == 404
    full.context.refusals.write()
    with full.world.access_engine.connect() as connection:
        found = _counted(connection)
    issuer = full.world.settings.tokens.issuer
    assert found - before == Counter(
        {
            ("insufficient-scope", "2120000142", issuer, "system-1"): 1,
            ("invalid-token", "", issuer, ""): 3,
        }
    )


def _counted(connection: sa.Connection) -> Counter[tuple[str, str, str, str]]:
    return Counter(
        {
            (one.kind, one.organisation, one.issuer, one.client_id): one.count
            for one in refused_between(connection, date.min, date.max)
        }
    )
