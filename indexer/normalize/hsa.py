"""HSA credentials (GetHospCredentialsForPerson 1.0) to facts.

HSA passes on what Socialstyrelsen last delivered to it. There is no name, no date and no flag of validity: a licence is
listed or it is not, and restrictions stand beside it. What is listed there is not thereby valid: Socialstyrelsen lists a
revoked licence with its code, and restriction 001 beside it.

- A licence that is listed has the vocabulary's status for "listed"; with restriction 001 it is `revoked`, with any other
  `restricted`.
- A restriction that names no profession holds for every licence of the person. One that names a profession of which no
  licence is listed gets a licence of its own, so that the bad news is kept.
- A restriction's code decides what it is, unless its name says that it is a graver one.
- Specialty codes come without their code system, without which the code alone says nothing: the text beside it does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from indexer.feeds.hsa_credentials import HsaOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.recoded import licence_code
from indexer.normalize.values import GRAVE, personal_number
from registry.identifiers import HOSP_ID, PRESCRIBER_CODE, personal_system
from registry.records.facts import (
    IdentifierFacts,
    LicenceFacts,
    PersonFacts,
    RestrictionFacts,
    RestrictionKind,
    SpecialtyFacts,
    Status,
)
from registry.vocabulary import Vocabulary, fold_word

LISTED, NOT_LISTED = "listed", "not listed"
_GRAVEST: frozenset[RestrictionKind] = frozenset({"revoked", "suspended"})


class Licence(msgspec.Struct, frozen=True, rename="camel"):
    """HealthCareProfessionalLicenceType."""

    health_care_professional_licence_code: str = ""
    health_care_professional_licence_name: str = ""

    @property
    def code(self) -> str:
        """The profession's code."""
        return self.health_care_professional_licence_code.upper()

    @property
    def name(self) -> str:
        """The profession's name."""
        return self.health_care_professional_licence_name

    @property
    def key(self) -> str:
        """What tells the licence from the person's others."""
        return licence_code(self.code) or fold_word(self.name) or "?"


class Speciality(msgspec.Struct, frozen=True, rename="camel"):
    """HCPSpecialityCodesType."""

    health_care_professional_licence_code: str = ""
    speciality_code: str = ""
    speciality_name: str = ""

    @property
    def profession(self) -> str:
        """The code of the profession it belongs to; "" if it names none."""
        return self.health_care_professional_licence_code.upper()


class Restriction(msgspec.Struct, frozen=True, rename="camel"):
    """RestrictionType."""

    health_care_professional_licence_code: str = ""
    restriction_code: str = ""
    restriction_name: str = ""

    @property
    def profession(self) -> str:
        """The code of the profession it is about; "" if it names none."""
        return self.health_care_professional_licence_code.upper()


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """A record as `indexer.feeds.hsa_answer.merged` makes it."""

    personal_identity_number: str
    health_care_professional_licence: list[Licence] = []
    health_care_professional_licence_speciality: list[Speciality] = []
    restrictions: list[Restriction] = []
    personal_prescription_code: list[str] = []
    healthcare_professional_license_identity_number: list[str] = []
    feigned_person: bool = False


_decode = msgspec.json.Decoder(Credentials).decode


