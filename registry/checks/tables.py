"""Tables of what organisations ask and keep, in the access database (`database.access_url`) beside the access log.

They refer to SQL truth by value, never by foreign key. Staff lists' tables stand in `registry.checks.lists.tables`, in the
same metadata.
"""

import sqlalchemy as sa

from registry.access.tables import metadata
from registry.checks.lists.tables import staff_list
from registry.records.tables import BigId, Instant

__all__ = [
    "check_evidence",
    "check_quota",
    "check_unusual",
    "idempotency_key",
    "identity_consent",
    "metadata",
    "staff_list",
    "subject_request",
    "subject_request_step",
]

# What was asked and what was answered, one row a check, written with its access event.
check_evidence = sa.Table(
    "check_evidence",
    metadata,
    # The access event it was written with.
    sa.Column("event_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # "ver_" and 22 random characters
    # Who may fetch it: `registry.checks.owner.owner_of`.
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),  # "" for none; personal identity numbers masked
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("rule_version", sa.Text, nullable=False),
    # Whom the answer tells something about: NULL where it tells nothing of anybody ("notFound", several people).
    sa.Column("practitioner_id", BigId),
    sa.Column(
        "asked_number", sa.BigInteger
    ),  # digits of the licence number asked by, to notice consecutive ones
    sa.Column("answer", sa.LargeBinary, nullable=False),  # the bytes that were sent: compressed, sealed
    sa.Column("question", sa.LargeBinary, nullable=False),  # to ask again: sealed, may hold a personal number
    sa.Column("previous_id", sa.Text),  # of the evidence that was asked again
    # The consent by which a person with a protected identity let this one check be answered: it may be shown again.
    sa.Column("consent_id", sa.Text),
    sa.Index("ix_check_evidence_owner", "owner", "created_at"),
    sa.Index("ix_check_evidence_created_at", "created_at"),
    sa.Index(
        "ix_check_evidence_reference",
        "owner",
        "reference",
        "created_at",
        postgresql_where=sa.text("reference <> ''"),
        sqlite_where=sa.text("reference <> ''"),
    ),
    sa.Index(
        "ix_check_evidence_practitioner_id",
        "practitioner_id",
        postgresql_where=sa.text("practitioner_id IS NOT NULL"),
        sqlite_where=sa.text("practitioner_id IS NOT NULL"),
    ),
)

# How much of a quota is used in the window that runs: one row for each who asks and kind.
check_quota = sa.Table(
    "check_quota",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("window_start", sa.BigInteger, nullable=False),  # seconds since 1970
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Index("ix_check_quota_window_start", "window_start"),
)

# Callers who asked as nobody does who checks staff, until when they are slowed. For an officer to look at.
check_unusual = sa.Table(
    "check_unusual",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("noticed_at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # see registry.checks.unusual
    sa.Column("seen", sa.BigInteger, nullable=False),  # how many, in the window
    sa.Column("bound", sa.BigInteger, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("caller", sa.Text, nullable=False),  # `registry.checks.owner.caller_key`
    sa.Column("slowed_until", Instant, nullable=False),
    sa.Column("closed_at", Instant),  # looked at and found honest: slowed no longer
    sa.Index("ix_check_unusual_caller", "caller", "slowed_until"),
    sqlite_autoincrement=True,
)

# Requests with an Idempotency-Key: under way, or ended with the evidence or staff list that holds their answer.
idempotency_key = sa.Table(
    "idempotency_key",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),  # of caller, operation and key
    sa.Column("body_digest", sa.LargeBinary, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),  # the request that is under way: only it may end it
    sa.Column("began_at", Instant, nullable=False),
    sa.Column("evidence_id", sa.Text),  # NULL while under way
    sa.Index("ix_idempotency_key_began_at", "began_at"),
)

# Codes by which a person with a protected identity lets one organisation finish one check (`registry.checks.consents`).
identity_consent = sa.Table(
    "identity_consent",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # "con_" and 22 random characters
    sa.Column(
        "code_digest", sa.LargeBinary, nullable=False, unique=True
    ),  # keyed; the code itself is nowhere
    sa.Column("practitioner_id", BigId, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),  # the one that may use it
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),  # with the evidence's own moment
    sa.Column("evidence_id", sa.Text),
    sa.Column("revoked_at", Instant),
    sa.Index("ix_identity_consent_practitioner_id", "practitioner_id", "created_at"),
    sa.Index("ix_identity_consent_expires_at", "expires_at"),
)

# What people ask for about their own record (`registry.checks.subject_requests`): reports of look-ups, and corrections.
subject_request = sa.Table(
    "subject_request",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # "req_" and 22 random characters
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("practitioner_id", BigId, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # That of the last step, and how many steps there are: who adds one says which he has seen.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    # Of a report: the access event.
    sa.Column("event_id", BigId),
    # Of a correction: what is wrong, who owns the fact, and the licence if it is about one.
    sa.Column("fact", sa.Text, nullable=False, server_default=""),
    sa.Column("authority_id", sa.Text, nullable=False, server_default=""),
    sa.Column("licence_id", BigId),
    sa.UniqueConstraint("practitioner_id", "event_id"),
    sa.Index("ix_subject_request_practitioner_id", "practitioner_id", "created_at"),
    sa.Index("ix_subject_request_state", "kind", "state", "created_at"),
)

# Append-only but for `words`, which can be sealed with another key, or taken away: what became of a request, step by step.
subject_request_step = sa.Table(
    "subject_request_step",
    metadata,
    sa.Column("request_id", sa.Text, sa.ForeignKey("subject_request.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 ...
    sa.Column("at", Instant, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Who took it: "" for the person themselves.
    sa.Column("issuer", sa.Text, nullable=False, server_default=""),
    sa.Column("subject", sa.Text, nullable=False, server_default=""),
    sa.Column("words", sa.LargeBinary),  # sealed; NULL: none, or taken away
)
