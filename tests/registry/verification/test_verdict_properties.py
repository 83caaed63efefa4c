"""What holds for every person there can be, tried on generated ones."""

from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from registry.records.facts import LicenceFacts, RestrictionFacts, RestrictionKind, Status
from registry.records.read import Licence, Practitioner
from registry.verification.reasons import Asked, Basis
from registry.verification.situation import situation
from registry.verification.verdict import licence_verdict, verdict
from tests.registry.verification.people import TODAY, asked, basis, feed, person

# Days close to each other and to today, so that orders, overlaps and equal days all come up.
days = st.dates(date(2026, 10, 28), date(2026, 12, 2)).map(date.isoformat)
partial = st.one_of(days, st.sampled_from(["2024", "2026", "2026-11", "2027"]))
maybe = st.one_of(st.none(), partial)
professions = st.sampled_from(["physician", "registered-nurse", "unknown"])
restrictions = st.builds(
    RestrictionFacts, kind=st.sampled_from(get_args(RestrictionKind)), valid_from=maybe, valid_to=maybe
)
facts = st.builds(
    LicenceFacts,
    key=st.just("k"),
    number=st.sampled_from(["N1", "N2", ""]),
    jurisdiction=st.sampled_from(["", "X"]),
    profession=professions,
    raw_profession=st.just("LK"),
    status=st.one_of(st.just("active"), st.sampled_from(get_args(Status))),
    issued=maybe,
    valid_from=maybe,
    valid_to=maybe,
    restrictions=st.lists(restrictions, max_size=2).map(tuple),
)


def _licence(
    number: int, given_facts: LicenceFacts, feed_id: str, *, gone: bool, known: datetime, held: bool = False
) -> Licence:
    return Licence(number, given_facts, feed_id, f"{feed_id}-authority", gone, known, held)


licences = st.builds(
    _licence,
    st.integers(1, 99),
    facts,
    st.sampled_from(["hosp", "wa"]),
    gone=st.sampled_from([False, False, True]),
    known=st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC)]),
    held=st.sampled_from([False, False, False, True]),
)
people = st.builds(
    lambda held, deceased, day: person(*held, deceased=deceased, deceased_date=day),
    st.lists(licences, max_size=4, unique_by=lambda licence: licence.id),
    st.sampled_from([False, False, False, True]),
    st.one_of(st.none(), st.none(), partial),
)
questions = st.builds(
    asked,
    st.one_of(st.just(TODAY), st.dates(date(2026, 10, 20), TODAY)),
    profession=st.one_of(st.none(), st.sampled_from(["physician", "registered-nurse"])),
    authority=st.sampled_from([None, None, "hosp-authority"]),
    number=st.sampled_from([None, None, "N1"]),
    certain=st.booleans(),
)
grounds = st.sampled_from(
    [
        basis(),
        basis(feed(), feed("wa", pulled_hours_ago=90)),
        basis(feed(), feed("wa", completeness="active_only")),
        basis(feed()),
    ]
)


def with_restriction(someone: Practitioner, licence: Licence, added: RestrictionFacts) -> Practitioner:
    changed = msgspec.structs.replace(licence.facts, restrictions=(*licence.facts.restrictions, added))
    return replace(
        someone,
        licences=tuple(
            replace(each, facts=changed) if each.id == licence.id else each for each in someone.licences
        ),
    )


@given(people, questions, grounds)
def test_never_yes_while_any_licence_of_the_person_is_revoked_on_the_day(
    someone: Practitioner, question: Asked, ground: Basis
) -> None:
    found = verdict(someone, question, ground)
    for licence in someone.licences:
        there = situation(someone, licence, ground.feeds.get(licence.feed_id), question.moment)
        if any(each.facts.kind == "revoked" and each.time == "in-force" for each in there.restrictions):
            assert found.answer != "yes"


@given(people, questions, grounds)
def test_yes_only_for_an_active_licence_in_force_that_was_asked_about(
    someone: Practitioner, question: Asked, ground: Basis
) -> None:
    found = verdict(someone, question, ground)
    if found.answer != "yes":
        return
    standing = [each.licence for each in found.licences if each.relevant and each.answer == "yes"]
    assert standing
    for licence in standing:
        there = situation(someone, licence, ground.feeds.get(licence.feed_id), question.moment)
        assert (there.person, there.record, there.status, there.start, there.end) == (
            "alive",
            "present",
            "active",
            "begun",
            "running",
        )
        assert (there.feed, there.knowledge, there.change) == ("fresh", "known-then", "none")
        assert question.profession in {None, licence.facts.profession}
        assert question.authority in {None, licence.authority_id}


