"""FHIR R4 Practitioners to facts.

FHIR R4 gives a qualification no status, and `Practitioner.active` only says that the record is in use. So a licence's
status is `unknown` and asks a human, unless the feed file says where this feed states it.
"""

import msgspec
import orjson

from indexer.feeds.options import FhirOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.fhir_licences import licences_of
from indexer.normalize.fhir_types import HumanName, Identifier, Practitioner
from indexer.normalize.values import GRAVE, check_text, iso, personal_number, read_date
from registry.identifiers import (
    COORDINATION_NUMBER,
    HSA_ID,
    NPI,
    PERSONAL_IDENTITY_NUMBER,
    PERSONAL_SYSTEMS,
    personal_system,
)
from registry.records.facts import IdentifierFacts, IdentifierUse, NameFacts, NameUse, PersonFacts
from registry.vocabulary import Vocabulary

# Systems that mean the same everywhere; a feed file adds its own (`identifier_systems`).
KNOWN_SYSTEMS = {
    NPI: NPI,
    "http://terminology.hl7.org/NamingSystem/npi": NPI,
    "urn:oid:2.16.840.1.113883.4.6": NPI,
    HSA_ID: HSA_ID,
    "urn:oid:1.2.752.129.2.1.4.1": HSA_ID,
    PERSONAL_IDENTITY_NUMBER: PERSONAL_IDENTITY_NUMBER,
    COORDINATION_NUMBER: COORDINATION_NUMBER,
    "http://electronichealth.se/identifier/personnummer": PERSONAL_IDENTITY_NUMBER,
    "http://electronichealth.se/identifier/samordningsnummer": COORDINATION_NUMBER,
}
_NAME_USES: dict[str, NameUse] = {
    "official": "official",
    "usual": "official",
    "maiden": "former",
    "old": "former",
}


class FhirNormalizer:
    """Turns payloads of `indexer.feeds.fhir_ndjson` into facts."""

    def __init__(self, options: FhirOptions, vocabulary: Vocabulary) -> None:
        self._options = options
        self._vocabulary = vocabulary
        self._systems = KNOWN_SYSTEMS | options.identifier_systems
        self._protected = frozenset(options.protected_labels)
        self._decode = msgspec.json.Decoder(Practitioner).decode

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: it can't be read.
        """
        try:
            resource = self._decode(payload)
        except msgspec.ValidationError as error:
            if (least := self._least_of(payload)) is not None:
                return least
            message, _, path = str(error).partition(" - at ")
            raise BadRecordError(path.strip("`").removeprefix("$.") or "Practitioner", message) from error
        protected = self._is_protected(resource)
        deceased = bool(resource.deceased_boolean or resource.deceased_date_time)
        lenient = protected or deceased
        licences = licences_of(resource, self._options, self._vocabulary, deceased=deceased, lenient=lenient)
        lenient = lenient or any(licence.status in GRAVE for licence in licences)
        names = _names(resource.name)
        for name in names:
            check_text("name", name.family, *name.given, name.text, lenient=lenient)
        return PersonFacts(
            names=names,
            identifiers=tuple(self._identifiers(resource.identifier, lenient=lenient)),
            birth_date=read_date("birthDate", resource.birth_date, iso, lenient=lenient),
            deceased=deceased,
            deceased_date=read_date("deceasedDateTime", resource.deceased_date_time, iso, lenient=True),
            protected=protected,
            licences=licences,
        )

    def _least_of(self, payload: bytes) -> PersonFacts | None:
        """Give the least there is to say of a protected person whose resource can't be read; None for anyone else.

        Labels that can't be read hide too: one of them may be the one that does.
        """
        resource = orjson.loads(payload)
        meta = resource.get("meta")
        labels = meta.get("security") if isinstance(meta, dict) else meta
        if not labels:
            return None
        try:
            known = msgspec.convert({"meta": {"security": labels}}, Practitioner)
        except msgspec.ValidationError:
            known = None
        if known is not None and not self._is_protected(known):
            return None
        try:
            identifiers = msgspec.convert({"identifier": resource.get("identifier")}, Practitioner).identifier
        except msgspec.ValidationError:
            identifiers = None
        return PersonFacts(identifiers=tuple(self._identifiers(identifiers, lenient=True)), protected=True)

    def _is_protected(self, resource: Practitioner) -> bool:
        labels = resource.meta.security if resource.meta else None
        return any(label is not None and label.code in self._protected for label in labels or ())

    def _identifiers(
        self, identifiers: list[Identifier | None] | None, *, lenient: bool
    ) -> list[IdentifierFacts]:
        found: dict[tuple[str, str], IdentifierFacts] = {}
        for identifier in identifiers or ():
            if identifier is None or not identifier.text():
                continue
            system = self._systems.get(_system(identifier))
            if system is None:
                continue
            value: str | None = identifier.text()
            if value and system in PERSONAL_SYSTEMS:
                value = personal_number("identifier", value.replace("-", ""), lenient=lenient)
                system = personal_system(value) if value else system
            if not value:
                continue
            use: IdentifierUse = "old" if identifier.use == "old" else "official"
            known = found.get((system, value))
            # A number that stands in both places is still the person's own.
            if known is None or known.use == "old":
                found[system, value] = IdentifierFacts(system=system, value=value, use=use)
        return list(found.values())


def _system(identifier: Identifier) -> str:
    """Return the system; of an identifier without one the code of its type ("NPI")."""
    if identifier.system:
        return identifier.system
    codes = [coding.code for coding in identifier.type.codings() if coding.code] if identifier.type else []
    return codes[0] if codes else ""


def _names(names: list[HumanName | None] | None) -> tuple[NameFacts, ...]:
    """Read names: the first current one is the official name, further ones without a use are aliases."""
    found: list[NameFacts] = []
    for name in names or ():
        facts = _name(name, has_official=any(known.use == "official" for known in found)) if name else None
        if facts is not None and facts not in found:
            found.append(facts)
    return tuple(found)


def _name(name: HumanName, *, has_official: bool) -> NameFacts | None:
    facts = NameFacts(
        use=_name_use(name, has_official=has_official),
        family=(name.family or "").strip(),
        given=tuple(word for part in name.given or () if part for word in part.split()),
        prefix=_joined(name.prefix),
        suffix=_joined(name.suffix),
        text=(name.text or "").strip(),
    )
    return facts if facts.family or facts.given or facts.text else None


def _name_use(name: HumanName, *, has_official: bool) -> NameUse:
    use = _NAME_USES.get(name.use) if name.use else None
    if name.use and use is None:
        return "alias"
    if use is None and name.period is not None and name.period.end:
        return "former"
    if use in (None, "official"):
        return "alias" if has_official else "official"
    return use


def _joined(parts: list[str | None] | None) -> str:
    return " ".join(part.strip() for part in parts or () if part and part.strip())
