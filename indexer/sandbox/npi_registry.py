"""The sandbox's NPI Registry: the API of version 2.1 over the people of the sandbox's NPPES.

As recorded answers have it: errors come with status 200 and `Errors`; `result_count` is that of the page; ten results
unless asked for more, 200 at most, 1,000 skipped at most; a trailing `*` needs two characters; "--" for a prefix or
suffix that is none; numbers as JSON numbers in the older answers, as text in those of today. Deactivated numbers are
not in it. The error numbers 04 and 09 are the API's own; it does not document the others, so they stand as 00 here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from indexer.sandbox.nppes_people import NppesPerson

PATH = "/api/"
_DEFAULT_LIMIT, _MAX_LIMIT, _MAX_SKIP = 10, 200, 1000
_NOT_CRITERIA = frozenset({"version", "limit", "skip", "enumeration_type", "use_first_name_alias", "pretty"})
# Wildcards need so many characters.
_SHORTEST = 2
_NPI_1, _NPI_2 = "NPI-1", "NPI-2"
Spoil = Callable[[int, dict[str, Any]], dict[str, Any] | Response]
"""Given the number of the request, from 1, and its answer; returns what is answered instead."""


@dataclass
class NpiRegistry:
    """The registry's people, and what it has been asked.

    Attributes:
        people: everyone in it, in the order of answers.
        organisations: numbers of organisations, which match every query.
        numbers_as_text: as the API writes numbers today.
        spoil: how it misbehaves.
    """

    people: list[NppesPerson]
    organisations: tuple[str, ...] = ()
    numbers_as_text: bool = True
    spoil: Spoil = lambda _number, answer: answer
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer a query."""
        criteria = {key: value for key, value in query.items() if key not in _NOT_CRITERIA and value}
        limit, skip = int(query.get("limit", _DEFAULT_LIMIT)), int(query.get("skip", 0))
        if query.get("version") != "2.1":
            return _error("00", "Unsupported Version", "version")
        if not criteria and "enumeration_type" in query:
            return _error("09", "enumeration_type requires additional search criteria", "enumeration_type")
        if not criteria or set(criteria) == {"state"}:
            return _error("04", "No valid search criteria provided", "generic")
        if not (1 <= limit <= _MAX_LIMIT and 0 <= skip <= _MAX_SKIP):
            return _error("00", "Value is out of range", "limit" if 0 <= skip <= _MAX_SKIP else "skip")
        for key, value in criteria.items():
            if value.endswith("*") and len(value) - 1 < _SHORTEST:
                return _error("00", "Requires at least two characters before the wildcard", key)
        found = list(self._found(criteria, query.get("enumeration_type", "")))
        page = found[skip : skip + limit]
        return {"result_count": len(page), "results": page}

    def _found(self, criteria: Mapping[str, str], kind: str) -> Iterator[dict[str, Any]]:
        if kind != _NPI_1 and "number" not in criteria:
            yield from (self._organisation(number) for number in self.organisations)
        if kind == _NPI_2:
            return
        for person in self.people:
            if not person.emptied and all(_meets(person, key, value) for key, value in criteria.items()):
                yield self._result(person)

    def _number(self, npi: str) -> str | int:
        return npi if self.numbers_as_text else int(npi)

    def _organisation(self, npi: str) -> dict[str, Any]:
        return {
            "enumeration_type": _NPI_2,
            "number": self._number(npi),
            "basic": {"organization_name": f"CLINIC {npi[-4:]} LLC", "status": "A"},
            "taxonomies": [],
        }

    def _result(self, person: NppesPerson) -> dict[str, Any]:
        basic = {
            "first_name": person.first,
            "last_name": person.last,
            "middle_name": person.middle,
            "credential": person.credential,
            "name_prefix": person.prefix or "--",
            "name_suffix": person.suffix or "--",
            "sole_proprietor": "NO",
            "gender": person.sex,
            "enumeration_date": person.enumerated,
            "last_updated": person.updated,
            "deactivation_date": person.deactivated,
            "reactivation_date": person.reactivated,
            "status": "A",
        }
        address = {
            "country_code": "US",
            "address_1": person.street,
            "address_2": "",
            "city": person.city,
            "state": person.state,
            "postal_code": person.postal_code,
            "telephone_number": person.phone,
        }
        other = person.other
        return {
            "created_epoch": "1116892800000",
            "enumeration_type": _NPI_1,
            "last_updated_epoch": "1537639861000",
            "number": self._number(person.npi),
            "addresses": [{**address, "address_purpose": purpose} for purpose in ("MAILING", "LOCATION")],
            "practiceLocations": [],
            "basic": {key: value for key, value in basic.items() if value},
            "taxonomies": [
                {
                    "code": slot.code,
                    "taxonomy_group": "",
                    "desc": slot.text,
                    "state": slot.state or None,
                    "license": slot.number or None,
                    "primary": slot.primary,
                }
                for slot in person.taxonomies
            ],
            "identifiers": [],
            "endpoints": [],
            "other_names": [
                {
                    "type": {"1": "Former Name", "2": "Professional Name"}.get(other.code, "Other Name"),
                    "code": other.code,
                    "first_name": other.first,
                    "last_name": other.last,
                    "middle_name": other.middle,
                    "prefix": "--",
                    "suffix": "--",
                }
            ]
            if other
            else [],
        }


def _meets(person: NppesPerson, key: str, value: str) -> bool:
    return any(_matches(value, text) for text in _said(person, key))


def _said(person: NppesPerson, key: str) -> Iterable[str]:
    """Return what a search key is compared with."""
    if key == "taxonomy_description":
        return [slot.text for slot in person.taxonomies]
    if key == "last_name":
        return [person.last, *([person.other.last] if person.other else [])]
    return [
        {
            "number": person.npi,
            "first_name": person.first,
            "city": person.city,
            "state": person.state,
            "postal_code": person.postal_code,
            "country_code": "US",
        }.get(key, "")
    ]


def _matches(value: str, text: str) -> bool:
    value, text = value.strip().upper(), text.upper()
    return text.startswith(value[:-1]) if value.endswith("*") else text == value


def _error(number: str, description: str, where: str) -> dict[str, Any]:
    return {"Errors": [{"field": where, "number": number, "description": description}]}


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


@contextmanager
def running(registry: NpiRegistry) -> Iterator[str]:
    """Serve on a free port of this machine for the length of the block, and give the API's address."""
    app = Flask(__name__)

    @app.get(PATH)
    def api() -> Response:
        query = request.args.to_dict()
        registry.asked.append(query)
        answer = registry.spoil(len(registry.asked), registry.answer(query))
        return answer if isinstance(answer, Response) else jsonify(answer)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}{PATH}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
