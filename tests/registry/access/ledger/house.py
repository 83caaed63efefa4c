"""A log to seal: events written by the service's own functions, and its rows changed behind the service's back."""

import base64
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import OKPKey

from registry.access.caller import Caller
from registry.access.ledger.findings import Report
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.keys import KeyRing, signing_key
from registry.access.ledger.seal import seal
from registry.access.ledger.verify import verify
from registry.access.log import record_access
from registry.access.log_many import Event, record_many
from registry.database import writing
from registry.settings import Access, Purpose, Secret

CALLER = Caller("https://issuer.example", "employer-1", client_id="registry", organisation="2120000142")
ACCESS = Access(
    purposes={"recruitment": Purpose(sv="Skäl", en="Reason", ground_sv="Lag", ground_en="Law")},
    role_scopes={},
    scope_acr={},
)
KEY_TEXT = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY_TEXT = base64.b64encode(bytes(range(1, 33))).decode()


def key(text: str = KEY_TEXT) -> OKPKey:
    return signing_key(Secret(text))


RING = KeyRing([key()])
TABLES = ("access_event", "access_event_subject", "access_ledger_leaf", "access_ledger_head")


@dataclass
class Log:
    """The access log of one database."""

    engine: sa.Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def write(self, count: int = 1, people: Iterable[int] = (7, 9), answer: str = "yes") -> list[int]:
        """Write events as answers do; return their ids."""
        return [
            record_access(
                self.engine,
                ACCESS,
                CALLER,
                purpose="recruitment",
                action="verify",
                question={"licenceNumber": f"Å-{number}"},
                answer=answer,
                practitioner_ids=[*people],
                request_id=f"r-{number}",
            )
            for number in range(count)
        ]

    def write_many(self, count: int) -> None:
        """Write events as staff lists do."""
        events = [Event('{"licenceNumber":"A"}', "no", [number % 50 + 1]) for number in range(count)]
        with writing(self.engine).begin() as connection:
            record_many(connection, CALLER, events, purpose="recruitment", action="verify", request_id="list")

    def seal(self, *, with_key: OKPKey | None = None, ring: KeyRing = RING, batch_events: int = 5000) -> int:
        return seal(self.engine, with_key or key(), ring, batch_events=batch_events)

    def verify(
        self, *, ring: KeyRing = RING, kept: Iterable[SignedHead] = (), overdue_s: float = 600
    ) -> Report:
        return verify(self.engine, ring, kept=[*kept], overdue_s=overdue_s)

    def found(
        self, *, ring: KeyRing = RING, kept: Iterable[SignedHead] = ()
    ) -> list[tuple[str, int | None, int | None]]:
        """Verify; return kind, event and head of every finding."""
        report = self.verify(ring=ring, kept=kept)
        assert report.holds == (not report.findings)
        return [(one.kind, one.event_id, one.head) for one in report.findings]

    @contextmanager
    def behind(self) -> Iterator[sa.Connection]:
        """Give a connection of somebody who owns the database and has put the triggers aside."""
        with writing(self.engine).begin() as connection:
            for table in TABLES:
                if self.is_sqlite:
                    for deed in ("update", "delete", "replace"):
                        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{deed}")
                else:
                    connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            yield connection

    def tamper(self, *statements: str) -> None:
        """Run statements as the owner of the database, foreign keys put aside too."""
        if not self.is_sqlite:
            with self.behind() as connection:
                for statement in statements:
                    assert connection.exec_driver_sql(statement).rowcount, statement
            return
        with self.behind():
            pass
        path = self.engine.url.database
        assert path
        with closing(sqlite3.connect(path)) as file, file:
            for statement in statements:
                assert file.execute(statement).rowcount, statement

    def scalar(self, query: str) -> Any:  # noqa: ANN401 - whatever the query gives
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(query).scalar()
