"""How many people bear a name: for weighing matches and for suggestions. Empty until `indexer compare` or a rebuild counts.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "name_count",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False, server_default=""),
    )


def downgrade() -> None:
    op.drop_table("name_count")
