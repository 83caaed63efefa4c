"""The tables of SQL truth. One definition for SQLite and PostgreSQL; `migrations/` follows it (`alembic check`).

Ids of practitioners, source records, licences and runs come from one counter (`records.allocate`), which only
the loader draws from, inside its transaction: an id is never used twice, and a larger id is a later fact.
"""

import sqlalchemy as sa

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)

# SQLite only gives a rowid key to INTEGER, PostgreSQL needs BIGINT for national registers.
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)


def _key() -> sa.Column[int]:
    return sa.Column("id", BigId, primary_key=True, autoincrement=False)


def _row_key() -> sa.Column[int]:
    return sa.Column("id", BigId, primary_key=True, autoincrement=True)


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _ref(name: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(target), nullable=nullable)


# The counter that ids and versions are drawn from; one row, name 'registry'.
counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("next_value", sa.BigInteger, nullable=False),
)

authority = sa.Table(
    "authority",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("name_sv", None),
    _text("name_en", None),
    _text("jurisdiction"),
    _text("url"),
)

# A feed as its file in config/feeds describes it, refreshed at every pull.
feed = sa.Table(
    "feed",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("authority_id", sa.Text, sa.ForeignKey("authority.id"), nullable=False),
    _text("name_sv", None),
    _text("name_en", None),
    _text("format", None),
    _text("completeness", None),  # full_history | current_and_lapsed | active_only
    _text("mode", None),  # snapshot | delta | query
    sa.Column("max_age_hours", sa.Integer, nullable=False),
    _text("silence_sv", None),  # what "not found" means for this feed
    _text("silence_en", None),
)

