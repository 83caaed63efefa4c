"""API v1: what other systems ask. Its operations, their schemas, and the OpenAPI document made from them."""

import flask_smorest  # type: ignore[import-untyped]
from flask import Flask

from registry.access.policy_file import load_policy
from registry.web.api import (
    batches,
    feed_runs,
    feeds,
    history,
    info,
    openapi,
    operation,
    oversight,
    practitioners,
    purposes,
    search,
    subject_request_schemas,
    suggestions,
    verifications,
)
from registry.web.api.shown import use_policy
from registry.web.context import Context

# Importing them puts their operations into the blueprints of practitioners and search.
__all__ = ["history", "register", "suggestions"]


class _Api(flask_smorest.Api):  # type: ignore[misc]
    """Documents our operations; errors are answered by `registry.web.problems` and documented by `openapi`."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave errors to the app."""


def register(app: Flask, ours: Context) -> None:
    """Put the API into `app`."""
    api = _Api(
        app,
        spec_kwargs={
            "title": openapi.TITLE,
            "version": openapi.API_VERSION,
            "openapi_version": openapi.OPENAPI_VERSION,
            **openapi.spec_options(ours.settings),
        },
    )
    for module in (
        info,
        search,
        practitioners,
        verifications,
        batches,
        purposes,
        feeds,
        feed_runs,
        oversight,
    ):
        api.register_blueprint(module.blueprint)
    app.register_blueprint(openapi.blueprint)
    use_policy(app, load_policy(ours.settings), [*operation.SHAPES, *subject_request_schemas.SHAPES])
    openapi.finish(app, api.spec.to_dict(), ours)
