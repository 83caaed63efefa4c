"""Since when, and until when, something about a record waited for a person: answers about that time still tell it.

Of what was decided before this revision nothing is known; what waits now is taken over.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        *(
            sa.Column(
                name,
                BigId,
                sa.ForeignKey(f"{table}.id", name=f"fk_hold_{name}"),
                nullable=name == "ended_run_id",
            )
            for name, table in (
                ("source_record_id", "source_record"),
                ("run_id", "feed_run"),
                ("ended_run_id", "feed_run"),
            )
        ),
        sa.Column("kind", sa.Text(), nullable=False),
    )
    op.create_index("ix_hold_source_record_id", "hold", ["source_record_id"])
    # What waited at a moment, of the kinds that wait for a person: those of unreadable rows are many more.
    op.create_index("ix_hold_kind", "hold", ["kind", "ended_run_id", "run_id"])
    where = sa.text("protected")
    op.create_index(
        "ix_practitioner_protected", "practitioner", ["id"], sqlite_where=where, postgresql_where=where
    )
    op.execute(
        "INSERT INTO hold (source_record_id, run_id, kind) SELECT source_record_id, run_id, kind FROM held_change"
    )


def downgrade() -> None:
    op.drop_index("ix_practitioner_protected", "practitioner")
    op.drop_table("hold")
