"""Normalizing: from a record as received to facts in our words. Pure: the same record always gives the same facts."""

# The list of formats names the normalizers, and these know the formats' options: whoever comes here first starts there.
import indexer.feeds  # noqa: F401 - see above
