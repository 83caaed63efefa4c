"""The fourth sandbox authority: Inera's HSA, which is asked about one person at a time.

    POST /hsa/GetHospLastUpdate/1/rivtabp21              SOAP, RIV-TA basic profile 2.1
    POST /hsa/GetHospCredentialsForPerson/1/rivtabp21
    GET  /hsa/api/v1/lastUpdate                          JSON, as a proxy for the two gives it
    POST /hsa/api/v1/credentialsForPerson                {"personId": "..."}
    GET  /_sandbox/hsa                                   how it misbehaves, and how often it was asked
    PUT  /_sandbox/hsa                                   {"fault": "flaky"}: answer badly; {"fault": null} ends it

The people are those of the Swedish register, but for protected people and some whom HSA never asked Socialstyrelsen about.
It tells less than the register: no names, no dates, no flag of validity; a revoked licence stands with its code beside its
restriction. It reads questions and writes answers by itself and shares no code with what asks it.
"""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any, Literal, TypeGuard, get_args
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, jsonify, request
from lxml import etree

from indexer.sandbox.errors import SandboxError
from indexer.sandbox.identities import personal_number
from indexer.sandbox.model import SwedishLicence, SwedishPerson
from indexer.sandbox.people import People
from indexer.sandbox.published import Edition, Published
from indexer.sandbox.swedish_register import RESTRICTIONS

CREDENTIALS_PATH = "/hsa/GetHospCredentialsForPerson/1/rivtabp21"
LAST_UPDATE_PATH = "/hsa/GetHospLastUpdate/1/rivtabp21"
JSON_CREDENTIALS_PATH, JSON_LAST_UPDATE_PATH = "/hsa/api/v1/credentialsForPerson", "/hsa/api/v1/lastUpdate"
CONTROL_PATH = "/_sandbox/hsa"
LOGICAL_ADDRESS = "SE165565594230-1000"
# Someone invented, as HSA marks them; older than anyone whom the registers make up.
FEIGNED_NUMBER = personal_number(date(1900, 1, 1), 980)

_DOMAIN = "urn:riv:infrastructure:directory:authorizationmanagement"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_ADDRESSING = "urn:riv:itintegration:registry:1"
_PERSON, _COORDINATION = "1.2.752.129.2.1.3.1", "1.2.752.129.2.1.3.3"
_NOT_ASKED_FOR_EVERY = 7
_ZONE = ZoneInfo("Europe/Stockholm")

HsaFault = Literal[
    "forbidden",
    "unavailable",
    "hanging",
    "flaky",
    "soap-fault",
    "soap-fault-200",
    "page",
    "garbage",
    "cut",
    "empty",
    "two-answers",
    "other-person",
    "moving",
    "going-back",
    "undated",
]
FAULTS: tuple[HsaFault, ...] = get_args(HsaFault)


class HsaFaults:
    """How HSA answers badly at the moment.

    - forbidden, unavailable: 403, 503
    - hanging: `pause_s` seconds pass before an answer
    - flaky: every other question gets 503
    - soap-fault, soap-fault-200: a SOAP Fault, with status 500 or 200
    - page, garbage, cut: a login page, no answer at all, half an answer; with 200
    - empty: it has heard of nobody
    - two-answers: the person's licences in one answer, the rest in another
    - other-person: the answer is about somebody else
    - moving, going-back: the last update is a minute later, or earlier, each time it is asked for
    - undated: the last update is not told
    """

    def __init__(self, pause_s: float = 1.0) -> None:
        self.pause_s = pause_s
        self.now: HsaFault | None = None
        self.questions: list[str] = []

    def set(self, fault: object) -> None:
        """Answer badly from now on; None ends it.

        Raises:
            SandboxError: there is no such fault.
        """
        if fault is not None and not _is_fault(fault):
            raise SandboxError(f"HSA has no fault {fault!r}; it has {', '.join(FAULTS)}.")
        self.now = fault


def _is_fault(fault: object) -> TypeGuard[HsaFault]:
    return fault in FAULTS


