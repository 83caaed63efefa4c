"""The policy as data: what is applied to answers never holds more than it shows, whatever the answer holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.masks import MASKS, MaskName, end, initials, year
from registry.access.policy import Audience, Member, NotShownError, Policy, Role, Shape, Sight

PART = Shape("Part", {"code": Member(), "text": Member()})
LICENCE = Shape(
    "Licence", {"number": Member("l.number"), "status": Member("l.status", PART), "note": Member("l.note")}
)
PERSON = Shape(
    "Person",
    {
        "name": Member("p.name"),
        "born": Member("p.born"),
        "licences": Member("p.licences", LICENCE),
        "best": Member("p.best", LICENCE),
        "page": Member(),
    },
)
FIELDS = sorted(PERSON.fields)
MASKED_AS: dict[str, MaskName] = {"p.name": "initials", "p.born": "year", "l.number": "end"}
SIGHTS: tuple[Sight, ...] = ("shown", "masked", "absent")

sights = st.fixed_dictionaries({}, optional={name: st.sampled_from(SIGHTS) for name in FIELDS})
plain = (
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.text(max_size=12)
    | st.sampled_from(["1980-05-03", "RN60123456"])
)
names = st.sampled_from(
    ["name", "born", "licences", "best", "page", "number", "status", "note", "code", "text", "secret"]
)
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)
objects = st.dictionaries(names, anything, max_size=6)


def audience(some: dict[str, Sight]) -> Audience:
    return Audience(some, MASKED_AS)


def leaves(value: object, shape: Shape | None) -> Iterator[tuple[str, object]]:
    """Every plain value with the field it stands under; "?" for what no shape names."""
    for each in value if isinstance(value, list) else [value]:
        for name, item in each.items() if isinstance(each, dict) else ():
            member = shape.members.get(name) if shape else None
            if member is None:
                yield "?", item
            elif member.inside and item is not None:
                yield member.field, None
                yield from leaves(item, member.inside)
            else:
                yield member.field, item


@given(sights, objects)
def test_nothing_is_shown_that_the_policy_does_not_show(
    some: dict[str, Sight], value: dict[str, Any]
) -> None:
    for name, item in leaves(audience(some).show(PERSON, value), PERSON):
        assert name == "" or some[name] in {"shown", "masked"}
        assert not isinstance(item, dict)
        assert not any(isinstance(each, dict | list) for each in (item if isinstance(item, list) else ()))
        if name and some[name] == "masked":
            assert item is None or (isinstance(item, str) and MASKS[MASKED_AS[name]](item) == item)


@given(sights, objects)
def test_showing_twice_is_showing_once_and_changes_nothing_given(
    some: dict[str, Sight], value: dict[str, Any]
) -> None:
    before = repr(value)
    once = audience(some).show(PERSON, value)
    assert audience(some).show(PERSON, once) == once == audience(dict(some)).show(PERSON, value)
    assert repr(value) == before


@given(st.text(max_size=40), st.sampled_from(sorted(MASKS)))
def test_a_mask_gives_the_same_for_its_own_result(text: str, name: MaskName) -> None:
    masked = MASKS[name](text)
    assert masked is None or MASKS[name](masked) == masked


def test_masks_leave_too_little_to_learn_the_value() -> None:
    assert initials("Anna-Lena Lindqvist  Öhman") == "A. L. Ö."
    assert (year("1980-05-03"), year("1980-05"), year("1980"), year("198005039808"), year("")) == (
        *("1980",) * 3,
        None,
        None,
    )
    assert (end("RN60123456"), end("12345"), end("")) == ("…456", "…", "…")


def test_what_everybody_sees_is_as_it_was() -> None:
    value = {
        "name": "Anna",
        "born": None,
        "licences": [{"number": "1", "status": {"code": "a", "text": "A"}, "note": ["x"]}],
        "best": None,
        "page": 1,
    }
    every = audience(dict.fromkeys(FIELDS, "shown"))
    assert every.sees_all(PERSON)
    assert every.show(PERSON, value) == value
    masked = audience({"p.name": "masked", "p.licences": "shown", "l.number": "masked", "l.note": "masked"})
    assert not masked.sees_all(PERSON)
    assert masked.show(PERSON, value) == {"name": "A.", "licences": [{"number": "…"}], "page": 1}


@pytest.mark.parametrize("value", [None, "text", 7])
def test_what_is_no_object_at_all_is_not_let_through(value: object) -> None:
    with pytest.raises(ValueError, match="no Person"):
        audience(dict.fromkeys(FIELDS, "shown")).show(PERSON, value)


def test_who_is_not_shown_a_field_whole_may_not_ask_by_it() -> None:
    some = audience({"p.name": "shown", "p.born": "masked"})
    some.require("p.name")
    with pytest.raises(NotShownError, match=r"not shown l\.number, p\.born, so"):
        some.require("p.name", "p.born", "l.number")


def _policy() -> Policy:
    clerk = Role(
        frozenset({"clerk"}), {"p.name": "masked", "p.born": "shown"}, {"audit": {"p.name": "shown"}}
    )
    guest = Role(frozenset({"guest", "visitor"}), {"p.name": "shown"}, {"audit": {}})
    return Policy(
        {"clerk": clerk, "guest": guest},
        frozenset({"p.name", "p.born"}),
        MASKED_AS,
        frozenset({"audit", "work"}),
    )


@pytest.mark.parametrize(
    ("roles", "purpose", "seen"),
    [
        ({"clerk"}, "work", {"p.name": "masked", "p.born": "shown"}),
        ({"clerk"}, "audit", {"p.name": "shown"}),
        # No purpose, or one that nobody knows: the least of what the role sees for any.
        ({"clerk"}, None, {"p.name": "masked"}),
        ({"clerk"}, "nonsense", {"p.name": "masked"}),
        ({"visitor"}, None, {}),
        # Several roles: what any of them sees for this purpose.
        ({"clerk", "visitor"}, "work", {"p.name": "shown", "p.born": "shown"}),
        ({"clerk", "visitor"}, "audit", {"p.name": "shown"}),
        ({"clerk", "unheard-of"}, "work", {"p.name": "masked", "p.born": "shown"}),
        ({"unheard-of", "Clerk", ""}, "work", {}),
        (set(), "work", {}),
    ],
)
def test_roles_see_what_any_of_them_sees_for_the_purpose(
    roles: set[str], purpose: str | None, seen: dict[str, Sight]
) -> None:
    assert dict(_policy().audience(roles, purpose).sights) == seen


def test_what_callers_claim_can_not_fill_the_memory() -> None:
    policy = _policy()
    for number in range(100):
        policy.audience({f"role-{number}"}, f"purpose-{number}")
    assert len(policy._audiences) == 1
    assert policy.audience({"clerk", "x"}, "work") is policy.audience({"clerk"}, "work")
