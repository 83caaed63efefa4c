"""A person as read from SQL truth: value types, in the shape in which everything is shown and judged."""

from dataclasses import dataclass
from datetime import datetime

from registry.records.facts import IdentifierUse, LicenceFacts, NameFacts, RestrictionFacts


@dataclass(frozen=True, slots=True)
class KnownIdentifier:
    """An identifier as stored: a plain value, or for a personal identity number a sealed one."""

    system: str
    use: IdentifierUse
    value: str | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence with its provenance.

    Attributes:
        gone: the feed no longer holds it; `facts` are the last known.
        known_since: when the run that brought these facts began (UTC).
        held: the feed has sent something newer about this licence that waits for a person's approval.
        run_id: the run that brought these facts; 0 where nobody has told.
        stamp: the feed's own "as of" of that run (RFC 3339), where it gives one.
        known_to: when a later run said otherwise (UTC); None: these facts stand. Facts of history only (`records.as_of`).
        confirmed_at: the last moment at which the feed still said so (UTC), of facts that no longer stand; else None.
        learnt_at: when the registry learnt the last of these facts (UTC): `known_since`, or later where a later word dates
            them. None as `known_to`.
        untold: the feed tells nothing of this licence any more, since the person's identity is protected; the facts are from
            before (`registry.verification.admitted`).
        doubtful: those of the restrictions of which it is not told whether they held on the day that was asked about.
    """

    id: int
    facts: LicenceFacts
    feed_id: str
    authority_id: str
    gone: bool
    known_since: datetime
    held: bool = False
    run_id: int = 0
    stamp: str | None = None
    known_to: datetime | None = None
    confirmed_at: datetime | None = None
    doubtful: tuple[RestrictionFacts, ...] = ()
    learnt_at: datetime | None = None
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A person with all names, identifiers and licences, folded from every source record about them.

    Attributes:
        merged_into_id: all records of this person belong to another one now, found to be the same by an exact
            identifier; nothing is left here but the id. None for everyone else.
        withheld: ids of the feeds that tell nothing of the person since their identity is protected, whatever they may hold
            (`registry.verification.admitted`).
        perhaps_deceased: they are recorded as deceased, but it is not told whether that was known at the moment that was
            asked about (`records.as_of`).
    """

    id: int
    public_id: str
    birth_date: str | None
    deceased: bool
    deceased_date: str | None
    protected: bool
    county: str
    version: int
    names: tuple[NameFacts, ...]
    identifiers: tuple[KnownIdentifier, ...]
    licences: tuple[Licence, ...]
    merged_into_id: int | None = None
    perhaps_deceased: bool = False
    withheld: tuple[str, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether others than the person may be shown anything: neither protected nor merged into another."""
        return not self.protected and self.merged_into_id is None

    @property
    def name(self) -> str:
        """The name to show: the first official one."""
        return self.names[0].display() if self.names else ""
