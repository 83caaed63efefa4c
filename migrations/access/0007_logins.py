"""Whose session it is, by keyed digests: so that a provider's logout (OpenID Connect Back-Channel Logout 1.0) finds it.

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Sessions from before have neither, and end by themselves within hours.
    op.add_column("web_session", sa.Column("login_digest", sa.LargeBinary(), nullable=True))
    op.add_column("web_session", sa.Column("sid_digest", sa.LargeBinary(), nullable=True))
    op.create_index("ix_web_session_login_digest", "web_session", ["login_digest"])
    op.create_index("ix_web_session_sid_digest", "web_session", ["sid_digest"])


def downgrade() -> None:
    op.drop_index("ix_web_session_sid_digest", table_name="web_session")
    op.drop_index("ix_web_session_login_digest", table_name="web_session")
    op.drop_column("web_session", "sid_digest")
    op.drop_column("web_session", "login_digest")
