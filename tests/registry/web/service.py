"""The whole service in one process for tests: real databases, a real index, and tokens from the development provider."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from indexer.publish import publish
from registry.access.log import NOBODY
from registry.access.tables import access_event, access_event_subject
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.web import create_app
from registry.web.context import Context
from tests.registry.access.harness import Idp
from tests.registry.web.contract import Contract
from tests.support.engines import index_of
from tests.support.world import World

EVERY_SCOPE = ("registry:search", "registry:read", "registry:verify", "registry:admin")


@dataclass
class Service:
    """An app over a world, asked over HTTP by a caller with a token; every answer is held against the contract."""

    world: World
    idp: Idp

    @cached_property
    def app(self) -> Flask:
        """The service."""
        return create_app(self.world.settings)

    @cached_property
    def contract(self) -> Contract:
        """What the service promises."""
        return Contract(orjson.loads(self.app.extensions["registry-openapi"]))

    @property
    def context(self) -> Context:
        """What its views share."""
        made: Context = self.app.extensions["registry-context"]
        return made

    def load(self, people: dict[str, PersonFacts]) -> None:
        """Load people and publish them, as the indexer does."""
        self.world.load(people)
        self.publish()

    def publish(self) -> None:
        """Publish what waits in the outbox."""
        search = index_of(self.world)
        publish(self.world.engine, search, self.world.settings, lambda _phase, _amount: None)
        search.refresh()
        search.close()

    def get(self, url: str, *, headers: dict[str, str] | None = None) -> TestResponse:
        """Ask with GET."""
        return self.ask("GET", url, headers=headers or {})

    def verify(self, **question: str) -> TestResponse:
        """Ask POST /v1/verifications; the purpose is recruitment unless told otherwise."""
        return self.ask("POST", "/v1/verifications", json={"purpose": "recruitment", **question})

    def ask(
        self,
        method: str,
        url: str,
        *,
        scopes: tuple[str, ...] | None = EVERY_SCOPE,
        **rest: Any,  # noqa: ANN401 - as werkzeug's test client takes it
    ) -> TestResponse:
        """Ask with a token that has `scopes`; with no token at all for None."""
        headers = dict(rest.pop("headers", {}))
        if scopes is not None:
            headers.setdefault("Authorization", f"Bearer {self.idp.token(scope=' '.join(scopes))}")
        response = self.app.test_client().open(url, method=method, headers=headers, **rest)
        if response.status_code != 304 and method != "HEAD":
            body = response.get_json() if response.is_json else response.get_data().decode("utf-8", "replace")
            self.contract.check(method, url, response.status_code, dict(response.headers), body)
        return response

    def events(self) -> list[sa.Row[Any]]:
        """Return the access log."""
        with self.world.access_engine.connect() as connection:
            return list(connection.execute(sa.select(access_event).order_by(access_event.c.id)))

    def subjects(self, event_id: int) -> set[int]:
        """Return the practitioners that an event is about."""
        with self.world.access_engine.connect() as connection:
            column = access_event_subject.c
            return set(
                connection.scalars(sa.select(column.practitioner_id).where(column.event_id == event_id))
            ) - {NOBODY}

    def public_id(self, key: str) -> str:
        """Return the public id of the person a source key belongs to."""
        return str(self._practitioner(key).public_id)

    def internal_id(self, key: str) -> int:
        """Return the internal id of the person a source key belongs to."""
        return int(self._practitioner(key).id)

    def _practitioner(self, key: str) -> sa.Row[Any]:
        with self.world.engine.connect() as connection:
            return connection.execute(
                sa.select(t.practitioner)
                .join(t.source_record, t.source_record.c.practitioner_id == t.practitioner.c.id)
                .where(t.source_record.c.key == key)
            ).one()

    def close(self) -> None:
        """Close every connection."""
        self.context.close()
        self.world.close()
