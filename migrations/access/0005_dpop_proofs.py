"""DPoP proofs that have been used (RFC 9449): each counts once on all workers.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dpop_proof",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dpop_proof")),
    )
    op.create_index("ix_dpop_proof_expires_at", "dpop_proof", ["expires_at"])


def downgrade() -> None:
    op.drop_table("dpop_proof")