@dataclass(frozen=True, slots=True)
class HsaNormalizer:
    """Turns payloads of `indexer.feeds.hsa_credentials` into facts."""

    options: HsaOptions
    vocabulary: Vocabulary

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        try:
            record = _decode(payload)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at ")
            raise BadRecordError(path.strip("`").removeprefix("$.") or "credentials", message) from error
        licences = tuple(self._licences(record))
        lenient = record.feigned_person or any(licence.status in GRAVE for licence in licences)
        return PersonFacts(
            identifiers=tuple(self._identifiers(record, lenient=lenient)),
            licences=licences,
            feigned=record.feigned_person,
        )

    def _identifiers(self, record: Credentials, *, lenient: bool) -> Iterator[IdentifierFacts]:
        for number in record.healthcare_professional_license_identity_number:
            yield IdentifierFacts(system=HOSP_ID, value=number)
        digits = personal_number("personalIdentityNumber", record.personal_identity_number, lenient=lenient)
        if digits:
            yield IdentifierFacts(system=personal_system(digits), value=digits)
        if self.options.prescriber_code:
            for code in record.personal_prescription_code:
                yield IdentifierFacts(system=PRESCRIBER_CODE, value=code)

    def _licences(self, record: Credentials) -> Iterator[LicenceFacts]:
        listed: dict[str, Licence] = {}
        for licence in record.health_care_professional_licence:
            # Of two codes of one licence the newer one is told.
            if licence.key not in listed or licence.code == licence.key:
                listed[licence.key] = licence
        named = {restriction.profession for restriction in record.restrictions}
        unlisted = {licence_code(code): Licence(code) for code in sorted(named) if code}
        unlisted = {key: licence for key, licence in unlisted.items() if key not in listed}
        if not listed and not unlisted and "" in named:
            # A restriction of a person without any licence: of what, nobody says.
            unlisted["?"] = Licence()
        # HOSP gives a person one number. Two of them say that one is wrong, and not which.
        numbers = record.healthcare_professional_license_identity_number
        number = numbers[0] if len(numbers) == 1 else ""
        alone = len(listed) == 1
        for key, licence in sorted((listed | unlisted).items()):
            restrictions = tuple(self._restrictions(record.restrictions, licence.code))
            raw_status = LISTED if key in listed else NOT_LISTED
            yield LicenceFacts(
                key=key,
                number=number,
                jurisdiction=self.options.jurisdiction,
                profession=self._profession(licence),
                raw_profession=licence.code,
                raw_profession_text=licence.name,
                status=self._status(raw_status, restrictions),
                raw_status=raw_status,
                specialties=tuple(
                    _specialties(
                        record.health_care_professional_licence_speciality, licence.code, alone=alone
                    )
                ),
                restrictions=restrictions,
            )

    def _profession(self, licence: Licence) -> str:
        """Look the code up, or the name where a code is missing: `NA` is a profession that careless tools take for none."""
        return self.vocabulary.profession(self.options.vocabulary, licence.code or licence.name)

    def _status(self, raw_status: str, restrictions: tuple[RestrictionFacts, ...]) -> Status:
        if any(restriction.kind == "revoked" for restriction in restrictions):
            return "revoked"
        status = self.vocabulary.status(self.options.vocabulary, raw_status)
        return "restricted" if restrictions and status == "active" else status

    def _restrictions(
        self, restrictions: Iterable[Restriction], profession: str
    ) -> Iterator[RestrictionFacts]:
        for restriction in restrictions:
            if not restriction.profession or licence_code(restriction.profession) == licence_code(profession):
                yield RestrictionFacts(
                    kind=self._kind(restriction),
                    code=restriction.restriction_code,
                    text=restriction.restriction_name,
                )

    def _kind(self, restriction: Restriction) -> RestrictionKind:
        by_code, by_name = (
            self.vocabulary.restriction(self.options.vocabulary, word)
            for word in (restriction.restriction_code, restriction.restriction_name)
        )
        if by_name in _GRAVEST and by_code not in _GRAVEST:
            return by_name
        return by_code if restriction.restriction_code else by_name


def _specialties(
    specialities: Iterable[Speciality], profession: str, *, alone: bool
) -> Iterator[SpecialtyFacts]:
    """Give the specialties of a profession; those that name none only where it is the person's only licence.

    A wrong specialty is good news that nobody gave.
    """
    for speciality in specialities:
        about = licence_code(speciality.profession)
        if about == licence_code(profession) if about else alone:
            yield SpecialtyFacts(code=speciality.speciality_code, text=speciality.speciality_name)
