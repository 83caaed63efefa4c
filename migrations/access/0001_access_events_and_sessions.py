"""Access events and sessions.

Revision: 0001
Follows:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_event",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), server_default="", nullable=False),
        sa.Column("organisation", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_event")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "web_session",
        sa.Column("id_digest", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_digest", name=op.f("pk_web_session")),
    )
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.create_index("ix_web_session_used_at", ["used_at"], unique=False)

    op.create_table(
        "access_event_subject",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("practitioner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["access_event.id"], name=op.f("fk_access_event_subject_event_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "practitioner_id", name=op.f("pk_access_event_subject")),
    )
    with op.batch_alter_table("access_event_subject", schema=None) as batch_op:
        batch_op.create_index("ix_access_event_subject_practitioner_id", ["practitioner_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("access_event_subject", schema=None) as batch_op:
        batch_op.drop_index("ix_access_event_subject_practitioner_id")

    op.drop_table("access_event_subject")
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_index("ix_web_session_used_at")

    op.drop_table("web_session")
    op.drop_table("access_event")