feed_run = sa.Table(
    "feed_run",
    metadata,
    _key(),
    sa.Column("feed_id", sa.Text, sa.ForeignKey("feed.id"), nullable=False, index=True),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    # pull | approve | rollback | renormalize | unjoin | rejoin
    _text("kind", "pull"),
    # running | succeeded | unchanged | held | failed | abandoned. Held: what is bad news for people was applied, what is good
    # news or silence waits for `indexer approve`.
    _text("state", None),
    sa.Column("stamp", sa.Text),  # the feed's own "as of", RFC 3339, where it gives one
    _text("etag"),
    _text("content_digest"),
    sa.Column("records_read", sa.Integer, nullable=False, server_default="0"),
    sa.Column("records_added", sa.Integer, nullable=False, server_default="0"),
    sa.Column("records_changed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("records_unchanged", sa.Integer, nullable=False, server_default="0"),
    sa.Column("records_removed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("removals_withheld", sa.Integer, nullable=False, server_default="0"),
    sa.Column("records_quarantined", sa.Integer, nullable=False, server_default="0"),
    sa.Column("duplicates", sa.Integer, nullable=False, server_default="0"),
    # Changes put aside because the run was held, apart from the removals.
    sa.Column("changes_withheld", sa.Integer, nullable=False, server_default="0"),
    # Test and dummy people refused (config/test-people.toml).
    sa.Column("test_people", sa.Integer, nullable=False, server_default="0"),
    # Changes that could not be made because the record had changed again since (rollback, approve).
    sa.Column("skipped", sa.Integer, nullable=False, server_default="0"),
    _text("error"),
    _text("source_name"),  # the source's own name of what was taken, e.g. of a file
    sa.Column("complete", sa.Boolean),  # the whole register was read, so that absence meant something
    _text("held_reason"),
    # The run that this one approves or rolls back; and the run that rolled this one back.
    _ref("of_run_id", "feed_run.id", nullable=True),
    _ref("undone_run_id", "feed_run.id", nullable=True),
    sa.Column("position", sa.BigInteger),  # how far a renormalization has come, as a source record's id
    sa.Column("normalizer", sa.LargeBinary),  # digest of what a renormalization normalizes with
    _text("notes"),  # what the transport had to say beside, one sentence a line
)

practitioner = sa.Table(
    "practitioner",
    metadata,
    _key(),
    # Random, so that neither a URL nor a list says anything about the person or the register's size.
    sa.Column("public_id", sa.Text, nullable=False, unique=True),
    sa.Column("birth_date", sa.Text),
    _flag("deceased"),
    sa.Column("deceased_date", sa.Text),
    _flag("protected"),
    _text("county"),
    # Set when all its records were joined to another person's: where they are now. Undone by `indexer unjoin`.
    _ref("merged_into_id", "practitioner.id", nullable=True),
    # Grows with every change; the version of the person's index documents (external_gte).
    sa.Column("version", sa.BigInteger, nullable=False),
    # The protected are few, and what is kept about people is held against them at every reading.
    sa.Index(
        "ix_practitioner_protected",
        "id",
        sqlite_where=sa.text("protected"),
        postgresql_where=sa.text("protected"),
    ),
    # Every question by name asks who of them was born on the day.
    sa.Index(
        "ix_practitioner_protected_birth_date",
        "birth_date",
        sqlite_where=sa.text("protected"),
        postgresql_where=sa.text("protected"),
    ),
    # Few are merged, and loading must not pay for an index over all.
    sa.Index(
        "ix_practitioner_merged_into_id",
        "merged_into_id",
        sqlite_where=sa.text("merged_into_id IS NOT NULL"),
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    ),
)

# The current state of one record of a feed. What it said and when: source_record_version.
source_record = sa.Table(
    "source_record",
    metadata,
    _key(),
    sa.Column("feed_id", sa.Text, sa.ForeignKey("feed.id"), nullable=False),
    _text("key", None),
    _ref("practitioner_id", "practitioner.id"),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    _ref("run_id", "feed_run.id"),  # the run that brought what stands now
    _ref("gone_run_id", "feed_run.id", nullable=True),  # the run in which a full file no longer held it
    # Keyed digest of the row in its source's own bytes; NULL = to be read anew in any case. See indexer.known.
    sa.Column("fingerprint", sa.BigInteger),
    # Keyed digest of the facts read from it: another reading of the record that says the same changes nothing.
    sa.Column("facts_digest", sa.LargeBinary),
    # The same of the names and identifiers alone: most news is about licences.
    sa.Column("person_digest", sa.LargeBinary),
    # The last run that had to look at the record itself. No foreign key: it would cost every changed row.
    sa.Column("checked_run_id", BigId),
    # The run that holds back a change or removal of the record; an answer about its person asks until that is decided.
    _ref("held_run_id", "feed_run.id", nullable=True),
    sa.Column("birth_date", sa.Text),
    _flag("deceased"),
    sa.Column("deceased_date", sa.Text),
    _flag("protected"),
    _text("county"),
    sa.UniqueConstraint("feed_id", "key"),
    sa.Index("ix_source_record_practitioner_id", "practitioner_id"),
)

# Append-only: every record as received, sealed because it may hold a personal identity number.
source_record_version = sa.Table(
    "source_record_version",
    metadata,
    _row_key(),
    _ref("source_record_id", "source_record.id"),
    _ref("run_id", "feed_run.id"),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("ix_source_record_version_source_record_id", "source_record_id"),
)

practitioner_name = sa.Table(
    "practitioner_name",
    metadata,
    _row_key(),
    _ref("practitioner_id", "practitioner.id"),
    _ref("source_record_id", "source_record.id"),
    _text("use", None),  # official | former | alias
    _text("text", None),
    _text("family"),
    _text("given"),  # given names separated by a space, in the authority's order
    _text("middle"),
    _text("prefix"),
    _text("suffix"),
    sa.Index("ix_practitioner_name_practitioner_id", "practitioner_id"),
    sa.Index("ix_practitioner_name_source_record_id", "source_record_id"),
)

# Personal identity numbers have a digest to find and a sealed value to show to the person; all else a plain value.
identifier = sa.Table(
    "identifier",
    metadata,
    _row_key(),
    _ref("practitioner_id", "practitioner.id"),
    _ref("source_record_id", "source_record.id"),
    _text("system", None),
    _text("use", None),  # official | old
    sa.Column("value", sa.Text),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    sa.CheckConstraint(
        "(value IS NULL AND digest IS NOT NULL AND sealed IS NOT NULL) OR "
        "(value IS NOT NULL AND digest IS NULL AND sealed IS NULL)",
        name="plain_or_sealed",
    ),
    sa.Index("ix_identifier_practitioner_id", "practitioner_id"),
    sa.Index("ix_identifier_source_record_id", "source_record_id"),
    sa.Index("ix_identifier_digest", "digest"),
    # The value first: look-ups know it, and ask about several systems at once.
    sa.Index("ix_identifier_value_system", "value", "system"),
)

licence = sa.Table(
    "licence",
    metadata,
    _key(),
    _ref("practitioner_id", "practitioner.id"),
    _ref("source_record_id", "source_record.id"),
    sa.Column("feed_id", sa.Text, sa.ForeignKey("feed.id"), nullable=False),
    sa.Column("authority_id", sa.Text, sa.ForeignKey("authority.id"), nullable=False),
    _text("key", None),
    _text("number"),
    _text("number_key"),  # the number folded for look-up, see registry.identifiers.fold_number
    _text("jurisdiction"),
    _text("profession", None),
    _text("raw_profession"),
    _text("raw_profession_text"),
    _text("status", None),
    _text("raw_status"),
    sa.Column("issued", sa.Text),
    sa.Column("valid_from", sa.Text),
    sa.Column("valid_to", sa.Text),
    _ref("gone_run_id", "feed_run.id", nullable=True),
    # The run that brought what stands now: the licence's open version, kept here so that answers need not read history.
    _ref("run_id", "feed_run.id"),
    sa.UniqueConstraint("source_record_id", "key"),
    sa.Index("ix_licence_practitioner_id", "practitioner_id"),
    sa.Index("ix_licence_number_key", "number_key"),
)

specialty = sa.Table(
    "specialty",
    metadata,
    _row_key(),
    _ref("licence_id", "licence.id"),
    _text("code", None),
    _text("system"),
    _text("text"),
    sa.Column("valid_from", sa.Text),
    sa.Index("ix_specialty_licence_id", "licence_id"),
)

restriction = sa.Table(
    "restriction",
    metadata,
    _row_key(),
    _ref("licence_id", "licence.id"),
    _text("kind", None),
    _text("code"),
    _text("text"),
    sa.Column("valid_from", sa.Text),
    sa.Column("valid_to", sa.Text),
    sa.Index("ix_restriction_licence_id", "licence_id"),
)

# Append-only, but for known_to_run_id, which is set once, when a later run says otherwise.
licence_version = sa.Table(
    "licence_version",
    metadata,
    _row_key(),
    _ref("licence_id", "licence.id"),
    _ref("known_from_run_id", "feed_run.id"),
    _ref("known_to_run_id", "feed_run.id", nullable=True),
    _flag("gone"),  # the feed no longer holds the licence; the facts are the last known
    _text("facts", None),  # LicenceFacts as JSON
    sa.Index("ix_licence_version_licence_id", "licence_id"),
)

# Written in the transaction of the change, removed when the engine has confirmed the documents.
outbox = sa.Table(
    "outbox",
    metadata,
    _row_key(),
    sa.Column("practitioner_id", BigId, nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", Instant),
    _flag("dead"),
    _text("error"),
    # The change made the person: no document of theirs can stand in the index that must be deleted.
    _flag("fresh"),
    # A document that SQL knows nothing of, found by a comparison, to be deleted; practitioner_id is 0 then.
    sa.Column("document_key", BigId),
    # Few are dead, and finding those of some people must not read a million that wait.
    sa.Index(
        "ix_outbox_dead", "practitioner_id", sqlite_where=sa.text("dead"), postgresql_where=sa.text("dead")
    ),
    sqlite_autoincrement=True,
)

quarantined_record = sa.Table(
    "quarantined_record",
    metadata,
    _row_key(),
    sa.Column("feed_id", sa.Text, sa.ForeignKey("feed.id"), nullable=False),
    _ref("run_id", "feed_run.id"),
    sa.Column("row_number", sa.Integer, nullable=False),
    _text("key"),
    _text("field"),
    _text("kind", "unreadable"),  # unreadable | conflict | test-person
    _text("reason", None),
    _text("echo"),  # the row without personal identity numbers, cut short
    sa.Index("ix_quarantined_record_run_id", "run_id"),
    sa.Index("ix_quarantined_record_feed_id_key", "feed_id", "key"),
)

# What a held run put aside: applied by `indexer approve`, superseded by what the feed sends next.
held_change = sa.Table(
    "held_change",
    metadata,
    _row_key(),
    sa.Column("feed_id", sa.Text, sa.ForeignKey("feed.id"), nullable=False),
    _ref("run_id", "feed_run.id"),
    _ref("source_record_id", "source_record.id"),
    _text("kind", None),  # removal | change
    sa.Column("digest", sa.LargeBinary),
    sa.Column("fingerprint", sa.BigInteger),
    sa.Column("payload", sa.LargeBinary),  # sealed; NULL for a removal
    sa.Index("ix_held_change_run_id", "run_id"),
    # Every answer asks whether anything of a feed waits for a person.
    sa.Index("ix_held_change_feed_id", "feed_id", "kind"),
    sa.Index("ix_held_change_source_record_id", "source_record_id"),
)

# Append-only, but for ended_run_id: about which records something waited, from which run until which. What waited is forgotten
# when it is decided (held_change); that it waited is told by answers about that time.
hold = sa.Table(
    "hold",
    metadata,
    _row_key(),
    _ref("source_record_id", "source_record.id"),
    _ref("run_id", "feed_run.id"),
    _ref("ended_run_id", "feed_run.id", nullable=True),
    _text("kind", None),  # as in held_change
    sa.Index("ix_hold_source_record_id", "source_record_id"),
    # What waited at a moment, of the kinds that wait for a person: those of unreadable rows are many more.
    sa.Index("ix_hold_kind", "kind", "ended_run_id", "run_id"),
)

# Append-only, but for the undoing: which record came to which person, and through which identifier.
practitioner_join = sa.Table(
    "practitioner_join",
    metadata,
    _row_key(),
    _ref("run_id", "feed_run.id"),
    sa.Column("at", Instant, nullable=False),
    _ref("practitioner_id", "practitioner.id"),  # whom the record was joined to
    _ref(
        "other_id", "practitioner.id", nullable=True
    ),  # whose it was before; NULL for a record seen for the first time
    _ref("source_record_id", "source_record.id"),
    _text("system", None),
    _text("use", None),  # official | old: how the joining record gave the identifier
    _ref("undone_run_id", "feed_run.id", nullable=True),
    _text("reason"),  # why it was undone, in the words of whoever did
    sa.Index("ix_practitioner_join_practitioner_id", "practitioner_id"),
    sa.Index("ix_practitioner_join_source_record_id", "source_record_id"),
)

# Who is doing a job that only one process may do, on whichever machine; see indexer.lock.
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    _text("holder", None),
    sa.Column("acquired_at", Instant, nullable=False),
    sa.Column("heartbeat_at", Instant, nullable=False),
)
