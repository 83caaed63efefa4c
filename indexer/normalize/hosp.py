"""HOSP persons (licensetopractice 2.0) to facts.

What decides a licence's status, without a clock, so that the same record always gives the same facts:

- `giltigLegitimation` false: `lapsed`; true: `active`; neither: `unknown`.
- A restriction 001 (revoked) beside it: `revoked`, whatever the flag says; HOSP gives the code of a licence that has
  been revoked. If the restriction has an end date it is `restricted`, and its dates decide (see verification).
- Any other restriction on a valid licence: `restricted`, also when its last day has passed: as long as the authority
  lists it, a human should read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import orjson

from indexer.feeds.hosp_xml import is_marked_protected, is_protected
from indexer.feeds.options import HospOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.recoded import licence_code
from indexer.normalize.values import (
    GRAVE,
    check_text,
    compact,
    personal_number,
    read_date,
    read_end_date,
    status_of_deceased,
)
from registry.identifiers import (
    HOSP_ID,
    PERSONAL_SYSTEMS,
    PRESCRIBER_CODE,
    personal_system,
)
from registry.records.facts import (
    IdentifierFacts,
    IdentifierUse,
    LicenceFacts,
    NameFacts,
    PersonFacts,
    RestrictionFacts,
    SpecialtyFacts,
    Status,
)
from registry.vocabulary import Vocabulary

_TRUE = ("true", "1")
_FALSE = ("false", "0")


class Identity(msgspec.Struct, frozen=True):
    """HL7 II: a value and the OID of its system."""

    extension: str = ""
    root: str = ""


class Code(msgspec.Struct, frozen=True, rename="camel"):
    """HL7 CV: a code, the OID of its system and its text."""

    code: str = ""
    code_system: str = ""
    display_name: str = ""
    original_text: str = ""

    @property
    def text(self) -> str:
        """The text to show."""
        return self.display_name or self.original_text


class Restriction(msgspec.Struct, frozen=True, rename="camel"):
    """BehorighetsbegransningType."""

    typ_av_behorighetsbegransning: Code = Code()
    from_datum: str = ""
    tom_datum: str = ""
    begransad_forskrivningsratt_text: str = ""


class Specialty(msgspec.Struct, frozen=True, rename="camel"):
    """SpecialistbevisType."""

    specialistinriktning: Code = Code()
    specialistbevis_datum: str = ""


class OtherRight(msgspec.Struct, frozen=True, rename="camel"):
    """OvrigBehorighetType: a further education, told under its own code system."""

    behorighet: Code = Code()
    behorighets_datum: str = ""


class Licence(msgspec.Struct, frozen=True, rename="camel"):
    """LegitimationType."""

    legitimerat_yrke: Code = Code()
    giltig_legitimation: str = ""
    legitimations_datum: str = ""
    specialistbevis: list[Specialty] = []
    behorighetsbegransning: list[Restriction] = []
    ovrig_behorighet: list[OtherRight] = []


class Person(msgspec.Struct, frozen=True, rename="camel"):
    """HospPersonType."""

    hosp_id: Identity = Identity()
    skyddad_identitet: str = ""
    skyddad_identitet_upplysning: str = ""
    person_id: Identity | None = None
    tidigare_person_id: Identity | None = None
    efternamn: str = ""
    mellannamn: str = ""
    samtliga_fornamn: list[str] = []
    tilltalsnamn: str = ""
    fodelsedatum: str = ""
    lan: Code = Code()
    avliden: str = ""
    avliden_datum: str = ""
    forskrivarkod: Identity | None = None
    legitimation: list[Licence] = []


@dataclass(frozen=True, slots=True)
class HospNormalizer:
    """Turns payloads of `indexer.feeds.hosp_xml` into facts."""

    options: HospOptions
    vocabulary: Vocabulary

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read; never for a person with protected identity.
        """
        try:
            person = _decode_person(payload)
        except msgspec.ValidationError as error:
            return _least_of(payload, error)
        protected = is_marked_protected(person.skyddad_identitet, person.skyddad_identitet_upplysning)
        deceased = person.avliden in _TRUE or bool(person.avliden_datum)
        lenient = protected or deceased
        licences = tuple(self._licences(person, deceased=deceased, lenient=lenient))
        lenient = lenient or any(licence.status in GRAVE for licence in licences)
        names = _names(person)
        if not names and not lenient:
            raise BadRecordError("efternamn", "the person has no name at all")
        for name in names:
            check_text("efternamn", name.family, *name.given, name.middle, lenient=lenient)
        return PersonFacts(
            names=names,
            identifiers=tuple(self._identifiers(person, lenient=lenient)),
            birth_date=read_date("fodelsedatum", person.fodelsedatum, compact, lenient=lenient),
            deceased=deceased,
            deceased_date=read_date("avlidenDatum", person.avliden_datum, compact, lenient=True),
            protected=protected,
            county=person.lan.text or person.lan.code,
            licences=licences,
        )

    def _identifiers(self, person: Person, *, lenient: bool) -> Iterable[IdentifierFacts]:
        yield from _hosp_id(person.hosp_id)
        yield from _personal("personId", person.person_id, "official", lenient=lenient)
        yield from _personal("tidigarePersonId", person.tidigare_person_id, "old", lenient=lenient)
        if self.options.prescriber_code and person.forskrivarkod and person.forskrivarkod.extension:
            yield IdentifierFacts(system=PRESCRIBER_CODE, value=person.forskrivarkod.extension)

    def _licences(self, person: Person, *, deceased: bool, lenient: bool) -> Iterable[LicenceFacts]:
        # The oldest licence of a profession has the plain code as its key, so that a second one, given after a
        # revocation, changes nothing about the first.
        taken: set[str] = set()
        for licence in sorted(person.legitimation, key=_by_age):
            facts = self._licence(person, licence, deceased=deceased, lenient=lenient)
            key = facts.key if facts.key not in taken else f"{facts.key}@{licence.legitimations_datum}"
            while key in taken:
                key += "+"
            taken.add(key)
            yield facts if key == facts.key else msgspec.structs.replace(facts, key=key)

    def _licence(self, person: Person, licence: Licence, *, deceased: bool, lenient: bool) -> LicenceFacts:
        profession = licence.legitimerat_yrke
        raw_status = (
            f"giltigLegitimation={licence.giltig_legitimation}" if licence.giltig_legitimation else ""
        )
        restrictions = tuple(self._restriction(r) for r in licence.behorighetsbegransning)
        status = _status(self._flag(licence), restrictions)
        if deceased:
            status = status_of_deceased(status)
        lenient = lenient or status in GRAVE
        issued = read_date("legitimationsDatum", licence.legitimations_datum, compact, lenient=lenient)
        return LicenceFacts(
            key=licence_code(profession.code) or profession.text or "?",
            number=person.hosp_id.extension,
            jurisdiction=self.options.jurisdiction,
            profession=self.vocabulary.profession(self.options.vocabulary, profession.code),
            raw_profession=profession.code,
            raw_profession_text=profession.text,
            status=status,
            raw_status=raw_status,
            issued=issued,
            valid_from=issued,
            specialties=tuple(_specialties(licence)),
            restrictions=restrictions,
        )

    def _flag(self, licence: Licence) -> Status:
        flag = licence.giltig_legitimation.casefold()
        word = "true" if flag in _TRUE else "false" if flag in _FALSE else flag
        return self.vocabulary.status(self.options.vocabulary, f"giltigLegitimation={word}")

    def _restriction(self, restriction: Restriction) -> RestrictionFacts:
        """Keep a restriction whatever its dates: without a first day it holds since ever, without a last for ever."""
        kind = restriction.typ_av_behorighetsbegransning
        texts = (kind.text, restriction.begransad_forskrivningsratt_text)
        return RestrictionFacts(
            kind=self.vocabulary.restriction(self.options.vocabulary, kind.code),
            code=kind.code,
            text=": ".join(text for text in texts if text),
            valid_from=read_date("fromDatum", restriction.from_datum, compact, lenient=True),
            valid_to=read_end_date("tomDatum", restriction.tom_datum, compact, lenient=True),
        )


