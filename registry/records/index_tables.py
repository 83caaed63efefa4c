"""What SQL truth knows of its search indices: which there are, what they hold, and how comparisons with them ended."""

import sqlalchemy as sa

from registry.records.tables import BigId, Instant, metadata

# The search indices that this registry has made, and how much of SQL truth each is known to hold.
search_index = sa.Table(
    "search_index",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # building | current | previous
    # The index holds all changes whose version is below this, or (current) the outbox holds them still.
    sa.Column("mark", sa.BigInteger, nullable=False, server_default="0"),
    # Somebody whose version was below this and who was hidden then never stood in the index; 0: nothing is known.
    sa.Column("first_mark", sa.BigInteger, nullable=False, server_default="0"),
    # building: practitioners up to this id have been written, so that a rebuild that was killed goes on from here.
    sa.Column("filled_to", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("documents", sa.BigInteger),  # when it was put in use
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
)

# How comparisons of the index with SQL truth ended; the newest are kept (`index.compare_keep`).
index_comparison = sa.Table(
    "index_comparison",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("index_name", sa.Text, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant, nullable=False),
    *(
        sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        for name in ("expected", "missing", "extra", "stale", "repaired")
    ),
)

# How many people bear a name (`registry.records.name_counts`); one more row tells how many people there are, and when.
name_count = sa.Table(
    "name_count",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),  # given | family | everyone
    sa.Column("key", sa.Text, primary_key=True),  # as typed (`registry.names`)
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("display", sa.Text, nullable=False, server_default=""),  # as most people write it
)
