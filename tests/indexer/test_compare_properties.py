"""Whatever SQL says and whatever has befallen the index: a comparison tells exactly that, and its repair ends it."""

import os
from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from indexer.publish import publish
from registry.database import writing
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search import IndexEngine
from registry.search.document import Operation, document_id, licence_key, person_key
from tests.indexer.damage import BODY, counts, hasty, in_index, is_right, look, move_on, truth
from tests.support.publishing import quiet
from tests.support.world import World, licence, person

EXAMPLES = 300 if os.environ.get("REGISTRY_TEST_SOAK") else 12
_PERSON = st.tuples(
    st.integers(0, 2), st.sets(st.integers(1, 3)), st.integers(0, 9).map(lambda roll: roll == 0)
)
Drawn = dict[int, tuple[int, set[int], bool]]
REGISTER = st.dictionaries(st.integers(0, 9), _PERSON, max_size=10)
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(
            ("lost", "lost ahead", "newer", "moved on", "alien", "undead", "falsified", "forgotten")
        ),
        st.integers(0, 40),
    ),
    max_size=6,
)


@dataclass
class Example:
    """A register, a later one that is not published, and what befalls the index."""

    before: Drawn
    after: Drawn
    damage: list[tuple[str, int]]
    full: bool
    buckets: int


EXAMPLE = st.builds(
    Example, REGISTER, REGISTER, DAMAGE, full=st.booleans(), buckets=st.sampled_from((1, 7, 2000))
)


def register(drawn: Drawn) -> dict[str, PersonFacts]:
    return {
        str(n): person(
            "Ek", f"Liv{name}", licences=[licence(f"{n}{k}", key=str(k)) for k in held], protected=hidden
        )
        for n, (name, held, hidden) in drawn.items()
    }


def befall(world: World, index: IndexEngine, kind: str, which: int) -> None:
    """Let one thing happen to the index, or to SQL behind the outbox's back."""
    right, owners = truth(world), owner_of(world)
    if kind == "alien":
        version = max((one.version for one in right.values()), default=1)
        index.bulk([Operation(licence_key(2**40) + which, version, dict(BODY))])
        return
    keys = sorted(owners.keys() - right.keys() if kind == "undead" else right)
    if not keys:
        return
    key = keys[which % len(keys)]
    if kind == "undead":
        # A document of a licence or person that SQL knows and does not want.
        index.bulk([Operation(key, 2**30 + which, dict(BODY))])
    elif kind == "moved on":
        move_on(world, [owners[key]])
    elif kind == "forgotten":
        with writing(world.engine).begin() as connection:
            theirs = t.outbox.c.practitioner_id == owners[key]
            connection.execute(sa.delete(t.outbox).where(theirs))
    else:
        index.bulk([_changed(right[key], kind, which)])


def _changed(one: Operation, kind: str, which: int) -> Operation:
    newer = one.version + which
    return {
        "lost": Operation(one.key, one.version, None),
        "lost ahead": Operation(one.key, newer, None),
        "newer": Operation(one.key, newer, one.body),
        "falsified": Operation(one.key, one.version, {**(one.body or {}), "name_order": "z"}),
    }[kind]


def owner_of(world: World) -> dict[int, int]:
    """Whose each document is or was, of all that SQL knows."""
    with world.engine.connect() as connection:
        licences = connection.execute(sa.select(t.licence.c.id, t.licence.c.practitioner_id)).all()
        people = list(connection.scalars(sa.select(t.practitioner.c.id)))
    return {licence_key(one): person for one, person in licences} | {person_key(one): one for one in people}


def judged(world: World, index: IndexEngine, *, full: bool) -> dict[int, str]:
    """Judge every document one by one: the same question, asked of other parts of the house."""
    with world.engine.connect() as connection:
        row = t.outbox.c
        live = connection.execute(sa.select(row.practitioner_id, row.document_key).where(~row.dead)).all()
    people = {person for person, _ in live if person}
    strays = {key for _, key in live if key is not None}
    owners, wanted, held = owner_of(world), truth(world), in_index(index)
    found: dict[int, str] = {}
    for key in wanted.keys() | held.keys():
        right, have = wanted.get(key), held.get(key)
        if right and have and right.version == have[0]:
            if right.stored == have[1] or not full or owners[key] in people:
                continue
            kind = "stale"
        else:
            kind = "extra" if not right else "stale" if have else "missing"
        under_way = owners.get(key) in people or key in strays
        found[key] = "pending" if under_way else kind
    return found


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # Each example goes on with the house that the one before has left, so that none can be tried again smaller.
    phases=(Phase.generate,),
)
@given(example=EXAMPLE)
def test_any_damage_is_told_exactly_and_repaired(house: World, index: IndexEngine, example: Example) -> None:
    full = example.full
    chosen = hasty(house, compare_buckets=example.buckets, compare_rounds=1)
    house.load(register(example.before))
    publish(house.engine, index, house.settings, quiet)
    # What this changes waits in the outbox.
    house.load(register(example.after))
    for kind, which in example.damage:
        befall(house, index, kind, which)
    expected = judged(house, index, full=full)
    told = Counter(expected.values())

    found = look(house, index, full=full, repair=True, settings=chosen)

    assert counts(found) == (told["missing"], told["extra"], told["stale"])
    assert found.pending == told["pending"]
    assert found.repaired == told["missing"] + told["extra"] + told["stale"]
    assert found.expected == len(truth(house))
    for kind, names in found.examples.items():
        assert set(names) == {document_id(key) for key, told_as in expected.items() if told_as == kind}
    for _ in range(2):
        # What was pending may have hidden a deletion with a higher version; only a second look can know.
        publish(house.engine, index, house.settings, quiet)
        look(house, index, full=True, repair=True, settings=chosen)
    publish(house.engine, index, house.settings, quiet)
    last = look(house, index, full=True, settings=chosen)
    assert (last.differs, last.pending) == (False, 0)
    assert is_right(house, index)
