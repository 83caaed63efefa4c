"""The three authorities' own formats, one record at a time.

Sources: HOSP, the XML schema of RIV-TA licensetopractice 2.0 (field order, OIDs, PartielltDatum) and its service
contract (what is left of a record under protected identity). Washington, the columns of data set qxh8-f4bd and
how SODA writes rows (columns without a value are left out) and CSV. FHIR R4 Practitioner, with the oddities seen
in published directories.
"""

import csv
import io
from typing import Any
from xml.sax.saxutils import escape

from indexer.sandbox import swedish_register as register
from indexer.sandbox.model import (
    Credential,
    Provider,
    ProviderName,
    Qualification,
    Restriction,
    Specialty,
    SwedishLicence,
    SwedishPerson,
    WashingtonPerson,
)
from registry.identifiers import NPI, personal_system

HOSP_NAMESPACE = "urn:riv:masterdata:organisationalresources:licensetopractice:2"
RESPONSE_NAMESPACE = (
    "urn:riv:masterdata:organisationalresources:licensetopractice:GetHospPersonForPublicHealthcareResponder:2"
)
HOSP_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<r:GetHospPersonForPublicHealthcareResponse xmlns:r="{RESPONSE_NAMESPACE}" xmlns="{HOSP_NAMESPACE}">\n'
)
HOSP_FOOT = "</r:GetHospPersonForPublicHealthcareResponse>\n"
_PERSON, _HOSP_ID, _PRESCRIBER = "1.2.752.129.2.1.3", "1.2.752.116.3.1.1", "1.2.752.116.3.1.2"
_PROFESSION, _RESTRICTION = "1.2.752.116.3.1.3", "1.2.752.116.3.1.5"
_SEX, _MUNICIPALITY, _COUNTY = "1.2.752.129.2.2.1.1", "1.2.752.129.2.2.1.17", "1.2.752.129.2.2.1.18"

# Socrata field name, and the column's name in the CSV export.
WASHINGTON_COLUMNS = {
    "credentialnumber": "CredentialNumber",
    "lastname": "LastName",
    "firstname": "FirstName",
    "middlename": "MiddleName",
    "credentialtype": "CredentialType",
    "status": "Status",
    "birthyear": "BirthYear",
    "ceduedate": "CEDueDate",
    "firstissuedate": "FirstIssueDate",
    "lastissuedate": "LastIssueDate",
    "expirationdate": "ExpirationDate",
    "actiontaken": "ActionTaken",
}
WASHINGTON_DATES = frozenset({"ceduedate", "firstissuedate", "lastissuedate", "expirationdate"})


def hosp_person(person: SwedishPerson) -> str:
    """Return one `hospPerson` element, in the schema's order."""
    if person.protected:
        return _protected(person)
    parts = [
        _id("hospId", str(person.hosp_id), _HOSP_ID),
        _person_id("personId", person.number),
        _person_id("tidigarePersonId", person.former_number),
        _text("efternamn", person.family),
        _text("mellannamn", person.middle),
        *_given(person),
        _text("tilltalsnamn", person.called),
        _text("fodelsedatum", _compact(person.born)),
        _coded("kon", "1" if person.sex == "M" else "2", _SEX, "man" if person.sex == "M" else "kvinna"),
        _coded("lan", person.county, _COUNTY, register.COUNTIES.get(person.county, "")),
        _coded(
            "kommun",
            person.municipality,
            _MUNICIPALITY,
            register.MUNICIPALITIES.get(person.municipality, ""),
        ),
        _text("folkbokforingsort", person.place),
        "<skyddadIdentitet>false</skyddadIdentitet>",
        f"<avliden>{_boolean(person.deceased)}</avliden>",
        _text("avlidenDatum", _compact(person.deceased_on)),
        f"<utvandrad>{_boolean(person.emigrated)}</utvandrad>",
        _id("forskrivarkod", str(person.prescriber_code or ""), _PRESCRIBER),
        *map(_licence, person.licences),
    ]
    return f"<r:hospPerson>{''.join(parts)}</r:hospPerson>\n"


