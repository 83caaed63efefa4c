"""Consent codes of people with a protected identity, and by which consent a check was answered.

The column is added without a value, which rewrites no row.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "identity_consent",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("practitioner_id", BIG_ID, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.Column("evidence_id", sa.Text(), nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_consent")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_identity_consent_code_digest")),
    )
    op.create_index(
        "ix_identity_consent_practitioner_id", "identity_consent", ["practitioner_id", "created_at"]
    )
    op.create_index("ix_identity_consent_expires_at", "identity_consent", ["expires_at"])
    op.add_column("check_evidence", sa.Column("consent_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("check_evidence", "consent_id")
    op.drop_table("identity_consent")
