"""What people ask for about their own record, and what became of it step by step.

Steps are added to; only their texts may change, which are sealed and must be able to get another key, and to be taken away.

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_KEPT = "request_id, number, at, state, issuer, subject"
_STEP = "subject_request_step"


def upgrade() -> None:
    op.create_table(
        "subject_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("practitioner_id", BIG_ID, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=True),
        sa.Column("fact", sa.Text(), server_default="", nullable=False),
        sa.Column("authority_id", sa.Text(), server_default="", nullable=False),
        sa.Column("licence_id", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_request")),
        sa.UniqueConstraint(
            "practitioner_id", "event_id", name=op.f("uq_subject_request_practitioner_id_event_id")
        ),
    )
    op.create_index(
        "ix_subject_request_practitioner_id", "subject_request", ["practitioner_id", "created_at"]
    )
    op.create_index("ix_subject_request_state", "subject_request", ["kind", "state", "created_at"])
    op.create_table(
        _STEP,
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_subject_request_step")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["subject_request.id"],
            name=op.f("fk_subject_request_step_request_id"),
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        refused = f"BEGIN SELECT RAISE(ABORT, '{_STEP} is append-only'); END"
        op.execute(f"CREATE TRIGGER {_STEP}_no_update BEFORE UPDATE OF {_KEPT} ON {_STEP} {refused}")
        op.execute(f"CREATE TRIGGER {_STEP}_no_delete BEFORE DELETE ON {_STEP} {refused}")
        # INSERT OR REPLACE removes rows without asking the triggers of DELETE.
        op.execute(
            f"CREATE TRIGGER {_STEP}_no_replace BEFORE INSERT ON {_STEP} WHEN EXISTS (SELECT 1 FROM {_STEP} "  # noqa: S608 - our own names
            f"WHERE request_id = NEW.request_id AND number = NEW.number) {refused}"
        )
        return
    op.execute(
        f"CREATE TRIGGER {_STEP}_append_only BEFORE UPDATE OF {_KEPT} OR DELETE OR TRUNCATE ON {_STEP} "
        "FOR EACH STATEMENT EXECUTE FUNCTION access_append_only()"
    )


def downgrade() -> None:
    op.drop_table(_STEP)
    op.drop_table("subject_request")
