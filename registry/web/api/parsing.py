"""Reading requests strictly: every unknown, repeated or ill-typed parameter or field is named, never guessed at."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import flask
import marshmallow as ma
from webargs.flaskparser import FlaskParser

from registry.errors import FieldError, InvalidBodyError
from registry.identifiers import mask_personal_numbers
from registry.web.problems import InvalidJsonError, InvalidQueryError, UnsupportedMediaTypeError

MEDIA_TYPE = "application/json"
# marshmallow's own text for a name that the schema does not have.
_UNKNOWN = str(ma.Schema().error_messages["unknown"])
_MAX_NAME = 100
# Errors told at most: a body of junk keys needs no essay.
MAX_ERRORS = 20


class StrictParser(FlaskParser):
    """Parses query strings and JSON bodies for marshmallow schemas and raises our own errors."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE}  # noqa: RUF012 - as in the base class

    def load_querystring(self, req: flask.Request, schema: ma.Schema) -> dict[str, Any]:
        """Return query parameters as a dict: lists for list fields, one value for the others."""
        lists = {f.data_key or n for n, f in schema.load_fields.items() if isinstance(f, ma.fields.List)}
        found: dict[str, Any] = {}
        for name, values in req.args.lists():
            if name not in lists and len(values) > 1:
                raise ma.ValidationError({name: ["Give this parameter once only."]})
            found[name] = values if name in lists else values[0]
        return found

    def load_json(self, req: flask.Request, schema: ma.Schema) -> Any:  # noqa: ANN401, ARG002 - any JSON
        """Return the body as JSON.

        Raises:
            UnsupportedMediaTypeError: it is not declared as JSON, or is compressed.
            InvalidJsonError: it is no JSON object in UTF-8, or a member stands twice.
        """
        charset = req.mimetype_params.get("charset", "utf-8").lower()
        if req.mimetype != MEDIA_TYPE or charset != "utf-8":
            raise UnsupportedMediaTypeError("Send the body as Content-Type: application/json in UTF-8.")
        if req.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaTypeError("Send the body without Content-Encoding.")
        return read_object(req.get_data(cache=True))

    def handle_error(
        self,
        error: ma.ValidationError,
        req: flask.Request,  # noqa: ARG002 - as in the base class
        schema: ma.Schema,
        *,
        error_status_code: int | None,  # noqa: ARG002 - as in the base class
        error_headers: Mapping[str, str] | None,  # noqa: ARG002 - as in the base class
    ) -> NoReturn:
        """Raise what marshmallow found as the error of the location it was found in."""
        messages = error.messages
        assert isinstance(messages, dict), "webargs groups messages by location"
        if "query" in messages:
            raise_for_query(messages["query"], schema)
        raise_for_body(messages.get("json", {}), schema)


def read_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object (RFC 8259) in UTF-8 whose members each stand once.

    Raises:
        InvalidJsonError: it is not that.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJsonError(
            "The body must be one JSON object in UTF-8, with each member given once."
        ) from error
    if not isinstance(value, dict):
        raise InvalidJsonError("The body must be a JSON object.")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # Which of two would count differs from reader to reader, and so would what a proxy has checked.
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def raise_for_query(messages: Any, schema: ma.Schema) -> NoReturn:  # noqa: ANN401 - marshmallow's messages
    """Raise the error that names each wrong query parameter.

    Raises:
        InvalidQueryError: always.
    """
    errors = [
        {"parameter": _repeatable(path[0] if path else ""), "detail": _say(text, schema)}
        for path, text in _flat(messages)
    ]
    raise InvalidQueryError(
        _sentence("parameter", [e["parameter"] for e in errors]), errors=errors[:MAX_ERRORS]
    )


def raise_for_body(messages: Any, schema: ma.Schema) -> NoReturn:  # noqa: ANN401 - marshmallow's messages
    """Raise the error that points at each wrong field.

    Raises:
        InvalidBodyError: always.
    """
    errors = [FieldError(pointer(*path), _say(text, schema)) for path, text in _flat(messages)]
    raise InvalidBodyError(_sentence("field", [e.pointer for e in errors]), errors[:MAX_ERRORS])


def pointer(*path: str) -> str:
    """Return a JSON Pointer (RFC 6901) without anything that may be a personal identity number."""
    return "".join("/" + _repeatable(part).replace("~", "~0").replace("/", "~1") for part in path)


def _repeatable(name: str) -> str:
    """Return a name from outside as it may be sent back: valid Unicode, no personal identity number, not endless."""
    return mask_personal_numbers(name.encode("utf-8", "replace").decode())[:_MAX_NAME]


def _flat(messages: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - see above
    if isinstance(messages, dict):
        return [
            item
            for key, value in messages.items()
            for item in _flat(value, path if key == ma.exceptions.SCHEMA else (*path, str(key)))
        ]
    return [(path, str(text)) for text in (messages if isinstance(messages, list) else [messages])]


def _say(text: str, schema: ma.Schema) -> str:
    if text == _UNKNOWN:
        known = sorted(f.data_key or n for n, f in schema.load_fields.items())
        return f"There is no such name here. Known: {', '.join(known)}."
    return text


def _sentence(what: str, names: list[str]) -> str:
    listed = ", ".join(sorted(set(names))[:MAX_ERRORS])
    return f"Wrong {what}{'s' if len(set(names)) > 1 else ''}: {listed or '(the whole)'}. See errors."
