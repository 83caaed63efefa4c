"""Whose evidence and quota something is: the organisation's; for a caller without one, the caller's own."""

from registry.access.caller import Caller
from registry.identifiers import MASK


def owner_of(caller: Caller) -> str:
    """Return whose it is what this caller asks: everyone of one organisation is one owner."""
    # A bare mark would be an owner that all sole traders share; `organisation_claim` gives each a digest of its own.
    if caller.organisation and caller.organisation != MASK:
        return f"organisation {caller.organisation}"
    return f"subject {caller.issuer} {caller.subject}"


def caller_key(caller: Caller) -> str:
    """Return what tells one caller from another, also within an organisation."""
    return f"caller {caller.issuer} {caller.subject} {caller.client_id}"