@given(people, questions, grounds)
def test_never_yes_and_never_no_on_a_licence_with_something_that_waits(
    someone: Practitioner, question: Asked, ground: Basis
) -> None:
    found = verdict(someone, question, ground)
    if any(each.relevant and each.licence.held for each in found.licences):
        assert found.answer == "ask"
    if found.answer == "no":
        standing = [each for each in found.licences if each.relevant]
        held = [
            each
            for each in found.licences
            if each.licence.held and question.authority in {None, each.licence.authority_id}
        ]
        # Without a licence that was asked about, a no rests on all that the authority holds, or on a death.
        assert standing or not held or found.reasons[0].nature == "death"


@given(people, questions, grounds)
def test_what_one_feed_tells_against_the_person_another_feeds_silence_does_not_undo(
    someone: Practitioner, question: Asked, ground: Basis
) -> None:
    found = verdict(someone, question, ground)
    if found.answer != "yes":
        return
    for licence in someone.licences:
        there = situation(someone, licence, ground.feeds.get(licence.feed_id), question.moment)
        assert there.status not in {"restricted", "suspended", "revoked", "surrendered"}
        assert all(each.time == "later" for each in there.restrictions)


@given(people, questions, grounds)
def test_never_yes_while_another_authority_of_the_place_tells_the_profession_otherwise(
    someone: Practitioner, question: Asked, ground: Basis
) -> None:
    found = verdict(someone, question, ground)
    if found.answer != "yes":
        return
    standing = {
        (each.licence.facts.profession, each.licence.facts.jurisdiction)
        for each in found.licences
        if each.relevant and each.answer == "yes"
    }
    for each in found.licences:
        facts = each.licence.facts
        if facts.jurisdiction and (facts.profession, facts.jurisdiction) in standing and each.answer != "yes":
            # It is set aside by one of its own authority, or is a list's mere silence.
            beside = [
                other
                for other in found.licences
                if other.answer == "yes"
                and (
                    other.licence.authority_id,
                    other.licence.facts.profession,
                    other.licence.facts.jurisdiction,
                )
                == (each.licence.authority_id, facts.profession, facts.jurisdiction)
            ]
            feed = ground.feeds.get(each.licence.feed_id)
            silence = each.silent and feed is not None and feed.completeness == "active_only"
            assert (each.gives_way and beside) or silence


@given(people, questions, grounds, restrictions, st.data())
def test_one_more_restriction_never_makes_a_yes(
    someone: Practitioner, question: Asked, ground: Basis, added: RestrictionFacts, data: st.DataObject
) -> None:
    if not someone.licences:
        return
    licence = data.draw(st.sampled_from(someone.licences))
    if verdict(someone, question, ground).answer != "yes":
        assert verdict(with_restriction(someone, licence, added), question, ground).answer != "yes"


@given(people, questions, grounds, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter_and_the_same_question_gets_the_same_answer(
    someone: Practitioner, question: Asked, ground: Basis, random: Random
) -> None:
    shuffled = list(someone.licences)
    random.shuffle(shuffled)
    assert verdict(replace(someone, licences=tuple(shuffled)), question, ground) == verdict(
        someone, question, ground
    )


@given(people, questions, grounds)
def test_every_answer_has_a_reason_that_speaks_for_it_and_full_texts(
    someone: Practitioner, question: Asked, ground: Basis
) -> None:
    found = verdict(someone, question, ground)
    assert found.reasons[0].answer == found.answer
    for reason in found.reasons:
        assert reason.sv
        assert reason.en
        assert "{" not in reason.sv + reason.en


@given(licences, questions, grounds)
def test_a_licence_is_judged_alike_alone_and_among_others(
    licence: Licence, question: Asked, ground: Basis
) -> None:
    someone = person(licence)
    alone = licence_verdict(someone, licence, question.moment, ground)
    listed = verdict(someone, question, ground).licences[0]
    assert (alone.answer, alone.reasons) == (listed.answer, listed.reasons)
