"""The ledger over the access log, and triggers that keep log and ledger append-only.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("access_event", "access_event_subject", "access_ledger_leaf", "access_ledger_head")
KEYS = {
    "access_event": ("id",),
    "access_event_subject": ("event_id", "practitioner_id"),
    "access_ledger_leaf": ("position",),
    "access_ledger_head": ("number",),
}


def upgrade() -> None:
    op.create_table(
        "access_ledger_leaf",
        sa.Column("position", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_access_ledger_leaf")),
        sa.UniqueConstraint("event_id", name=op.f("uq_access_ledger_leaf_event_id")),
    )
    op.create_table(
        "access_ledger_head",
        sa.Column("number", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("seen_id", sa.BigInteger(), nullable=False),
        sa.Column("settled_id", sa.BigInteger(), nullable=False),
        sa.Column("running", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_ledger_head")),
    )
    if op.get_bind().dialect.name == "sqlite":
        # A later migration that makes one of these tables anew must make its triggers anew, too.
        for table in APPEND_ONLY:
            for deed in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            # INSERT OR REPLACE removes rows without asking the triggers of DELETE.
            there = " AND ".join(f"{key} = NEW.{key}" for key in KEYS[table])
            op.execute(
                f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - our own names
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {there}) "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        op.execute(
            "CREATE TRIGGER access_ledger_leaf_no_second BEFORE INSERT ON access_ledger_leaf "
            "WHEN EXISTS (SELECT 1 FROM access_ledger_leaf WHERE event_id = NEW.event_id) "
            "BEGIN SELECT RAISE(ABORT, 'access_ledger_leaf is append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION access_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION access_append_only()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for deed in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{deed}")
            op.execute(f"DROP TRIGGER {table}_no_replace")
        op.execute("DROP TRIGGER access_ledger_leaf_no_second")
    else:
        op.execute("DROP FUNCTION access_append_only() CASCADE")
    for table in ("access_ledger_head", "access_ledger_leaf"):
        op.drop_table(table)
