"""Every way of declaring who may call a view, and of forgetting to."""

from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.test import TestResponse

from registry.access.challenges import www_authenticate
from registry.access.guard import (
    Admission,
    admissions,
    any_caller,
    current_caller,
    public,
    public_endpoint,
    requires_login,
    requires_scope,
    requires_token,
    unprotected_rules,
)
from registry.access.install import install_access
from registry.database import open_database
from registry.errors import RegistryError, UnauthorizedError
from registry.sealing import Sealer
from tests.registry.access.harness import Idp, make_app, settings_for


def _problem(error: RegistryError) -> tuple[dict[str, Any], int, dict[str, str]]:
    challenge = www_authenticate(error)
    return {"type": error.slug}, error.status, {"WWW-Authenticate": challenge} if challenge else {}


def _app(idp: Idp | None, *blueprints: Blueprint) -> Flask:
    settings = settings_for(idp, "sqlite://")
    app = Flask(__name__, static_folder=None)
    engine = open_database("sqlite://", settings.database, service=True)
    install_access(app, settings, engine=engine, sealer=Sealer(settings.privacy))
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.register_error_handler(RegistryError, _problem)
    return app


# Problem type (None where there is no body), status, and what the challenge holds.
Refusal = tuple[str | None, int, str]


class _Things(MethodView):
    @requires_scope("registry:read")
    def get(self) -> str:
        return "read"

    @requires_scope("registry:search")
    def post(self) -> str:
        return "searched"

    def put(self) -> str:
        raise AssertionError("nobody may get here")


def _api() -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/v1")
    requires_token(api)

    @api.get("/search")
    @requires_scope("registry:search")
    def search() -> dict[str, str]:
        return {"who": current_caller().subject}

    @api.get("/admin")
    @requires_scope("registry:search")
    @requires_scope("registry:admin")
    def admin() -> str:
        raise AssertionError("nobody may get here")

    @api.get("/anyone")
    @any_caller
    def anyone() -> str:
        return "anyone"

    @api.get("/silent")
    def silent() -> str:
        raise AssertionError("nobody may get here")

    api.add_url_rule("/things", view_func=_Things.as_view("things"))
    return api


@pytest.fixture(scope="module")
def app(shared_idp: Idp) -> Flask:
    return _app(shared_idp, _api())


def _get(app: Flask, path: str, token: str = "", method: str = "GET") -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return app.test_client().open(path, method=method, headers=headers)


def test_a_caller_with_the_scope_is_let_in(app: Flask, shared_idp: Idp) -> None:
    answer = _get(app, "/v1/search", shared_idp.token())
    assert answer.json == {"who": "system-1"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "method", "claims", "expected"),
    [
        ("/v1/search", "GET", None, ("unauthorized", 401, 'Bearer realm="registry"')),
        ("/v1/search", "GET", {"exp": 1}, ("invalid-token", 401, 'error="invalid_token"')),
        (
            "/v1/search",
            "GET",
            {"scope": "registry:read"},
            ("insufficient-scope", 403, 'scope="registry:search"'),
        ),
        ("/v1/admin", "GET", {}, ("insufficient-scope", 403, "registry:admin")),
        ("/v1/silent", "GET", {}, ("forbidden", 403, "")),
        ("/v1/things", "GET", {}, ("insufficient-scope", 403, "registry:read")),
        ("/v1/things", "HEAD", {}, (None, 403, "registry:read")),
        ("/v1/things", "PUT", {}, ("forbidden", 403, "")),
        ("/v1/things", "OPTIONS", None, ("unauthorized", 401, "Bearer")),
    ],
)
def test_a_caller_who_may_not_is_refused_and_told_why(
    path: str, method: str, claims: dict[str, Any] | None, expected: Refusal, shared_idp: Idp
) -> None:
    slug, status, challenge = expected
    app = _app(shared_idp, _api())
    answer = _get(app, path, "" if claims is None else shared_idp.token(**claims), method)
    assert answer.status_code == status
    assert slug is None or answer.json == {"type": slug}
    assert challenge in answer.headers.get("WWW-Authenticate", "")


def test_scopes_are_asked_for_method_by_method(app: Flask, shared_idp: Idp) -> None:
    assert _get(app, "/v1/things", shared_idp.token(), "POST").text == "searched"
    assert _get(app, "/v1/anyone", shared_idp.token(scope=None)).text == "anyone"
    assert _get(app, "/v1/things", shared_idp.token(), "OPTIONS").status_code == 200