class _Directory:
    """The people of the day, by personal identity number: from the first question of a day on, in memory."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._lock = Lock()
        self._edition: Edition | None = None
        self._people: dict[str, SwedishPerson] = {}

    def person(self, number: str) -> SwedishPerson | None:
        """Return whom HSA knows under a number."""
        with self._lock:
            if self._edition is not self._published.now:
                self._edition = self._published.now
                self._people = {
                    person.number: person
                    for person in People(self._edition.plan).swedes()
                    if is_delivered(person)
                }
            return self._people.get(number)

    @property
    def updated_at(self) -> datetime:
        """When HSA last had data, as Swedish time."""
        return self._published.now.registers.published_at.astimezone(_ZONE)

    @property
    def year(self) -> int:
        """The year that dates are laid around."""
        return self._published.now.plan.year


def is_delivered(person: SwedishPerson) -> bool:
    """Tell whether HSA has the person: it must have a number, not be protected, and have been asked for."""
    return bool(person.number) and not person.protected and person.hosp_id % _NOT_ASKED_FOR_EVERY != 0


def hsa(published: Published, faults: HsaFaults) -> Blueprint:
    """Return the routes of both services, in SOAP and JSON, and of their control."""
    routes = Blueprint("hsa", __name__)
    service = _Service(_Directory(published), faults)
    routes.before_request(service.refusal)
    routes.add_url_rule(LAST_UPDATE_PATH, view_func=service.last_update, methods=["POST"])
    routes.add_url_rule(CREDENTIALS_PATH, view_func=service.credentials, methods=["POST"])
    routes.add_url_rule(JSON_LAST_UPDATE_PATH, view_func=service.json_last_update)
    routes.add_url_rule(JSON_CREDENTIALS_PATH, view_func=service.json_credentials, methods=["POST"])
    routes.add_url_rule(CONTROL_PATH, view_func=service.state)
    routes.add_url_rule(CONTROL_PATH, view_func=service.misbehave, methods=["PUT"])
    routes.register_error_handler(_QuestionError, lambda error: _fault(500, f"Client: {error}"))
    return routes


class _Service:
    """Answers questions."""

    def __init__(self, directory: _Directory, faults: HsaFaults) -> None:
        self._directory = directory
        self._faults = faults
        self._asked = count(1)
        self._updates = count(0)

    def refusal(self) -> Response | None:
        """Return an answer that is given instead of any other, or None."""
        if request.path == CONTROL_PATH:
            return None
        self._faults.questions.append(request.path)
        fault = self._faults.now
        if fault == "forbidden":
            return Response("Access is denied", 403, mimetype="text/plain")
        if fault == "unavailable" or (fault == "flaky" and next(self._asked) % 2):
            return Response("Service Temporarily Unavailable", 503, mimetype="text/plain")
        if fault == "hanging":
            time.sleep(self._faults.pause_s)
        return None

    def last_update(self) -> Response:
        """Answer GetHospLastUpdate."""
        _question("GetHospLastUpdate")
        moment = self._moment()
        inner = f"<r:lastUpdate>{moment.isoformat()}</r:lastUpdate>" if moment else ""
        namespace = f"{_DOMAIN}:GetHospLastUpdateResponder:1"
        return _soap(
            f'<r:GetHospLastUpdateResponse xmlns:r="{namespace}">{inner}</r:GetHospLastUpdateResponse>'
        )

    def credentials(self) -> Response:
        """Answer GetHospCredentialsForPerson."""
        number = _question("GetHospCredentialsForPerson")
        if self._faults.now in _SPOILT:
            return _SPOILT[self._faults.now]()
        text = "".join(map(_xml, self._answers(number)))
        return _soap(text[: len(text) // 2] if self._faults.now == "cut" else text)

    def json_last_update(self) -> Response:
        """Answer as a proxy does: its local date and time names no zone."""
        moment = self._moment()
        return jsonify(lastUpdate=moment.replace(tzinfo=None).isoformat() if moment else None)

    def json_credentials(self) -> Response:
        """Answer as a proxy does."""
        if self._faults.now in _SPOILT:
            return _SPOILT[self._faults.now]()
        answers = self._answers(str(request.get_json().get("personId", "")))
        return jsonify(credentials=answers[0] if len(answers) == 1 else answers)

    def state(self) -> Response:
        """Tell how it misbehaves, and how often it was asked."""
        return jsonify(fault=self._faults.now, questions=len(self._faults.questions))

    def misbehave(self) -> Response:
        """Answer badly from now on, or no longer."""
        self._faults.set((request.get_json(force=True, silent=True) or {}).get("fault"))
        return self.state()

    def _moment(self) -> datetime | None:
        if self._faults.now == "undated":
            return None
        minutes = {"moving": 1, "going-back": -1}.get(self._faults.now or "", 0) * next(self._updates)
        return self._directory.updated_at + timedelta(minutes=minutes)

    def _answers(self, number: str) -> list[dict[str, Any]]:
        """Return the answers about a person, as the JSON form has them; an empty one when HSA knows of nobody."""
        person = self._directory.person(number)
        if self._faults.now == "empty" or (person is None and number != FEIGNED_NUMBER):
            return [{}]
        answer = _answer(person, self._directory.year) if person else _FEIGNED
        if self._faults.now == "other-person":
            return [{**answer, "personalIdentityNumber": FEIGNED_NUMBER}]
        if self._faults.now == "two-answers":
            first = {
                name: answer[name] for name in ("personalIdentityNumber", "healthCareProfessionalLicence")
            }
            second = {
                name: value for name, value in answer.items() if name != "healthCareProfessionalLicence"
            }
            return [first, second]
        return [answer]


_FEIGNED: dict[str, Any] = {
    "personalIdentityNumber": FEIGNED_NUMBER,
    "healthCareProfessionalLicence": [
        {"healthCareProfessionalLicenceCode": "LK", "healthCareProfessionalLicenceName": "Läkare"}
    ],
    "feignedPerson": True,
}


class _QuestionError(Exception):
    """The question is not as the contract asks for."""


def _question(contract: str) -> str:
    """Check a question and return the number in it.

    Raises:
        _QuestionError: what is wrong with it.
    """
    namespace = f"{_DOMAIN}:{contract}Responder:1"
    if request.headers.get("SOAPAction") != f'"{namespace}:{contract}"':
        raise _QuestionError("SOAPAction")
    if request.mimetype != "text/xml":
        raise _QuestionError("Content-Type")
    try:
        root = etree.fromstring(request.get_data(), etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise _QuestionError("XML") from error
    if root.findtext(f"{{{_ENVELOPE}}}Header/{{{_ADDRESSING}}}LogicalAddress") != LOGICAL_ADDRESS:
        raise _QuestionError("LogicalAddress")
    asked = root.find(f"{{{_ENVELOPE}}}Body/{{{namespace}}}{contract}")
    if asked is None:
        raise _QuestionError("Body")
    return asked.findtext(f"{{{namespace}}}personalIdentityNumber") or ""


def _answer(person: SwedishPerson, year: int) -> dict[str, Any]:
    # What is neither valid nor restricted is not listed; what is revoked is.
    listed = [licence for licence in person.licences if licence.valid or licence.restrictions]
    answer: dict[str, Any] = {
        "personalIdentityNumber": person.number,
        "healthCareProfessionalLicence": [
            {
                "healthCareProfessionalLicenceCode": licence.code,
                "healthCareProfessionalLicenceName": licence.text,
            }
            for licence in listed
        ],
        "healthCareProfessionalLicenceSpeciality": [
            {
                "healthCareProfessionalLicenceCode": licence.code,
                "specialityCode": speciality.code,
                "specialityName": speciality.text,
            }
            for licence in listed
            for speciality in licence.specialties
        ],
        "healthcareProfessionalLicenseIdentityNumber": str(person.hosp_id),
        "restrictions": [
            {
                "healthCareProfessionalLicenceCode": licence.code,
                "restrictionCode": code,
                "restrictionName": RESTRICTIONS[code],
            }
            for licence in listed
            for code in _in_force(licence, year)
        ],
    }
    if person.prescriber_code:
        answer["personalPrescriptionCode"] = str(person.prescriber_code)
    return answer


def _in_force(licence: SwedishLicence, year: int) -> list[str]:
    return [each.code for each in licence.restrictions if not each.until or int(each.until[:4]) >= year]


# In which of the contract's namespaces the parts of each list stand.
_PARTS = {
    "healthCareProfessionalLicence": "m3",
    "healthCareProfessionalLicenceSpeciality": "m1",
    "restrictions": "m3",
}


def _xml(answer: dict[str, Any]) -> str:
    inner = []
    for name, value in answer.items():
        if name == "personalIdentityNumber":
            root = _COORDINATION if int(value[6:8]) > 60 else _PERSON  # noqa: PLR2004 - 60 is added to the day
            inner.append(
                f"<r:{name}><m1:root>{root}</m1:root><m1:extension>{value}</m1:extension></r:{name}>"
            )
        elif isinstance(value, list):
            prefix = _PARTS[name]
            for entry in value:
                parts = (f"<{prefix}:{part}>{escape(text)}</{prefix}:{part}>" for part, text in entry.items())
                inner.append(f"<r:{name}>{''.join(parts)}</r:{name}>")
        else:
            text = str(value).lower() if isinstance(value, bool) else escape(str(value))
            inner.append(f"<r:{name}>{text}</r:{name}>")
    namespaces = f'xmlns:r="{_DOMAIN}:GetHospCredentialsForPersonResponder:1" xmlns:core="{_DOMAIN}:2"'
    namespaces += "".join(f' xmlns:m{n}="{_DOMAIN}:2.{n}"' for n in (1, 2, 3))
    return f"<r:GetHospCredentialsForPersonResponse {namespaces}>{''.join(inner)}</r:GetHospCredentialsForPersonResponse>"


def _soap(body: str, status: int = 200) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soap:Envelope xmlns:soap="{_ENVELOPE}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    )
    return Response(text, status, mimetype="text/xml")


def _fault(status: int, text: str = "Server: the directory can't be reached") -> Response:
    code, _, reason = text.partition(": ")
    return _soap(
        f"<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{escape(reason)}</faultstring></soap:Fault>",
        status,
    )


# Instead of an answer about a person.
_SPOILT: dict[HsaFault | None, Callable[[], Response]] = {
    "soap-fault": lambda: _fault(500),
    "soap-fault-200": lambda: _fault(200),
    "page": lambda: Response(
        "<!doctype html><title>Log in</title><p>Your session has ended.", mimetype="text/html"
    ),
    "garbage": lambda: Response("\x00\x01 nonsense", mimetype="text/xml"),
}
