"""Licences of a FHIR Practitioner: one for each number and state, whatever number of taxonomy codes carry it."""

from collections.abc import Iterator
from dataclasses import dataclass

from indexer.feeds.options import FhirOptions
from indexer.normalize.fhir_types import Identifier, Practitioner, Qualification, extension_word
from indexer.normalize.values import GRAVE, iso, read_date, read_end_date, status_of_deceased
from registry.identifiers import PRESCRIBER_CODE, fold_number
from registry.records.facts import LicenceFacts, SpecialtyFacts, Status
from registry.vocabulary import UNKNOWN, Vocabulary, fold_word

# Which of two statuses of one licence stands when nothing tells which is newer: the one that says less yes.
_SEVERITY: tuple[Status, ...] = (
    "revoked",
    "suspended",
    "surrendered",
    "deceased",
    "unknown",
    "restricted",
    "lapsed",
    "active",
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One qualification under one of its identifiers."""

    number: str
    jurisdiction: str
    profession: str
    code: str
    system: str
    text: str
    status: Status
    raw_status: str
    start: str | None
    end: str | None


def licences_of(
    resource: Practitioner, options: FhirOptions, vocabulary: Vocabulary, *, deceased: bool, lenient: bool
) -> tuple[LicenceFacts, ...]:
    """Return the licences, in an order that does not depend on the resource's.

    One number in one state under several codes of the same profession is one licence with several specialties; under
    codes of different professions it is one licence each. A qualification without a number is kept if it has a code.

    Raises:
        BadRecordError: a date can't be read.
    """
    groups: dict[tuple[str, str, str], list[_Entry]] = {}
    for entry in _entries(resource, options, vocabulary, deceased=deceased, lenient=lenient):
        profession = entry.profession if entry.profession != UNKNOWN else entry.code or fold_word(entry.text)
        group = (entry.jurisdiction, fold_number(entry.number), profession)
        groups.setdefault(group, []).append(entry)
    taken: set[str] = set()
    return tuple(
        _licence(_key(group, entries, taken), entries, vocabulary)
        for group, entries in sorted(groups.items())
    )


def _key(group: tuple[str, str, str], entries: list[_Entry], taken: set[str]) -> str:
    """Name a licence by what the feed says of it, not by our words, which may change."""
    jurisdiction, number, profession = group
    key = f"{jurisdiction}|{number}" if number else f"{jurisdiction}||{min(entry.code for entry in entries)}"
    if key in taken or key.endswith("||"):
        key = f"{jurisdiction}|{number}|{profession}"
    taken.add(key)
    return key


def _entries(
    resource: Practitioner, options: FhirOptions, vocabulary: Vocabulary, *, deceased: bool, lenient: bool
) -> Iterator[_Entry]:
    for qualification in resource.qualification or ():
        if qualification is None:
            continue
        profession, code, system, text = _profession(qualification, options, vocabulary)
        status, raw_status = _status(resource, qualification, options, vocabulary)
        if deceased:
            status = status_of_deceased(status)
        period = qualification.period
        forgiving = lenient or status in GRAVE
        start = read_date(
            "qualification.period.start", period.start if period else None, iso, lenient=forgiving
        )
        end = read_end_date(
            "qualification.period.end", period.end if period else None, iso, lenient=forgiving
        )
        for number, jurisdiction in _numbers(qualification, options):
            if number or code or text:
                yield _Entry(
                    number, jurisdiction, profession, code, system, text, status, raw_status, start, end
                )


def _profession(
    qualification: Qualification, options: FhirOptions, vocabulary: Vocabulary
) -> tuple[str, str, str, str]:
    """Return our profession code and the feed's code, system and text: of the first coding that we know."""
    concept = qualification.code
    if concept is None:
        return UNKNOWN, "", "", ""
    wanted = options.profession_systems
    known = [
        (vocabulary.profession(options.vocabulary, coding.code), coding)
        for coding in concept.codings()
        if coding.code and (not wanted or coding.system in wanted)
    ]
    known.sort(key=lambda pair: pair[0] == UNKNOWN)
    if not known:
        return vocabulary.profession(options.vocabulary, concept.word()), "", "", concept.word()
    profession, coding = known[0]
    return profession, coding.code or "", coding.system or "", (concept.text or coding.display or "").strip()


def _status(
    resource: Practitioner, qualification: Qualification, options: FhirOptions, vocabulary: Vocabulary
) -> tuple[Status, str]:
    """Return our status and the feed's own word, from where the feed file says that it stands.

    A modifier extension may turn what stands beside it into its opposite, and implicit rules all of it; whoever does not
    know them must not rely on it (HL7 FHIR R4, Extensibility and Resource.implicitRules). Bad news is believed all the same.
    """
    status, word = _told_status(resource, qualification, options, vocabulary)
    if resource.modifier_extension or resource.implicit_rules or qualification.modifier_extension:
        return (status if status in GRAVE else "unknown"), word
    return status, word


def _told_status(
    resource: Practitioner, qualification: Qualification, options: FhirOptions, vocabulary: Vocabulary
) -> tuple[Status, str]:
    if options.status_from == "qualification":
        word = _code_word(qualification)
        return vocabulary.status(options.vocabulary, word), word
    if options.status_from == "extension":
        word = extension_word(qualification.extension, options.status_extension)
        return vocabulary.status(options.vocabulary, word), word
    if resource.active is None:
        return "unknown", ""
    word = f"active={str(resource.active).lower()}"
    if options.status_from == "active":
        return ("active" if resource.active else "lapsed"), word
    return "unknown", word


def _code_word(qualification: Qualification) -> str:
    if qualification.status is None:
        return ""
    codes = [coding.code for coding in qualification.status.codings() if coding.code]
    return codes[0] if codes else qualification.status.word()


def _numbers(qualification: Qualification, options: FhirOptions) -> list[tuple[str, str]]:
    """Return (number, jurisdiction) of each identifier; one without a number if there is none.

    A number that another has replaced (use = old) gives no licence of its own. A prescriber's code is no licence number,
    though the Swedish base profile puts it here, and may be kept by agreement only.
    """
    identifiers = [i for i in qualification.identifier or () if i is not None and i.system != PRESCRIBER_CODE]
    told = [i for i in identifiers if i.text()]
    current = [i for i in told if i.use != "old"] or told
    found = [(i.text(), _jurisdiction(i, qualification, options)) for i in current]
    if found:
        return found
    return [("", _jurisdiction(identifiers[0] if identifiers else Identifier(), qualification, options))]


def _jurisdiction(identifier: Identifier, qualification: Qualification, options: FhirOptions) -> str:
    state = (identifier.state or "").strip()
    if not state and options.state_extension:
        state = extension_word(identifier.extension, options.state_extension) or extension_word(
            qualification.extension, options.state_extension
        )
    return f"{options.jurisdiction_prefix}{state}" if state else options.jurisdiction


def _licence(key: str, entries: list[_Entry], vocabulary: Vocabulary) -> LicenceFacts:
    """Make one licence of entries of one profession: the newest period decides, else the more severe status."""
    entries = sorted(entries, key=lambda entry: (entry.code, entry.text))
    newest = max(entries, key=lambda entry: (entry.start or "", -_SEVERITY.index(entry.status)))
    first = entries[0]
    specialties = {
        entry.code: SpecialtyFacts(code=entry.code, system=entry.system, text=entry.text)
        for entry in entries
        if entry.code
        and fold_word(entry.text) != fold_word(vocabulary.profession_label(entry.profession, "en"))
    }
    return LicenceFacts(
        key=key,
        number=first.number,
        jurisdiction=first.jurisdiction,
        profession=first.profession,
        raw_profession=first.code,
        raw_profession_text=first.text,
        status=newest.status,
        raw_status=newest.raw_status,
        issued=min((entry.start for entry in entries if entry.start), default=None),
        valid_from=newest.start,
        valid_to=newest.end,
        specialties=tuple(specialties.values()),
    )
