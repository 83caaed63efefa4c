"""Runs that can be held, approved, rolled back and replayed; joins that can be undone; leases.

On SQLite some tables are made anew (`registry.migrate` switches foreign keys off for that, and checks them after).

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)
_MERGED = sa.text("merged_into_id IS NOT NULL")
# What `downgrade` takes away again: table → columns.
_ADDED = {
    "quarantined_record": ("kind",),
    "licence": ("run_id",),
    "source_record": ("held_run_id", "checked_run_id", "person_digest", "facts_digest", "fingerprint"),
    "practitioner": ("merged_into_id",),
    "feed_run": (
        *(
            "notes",
            "normalizer",
            "position",
            "undone_run_id",
            "of_run_id",
            "held_reason",
            "complete",
            "source_name",
        ),
        *("skipped", "test_people", "changes_withheld", "kind"),
    ),
}


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _ref(table: str, name: str, target: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{name}"), nullable=nullable)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '4s'")
    with op.batch_alter_table("feed_run") as batch:
        batch.add_column(_text("kind", "pull"))
        batch.add_column(_count("changes_withheld"))
        batch.add_column(_count("test_people"))
        batch.add_column(_count("skipped"))
        batch.add_column(_text("source_name"))
        batch.add_column(sa.Column("complete", sa.Boolean()))
        batch.add_column(_text("held_reason"))
        batch.add_column(_ref("feed_run", "of_run_id", "feed_run"))
        batch.add_column(_ref("feed_run", "undone_run_id", "feed_run"))
        batch.add_column(sa.Column("position", sa.BigInteger()))
        batch.add_column(sa.Column("normalizer", sa.LargeBinary()))
        batch.add_column(_text("notes"))
    with op.batch_alter_table("practitioner") as batch:
        batch.add_column(_ref("practitioner", "merged_into_id", "practitioner"))
    op.create_index(
        "ix_practitioner_merged_into_id",
        "practitioner",
        ["merged_into_id"],
        sqlite_where=_MERGED,
        postgresql_where=_MERGED,
    )
    with op.batch_alter_table("source_record") as batch:
        batch.add_column(sa.Column("fingerprint", sa.BigInteger()))
        batch.add_column(sa.Column("facts_digest", sa.LargeBinary()))
        batch.add_column(sa.Column("person_digest", sa.LargeBinary()))
        batch.add_column(sa.Column("checked_run_id", BigId))
        batch.add_column(_ref("source_record", "held_run_id", "feed_run"))
    _licence_run()
    with op.batch_alter_table("quarantined_record") as batch:
        batch.add_column(_text("kind", "unreadable"))
        batch.create_index("ix_quarantined_record_feed_id_key", ["feed_id", "key"])
    _new_tables()


def _licence_run() -> None:
    """Give each licence the run that brought its current facts, which only its open version told until now."""
    with op.batch_alter_table("licence") as batch:
        batch.add_column(sa.Column("run_id", BigId))
    op.execute(
        "UPDATE licence SET run_id = coalesce("
        "(SELECT max(known_from_run_id) FROM licence_version"
        " WHERE licence_version.licence_id = licence.id AND known_to_run_id IS NULL), "
        "gone_run_id, "
        "(SELECT run_id FROM source_record WHERE source_record.id = licence.source_record_id))"
    )
    with op.batch_alter_table("licence") as batch:
        batch.alter_column("run_id", existing_type=BigId, nullable=False)
        batch.create_foreign_key("fk_licence_run_id", "feed_run", ["run_id"], ["id"])


def _new_tables() -> None:
    op.create_table(
        "held_change",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column(
            "feed_id", sa.Text(), sa.ForeignKey("feed.id", name="fk_held_change_feed_id"), nullable=False
        ),
        _ref("held_change", "run_id", "feed_run", nullable=False),
        _ref("held_change", "source_record_id", "source_record", nullable=False),
        _text("kind", None),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("fingerprint", sa.BigInteger()),
        sa.Column("payload", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_held_change"),
    )
    op.create_index("ix_held_change_run_id", "held_change", ["run_id"])
    op.create_index("ix_held_change_feed_id", "held_change", ["feed_id", "kind"])
    op.create_index("ix_held_change_source_record_id", "held_change", ["source_record_id"])
    op.create_table(
        "practitioner_join",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        _ref("practitioner_join", "run_id", "feed_run", nullable=False),
        sa.Column("at", Instant, nullable=False),
        _ref("practitioner_join", "practitioner_id", "practitioner", nullable=False),
        _ref("practitioner_join", "other_id", "practitioner"),
        _ref("practitioner_join", "source_record_id", "source_record", nullable=False),
        _text("system", None),
        _text("use", None),
        _ref("practitioner_join", "undone_run_id", "feed_run"),
        _text("reason"),
        sa.PrimaryKeyConstraint("id", name="pk_practitioner_join"),
    )
    op.create_index("ix_practitioner_join_practitioner_id", "practitioner_join", ["practitioner_id"])
    op.create_index("ix_practitioner_join_source_record_id", "practitioner_join", ["source_record_id"])
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        _text("holder", None),
        sa.Column("acquired_at", Instant, nullable=False),
        sa.Column("heartbeat_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )


def downgrade() -> None:
    for table in ("lease", "practitioner_join", "held_change"):
        op.drop_table(table)
    op.drop_index("ix_practitioner_merged_into_id", "practitioner")
    op.drop_index("ix_quarantined_record_feed_id_key", "quarantined_record")
    for table, names in _ADDED.items():
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.drop_column(name)