def test_a_token_in_the_address_or_the_body_is_not_looked_at(app: Flask, shared_idp: Idp) -> None:
    token = shared_idp.token()
    assert _get(app, f"/v1/search?access_token={token}").status_code == 401
    answer = app.test_client().post("/v1/things", data={"access_token": token})
    assert answer.status_code == 401


def test_an_unknown_address_or_method_is_answered_as_such(app: Flask) -> None:
    assert _get(app, "/v1/nowhere").status_code == 404
    assert _get(app, "/v1/search", method="DELETE").status_code == 405


def test_the_walk_over_all_rules_names_what_is_silent(app: Flask) -> None:
    assert sorted(unprotected_rules(app)) == [
        "GET /v1/silent → api.silent",
        "HEAD /v1/silent → api.silent",
        "PUT /v1/things → api.things",
    ]


def test_an_endpoint_that_declares_nothing_is_refused_until_it_is_opened() -> None:
    blueprint = Blueprint("forgotten", __name__)
    blueprint.add_url_rule("/forgotten", "view", lambda: "hello")
    app = _app(None, blueprint)
    app.add_url_rule("/loose", "loose", lambda: "hello")
    client = app.test_client()
    assert client.get("/forgotten").status_code == 403
    assert client.get("/loose").status_code == 403
    assert client.open("/loose", method="OPTIONS").status_code == 403
    assert len(unprotected_rules(app)) == 4
    public_endpoint(app, "loose", why="a test")
    public_endpoint(app, "forgotten.view", why="a test")
    assert client.get("/loose").text == "hello"
    assert client.get("/forgotten").text == "hello"
    assert unprotected_rules(app) == []


def test_the_innermost_declaration_counts() -> None:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/inner")
    requires_token(outer)
    public(inner, why="a test")
    inner.add_url_rule("/open", "open", lambda: "open")
    bare = Blueprint("bare", __name__, url_prefix="/bare")
    bare.add_url_rule("/closed", "closed", any_caller(lambda: "closed"))
    outer.register_blueprint(inner)
    outer.register_blueprint(bare)
    app = _app(None, outer)
    assert app.test_client().get("/inner/open").text == "open"
    assert app.test_client().get("/bare/closed").status_code == 401
    assert unprotected_rules(app) == []


def test_a_scope_in_a_public_blueprint_lets_nobody_in() -> None:
    blueprint = Blueprint("open", __name__)
    public(blueprint, why="a test")
    blueprint.add_url_rule("/x", "x", requires_scope("registry:read")(lambda: "x"))
    assert _app(None, blueprint).test_client().get("/x").status_code == 401


def test_class_decorators_state_scopes_for_every_method(shared_idp: Idp) -> None:
    class Guarded(MethodView):
        decorators = [requires_scope("registry:admin")]  # noqa: RUF012 - Flask's interface

        def get(self) -> str:
            raise AssertionError("nobody may get here")

    blueprint = Blueprint("class", __name__)
    requires_token(blueprint)
    blueprint.add_url_rule("/x", view_func=Guarded.as_view("x"))
    app = _app(shared_idp, blueprint)
    assert unprotected_rules(app) == []
    assert _get(app, "/x", shared_idp.token()).status_code == 403


def test_nobody_is_the_caller_outside_a_guarded_view() -> None:
    app = _app(None)
    with app.test_request_context("/"), pytest.raises(UnauthorizedError):
        current_caller()


def test_pages_send_readers_to_the_login_and_tell_senders_of_forms() -> None:
    pages = Blueprint("pages", __name__)
    requires_login(pages)
    pages.add_url_rule("/page", "page", any_caller(lambda: "page"), methods=["GET", "POST"])
    app = _app(None, pages)
    answer = app.test_client().get("/page")
    assert (answer.status_code, answer.json) == (401, {"type": "login-needed"}), "no provider is configured"


def test_the_app_of_the_other_tests_declares_everything(database: str, shared_idp: Idp) -> None:
    app = make_app(settings_for(shared_idp, database))
    assert unprotected_rules(app.flask) == []
    declared = admissions(app.flask)
    assert declared["login.callback"] == Admission("public", "nobody is logged in before the login")
    assert declared["pages.search"] == Admission("login")
    answer = app.flask.test_client().get("/pages/search?q=anna&page=2")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/pages/search?q%3Danna%26page%3D2"
    assert app.flask.test_client().post("/pages/form").status_code == 401
    app.engine.dispose()
