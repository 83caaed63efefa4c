"""What an index was begun from, so that it is known whether it may ever have held somebody who is protected now.

Of indices that stand already it is not known: they count as older than everything.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "search_index", sa.Column("first_mark", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("search_index", "first_mark")
