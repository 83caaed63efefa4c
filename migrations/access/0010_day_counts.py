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
    counted = sa.Column("events", sa.BigInteger(), nullable=False)
    for table, names, more in (
        ("access_day_count", ("organisation", "purpose", "action", "answer"), [counted]),
        ("access_day_caller", ("organisation", "issuer", "subject", "client_id"), []),
    ):
        op.create_table(
            table,
            sa.Column("day", sa.Date(), nullable=False),
            *(sa.Column(name, sa.Text(), nullable=False) for name in names),
            *more,
            sa.PrimaryKeyConstraint("day", *names, name=op.f(f"pk_{table}")),
        )


def downgrade() -> None:
    for table in ("access_day_caller", "access_day_count", "access_day"):
        op.drop_table(table)
