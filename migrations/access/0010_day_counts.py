"""Counts of days of the access log that are over: what a privacy officer reads without reading every event.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_access_day")),
    )
    op.create_table(
        "access_day_use",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "organisation", name=op.f("pk_access_day_use")),
    )


def downgrade() -> None:
    for table in ("access_day_use", "access_day"):
        op.drop_table(table)
