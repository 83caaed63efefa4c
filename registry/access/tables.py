"""Tables for access events and login sessions: what answering writes.

They stand in `database.access_url`, which may be another database than SQL truth, and refer to truth by value,
never by foreign key: the log outlives what it is about.
"""

import sqlalchemy as sa

from registry.records.tables import NAMING, BigId, Instant

metadata = sa.MetaData(naming_convention=NAMING)

# Append-only: who was shown what about whom, why and when.
access_event = sa.Table(
    "access_event",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),  # `sub` of the caller at its issuer
    sa.Column("client_id", sa.Text, nullable=False, server_default=""),
    sa.Column("organisation", sa.Text, nullable=False, server_default=""),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),  # search | read | verify | own-record
    sa.Column(
        "question", sa.Text, nullable=False, server_default=""
    ),  # JSON, without personal identity numbers
    sa.Column("answer", sa.Text, nullable=False, server_default=""),  # verdict, or number of hits
    sa.Column("request_id", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

# One row for each person an event showed.
access_event_subject = sa.Table(
    "access_event_subject",
    metadata,
    sa.Column("event_id", BigId, sa.ForeignKey("access_event.id"), primary_key=True),
    sa.Column("practitioner_id", BigId, primary_key=True),
    sa.Index("ix_access_event_subject_practitioner_id", "practitioner_id"),
)

web_session = sa.Table(
    "web_session",
    metadata,
    sa.Column(
        "id_digest", sa.LargeBinary, primary_key=True
    ),  # SHA-256 of the cookie: a stolen table opens no session
    sa.Column("data", sa.LargeBinary, nullable=False),  # sealed
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("used_at", Instant, nullable=False),
    sa.Index("ix_web_session_used_at", "used_at"),
)