def _protected(person: SwedishPerson) -> str:
    """Return what the service gives out: number, birth date, whether deceased, and whom to ask.

    The schema asks for a hospId all the same, and for names, which are withheld.
    """
    parts = [
        _id("hospId", str(person.hosp_id), _HOSP_ID),
        _person_id("personId", person.number),
        _text("fodelsedatum", _compact(person.born)),
        "<skyddadIdentitet>true</skyddadIdentitet>",
        _text("skyddadIdentitetUpplysning", register.PROTECTED_TEXT),
        f"<avliden>{_boolean(person.deceased)}</avliden>",
    ]
    return f"<r:hospPerson>{''.join(parts)}</r:hospPerson>\n"


def _given(person: SwedishPerson) -> list[str]:
    """One element a name, as the schema allows; older records have all in one."""
    if person.hosp_id % 10:
        return [_text("samtligaFornamn", name) for name in person.given]
    return [_text("samtligaFornamn", " ".join(person.given))]


def _licence(licence: SwedishLicence) -> str:
    parts = [
        _coded("legitimeratYrke", licence.code, _PROFESSION, licence.text),
        f"<giltigLegitimation>{_boolean(licence.valid)}</giltigLegitimation>",
        _text("utbildningsland", licence.country),
        _text("legitimationsDatum", _compact(licence.issued)),
        _text("beslutsdatumFysioterapeut", _compact(licence.recoded)),
        _text("examensdatum", _compact(licence.examined)),
        _text("larosate", licence.school),
        _text("grundyrke", licence.basic_profession),
        ""
        if licence.prescribes is None
        else f"<forskrivningsratt>{_boolean(licence.prescribes)}</forskrivningsratt>",
        _text("forskrivningsrattDatum", _compact(licence.prescribes_since)),
        *map(_specialty, licence.specialties),
        *map(_restriction, licence.restrictions),
    ]
    return f"<legitimation>{''.join(parts)}</legitimation>"


def _specialty(specialty: Specialty) -> str:
    return (
        "<specialistbevis>"
        + _coded("specialistinriktning", specialty.code, specialty.system, specialty.text)
        + _text("specialistbevisDatum", _compact(specialty.issued))
        + "</specialistbevis>"
    )


def _restriction(restriction: Restriction) -> str:
    return (
        "<behorighetsbegransning>"
        + _coded(
            "typAvBehorighetsbegransning",
            restriction.code,
            _RESTRICTION,
            register.RESTRICTIONS[restriction.code],
        )
        + _text("fromDatum", _compact(restriction.since))
        + _text("tomDatum", _compact(restriction.until))
        + _text("begransadForskrivningsrattText", restriction.text)
        + "</behorighetsbegransning>"
    )


