"""Answers of a FHIR server, as the specification and real servers write them."""

from collections.abc import Sequence
from typing import Any

import orjson

from tests.indexer.feeds.source import Answer

Json = dict[str, Any]
NOON = "2024-05-01T12:00:00.500Z"


def practitioner(key: str, family: str = "Doe", version: str = "", at: str = "") -> Json:
    meta = {"versionId": version} if version else {}
    meta |= {"lastUpdated": at} if at else {}
    return {
        "resourceType": "Practitioner",
        "id": key,
        "name": [{"family": family}],
        **({"meta": meta} if meta else {}),
    }


def match(key: str, **more: str) -> Json:
    return {"resource": practitioner(key, **more), "search": {"mode": "match"}}


def outcome(severity: str, code: str = "processing") -> Json:
    issue = [None, {"severity": severity, "code": code, "diagnostics": "19800101-9804 is wrong"}]
    return {"resourceType": "OperationOutcome", "issue": issue}


def deleted(reference: str, etag: str = "", at: str = "") -> Json:
    told = {"etag": etag} if etag else {}
    told |= {"lastModified": at} if at else {}
    return {
        "request": {"method": "DELETE", "url": reference},
        **({"response": {"status": "204", **told}} if told else {}),
    }


def changed(key: str, **more: str) -> Json:
    return {
        "resource": practitioner(key, **more),
        "request": {"method": "PUT", "url": f"Practitioner/{key}"},
    }


def page(
    *entries: Json | None, kind: str = "searchset", following: str = "", at: str = NOON, **more: object
) -> Answer:
    """Answer with a Bundle; `following` is the address of the next page."""
    links: list[Json | None] = [None, {"relation": "self", "url": "https://internal.example/Practitioner"}]
    links += [{"relation": "next", "url": following}] if following else []
    bundle: Json = {"resourceType": "Bundle", "type": kind, "link": links, "entry": list(entries)}
    bundle |= {"meta": {"lastUpdated": at}} if at else {}
    return Answer(orjson.dumps(bundle | more), headers={"Content-Type": "application/fhir+json"})


def history(*entries: Json | None, **more: Any) -> Answer:  # noqa: ANN401 - keywords of `page`
    return page(*entries, kind="history", **more)


def lines(data: bytes) -> list[Json]:
    """Read NDJSON."""
    return [orjson.loads(line) for line in data.splitlines()]


def keys(parts: Sequence[Any]) -> list[str]:
    """Return what a spool tells of, a deleted record with a minus before it."""
    found = []
    for resource in (line for part in parts for line in lines(part.read_bytes())):
        if resource["resourceType"] == "Bundle":
            found += ["-" + entry["request"]["url"].rpartition("/")[2] for entry in resource["entry"]]
        else:
            found.append(resource["id"])
    return found
