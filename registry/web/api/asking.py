"""What every question about a person has: a purpose the operator knows, and a form fit for the access log."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import marshmallow as ma

from registry.access.guard import current_caller
from registry.access.log import loggable
from registry.access.purposes import check_stated, stateable
from registry.settings import Access
from registry.web.api.parsing import raise_for_body, raise_for_query


def check_query_purpose(purpose: str, settings: Access, schema: ma.Schema) -> None:
    """Check the query parameter `purpose`.

    Raises:
        InvalidQueryError: the operator does not know it; names those there are.
        PurposeNotAllowedError: the caller may not state it.
    """
    if purpose not in settings.purposes:
        raise_for_query(_messages(settings), schema)
    check_stated(purpose, settings, current_caller())


def check_body_purpose(purpose: str, settings: Access, schema: ma.Schema) -> None:
    """Check the field `purpose` of a body.

    Raises:
        InvalidBodyError: the operator does not know it; names those there are.
        PurposeNotAllowedError: the caller may not state it.
    """
    if purpose not in settings.purposes:
        raise_for_body(_messages(settings), schema)
    check_stated(purpose, settings, current_caller())


def _messages(settings: Access) -> dict[str, list[str]]:
    return {"purpose": [f"Must be one of: {', '.join(stateable(settings))}."]}


def loggable_question(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked as JSON values for the access log.

    Unset values are left out, and everything that may be a personal identity number is masked.
    """
    return {name: _plain(value) for name, value in asked.items() if value not in (None, "", [], ())}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, str):
        return loggable(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
