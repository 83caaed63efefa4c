"""Evidence of checks, quotas, unusual callers, idempotency keys.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "check_evidence",
        sa.Column("event_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("practitioner_id", BIG_ID, nullable=True),
        sa.Column("asked_number", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("previous_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_check_evidence")),
        sa.UniqueConstraint("id", name=op.f("uq_check_evidence_id")),
    )
    op.create_index("ix_check_evidence_owner", "check_evidence", ["owner", "created_at"])
    op.create_index("ix_check_evidence_created_at", "check_evidence", ["created_at"])
    for name, columns, where in (
        ("ix_check_evidence_reference", ["owner", "reference", "created_at"], "reference <> ''"),
        ("ix_check_evidence_practitioner_id", ["practitioner_id"], "practitioner_id IS NOT NULL"),
    ):
        condition = sa.text(where)
        op.create_index(name, "check_evidence", columns, postgresql_where=condition, sqlite_where=condition)
    op.create_table(
        "check_quota",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "kind", name=op.f("pk_check_quota")),
    )
    op.create_index("ix_check_quota_window_start", "check_quota", ["window_start"])
    op.create_table(
        "check_unusual",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("bound", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("slowed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_unusual")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_check_unusual_caller", "check_unusual", ["caller", "slowed_until"])
    op.create_table(
        "idempotency_key",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_began_at", "idempotency_key", ["began_at"])


def downgrade() -> None:
    for table in ("idempotency_key", "check_unusual", "check_quota", "check_evidence"):
        op.drop_table(table)
