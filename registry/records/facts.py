"""What a source record says about one person, in our words: the shape between normalizing and SQL.

Every date is a partial date as text (`2019`, `2019-05`, `2019-05-03`, see `registry.dates`): what the
authority gave, no day invented. Raw words stand beside ours, so that nothing an authority said is lost.
"""

from typing import Literal

import msgspec

NameUse = Literal["official", "former", "alias"]
IdentifierUse = Literal["official", "old"]
Status = Literal[
    "active", "restricted", "suspended", "revoked", "lapsed", "surrendered", "deceased", "unknown"
]
RestrictionKind = Literal["revoked", "suspended", "probation", "limited-prescribing", "conditions", "unknown"]


class NameFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One name of a person, as written by the authority (FHIR HumanName)."""

    use: NameUse = "official"
    family: str = ""
    given: tuple[str, ...] = ()
    middle: str = ""
    prefix: str = ""
    suffix: str = ""
    text: str = ""
    """The whole name where the authority gives it only so; else built from the parts by `display()`."""

    def display(self) -> str:
        """Return the name in reading order."""
        return self.text or " ".join(
            part for part in (*self.given, self.middle, self.family, self.suffix) if part
        )


class IdentifierFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier of a person: (system, value), never a number (FHIR Identifier)."""

    system: str
    value: str
    use: IdentifierUse = "official"


class SpecialtyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A specialty under a licence. The code is ambiguous without its system (HOSP, see research on OIDs)."""

    code: str
    system: str = ""
    text: str = ""
    valid_from: str | None = None


class RestrictionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A limit set on a licence by the authority (HOSP behörighetsbegränsning, OID 1.2.752.116.3.1.5)."""

    kind: RestrictionKind
    code: str = ""
    text: str = ""
    valid_from: str | None = None
    valid_to: str | None = None


class LicenceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One licence: the right to practise one profession, given by one authority.

    `key` is unique and stable within the source record (e.g. the profession code), and tells from run to
    run which licence this is. `valid_to` is inclusive.
    """

    key: str
    number: str = ""
    jurisdiction: str = ""
    profession: str
    raw_profession: str = ""
    raw_profession_text: str = ""
    status: Status
    raw_status: str = ""
    issued: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    specialties: tuple[SpecialtyFacts, ...] = ()
    restrictions: tuple[RestrictionFacts, ...] = ()


class EndFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a record that its authority has emptied: that it ended, and as what.

    The licences known from before get this status and last day; names and numbers stay as they were known.
    """

    status: Status
    raw_status: str = ""
    valid_to: str | None = None


class PersonFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that one source record says about one person."""

    names: tuple[NameFacts, ...] = ()
    identifiers: tuple[IdentifierFacts, ...] = ()
    birth_date: str | None = None
    deceased: bool = False
    deceased_date: str | None = None
    protected: bool = False
    county: str = ""
    licences: tuple[LicenceFacts, ...] = ()
    ended: EndFacts | None = None
    """Set when the record says nothing any more but this (a deactivated NPI); it then has no names or licences."""
    feigned: bool = False
    """The authority marks the person as invented, for tests (HSA feignedPerson): must never enter a register."""
