"""Answers of the API with what their caller may see of them: the policy (`registry.access.policy`) over the answer schemas."""

from collections.abc import Iterable
from functools import cache

import marshmallow as ma
import orjson
from flask import Flask, Response, current_app, g

from registry.access.guard import current_caller
from registry.access.policy import Audience, Member, Policy, Shape
from registry.errors import SettingsError
from registry.web.api.fields import ABOUT_NOBODY, PART, Answer

_POLICY = "registry-policy"
# The role of the policy that everybody has towards their own record, and the purpose of looking at it.
_THEMSELVES, _OWN_RECORD = "staff", "own-record"
# Plain values. Anything else could hold an object whose members nothing names.
_PLAIN = (ma.fields.String, ma.fields.Number, ma.fields.Boolean, ma.fields.DateTime, ma.fields.Date)


def shape_of(schema: ma.Schema) -> Shape:
    """Return the shape of a schema's answers.

    Raises:
        TypeError: it, or a schema in it, does not say what it is for the policy, or holds what no schema describes.
    """
    return _shape(type(schema))


@cache
def _shape(schema: type[ma.Schema]) -> Shape:
    if not (issubclass(schema, Answer) and schema.resource):
        raise TypeError(f"{schema.__name__} must be an Answer that states its `resource`.")
    members = {}
    for name, one in schema().dump_fields.items():
        nested = one.inner if isinstance(one, ma.fields.List) else one
        inside = _shape(type(nested.schema)) if isinstance(nested, ma.fields.Nested) else None
        if inside is None and not isinstance(nested, _PLAIN):
            raise TypeError(f"{schema.__name__}.{name} is no plain value; describe it by a schema.")
        key = one.data_key or name
        named = "" if schema.resource in {ABOUT_NOBODY, PART} else f"{schema.resource}.{key}"
        members[key] = Member(one.metadata.get("policy", named), inside)
    return Shape(schema.__name__, members)


def use_policy(app: Flask, policy: Policy, shapes: Iterable[Shape]) -> None:
    """Answer by a policy.

    Raises:
        SettingsError: it says nothing of a field that answers have, or something of one that none has.
    """
    told = frozenset[str]().union(*(shape.fields for shape in shapes))
    if missing := sorted(told - policy.fields):
        raise SettingsError(
            f"The policy says nothing of {', '.join(missing)}; write each in the `fields` of one of its [groups.*]."
        )
    if unknown := sorted(policy.fields - told):
        raise SettingsError(
            f"The policy names {', '.join(unknown)}, which no answer has; take each out of its [groups.*], or write it as "
            "config/policy.toml does."
        )
    app.extensions[_POLICY] = policy


def audience() -> Audience:
    """Return what the caller of the current request may see, for the purpose that the request states."""
    policy: Policy = current_app.extensions[_POLICY]
    return policy.audience(current_caller().roles, g.get("registry_purpose"))


def own_audience() -> Audience:
    """Return what somebody may see of what is about themselves: as the policy's role `staff`, whatever their roles are."""
    policy: Policy = current_app.extensions[_POLICY]
    return policy.as_role(_THEMSELVES, _OWN_RECORD)


def narrowed(response: Response, shape: Shape) -> Response:
    """Leave in an answer what its caller may see.

    Raises:
        ValueError: the answer is not of this shape; nothing is sent then.
    """
    if not shape.fields:
        return response
    mine = audience()
    # The usual case: nothing is read and written again for whoever sees everything. Tests hold these answers against the
    # OpenAPI document, so that they have no member that the policy does not know.
    if not mine.sees_all(shape):
        response.set_data(orjson.dumps(mine.show(shape, orjson.loads(response.get_data()))))
    return response
