"""What the three authorities know about a person, before any of it is written in their formats.

Dates are text as the authority has them: ISO `2019-05-03`, or partial `2019-05` and `2019`; "" = not known.
"""

from typing import Literal

import msgspec

Sex = Literal["F", "M"]


class Specialty(msgspec.Struct, frozen=True):
    """A specialist certificate (HOSP specialistbevis). The code says nothing without its code system."""

    code: str
    system: str
    text: str
    issued: str


class Restriction(msgspec.Struct, frozen=True):
    """A limit on a licence: 001 revoked, 002 probation, 003 limited prescribing (HOSP behorighetsbegransning)."""

    code: str
    since: str
    until: str = ""
    text: str = ""


class SwedishLicence(msgspec.Struct, frozen=True, kw_only=True):
    """One licence in HOSP (legitimation)."""

    code: str
    text: str
    valid: bool = True
    issued: str
    recoded: str = ""
    """When a sjukgymnast was decided to be a fysioterapeut."""
    examined: str = ""
    school: str = ""
    country: str = ""
    basic_profession: str = ""
    prescribes: bool | None = None
    prescribes_since: str = ""
    specialties: tuple[Specialty, ...] = ()
    restrictions: tuple[Restriction, ...] = ()


class SwedishPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One person in HOSP. Personal numbers have 12 digits; "" = HOSP has none."""

    hosp_id: int
    number: str
    former_number: str = ""
    family: str
    middle: str = ""
    given: tuple[str, ...]
    called: str = ""
    born: str
    sex: Sex
    county: str = ""
    municipality: str = ""
    place: str = ""
    protected: bool = False
    deceased: bool = False
    deceased_on: str = ""
    emigrated: bool = False
    prescriber_code: int | None = None
    licences: tuple[SwedishLicence, ...] = ()


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One row of Washington's credential data."""

    number: str
    type: str
    status: str
    first_issued: str = ""
    last_issued: str = ""
    expires: str = ""
    action: Literal["No", "Yes", "Pending"] = "No"


class WashingtonPerson(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of one or more Washington credentials; the feed has a row for each and no number for the person."""

    family: str
    given: str
    middle: str = ""
    birth_year: str
    credentials: tuple[Credential, ...]


class ProviderName(msgspec.Struct, frozen=True, kw_only=True):
    """A name in a provider directory (FHIR HumanName)."""

    use: Literal["official", "usual", "maiden", "old", "nickname"]
    family: str
    given: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


class Qualification(msgspec.Struct, frozen=True, kw_only=True):
    """A licence in a provider directory (FHIR Practitioner.qualification)."""

    number: str
    state: str
    taxonomy: str
    text: str
    issuer: str
    start: str = ""
    end: str = ""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One practitioner in the FHIR provider directory.

    `swedish_number` is set for someone who also stands in HOSP. `quirk` (0-99) decides which of the oddities
    seen in real directories the record is written with.
    """

    id: str
    npi: str
    swedish_number: str = ""
    names: tuple[ProviderName, ...]
    born: str = ""
    sex: Sex
    active: bool = True
    city: str = ""
    state: str = ""
    postal_code: str = ""
    qualifications: tuple[Qualification, ...] = ()
    quirk: int = 61
