"""Staff lists: the queue, what waits in it, and the results.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "staff_list",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("retryable", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("leased_until", _INSTANT, nullable=True),
        sa.Column("turn_at", _INSTANT, nullable=True),
        sa.Column("takeovers", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_list")),
    )
    op.create_index("ix_staff_list_expires_at", "staff_list", ["expires_at"])
    op.create_index("ix_staff_list_owner_created_at", "staff_list", ["owner", "created_at"])
    op.create_index("ix_staff_list_state_turn_at", "staff_list", ["state", "turn_at"])
    op.create_table(
        "staff_list_part",
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["staff_list.id"], name=op.f("fk_staff_list_part_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "number", name=op.f("pk_staff_list_part")),
    )
    op.create_table(
        "staff_list_row",
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("practitioner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["staff_list.id"], name=op.f("fk_staff_list_row_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "row", name=op.f("pk_staff_list_row")),
    )
    op.create_index("ix_staff_list_row_list_id_result", "staff_list_row", ["list_id", "result"])
    op.create_index("ix_staff_list_row_practitioner_id", "staff_list_row", ["practitioner_id"])


def downgrade() -> None:
    op.drop_table("staff_list_row")
    op.drop_table("staff_list_part")
    op.drop_table("staff_list")
