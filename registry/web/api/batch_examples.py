"""Whole staff lists and answers for the documentation. Synthetic people, with numbers from the range kept for tests."""

from typing import Any

ID = "lst_Zk3v9QhTb1aXw7RmPq5LdA"
QUESTION: dict[str, Any] = {
    "purpose": "employment",
    "reference": "Ward 4, November",
    "rows": [
        {"personalIdentityNumber": "19800503-9808", "profession": "sjuksköterska", "reference": "1001"},
        {"licenceNumber": "RN60123456", "authority": "wa-doh", "reference": "1002"},
        {"name": "Anna Lindqvist", "birthDate": "1980-05-03", "reference": "1003"},
    ],
}
CSV = "Anställningsnummer;Personnummer;Yrke\r\n1001;19800503-9808;sjuksköterska\r\n"
BATCH: dict[str, Any] = {
    "id": ID,
    "state": "done",
    "purpose": "employment",
    "reference": "Ward 4, November",
    "fileName": "ward-4.csv",
    "profession": "registered-nurse",
    "authority": None,
    "onDate": None,
    "day": "2026-11-22",
    "ruleVersion": "2026-11-22",
    "knownAt": None,
    "rows": 3,
    "done": 3,
    "counts": {"foundYes": 2, "foundNo": 0, "foundAsk": 0, "notFound": 1, "ambiguous": 0, "couldNotCheck": 0},
    "retryable": 0,
    "columns": [{"field": "personalIdentityNumber", "header": "Personnummer", "place": 2}],
    "unknownColumns": ["Avdelning"],
    "error": None,
    "createdAt": "2026-11-22T08:00:00Z",
    "startedAt": "2026-11-22T08:00:01Z",
    "endedAt": "2026-11-22T08:00:02Z",
    "expiresAt": "2026-12-22T08:00:02Z",
    "links": {
        "self": f"/v1/verification-batches/{ID}",
        "results": f"/v1/verification-batches/{ID}/results",
        "csv": f"/v1/verification-batches/{ID}/results.csv",
        "xlsx": f"/v1/verification-batches/{ID}/results.xlsx",
    },
}
PAGE = {"items": [BATCH], "total": 1, "page": 1, "limit": 20}
RESULT: dict[str, Any] = {
    "row": 2,
    "reference": "1001",
    "result": "found",
    "verdict": "yes",
    "outcome": "found",
    "reasons": [
        {
            "code": "valid",
            "answer": "yes",
            "nature": "valid",
            "text": {
                "sv": "Legitimationen som sjuksköterska från Socialstyrelsen gällde utan begränsningar den 2026-11-22.",
                "en": "The licence as registered nurse from the National Board of Health and Welfare was in force without "
                "restrictions on 2026-11-22.",
            },
        }
    ],
    "practitioner": {
        "id": "Zk3v9QhTb1aXw7RmPq5LdA",
        "name": "Anna Lindqvist",
        "birthYear": "1980",
        "links": {"self": "/v1/practitioners/Zk3v9QhTb1aXw7RmPq5LdA"},
    },
    "licences": [
        {
            "number": "123456",
            "profession": {
                "code": "registered-nurse",
                "name": {"sv": "Sjuksköterska", "en": "Registered nurse"},
            },
            "authority": "socialstyrelsen",
            "status": {"code": "active", "name": {"sv": "Giltig", "en": "Active"}},
            "validTo": None,
            "verdict": "yes",
        }
    ],
    "match": "exact",
    "onDate": "2026-11-22",
    "ruleVersion": "2026-11-22",
    "errors": [],
}
RESULTS = {"items": [RESULT], "total": 1, "page": 1, "limit": 100}
CSV_RESULTS = "\ufeffRow;Reference;Result;Verdict\r\n2;1001;found/yes;yes\r\n"
# The first bytes of any workbook: it is a zip file.
XLSX = "PK\u0003\u0004"
