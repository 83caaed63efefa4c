"""What holds of every answer about the past, whatever the history."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from registry.dates import earliest, latest
from registry.records.as_of import Look, Past, as_of
from registry.records.facts import LicenceFacts, RestrictionFacts
from registry.records.history import LicenceVersion
from registry.verification.reasons import Asked, Basis
from registry.verification.situation import Moment
from registry.verification.verdict import Verdict, verdict
from tests.registry.records.test_as_of import (
    FIRST,
    ZONE,
    Learnt,
    day_of,
    history,
    learnt,
    looking,
    looks,
    maybe,
    someone,
    visible,
)
from tests.registry.verification.people import feed, rule_book, vocabulary

pulled = st.lists(st.integers(0, 400), max_size=6)


def answered(versions: list[LicenceVersion], look: Look) -> Verdict:
    person = as_of(someone(), Past({7: versions}, {}, {}), look)
    source = feed("f", authority_id="a", last_success_at=look.known, max_age_hours=24 * 30)
    moment = Moment(look.on, look.known, look.zone, earlier=True)
    basis = Basis({"f": source}, rule_book().on(look.on), vocabulary(), {"f": FIRST})
    return verdict(person, Asked(moment), basis)


@given(learnt, looks, pulled)
def test_a_yes_rests_on_what_stood_on_the_day_and_on_nothing_told_against_it(
    told: Learnt, where: tuple[int, int], days: list[int]
) -> None:
    versions = history(told)
    look = looking(where, *(FIRST + timedelta(days=day) for day in sorted(days)))
    if answered(versions, look).answer != "yes":
        return
    there = visible(versions, look)
    stood = [place for place, each in enumerate(there) if day_of(each.known_from) <= look.on]
    assert stood
    since = there[stood[-1] :] if look.on < day_of(look.known) else there[-1:]
    assert (since[0].facts.status, since[0].gone) == ("active", False)
    for each in since:
        for limit in each.facts.restrictions:
            begins = limit.valid_from is None or look.on >= earliest(limit.valid_from)
            ended = limit.valid_to is not None and look.on > latest(limit.valid_to)
            assert not begins or ended


@given(learnt, looks)
def test_what_is_learnt_now_does_not_change_what_was_answered_then(
    told: Learnt, where: tuple[int, int]
) -> None:
    look = looking(where)
    versions = history(told)
    before = [one for one in told if FIRST + timedelta(days=one[0], minutes=5) <= look.known]
    if len(before) == len(told) or any(one.undone_at for one in versions):
        return
    assert answered(versions, look).answer == answered(history(before), look).answer


RESTRICTED = st.builds(
    lambda kind, begins, ends: RestrictionFacts(kind=kind, code="1", valid_from=begins, valid_to=ends),
    st.sampled_from(["revoked", "probation"]),
    maybe,
    maybe,
)
RESTRICTIONS = st.lists(st.lists(RESTRICTED, max_size=2).map(tuple), min_size=2, max_size=5)


@given(RESTRICTIONS, st.integers(1, 4), st.integers(0, 390))
def test_restrictions_learnt_later_never_turn_a_past_no_or_ask_into_a_yes(
    lists: list[tuple[RestrictionFacts, ...]], known: int, day: int
) -> None:
    """The licence's status and term are the same all along; but for a restriction whose own end is learnt later."""
    known = min(known, len(lists) - 1)
    day = min(day, 70 * known - 2)  # a list that was known by the day is no later one
    begun = {(one.kind, one.valid_from) for some in lists[:known] for one in some if one.valid_from}
    if any((one.kind, one.valid_from) in begun for some in lists[known:] for one in some):
        return
    facts = [
        LicenceFacts(key="k", profession="physician", status="active", issued="2020", restrictions=some)
        for some in lists
    ]
    told = [(70 * place, each, False, False) for place, each in enumerate(facts)]
    look = looking((day, 400), *(FIRST + timedelta(days=n) for n in range(0, 400, 10)))
    before = answered(history(told[:known]), look).answer
    assert before == "yes" or answered(history(told), look).answer != "yes"


@given(learnt, looks)
def test_before_the_registry_knew_anything_it_neither_says_yes_nor_invents_a_no(
    told: Learnt, where: tuple[int, int]
) -> None:
    look = looking(where)
    versions = history(told)
    found = answered(versions, look)
    codes = [reason.code for reason in found.reasons]
    if not visible(versions, look):
        assert (found.answer, codes[0]) == ("ask", "not-known-then")
    if look.on < FIRST.astimezone(ZONE).date():
        assert found.answer != "yes"
        assert "before-first-knowledge" in codes
