"""Rows of HSA answers, and one full answer in every form."""

import json
from pathlib import Path
from typing import Any

import orjson

from indexer.feeds import BadRow, Row, SourceRow, hsa_credentials
from indexer.feeds.hsa_credentials import HsaOptions
from tests.indexer.feeds import hsa_text as t

OPTIONS = HsaOptions(vocabulary="hsa")


def rows(folder: Path, *texts: str | bytes, options: HsaOptions = OPTIONS, limit: int = 100_000) -> list[Row]:
    parts = []
    for number, text in enumerate(texts):
        parts.append(folder / str(number))
        parts[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(hsa_credentials.parse(parts, options, limit))


def line(subject: str = t.ANNA, **rest: object) -> str:
    return json.dumps({"subject": subject, **rest}) + "\n"


def soap(*responses: str, subject: str = t.ANNA) -> str:
    return line(subject, soap=f"<answers>{''.join(responses)}</answers>")


def record(row: Row) -> dict[str, Any]:
    assert isinstance(row, SourceRow), row
    found: dict[str, Any] = orjson.loads(row.payload)
    return found


def refused(row: Row) -> tuple[str, str, str]:
    assert isinstance(row, BadRow)
    assert row.echo == ""
    return row.key, row.field, row.reason


FULL = (
    t.licence("LK", "Läkare")
    + t.licence("NA", "Naprapat")
    + "<r:personalPrescriptionCode>1234567</r:personalPrescriptionCode>"
    + t.speciality("1099", "Internmedicin")
    + "<r:nursePrescriptionRight><c:healthCareProfessionalLicence>SJ</c:healthCareProfessionalLicence>"
    "<c:prescriptionRight>true</c:prescriptionRight></r:nursePrescriptionRight>"
    + "<r:healthcareProfessionalLicenseIdentityNumber>90000001</r:healthcareProfessionalLicenseIdentityNumber>"
    + "<r:educationCode>E1</r:educationCode><r:educationCode>E2</r:educationCode>"
    + t.restriction("002", "Prövotid")
    + "<r:feignedPerson>false</r:feignedPerson>"
)
FULL_JSON: dict[str, object] = {
    "personalPrescriptionCode": "1234567",
    "healthcareProfessionalLicenseIdentityNumber": "90000001",
    "feignedPerson": False,
    "restrictions": [
        {"healthCareProfessionalLicenceCode": "LK", "restrictionCode": "002", "restrictionName": "Prövotid"}
    ],
}
_LICENCES = [
    {"healthCareProfessionalLicenceCode": "NA", "healthCareProfessionalLicenceName": "Naprapat"},
    {"healthCareProfessionalLicenceCode": "LK", "healthCareProfessionalLicenceName": "Läkare"},
]
_SPECIALITIES = [
    {"healthCareProfessionalLicenceCode": "LK", "specialityName": "Internmedicin", "specialityCode": "1099"}
]
PROXY = {
    **FULL_JSON,
    "healthCareProfessionalLicence": _LICENCES,
    "healthCareProfessionalLicenceSpeciality": _SPECIALITIES,
    "nursePrescriptionRight": [{"healthCareProfessionalLicence": "SJ", "prescriptionRight": True}],
    "educationCode": ["E2", "E1"],
}
OTHER_NAMES = {
    **FULL_JSON,
    "healthCareProfessionalLicenseType": _LICENCES,
    "specialities": _SPECIALITIES,
    "nursePrescriptionRights": [{"healthCareProfessionalLicence": "SJ", "prescriptionRight": "true"}],
    "educationCodes": ["E1", "E2", "E1"],
}
