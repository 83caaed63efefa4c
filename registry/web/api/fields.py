"""Fields of request and answer schemas: camelCase names, strict text, exact dates."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import marshmallow as ma

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})\Z")
_INTEGER = re.compile(r"\d{1,9}\Z")


class CamelCase(ma.Schema):
    """A schema whose JSON names are the camelCase of its field names (DIGG REST profile AME.04, AME.05)."""

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        """Name the field in JSON."""
        first, *rest = field_name.rstrip("_").split("_")
        field_obj.data_key = first + "".join(part.capitalize() for part in rest)


# Resources of schemas that hold no field of the policy themselves: what is about nobody, and what is shown to whoever is shown the
# member that holds it (the name of a status beside its code).
ABOUT_NOBODY = "-"
PART = "*"


class Answer(CamelCase):
    """A schema of answers: clients must expect further members in later versions.

    Attributes:
        resource: what its members are called in the policy of who may see what: `practitioner` and `birthDate` is
            `practitioner.birthDate`. Every schema states one, or ABOUT_NOBODY, or PART (`registry.web.api.shown`); a field with
            `policy` in its metadata is that field instead.
    """

    resource: ClassVar[str] = ""

    class Meta:
        """What the OpenAPI document says about members it does not name: nothing."""

        unknown = ma.EXCLUDE


class Text(ma.fields.String):
    """Text from outside: no control characters or lone surrogates, within a length; spaces at the ends go.

    Databases refuse NUL, and a line break in a name can forge a log line.
    """

    def __init__(self, *, max_length: int, choices: Sequence[str] = (), **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        checks: list[Any] = [ma.validate.Length(min=1, max=max_length)]
        super().__init__(validate=[*checks, *([ma.validate.OneOf(choices)] if choices else [])], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ANN401 - marshmallow
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
            raise ma.ValidationError("Control characters are not allowed.")
        return text


class Day(ma.fields.Date):
    """A whole day, `YYYY-MM-DD`; no other ISO 8601 form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:  # noqa: ANN401, ARG002 - marshmallow
        try:
            if isinstance(value, str) and _DAY.match(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise ma.ValidationError("Write a date as YYYY-MM-DD.")


class Instant(ma.fields.DateTime):
    """A moment as RFC 3339 with its offset, `2026-03-01T12:00:00+01:00` or `Z`; no other ISO 8601 form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:  # noqa: ANN401, ARG002 - marshmallow
        try:
            if isinstance(value, str) and _INSTANT.match(value):
                return datetime.fromisoformat(value)
        except ValueError:
            pass
        raise ma.ValidationError("Write a moment as YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00.")


class Count(ma.fields.Integer):
    """A whole number within bounds, in plain digits."""

    def __init__(self, *, low: int, high: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(validate=ma.validate.Range(min=low, max=high), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ANN401, ARG002 - marshmallow
        if not isinstance(value, str) or not _INTEGER.match(value):
            raise ma.ValidationError("Write a whole number.")
        return int(value)


class Moment(ma.fields.DateTime):
    """A moment as RFC 3339 in UTC with `Z` (DIGG REST profile DOT.02, DOT.04), to the second."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ANN401, ARG002 - marshmallow
        return rfc3339(value) if value is not None else None


def rfc3339(moment: datetime) -> str:
    """Write a moment in UTC to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def about(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schema members
    """Return field metadata: the description in the OpenAPI document, and further JSON Schema members."""
    return {"description": text, **more}


class Bilingual(Answer):
    """The same text in Swedish and English."""

    resource = PART

    sv = ma.fields.String(required=True, metadata=about("Swedish"))
    en = ma.fields.String(required=True, metadata=about("English"))
