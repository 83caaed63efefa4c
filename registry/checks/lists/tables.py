"""Tables of staff lists, in the access database beside the access log.

A list's rows lie in parts, sealed, until they have been answered; then the part goes and their results stand. So a part is
the unit of work, and what is left of the upload is what is left to do.
"""

import sqlalchemy as sa

from registry.access.tables import metadata
from registry.records.tables import BigId, Instant

STATES = ("mapping", "accepted", "running", "done", "cancelled", "failed")

staff_list = sa.Table(
    "staff_list",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # "lst_" and 22 characters
    sa.Column("state", sa.Text, nullable=False),
    # Who sees it: `registry.checks.owner.owner_of`.
    sa.Column("owner", sa.Text, nullable=False),
    # Who sent it, for the access events of its rows.
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    # Sealed JSON: what holds for every row (columns, headers, profession, authority, dates) and what was recognised.
    sa.Column("frame", sa.LargeBinary, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),  # JSON: result -> rows
    sa.Column("retryable", sa.Integer, nullable=False),  # rows whose question is kept to be asked again
    sa.Column("error", sa.Text, nullable=False),  # why it failed, for the sender
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("expires_at", Instant, nullable=False),
    # The lease: who works at it, and until when nobody else may. `turn_at` lets lists take turns.
    sa.Column("holder", sa.Text, nullable=False, server_default=""),
    sa.Column("leased_until", Instant),
    sa.Column("turn_at", Instant),
    sa.Column("takeovers", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_staff_list_owner_created_at", "owner", "created_at"),
    sa.Index("ix_staff_list_state_turn_at", "state", "turn_at"),
    sa.Index("ix_staff_list_expires_at", "expires_at"),
)

# Rows that wait for their answers, sealed; rows that could not be asked stay until the list expires.
staff_list_part = sa.Table(
    "staff_list_part",
    metadata,
    sa.Column("list_id", sa.Text, sa.ForeignKey("staff_list.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rows", sa.LargeBinary, nullable=False),
    # Its rows' numbers in the list, [[first, last], ...] as JSON: told also where the rows no longer open.
    sa.Column("numbers", sa.Text, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False, server_default=sa.false()),
)

# What became of each row. `practitioner_id` is the person it tells about, so that protection can find it.
staff_list_row = sa.Table(
    "staff_list_row",
    metadata,
    sa.Column("list_id", sa.Text, sa.ForeignKey("staff_list.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("practitioner_id", BigId),
    sa.Column("detail", sa.LargeBinary, nullable=False),  # sealed JSON
    sa.Index("ix_staff_list_row_practitioner_id", "practitioner_id"),
    sa.Index("ix_staff_list_row_list_id_result", "list_id", "result"),
)

__all__ = ["STATES", "metadata", "staff_list", "staff_list_part", "staff_list_row"]