_decode_person = msgspec.json.Decoder(Person).decode


def _least_of(payload: bytes, error: msgspec.ValidationError) -> PersonFacts:
    """Give the least there is to say of a protected person whose record can't be read; else refuse the record."""
    record = orjson.loads(payload)
    if not is_protected(record):
        message, _, path = str(error).partition(" - at ")
        raise BadRecordError(path.strip("`").removeprefix("$.") or "HospPerson", message) from error
    number = _identity(record.get("personId"))
    found = [
        *_hosp_id(_identity(record.get("hospId"))),
        *_personal("personId", number, "official", lenient=True),
    ]
    return PersonFacts(identifiers=tuple(found), protected=True)


def _identity(value: object) -> Identity:
    try:
        return msgspec.convert(value, Identity)
    except msgspec.ValidationError:
        return Identity()


def _hosp_id(identity: Identity) -> Iterable[IdentifierFacts]:
    """Give the register's own number; a protected person may come without one."""
    if identity.extension:
        yield IdentifierFacts(system=HOSP_ID, value=identity.extension)


def _status(flag: Status, restrictions: tuple[RestrictionFacts, ...]) -> Status:
    if any(r.kind == "revoked" and r.valid_to is None for r in restrictions):
        return "revoked"
    return "restricted" if restrictions and flag == "active" else flag


def _by_age(licence: Licence) -> tuple[str, str]:
    return licence_code(licence.legitimerat_yrke.code), licence.legitimations_datum


def _names(person: Person) -> tuple[NameFacts, ...]:
    given = tuple(name for names in person.samtliga_fornamn for name in names.split())
    if not person.efternamn and not given:
        return ()
    official = NameFacts(family=person.efternamn, given=given, middle=person.mellannamn)
    called = tuple(person.tilltalsnamn.split())
    if not called or (given and called[0].casefold() == given[0].casefold()):
        return (official,)
    # People sign and are asked for by the name they are called by, which may be the second or third.
    return official, NameFacts(use="alias", family=person.efternamn, given=called, middle=person.mellannamn)


def _personal(
    field: str, identity: Identity | None, use: IdentifierUse, *, lenient: bool
) -> Iterable[IdentifierFacts]:
    """Give a personal identity or coordination number; nothing for other systems, which must not stand plain.

    The number itself tells which of the two it is.

    Raises:
        BadRecordError: it is no such number.
    """
    if identity is None or not identity.extension:
        return
    if identity.root and f"urn:oid:{identity.root}" not in PERSONAL_SYSTEMS:
        return
    digits = personal_number(field, identity.extension, lenient=lenient)
    if digits:
        yield IdentifierFacts(system=personal_system(digits), value=digits, use=use)


def _specialties(licence: Licence) -> Iterable[SpecialtyFacts]:
    for specialty in licence.specialistbevis:
        yield _specialty(specialty.specialistinriktning, specialty.specialistbevis_datum)
    for right in licence.ovrig_behorighet:
        yield _specialty(right.behorighet, right.behorighets_datum)


def _specialty(code: Code, since: str) -> SpecialtyFacts:
    return SpecialtyFacts(
        code=code.code,
        system=f"urn:oid:{code.code_system}" if code.code_system else "",
        text=code.text,
        valid_from=read_date("specialistbevisDatum", since, compact, lenient=True),
    )