def _text(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _id(name: str, extension: str, root: str) -> str:
    return f"<{name}><extension>{extension}</extension><root>{root}</root></{name}>" if extension else ""


def _person_id(name: str, number: str) -> str:
    kind = personal_system(number).rpartition(".")[2] if number[6:8].isdigit() else "1"
    return _id(name, escape(number), f"{_PERSON}.{kind}")


def _coded(name: str, code: str, system: str, text: str) -> str:
    if not code:
        return ""
    return (
        f"<{name}><code>{code}</code><codeSystem>{system}</codeSystem>"
        f"<displayName>{escape(text)}</displayName></{name}>"
    )


def _compact(partial: str) -> str:
    """`2019-05` as PartielltDatum writes it: `201905`."""
    return partial.replace("-", "")


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value itself is what is written
    return "true" if value else "false"


def washington_row(person: WashingtonPerson, credential: Credential) -> dict[str, Any]:
    """Return one row by Socrata field name, dates as ISO days."""
    return {
        "credentialnumber": credential.number,
        "lastname": person.family,
        "firstname": person.given,
        "middlename": person.middle,
        "credentialtype": credential.type,
        "status": credential.status,
        "birthyear": person.birth_year,
        # Continuing education is due with every other credential's renewal.
        "ceduedate": credential.expires if credential.number[-1] in "02468" else "",
        "firstissuedate": credential.first_issued,
        "lastissuedate": credential.last_issued,
        "expirationdate": credential.expires,
        "actiontaken": credential.action,
    }


def socrata_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as SODA's JSON has it: no empty columns, dates as floating timestamps."""
    return {
        name: f"{value}T00:00:00.000" if name in WASHINGTON_DATES else value
        for name, value in row.items()
        if value
    }


def socrata_csv(row: dict[str, Any]) -> str:
    """Return the row as a line of the CSV export: every column, dates as MM/DD/YYYY."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        _us(value) if name in WASHINGTON_DATES else value for name, value in row.items()
    )
    return line.getvalue()


def _us(day: str) -> str:
    return f"{day[5:7]}/{day[8:10]}/{day[:4]}" if day else ""


def practitioner(person: Provider) -> dict[str, Any]:
    """Return a FHIR R4 Practitioner with one of the oddities of real directories, or none (by `person.quirk`)."""
    old_style = _is_old_style(person.quirk)
    resource: dict[str, Any] = {
        "resourceType": "Practitioner",
        "id": person.id,
        "identifier": _identifiers(person, old_style=old_style),
        "active": person.active,
        "name": [_name(name, person.quirk) for name in person.names],
        "address": [
            {
                "use": "work",
                "city": person.city,
                "state": person.state,
                "postalCode": person.postal_code,
                "country": "US",
            }
        ],
        "gender": "female" if person.sex == "F" else "male",
        "qualification": [_qualification(licence, person.quirk) for licence in person.qualifications],
    }
    if person.born:
        resource["birthDate"] = person.born
    if 40 <= person.quirk < 43:  # noqa: PLR2004 - share whose licences the directory does not know
        resource["qualification"] = []
    return resource


def _is_old_style(quirk: int) -> bool:
    """Tell whether the record has the shapes of a converter from NPPES, with systems that are no URIs."""
    return 25 <= quirk < 40  # noqa: PLR2004 - share of such records


def _identifiers(person: Provider, *, old_style: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"system": "NPI" if old_style else NPI, "value": person.npi}]
    if person.swedish_number:
        # Both names of the same system are in use: the OID, and HL7 Sweden's URI.
        uri = "http://electronichealth.se/identifier/personnummer"
        system = personal_system(person.swedish_number) if person.quirk % 2 else uri
        found.append({"use": "official", "system": system, "value": person.swedish_number})
    if 45 <= person.quirk < 55:  # noqa: PLR2004 - share with numbers of insurers, which belong to contracts
        found.append({"system": "MEDICAID", "value": f"0{person.quirk}85C", "state": person.state})
    return found


def _name(name: ProviderName, quirk: int) -> dict[str, Any]:
    given: list[str | None] = list(name.given)
    found: dict[str, Any] = {"use": name.use, "family": name.family, "given": given}
    if name.prefix:
        found["prefix"] = [name.prefix]
    if name.suffix:
        found["suffix"] = [name.suffix]
    if quirk < 15:  # noqa: PLR2004 - nulls inside arrays
        given.append(None)
        found.setdefault("suffix", [None])
    if 10 <= quirk < 25:  # noqa: PLR2004 - a date nobody meant, without a zone
        found["period"] = {"start": "1900-01-01T00:00:00"}
    if 55 <= quirk < 58:  # noqa: PLR2004 - the whole name as text only
        words = (name.prefix, *name.given, name.family, name.suffix)
        return {"use": name.use, "text": " ".join(word for word in words if word)}
    return found


def _qualification(licence: Qualification, quirk: int) -> dict[str, Any]:
    old_style = _is_old_style(quirk)
    identifier: dict[str, Any] = {"value": licence.number}
    found: dict[str, Any] = {"identifier": [identifier]}
    if quirk < 90:  # noqa: PLR2004 - the rest tells the state by extension only
        identifier["state"] = licence.state
    if not old_style:
        identifier["use"] = "official"
        found["extension"] = [_where_valid(licence.state)]
    system = "NUCC" if old_style else "http://nucc.org/provider-taxonomy"
    code: dict[str, Any] = {"text": licence.text}
    if licence.taxonomy:
        code["coding"] = [{"system": system, "code": licence.taxonomy, "display": licence.text}]
    found["code"] = code
    period = {key: value for key, value in (("start", licence.start), ("end", licence.end)) if value}
    if period:
        found["period"] = period
    if not old_style:
        found["issuer"] = {"display": licence.issuer}
    return found


def _where_valid(state: str) -> dict[str, Any]:
    """Return the US national directory's way to say where a licence holds (R4 itself has none)."""
    return {
        "url": "http://hl7.org/fhir/us/ndh/StructureDefinition/base-ext-practitioner-qualification",
        "extension": [
            {
                "url": "whereValid",
                "valueCodeableConcept": {"coding": [{"system": "https://www.usps.com/", "code": state}]},
            }
        ],
    }
