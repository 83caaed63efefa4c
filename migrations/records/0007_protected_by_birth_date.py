"""Who of the protected was born on a day: every question by name asks it, so that they see who asked about them.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEX = "ix_practitioner_protected_birth_date"


def upgrade() -> None:
    where = sa.text("protected")
    op.create_index(_INDEX, "practitioner", ["birth_date"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(_INDEX, "practitioner")
