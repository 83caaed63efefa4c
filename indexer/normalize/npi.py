"""A provider's record as NPPES has it, whether from the files or from the registry's API, to facts.

An NPI is given to whoever asks for one and says what they do. It never proves that a licence holds (CMS, "NPPES Data
Dissemination"): the status of every licence is `unknown`, so that a human asks the state that issued it.
"""

from typing import NamedTuple

from indexer.feeds.nppes_layout import NpiOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.npi_licences import Slot, licences_of
from indexer.normalize.values import check_text
from registry.dates import parse_us
from registry.identifiers import NPI, check_digit
from registry.records.facts import EndFacts, IdentifierFacts, NameFacts, NameUse, PersonFacts
from registry.vocabulary import Vocabulary

# Provider Other Last Name Type Code: 1 former, 2 professional, 5 other (3 and 4 are for organisations).
_FORMER = "1"
_DIGITS = 10
# What the Luhn sum of 80840, which goes before every NPI, adds (ISO/IEC 7812, 45 CFR 162.406).
_PREFIX = "80840"
# Enough of a date that can't be read to see what was written.
_SHOWN = 20


class NpiFields(NamedTuple):
    """The authority's own names of the fields, for messages."""

    number: str
    replacement: str
    deactivated: str
    reactivated: str
    name: str
    licence: str


class Name(NamedTuple):
    """One name as written; `code` is its type code, "" for the legal name."""

    last: str
    first: str
    middle: str = ""
    prefix: str = ""
    suffix: str = ""
    code: str = ""


class NpiRecord(NamedTuple):
    """What either source says of one NPI; "" for what it does not say.

    `status` is the registry's own word for the NPI, where it has one: A (active) or D (deactivated).
    """

    number: str
    names: tuple[Name, ...] = ()
    slots: tuple[Slot, ...] = ()
    replacement: str = ""
    deactivated: str = ""
    reactivated: str = ""
    status: str = ""


def is_npi(text: str) -> bool:
    """Tell whether a text is an NPI: ten digits, the last a Luhn check digit over 80840 and the nine others."""
    if len(text) != _DIGITS or not (text.isascii() and text.isdigit()):
        return False
    # Weights 1 and 2 in turn from the left of 80840 + nine digits are what `check_digit` gives from its second digit.
    return check_digit("0" + _PREFIX + text[:9]) == int(text[9])


def facts_of(
    record: NpiRecord, fields: NpiFields, options: NpiOptions, vocabulary: Vocabulary
) -> PersonFacts:
    """Return what a record says.

    Raises:
        BadRecordError: it can't be read.
    """
    if not is_npi(record.number):
        raise BadRecordError(fields.number, "the check digit is wrong, or these are not ten digits")
    end = _end(record, fields)
    identifiers = _identifiers(record, fields, ended=end is not None)
    names = tuple(dict.fromkeys(name for given in record.names if (name := _name(given))))
    if not names and not record.slots:
        if end is None:
            raise BadRecordError(fields.name, "the record has no name, and the NPI is not deactivated")
        return PersonFacts(identifiers=identifiers, ended=end)
    lenient = end is not None
    if not names and not lenient:
        raise BadRecordError(fields.name, "the record has no name at all")
    for name in names:
        check_text(
            fields.name, name.family, name.middle, name.prefix, name.suffix, *name.given, lenient=lenient
        )
    for slot in record.slots:
        check_text(fields.licence, slot.number, slot.code, slot.state, lenient=lenient)
    raw_status = f"status={record.status}" if record.status else ""
    return PersonFacts(
        names=names,
        identifiers=identifiers,
        licences=licences_of(record.slots, end, raw_status, options, vocabulary),
    )


def _end(record: NpiRecord, fields: NpiFields) -> EndFacts | None:
    """Tell whether the NPI is deactivated, and since when.

    A date that can't be read leaves out since when. Reactivated on the same day counts as reactivated only where the
    record still says something: an emptied one has nothing to be in use.
    """
    if not record.deactivated and record.status.upper() != "D":
        return None
    since = _day(record.deactivated)
    if record.reactivated:
        again = _day(record.reactivated)
        if not again:
            raise BadRecordError(fields.reactivated, "expected a date as MM/DD/YYYY or YYYY-MM-DD")
        if record.deactivated and not since:
            raise BadRecordError(fields.deactivated, "expected a date as MM/DD/YYYY or YYYY-MM-DD")
        if record.status.upper() != "D" and since and again >= since:
            return None
    told = since or record.deactivated[:_SHOWN]
    return EndFacts(status="lapsed", raw_status=f"NPI deactivated {told}".strip(), valid_to=since or None)


def _day(text: str) -> str:
    """Read a date; "" for none and for one that can't be read."""
    try:
        return parse_us(text) if text else ""
    except ValueError:
        return ""


def _identifiers(record: NpiRecord, fields: NpiFields, *, ended: bool) -> tuple[IdentifierFacts, ...]:
    """Return the NPI; of one that was replaced, the new one too, under which the person goes on.

    A wrong number would join two people, so it is left out of bad news and stops everything else.
    """
    new = record.replacement
    if new and not is_npi(new):
        if not ended:
            raise BadRecordError(fields.replacement, "the check digit is wrong, or these are not ten digits")
        new = ""
    if not new or new == record.number:
        return (IdentifierFacts(system=NPI, value=record.number),)
    return (
        IdentifierFacts(system=NPI, value=new),
        IdentifierFacts(system=NPI, value=record.number, use="old"),
    )


def _name(name: Name) -> NameFacts | None:
    if not name.last and not name.first:
        return None
    use: NameUse = "official"
    if name.code:
        use = "former" if name.code == _FORMER else "alias"
    return NameFacts(
        use=use,
        family=name.last,
        given=tuple(name.first.split()),
        middle=name.middle,
        prefix=name.prefix,
        suffix=name.suffix,
    )
