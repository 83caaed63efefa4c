"""What the search indices hold, how comparisons ended, and an outbox that knows new people and stray documents.

PostgreSQL: room in the pages of tables whose rows are changed, so that a new version of a row lies beside the old one and
its indexes stay as they are. A pull in which 2 % of 300,000 records had changed wrote in half the time.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)
_CHANGED = ("licence", "licence_version", "practitioner", "source_record")


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '4s'")
        for table in _CHANGED:
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 90)")
    # Never made anew: SQLite would forget that ids are not used twice, by which publishers know what they have sent.
    with op.batch_alter_table("outbox", recreate="never") as batch:
        batch.add_column(sa.Column("fresh", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("document_key", BigId))
    dead = sa.text("dead")
    op.create_index("ix_outbox_dead", "outbox", ["practitioner_id"], sqlite_where=dead, postgresql_where=dead)
    op.create_table(
        "search_index",
        sa.Column("name", sa.Text(), primary_key=True),
        _text("state", None),
        _number("mark"),
        _number("filled_to"),
        sa.Column("documents", sa.BigInteger()),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
    )
    op.create_table(
        "index_comparison",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        _text("index_name", None),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("finished_at", Instant, nullable=False),
        _number("expected"),
        _number("missing"),
        _number("extra"),
        _number("stale"),
        _number("repaired"),
    )


def downgrade() -> None:
    op.drop_table("index_comparison")
    op.drop_table("search_index")
    op.execute("DELETE FROM outbox WHERE document_key IS NOT NULL")
    op.drop_index("ix_outbox_dead", "outbox")
    with op.batch_alter_table("outbox", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_column("document_key")
        batch.drop_column("fresh")
    if op.get_bind().dialect.name == "postgresql":
        for table in _CHANGED:
            op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
