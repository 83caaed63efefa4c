"""Where each authority tells about itself."""

import sqlalchemy as sa

from registry.records import tables as t


def authority_urls(connection: sa.Connection) -> dict[str, str]:
    """Return the public address of each authority that has one, by the authority's id."""
    query = sa.select(t.authority.c.id, t.authority.c.url).where(t.authority.c.url != "")
    return {row.id: row.url for row in connection.execute(query)}
