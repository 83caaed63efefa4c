"""Rows that a feed should not hold, but real ones do: each kind must end in quarantine and harm no other row.

A broken row is made from a person of its own, so nobody good is lost by it.
"""

from collections.abc import Callable
from typing import Any

import orjson
from msgspec.structs import replace

from indexer.sandbox import formats
from indexer.sandbox.model import Provider, SwedishPerson, WashingtonPerson
from indexer.sandbox.washington_register import ACTIVE

# What is left of a letter when bytes were decoded wrongly and written again.
REPLACEMENT = "�"


def _spoilt(name: str) -> str:
    return f"{name[0]}{REPLACEMENT}{name[1:]}"


def _without_hosp_id(person: SwedishPerson) -> str:
    head, _, tail = formats.hosp_person(person).partition("</hospId>")
    return head.partition("<hospId>")[0] + tail


def _impossible_birth_date(person: SwedishPerson) -> str:
    return formats.hosp_person(replace(person, born="1985-13-45"))


def _wrong_check_digit(person: SwedishPerson) -> str:
    number = person.number
    return formats.hosp_person(replace(person, number=f"{number[:-1]}{(int(number[-1]) + 1) % 10}"))


def _letters_in_number(person: SwedishPerson) -> str:
    return formats.hosp_person(replace(person, number=f"{person.number[:8]}TF{person.number[10:]}"))


def _spoilt_swede(person: SwedishPerson) -> str:
    return formats.hosp_person(replace(person, family=_spoilt(person.family)))


def _protected_without_hosp_id(person: SwedishPerson) -> str:
    """Return what the contract lists for a protected person, to the letter: it does not list the hospId."""
    return _without_hosp_id(replace(person, protected=True))


HOSP: dict[str, Callable[[SwedishPerson], str]] = {
    "no-hosp-id": _without_hosp_id,
    "impossible-birth-date": _impossible_birth_date,
    "wrong-check-digit": _wrong_check_digit,
    "letters-in-number": _letters_in_number,
    "spoilt-encoding": _spoilt_swede,
    "protected-without-hosp-id": _protected_without_hosp_id,
}


def hosp(kind: str, person: SwedishPerson) -> str:
    """Return a person element broken in that way, and in no other."""
    licence = replace(person.licences[0], valid=True, restrictions=())
    number = person.number or "199001019802"
    return HOSP[kind](
        replace(person, protected=False, deceased=False, deceased_on="", number=number, licences=(licence,))
    )


def _row(person: WashingtonPerson, **changes: str) -> dict[str, Any]:
    credential = replace(person.credentials[0], status=ACTIVE)
    return {**formats.washington_row(person, credential), **changes}


def _both(row: dict[str, Any]) -> tuple[bytes, str]:
    return orjson.dumps(formats.socrata_json(row)), formats.socrata_csv(row)


def _without_number(person: WashingtonPerson) -> tuple[bytes, str]:
    return _both(_row(person, credentialnumber=""))


def _impossible_expiry(person: WashingtonPerson) -> tuple[bytes, str]:
    return _both(_row(person, expirationdate="2026-02-31"))


def _spoilt_washingtonian(person: WashingtonPerson) -> tuple[bytes, str]:
    return _both(_row(person, lastname=_spoilt(person.family)))


def _wrong_type(person: WashingtonPerson) -> tuple[bytes, str]:
    """JSON: an array where a row's object belongs. CSV can't say that; there the line has a column too many."""
    row = _row(person)
    return orjson.dumps(list(row.values())), formats.socrata_csv(row)[:-1] + ",surplus\n"


WASHINGTON: dict[str, Callable[[WashingtonPerson], tuple[bytes, str]]] = {
    "no-credential-number": _without_number,
    "impossible-expiration-date": _impossible_expiry,
    "wrong-type": _wrong_type,
    "spoilt-encoding": _spoilt_washingtonian,
}


def washington(kind: str, person: WashingtonPerson) -> tuple[bytes, str]:
    """Return one row broken in that way, as JSON and as a CSV line."""
    return WASHINGTON[kind](person)


def _cut(resource: dict[str, Any]) -> bytes:
    line = orjson.dumps(resource)
    return line[: len(line) // 2]


def _with(**changes: object) -> Callable[[dict[str, Any]], bytes]:
    def broken(resource: dict[str, Any]) -> bytes:
        changed = {**resource, **changes}
        return orjson.dumps({key: value for key, value in changed.items() if value is not None})

    return broken


def _spoilt_resource(resource: dict[str, Any]) -> bytes:
    names = [{"use": "official", "family": f"San{REPLACEMENT}tos", "given": ["Maria"]}]
    return orjson.dumps({**resource, "name": names})


FHIR: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "cut-line": _cut,
    "no-resource-type": _with(resourceType=None),
    "no-id": _with(id=None, identifier=None),
    "name-of-wrong-type": _with(name="MARIA SANTOS"),
    "impossible-birth-date": _with(birthDate="1985-13-45"),
    "spoilt-encoding": _spoilt_resource,
}


def fhir(kind: str, person: Provider) -> bytes:
    """Return one NDJSON line, without its line end, broken in that way."""
    return FHIR[kind](formats.practitioner(replace(person, active=True)))
