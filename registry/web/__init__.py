"""The service over HTTP: API, pages and health, put together by `create_app`."""

from typing import Any

import orjson
from flask import Flask
from flask.json.provider import JSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from registry.access.install import install_access
from registry.settings import Settings, load_settings
from registry.web import (
    api,
    headers,
    health,
    metrics,
    pages,
    personal_numbers,
    problem_pages,
    problems,
    uploads,
)
from registry.web.context import install_context
from registry.web.pages.login import login_choice
from registry.web.rates import RATES, DatabaseRates


class _Json(JSONProvider):
    """JSON by orjson: UTF-8, and several times faster than the standard library."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:  # noqa: ANN401 - any JSON
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:  # noqa: ANN401 - any JSON
        return orjson.loads(s)


class _App(Flask):
    def log_exception(self, *_exc_info: object) -> None:
        """Log nothing: `problems` logs every failure without its words, which may hold personal data."""


def create_app(settings: Settings | None = None) -> Flask:
    """Make the service.

    Nothing is connected yet: a database or search engine that is down shows in `/readyz`, not at the start.

    Args:
        settings: the process's own (`load_settings()`) when left out.

    Raises:
        SettingsError: a setting, key, rule set or vocabulary file is wrong; says which and how to mend it.
    """
    settings = settings or load_settings()
    # No static folder of the app's own: the pages have theirs, with a declared guard.
    app = _App(__name__, static_folder=None)
    app.json = _Json(app)
    app.config["MAX_CONTENT_LENGTH"] = settings.web.max_body_bytes
    app.config["MAX_FORM_PARTS"] = settings.web.max_form_parts
    if hops := settings.web.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    context = install_context(app, settings)
    # Checks before a request's view run in this order: an id for the request first, who asks last.
    headers.register(app, settings)
    uploads.register(app, settings)
    personal_numbers.register(app)
    rates = app.extensions[RATES] = DatabaseRates(context.access, settings.rates)
    access = install_access(app, settings, engine=context.access, sealer=context.sealer, rates=rates)
    problems.register(app, settings)
    app.register_blueprint(health.blueprint)
    if settings.web.metrics:
        app.register_blueprint(metrics.blueprint)
    app.register_blueprint(problem_pages.blueprint)
    pages.register(app, settings)
    access.login.choice = login_choice
    api.register(app, context)
    return app
