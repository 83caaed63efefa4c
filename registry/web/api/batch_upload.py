"""A staff list as it comes over HTTP: JSON, CSV or XLSX as the body itself, or a form with a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import marshmallow as ma
import msgspec
from flask import request
from werkzeug.datastructures import FileStorage

from registry.access.guard import current_caller
from registry.access.purposes import check_stated
from registry.checks import quota
from registry.checks.desk import Desk
from registry.checks.idempotency import Claim
from registry.checks.lists import answers, handling
from registry.checks.lists.columns import mapped, recognise, rows_below
from registry.checks.lists.errors import ListTooLargeError
from registry.checks.lists.fields import FIELDS
from registry.checks.lists.files import MEDIA_TYPES
from registry.checks.lists.handling import Sent, StaffList
from registry.checks.lists.reading import Row, cleaned, read_table
from registry.checks.one import claim_key, freeing
from registry.checks.quota import QuotaState
from registry.errors import FieldError, InvalidBodyError
from registry.records.read import feeds as read_feeds
from registry.struct_types import ready
from registry.verification.question import MAX_NAME
from registry.vocabulary import UNKNOWN
from registry.web.api.batch_schemas import BatchQuestionSchema, SendQuerySchema
from registry.web.api.parsing import MEDIA_TYPE, pointer, raise_for_body, raise_for_query, read_object
from registry.web.problems import UnsupportedMediaTypeError

Values = dict[str, Any]
QUERY = SendQuerySchema()
_HEAD = BatchQuestionSchema(exclude=("rows",))
_FORM = "multipart/form-data"
FILES = (MEDIA_TYPES["csv"], MEDIA_TYPES["xlsx"])
_MAX_TEXT = 4 * MAX_NAME


@ready
class _JsonRow(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A row as JSON; its texts are looked at with the row, like cells of a spreadsheet."""

    licence_number: str | None = None
    personal_identity_number: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    birth_date: str | None = None
    profession: str | None = None
    authority: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A list that was taken in, and what is left of the quota that its rows were taken from."""

    found: StaffList
    quotas: tuple[QuotaState, ...]


def received(desk: Desk, query: Mapping[str, Any], request_id: str) -> Received:
    """Take in the list of the current request; one sent again with its Idempotency-Key is the list that there is.

    Args:
        desk: where it is kept.
        query: the query string, loaded.
        request_id: the id that logs and the answer carry.

    Raises:
        RegistryError: it can't be taken in; says what to do.
    """
    caller = current_caller()
    header = request.headers.get("Idempotency-Key")
    held = None
    if header is not None:
        held = claim_key(desk, caller, operation="send staff list", header=header, body=_fingerprint(query))
    if isinstance(held, str):
        quotas = quota.take(desk.access, desk.settings.checks, caller, "list-rows", 0)
        return Received(answers.current(desk, caller, held), quotas)
    with freeing(desk, held):
        return taken_in(desk, _read(desk, query), request_id, held=held)


def _fingerprint(query: Mapping[str, Any]) -> Values:
    """Return what tells one request from another; the border between the parts of a form is another each time."""
    told: Values = {"type": request.mimetype, "query": {name: str(value) for name, value in query.items()}}
    if request.mimetype == _FORM:
        files = request.files.items(multi=True)
        return {
            **told,
            "form": request.form.to_dict(flat=False),
            "files": [_digest_of(*one) for one in files],
        }
    # Read once more when the key is found to be new.
    return {**told, "body": sha256(request.get_data(cache=True)).hexdigest()}


def _digest_of(field: str, file: FileStorage) -> tuple[str, str, str]:
    digest = sha256(file.stream.read()).hexdigest()
    file.stream.seek(0)
    return field, file.filename or "", digest


def _read(desk: Desk, query: Mapping[str, Any]) -> Sent:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaTypeError("Send the body without Content-Encoding.")
    if request.mimetype == MEDIA_TYPE:
        if query:
            raise_for_query({next(iter(query)): ["With a JSON body everything stands in the body."]}, QUERY)
        return _from_json(desk)
    if request.mimetype == _FORM:
        if query:
            raise_for_query({next(iter(query)): ["With a form everything stands in the form."]}, QUERY)
        return _from_form(desk)
    if request.mimetype in FILES:
        if "purpose" not in query:
            raise_for_query({"purpose": ["Missing data for required field."]}, QUERY)
        return _from_file(desk, request.get_data(cache=False), query)
    raise UnsupportedMediaTypeError(
        f"Send the list as {MEDIA_TYPE}, {', '.join(FILES)} or {_FORM} with the file in the field `file`."
    )


def taken_in(desk: Desk, sent: Sent, request_id: str, *, held: Claim | None = None) -> Received:
    """Check what holds for the whole list, take its rows from the quota, and put it in the queue.

    Raises:
        RegistryError: the purpose may not be stated, the quota is used up, or too many lists wait.
    """
    caller = current_caller()
    check_stated(sent.purpose, desk.settings.access, caller)
    left: list[QuotaState] = []

    def allow(rows: int) -> None:
        left.extend(quota.take(desk.access, desk.settings.checks, caller, "list-rows", rows))

    found = handling.send(desk, caller, sent, request_id, allow=allow, held=held)
    return Received(found, tuple(left))


def _from_json(desk: Desk) -> Sent:
    if request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaTypeError("Send JSON in UTF-8.")
    body = read_object(request.get_data(cache=False))
    rows = body.pop("rows", None)
    try:
        head = _HEAD.load(body)
    except ma.ValidationError as error:
        raise_for_body(error.messages, _HEAD)
    return Sent(
        **_common(desk, head, in_body=True),
        headers=FIELDS,
        columns={field: place for place, field in enumerate(FIELDS)},
        rows=_json_rows(rows, desk.settings.checks.lists.max_rows),
    )


def _json_rows(rows: Any, limit: int) -> list[Row]:  # noqa: ANN401 - any JSON
    if isinstance(rows, list) and len(rows) > limit:
        raise ListTooLargeError(f"The list may have {limit} rows at most. Send it in parts.")
    try:
        read = msgspec.convert(rows, list[_JsonRow])
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at ")
        # The place holds only numbers and names of fields that there are.
        at = (
            where.strip("`")
            .removeprefix("$")
            .replace("[...]", "/*")
            .replace("[", "/")
            .replace("]", "")
            .replace(".", "/")
        )
        detail = "There is no such field in a row." if "unknown field" in said else f"{said}."
        raise InvalidBodyError(
            "Wrong field in rows. See errors.", [FieldError(pointer("rows") + at, detail)]
        ) from error
    found = []
    for number, row in enumerate(read, start=1):
        cells = [cleaned(getattr(row, name) or "") for name in row.__struct_fields__]
        if any(len(cell) > _MAX_TEXT for cell in cells):
            detail = f"A text may have {_MAX_TEXT} characters at most."
            raise InvalidBodyError(
                "A text is too long.", [FieldError(pointer("rows", str(number - 1)), detail)]
            )
        found.append((number, cells))
    return found


def _from_form(desk: Desk) -> Sent:
    names = {field.data_key or name: name for name, field in QUERY.load_fields.items()}
    given: dict[str, Any] = {}
    for name, values in request.form.lists():
        if name != "columns" and len(values) > 1:
            raise_for_body({name: ["Give this field once only."]}, QUERY)
        given[name] = values if name == "columns" else values[0]
    if unknown := given.keys() - names.keys():
        raise_for_body(
            {next(iter(unknown)): [f"There is no such field. Known: file, {', '.join(names)}."]}, QUERY
        )
    if "purpose" not in given:
        raise_for_body({"purpose": ["Missing data for required field."]}, QUERY)
    if list(request.files) != ["file"] or len(request.files.getlist("file")) > 1:
        raise_for_body({"file": ["Send one file, in the field `file`."]}, QUERY)
    try:
        said = QUERY.load({name: value for name, value in given.items() if value})
    except ma.ValidationError as error:
        raise_for_body(error.messages, QUERY)
    file = request.files["file"]
    said.setdefault("file_name", file.filename or "")
    return _from_file(desk, file.read(), said, in_body=True)


def _from_file(desk: Desk, data: bytes, said: Mapping[str, Any], *, in_body: bool = False) -> Sent:
    table = read_table(data, desk.settings.checks.lists)
    given = {}
    for one in said.get("columns", []):
        field, equals, header = one.partition("=")
        if not equals:
            (raise_for_body if in_body else raise_for_query)({"columns": ["Write field=header."]}, QUERY)
        given[field] = header
    found = recognise(table, given.values())
    return Sent(
        **_common(desk, said, in_body=in_body),
        file_name=said.get("file_name", ""),
        headers=found.headers,
        columns=mapped(found, given),
        recognised=found,
        rows=rows_below(table, found),
    )


def _common(desk: Desk, said: Mapping[str, Any], *, in_body: bool) -> dict[str, Any]:
    """Check what holds for every row, so that not every row fails of it."""
    refuse = raise_for_body if in_body else raise_for_query
    profession, authority, on_date = (
        said.get("profession", ""),
        said.get("authority", ""),
        said.get("on_date"),
    )
    code = desk.vocabulary.find_profession(profession) if profession else ""
    if code is None or code == UNKNOWN:
        refuse(
            {"profession": ["There is no such profession; use a code or name that the search facets list."]},
            QUERY,
        )
    if authority:
        with desk.truth.connect() as connection:
            known = sorted({feed.authority_id for feed in read_feeds(connection).values()})
        if authority not in known:
            refuse({"authority": [f"Must be one of: {', '.join(known) or '–'}."]}, QUERY)
    if on_date and on_date > desk.today():
        refuse({"onDate": ["The date may not be after today."]}, QUERY)
    known_at = said.get("known_at")
    if known_at and known_at > desk.now():
        refuse({"knownAt": ["The moment may not be in the future."]}, QUERY)
    return {
        "purpose": said["purpose"],
        "reference": said.get("reference", ""),
        "profession": code or "",
        "authority": authority,
        "on_date": on_date,
        "known_at": known_at,
    }
