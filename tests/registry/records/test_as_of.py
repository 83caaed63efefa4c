"""A person as history tells them: what holds for every history there can be, tried on generated ones."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import get_args
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from registry.dates import earliest, latest
from registry.records.as_of import Look, Past, as_of
from registry.records.facts import LicenceFacts, NameFacts, RestrictionFacts, RestrictionKind, Status
from registry.records.history import LicenceVersion
from registry.records.read import Licence, Practitioner

ZONE = ZoneInfo("Europe/Stockholm")
FIRST = datetime(2024, 1, 1, 3, tzinfo=UTC)
NOW = FIRST + timedelta(days=400)
numbers = count(1)

days = st.dates(date(2023, 11, 1), date(2025, 1, 31)).map(date.isoformat)
maybe = st.one_of(st.none(), days, st.sampled_from(["2023", "2024", "2024-05"]))
# A code of its own for each: none is another one dated anew.
limits = st.builds(
    lambda kind, begins, ends: RestrictionFacts(
        kind=kind, code=str(next(numbers)), valid_from=begins, valid_to=ends
    ),
    st.sampled_from(get_args(RestrictionKind)),
    maybe,
    maybe,
)
facts = st.builds(
    LicenceFacts,
    key=st.just("k"),
    profession=st.sampled_from(["physician", "unknown"]),
    status=st.one_of(st.just("active"), st.sampled_from(get_args(Status))),
    issued=maybe,
    valid_from=maybe,
    valid_to=maybe,
    restrictions=st.lists(limits, max_size=1).map(tuple),
)
learnt = st.lists(
    st.tuples(st.integers(0, 380), facts, st.sampled_from([False, False, False, True]), st.booleans()),
    max_size=5,
    unique_by=lambda one: one[0],
)
Learnt = list[tuple[int, LicenceFacts, bool, bool]]
looks = st.tuples(st.integers(-30, 399), st.integers(0, 400))


def history(told: Learnt) -> list[LicenceVersion]:
    """Versions of one licence as runs brought them; some of the runs were rolled back ten days later."""
    begun = [
        (FIRST + timedelta(days=day), what, gone, undone)
        for day, what, gone, undone in sorted(told, key=lambda one: one[0])
    ]
    return [
        LicenceVersion(
            licence_id=1,
            feed_id="f",
            authority_id="a",
            run_id=number,
            known_from=began,
            known_to=begun[number + 1][0] if number + 1 < len(begun) else None,
            gone=gone,
            # The last version of all is never one that was rolled back: the rollback has brought another.
            undone=undone and number + 1 < len(begun),
            facts=what,
            told_from=began + timedelta(minutes=5),
            undone_at=began + timedelta(days=10) if undone and number + 1 < len(begun) else None,
            source_record_id=1,
        )
        for number, (began, what, gone, undone) in enumerate(begun)
    ]


def someone(**rest: object) -> Practitioner:
    made = Practitioner(7, "p7", None, False, None, False, "", 1, (NameFacts(family="Ek"),), (), ())
    return replace(made, **rest)  # type: ignore[arg-type]


def seen(versions: list[LicenceVersion], look: Look, person: Practitioner | None = None) -> list[Licence]:
    past = Past({7: versions}, {}, {})
    return list(as_of(person or someone(), past, look).licences)


def looking(where: tuple[int, int], *pulls: datetime) -> Look:
    """A day and a moment of knowledge that is not before it."""
    day, known = where
    at = FIRST + timedelta(days=max(day, known), hours=9)
    return Look((FIRST + timedelta(days=day)).date(), at, ZONE, {"f": pulls}, earlier=True)


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def visible(versions: list[LicenceVersion], look: Look) -> list[LicenceVersion]:
    return [
        one
        for one in versions
        if one.first_told <= look.known and not (one.undone_at and one.undone_at <= look.known)
    ]


@given(learnt, looks)
def test_what_was_told_later_never_matters(told: Learnt, where: tuple[int, int]) -> None:
    versions, look = history(told), looking(where)
    before = [
        replace(one, undone_at=None) if one.undone_at and one.undone_at > look.known else one
        for one in versions
        if one.first_told <= look.known
    ]
    if not [one for one in versions if one.first_told > look.known]:
        before = versions
    known = [replace(one, known_to=None) if one is before[-1] else one for one in before]

    def shown(licences: list[Licence]) -> list[Licence]:
        return [replace(one, known_to=None) for one in licences]

    assert shown(seen(versions, look)) == shown(seen(known, look))


@given(learnt, looks)
def test_nothing_known_is_nothing_said(told: Learnt, where: tuple[int, int]) -> None:
    versions, look = history(told), looking(where)
    assert bool(seen(versions, look)) == bool(visible(versions, look))


@given(learnt, looks)
def test_on_the_last_day_that_is_known_the_facts_are_those_known(
    told: Learnt, where: tuple[int, int]
) -> None:
    versions = history(told)
    look = looking(where)
    look = replace(look, on=day_of(look.known))
    for one in seen(versions, look):
        last = visible(versions, look)[-1]
        assert (one.facts, one.gone, one.known_since) == (last.facts, last.gone, last.known_from)


@given(learnt, looks)
def test_a_licence_that_was_not_known_on_the_day_is_learnt_later(
    told: Learnt, where: tuple[int, int]
) -> None:
    versions, look = history(told), looking(where)
    for one in seen(versions, look):
        stood = [each for each in visible(versions, look) if day_of(each.known_from) <= look.on]
        if not stood:
            assert day_of(one.known_since) > look.on
        elif day_of(one.known_since) <= look.on:
            # An ending that is dated before the day counts, whenever it was learnt; no other status than that of the day does.
            ended = {each.facts.status for each in visible(versions, look)}
            assert one.facts.status == stood[-1].facts.status or one.facts.status in ended - {"active"}
            assert one.gone == stood[-1].gone


@given(learnt, looks)
def test_a_dated_restriction_that_covers_the_day_is_never_lost(told: Learnt, where: tuple[int, int]) -> None:
    versions, look = history(told), looking(where)
    there = visible(versions, look)
    stood = [place for place, each in enumerate(there) if day_of(each.known_from) <= look.on]
    for one in seen(versions, look):
        for each in there[stood[-1] if stood else 0 :]:
            if look.on >= day_of(look.known) and each is not there[-1]:
                continue
            for limit in each.facts.restrictions:
                begun = limit.valid_from is not None and look.on >= latest(limit.valid_from)
                running = limit.valid_to is None or look.on <= earliest(limit.valid_to)
                if begun and running:
                    assert limit in one.facts.restrictions
                    assert limit not in one.doubtful


@given(learnt, looks, st.lists(st.integers(0, 400), max_size=6))
def test_what_no_longer_stands_was_told_before_it_ended(
    told: Learnt, where: tuple[int, int], pulled: list[int]
) -> None:
    versions, look = history(told), looking(where)
    pulls = [FIRST + timedelta(days=day, hours=1) for day in sorted(pulled)]
    look = replace(look, pulls={"f": [one for one in pulls if one <= look.known]})
    for one in seen(versions, look):
        if one.confirmed_at is None:
            continue
        there = visible(versions, look)
        [place] = [i for i, each in enumerate(there) if each.known_from == one.known_since]
        assert (
            there[place].first_told
            <= one.confirmed_at
            < max(there[place + 1].known_from, one.confirmed_at + timedelta(1))
        )
        assert one.confirmed_at <= look.known


def known(status: Status, day: int = 0) -> list[LicenceVersion]:
    return history([(day, LicenceFacts(key="k", profession="physician", status=status), False, False)])


def death(versions: list[LicenceVersion], deaths: dict[int, datetime], **rest: bool) -> tuple[bool, bool]:
    look = Look(date(2024, 2, 1), datetime(2024, 2, 1, 9, tzinfo=UTC), ZONE, {}, **{"earlier": True, **rest})
    found = as_of(someone(deceased=True), Past({7: versions}, {}, deaths), look)
    return found.deceased, found.perhaps_deceased


def test_a_death_that_was_not_known_then_does_not_count() -> None:
    later = {7: datetime(2024, 3, 1, tzinfo=UTC)}
    before = {7: datetime(2024, 1, 20, tzinfo=UTC)}
    assert death(known("active"), later) == (False, False)
    assert death(known("deceased"), later) == (True, False)
    assert death(known("active"), before) == (True, False)
    # Whether it was known beside a licence that had ended before can't be told.
    assert death(known("lapsed"), later) == (False, True)
    # With the knowledge of now it counts.
    assert death(known("active"), later, earlier=False) == (True, False)
