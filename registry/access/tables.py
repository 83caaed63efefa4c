"""Tables for access events, login sessions and used proofs: what answering writes.

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
    sa.Column("action", sa.Text, nullable=False),  # see registry.access.log.ACTIONS
    sa.Column(
        "question", sa.Text, nullable=False, server_default=""
    ),  # JSON, without personal identity numbers
    sa.Column("answer", sa.Text, nullable=False, server_default=""),  # verdict, or number of hits
    sa.Column("request_id", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

# One row for each person an event showed; one for nobody (0, `registry.access.log.NOBODY`) where it showed none.
access_event_subject = sa.Table(
    "access_event_subject",
    metadata,
    sa.Column("event_id", BigId, sa.ForeignKey("access_event.id"), primary_key=True),
    sa.Column("practitioner_id", BigId, primary_key=True),
    sa.Index("ix_access_event_subject_practitioner_id", "practitioner_id"),
)

# Append-only: what of the log is sealed (registry.access.ledger). One row for each event, in the order of the tree.
access_ledger_leaf = sa.Table(
    "access_ledger_leaf",
    metadata,
    sa.Column("position", BigId, primary_key=True, autoincrement=False),  # 0 for the first
    # No foreign key: the entry of an event that was removed must stay.
    sa.Column("event_id", BigId, nullable=False, unique=True),
    sa.Column("nonce", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),  # of the leaf, SHA-256
)

# Append-only: signed heads of the tree, each over the whole log until then.
access_ledger_head = sa.Table(
    "access_ledger_head",
    metadata,
    sa.Column("number", BigId, primary_key=True, autoincrement=False),  # 1, 2, 3 ...
    sa.Column("size", sa.BigInteger, nullable=False),  # leaves of the tree
    sa.Column("signed", sa.Text, nullable=False),  # the head itself, as JWS
    sa.Column("frontier", sa.LargeBinary, nullable=False),  # right edge of the tree, to go on from
    # Where to look for events that are not sealed yet: see registry.access.ledger.horizon. Nothing is proven by these.
    sa.Column("seen_id", sa.BigInteger, nullable=False),
    sa.Column("settled_id", sa.BigInteger, nullable=False),
    sa.Column("running", sa.Text, nullable=False),
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
    # Keyed digests of issuer and subject, and of issuer and the provider's own session: what a logout there names.
    sa.Column("login_digest", sa.LargeBinary),
    sa.Column("sid_digest", sa.LargeBinary),
    sa.Index("ix_web_session_used_at", "used_at"),
    sa.Index("ix_web_session_login_digest", "login_digest"),
    sa.Index("ix_web_session_sid_digest", "sid_digest"),
)

# DPoP proofs that have been used, until they are too old to be taken anyway: each counts once on all workers.
dpop_proof = sa.Table(
    "dpop_proof",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),  # SHA-256 of key and identifier
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("ix_dpop_proof_expires_at", "expires_at"),
)

# Days of the log that are over, as counts (`registry.access.days`); a day that stands in the first has been counted whole.
access_day = sa.Table("access_day", metadata, sa.Column("day", sa.Date, primary_key=True))
access_day_use = sa.Table(
    "access_day_use",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("organisation", sa.Text, primary_key=True),
    # JSON of `registry.access.days.Used`.
    sa.Column("used", sa.Text, nullable=False),
)

# How often who was refused what, by UTC day (`registry.access.refusals`): counts, nothing of what was asked.
access_refusal = sa.Table(
    "access_refusal",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # slug of the problem
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)
