"""Alembic environment for both chains, `records` and `access`; started by `registry.migrate`, which sets the attributes."""

from typing import Any

import sqlalchemy as sa
from alembic import context

LOCK = 0x5245_4749  # any number that nobody else locks: "REGI"


def run() -> None:
    attributes: dict[str, Any] = context.config.attributes
    connection: sa.Connection = attributes["connection"]
    metadata: sa.MetaData = attributes["metadata"]
    chain: str = attributes["chain"]
    if connection.dialect.name == "postgresql":
        # Two services that start at once must not migrate at once; the lock goes with the transaction.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(sa.text("SET LOCAL lock_timeout = '10s'"))

    def ours(_object: object, name: str | None, kind: str, reflected: bool, _compare_to: object) -> bool:  # noqa: FBT001 - Alembic's own signature
        """Both chains may share a database: neither may see the other's tables as surplus."""
        return not (kind == "table" and reflected and name not in metadata.tables)

    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=f"alembic_version_{chain}",
        include_object=ours,
        compare_server_default=False,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


run()
