"""Who may see what: `config/policy.toml` as data, and the one function that leaves out what a caller may not see.

A field is named by its resource and its name in the API (`practitioner.birthDate`); the shape of an answer says which field
each of its members is. For a caller's roles and the purpose stated, `Policy.audience` gives what each field is: shown, masked
or absent; `Audience.show` then makes of an answer one that holds no more. Both are pure, and fail closed: a role, field, purpose
or member that nobody knows is absent.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from registry.access.masks import MASKS, MaskName
from registry.errors import ForbiddenError

Sight = Literal["shown", "masked", "absent"]
ORDER: Mapping[Sight, int] = {"absent": 0, "masked": 1, "shown": 2}
_LEFT_OUT = object()


class NotShownError(ForbiddenError):
    """The caller's role is not shown what the question is about, so it may not be asked, filtered or sorted by it."""

    slug = "not-shown"
    title = "Your role is not shown what this asks about"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A member of an answer.

    Attributes:
        field: the field of the policy that it is; "" for what is shown to whoever is shown the whole.
        inside: what it holds, if that is an object or a list of objects.
    """

    field: str = ""
    inside: "Shape | None" = None


@dataclass(frozen=True, eq=False)
class Shape:
    """What an object in answers is made of.

    Attributes:
        name: of its schema, for messages.
        members: by their names in JSON.
    """

    name: str
    members: Mapping[str, Member]

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field of the policy that stands in it, however deep."""
        return frozenset(self._fields())

    def _fields(self) -> Iterator[str]:
        for member in self.members.values():
            if member.field:
                yield member.field
            if member.inside:
                yield from member.inside.fields


@dataclass(frozen=True, eq=False)
class Audience:
    """What somebody may see: made once for the same roles and purpose.

    Attributes:
        sights: of the fields that are not absent.
        masks: how a field is masked.
    """

    sights: Mapping[str, Sight]
    masks: Mapping[str, MaskName]
    _whole: dict[Shape, bool] = field(default_factory=dict, init=False, repr=False)

    def sight(self, name: str) -> Sight:
        """Tell what a field is; one that nobody knows is absent."""
        return self.sights.get(name, "absent")

    def sees_all(self, shape: Shape) -> bool:
        """Tell whether every field in a shape is shown."""
        known = self._whole.get(shape)
        if known is None:
            known = self._whole[shape] = all(self.sight(each) == "shown" for each in shape.fields)
        return known

    def require(self, *names: str) -> None:
        """Check that fields are shown, before somebody finds, narrows or orders by them.

        Raises:
            NotShownError: one is masked or absent: an answer would tell of it by who is in it, or in what order.
        """
        hidden = sorted(each for each in names if self.sight(each) != "shown")
        if hidden:
            raise NotShownError(
                f"For this purpose your role is not shown {', '.join(hidden)}, so it can't be asked about either. Leave it out of "
                "the question, or ask the operator which role may ask it."
            )

    def show(self, shape: Shape, value: Any) -> Any:  # noqa: ANN401 - JSON values
        """Return an answer with what may be seen of it: absent members are left out, masked ones are masked.

        Args:
            shape: of the answer.
            value: an object of this shape, or a list of such, as JSON values; it is not changed.

        Raises:
            ValueError: it is neither.
        """
        shown = self._inside(shape, value)
        if shown is _LEFT_OUT or shown is None:
            raise ValueError(f"What was answered is no {shape.name}.")
        return shown

    def _inside(self, shape: Shape, value: Any) -> Any:  # noqa: ANN401 - JSON values
        if value is None:
            return None
        if isinstance(value, list):
            several = [self._inside(shape, each) for each in value if isinstance(each, dict)]
            return [each for each in several if each is not _LEFT_OUT]
        if not isinstance(value, dict):
            return _LEFT_OUT
        shown: dict[str, Any] = {}
        for name, item in value.items():
            member = shape.members.get(name)
            seen = _LEFT_OUT if member is None else self._member(member, item)
            if seen is not _LEFT_OUT:
                shown[name] = seen
        return shown

    def _member(self, member: Member, value: Any) -> Any:  # noqa: ANN401 - JSON values
        sight: Sight = self.sight(member.field) if member.field else "shown"
        if sight == "absent":
            return _LEFT_OUT
        if sight == "masked":
            return self._masked(member, value)
        return self._inside(member.inside, value) if member.inside else _plain(value)

    def _masked(self, member: Member, value: Any) -> Any:  # noqa: ANN401 - JSON values
        """Mask a text. Nothing else has a mask, so that of nothing else anything is shown."""
        mask = self.masks.get(member.field)
        if value is None and mask:
            return None
        masked = MASKS[mask](value) if mask and isinstance(value, str) else None
        return _LEFT_OUT if masked is None else masked


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Return a value that the shape says is plain, or a list of such; an object in its place is nothing we know."""
    if isinstance(value, list):
        return [each for each in value if not isinstance(each, dict | list)]
    return _LEFT_OUT if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True)
class Role:
    """What one role sees.

    Attributes:
        claims: what identity providers call it.
        usual: each field under a purpose that has nothing of its own.
        under: each field under a purpose that differs.
    """

    claims: frozenset[str]
    usual: Mapping[str, Sight]
    under: Mapping[str, Mapping[str, Sight]]

    def sight(self, name: str, purpose: str | None) -> Sight:
        """Tell what a field is for a purpose; for none that is known, the least of what it is for any."""
        if purpose is not None:
            return self.under.get(purpose, self.usual).get(name, "absent")
        every = [self.usual, *self.under.values()]
        return min((sights.get(name, "absent") for sights in every), key=ORDER.__getitem__)


@dataclass(frozen=True, eq=False)
class Policy:
    """The whole policy, checked (`registry.access.policy_file` reads it).

    Attributes:
        roles: by name.
        fields: every field that there is.
        masks: how a field is masked.
        purposes: those that questions may state.
    """

    roles: Mapping[str, Role]
    fields: frozenset[str]
    masks: Mapping[str, MaskName]
    purposes: frozenset[str]
    _audiences: dict[tuple[frozenset[str], str | None], Audience] = field(
        default_factory=dict, init=False, repr=False
    )

    def audience(self, claimed: Collection[str], purpose: str | None) -> Audience:
        """Return what somebody with these roles may see.

        With several roles they see what any of them sees: who is an employer's, and staff too, does not see less for it. Each
        role counts under the purpose stated. With no role that the policy knows they see nothing.

        Args:
            claimed: roles as the identity provider tells them; others than the policy's say nothing.
            purpose: as stated; None, or one that nobody knows: the least of what a role sees for any purpose.
        """
        mine = frozenset(name for name, role in self.roles.items() if not role.claims.isdisjoint(claimed))
        stated = purpose if purpose in self.purposes else None
        # Few: by the policy's own roles and purposes, whatever callers claim.
        known = self._audiences.get((mine, stated))
        if known is None:
            known = self._audiences[mine, stated] = self._made(mine, stated)
        return known

    def as_role(self, name: str, purpose: str) -> Audience:
        """Return what the role with this name sees, whatever roles somebody has; nothing if there is no such role."""
        role = self.roles.get(name)
        return self.audience(role.claims if role else (), purpose)

    def _made(self, mine: Collection[str], purpose: str | None) -> Audience:
        sights: dict[str, Sight] = {}
        for name in self.fields if mine else ():
            most = max((self.roles[role].sight(name, purpose) for role in mine), key=ORDER.__getitem__)
            if most != "absent":
                sights[name] = most
        return Audience(sights, self.masks)
