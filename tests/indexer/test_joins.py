"""Joining records on exact identifiers, with an audit entry, and parting them again with each half's own history."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from indexer.parting import joins, unjoin
from registry.errors import BadRequestError, NotFoundError
from registry.identifiers import NPI, PERSONAL_IDENTITY_NUMBER
from registry.records import read
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, LicenceFacts, PersonFacts
from tests.support.facts_feed import FactsFeed
from tests.support.world import World, licence, person

ONE, TWO, THREE = "199001019802", "199001029801", "199001039800"


@pytest.fixture
def feed(world: World, tmp_path: Path) -> FactsFeed:
    return FactsFeed(world, tmp_path)


@pytest.fixture
def other(world: World, tmp_path: Path) -> FactsFeed:
    return FactsFeed(world, tmp_path, id="other")


def number(value: str, use: str = "official", system: str = PERSONAL_IDENTITY_NUMBER) -> IdentifierFacts:
    return IdentifierFacts(system=system, value=value, use=use)  # type: ignore[arg-type]


def someone(licence_facts: LicenceFacts, *numbers: IdentifierFacts, name: str = "Ek") -> PersonFacts:
    return person(name, "Liv", identifiers=numbers, licences=[licence_facts])


def groups(world: World) -> list[set[str]]:
    """Licence numbers by practitioner, for those who have any."""
    with world.engine.connect() as connection:
        found = read.practitioners(connection, list(connection.scalars(sa.select(t.practitioner.c.id))))
    sets = [{one.facts.number for one in p.licences} for p in found.values() if p.licences]
    return sorted(sets, key=sorted)


def history(world: World) -> dict[str, list[tuple[str, bool]]]:
    """Licence number -> statuses known, in order, and whether the licence was gone."""
    with world.engine.connect() as connection:
        rows = connection.execute(
            sa.select(t.licence.c.number, t.licence_version.c.facts, t.licence_version.c.gone)
            .join(t.licence, t.licence.c.id == t.licence_version.c.licence_id)
            .order_by(t.licence_version.c.id)
        )
        found: dict[str, list[tuple[str, bool]]] = {}
        for row in rows:
            status = row.facts.split('"status":"')[1].split('"')[0]
            found.setdefault(row.number, []).append((status, row.gone))
    return found


def listed(world: World) -> list[dict[str, Any]]:
    with world.engine.connect() as connection:
        return joins(connection)


def test_a_record_that_shares_a_number_comes_to_the_person_with_an_audit_entry(
    feed: FactsFeed, other: FactsFeed
) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE))})
    report = other.pull({"x": someone(licence("2"), number(ONE), name="Alm")})

    assert groups(feed.world) == [{"1", "2"}]
    (entry,) = listed(feed.world)
    assert (entry["run"], entry["feed"], entry["key"]) == (report.run, "other", "x")
    assert (entry["system"], entry["use"]) == (PERSONAL_IDENTITY_NUMBER, "official")


def test_nobody_is_joined_on_a_name_and_a_birth_date(feed: FactsFeed, other: FactsFeed) -> None:
    same = {"birth_date": "1990-01-01"}
    feed.pull({"a": person("Ek", "Liv", licences=[licence("1")], **same)})
    other.pull({"x": person("Ek", "Liv", licences=[licence("2")], **same)})

    assert groups(feed.world) == [{"1"}, {"2"}]
    assert listed(feed.world) == []


def test_a_former_number_joins_two_people_who_were_known_apart(feed: FactsFeed, other: FactsFeed) -> None:
    """HOSP tidigarePersonId: a coordination number replaced by a personal identity number."""
    feed.pull({"a": someone(licence("1"), number(ONE))})
    other.pull({"x": someone(licence("2"), number(TWO))})
    assert groups(feed.world) == [{"1"}, {"2"}]
    with feed.world.engine.connect() as connection:
        first, second = connection.execute(
            sa.select(t.practitioner.c.id, t.practitioner.c.public_id).order_by(t.practitioner.c.id)
        ).all()

    other.pull({"x": someone(licence("2"), number(TWO), number(ONE, "old"))})

    assert groups(feed.world) == [{"1", "2"}]
    (entry,) = listed(feed.world)
    assert (entry["use"], entry["practitioner"]) == ("old", first.public_id)
    with feed.world.engine.connect() as connection:
        merged = connection.execute(sa.select(t.practitioner).where(t.practitioner.c.id == second.id)).one()
        queue = set(connection.scalars(sa.select(t.outbox.c.practitioner_id)))
    assert merged.merged_into_id == first.id
    assert {first.id, second.id} <= queue, "the documents of both must follow"


def test_a_new_record_that_names_both_numbers_joins_those_who_have_them(
    feed: FactsFeed, other: FactsFeed
) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE)), "b": someone(licence("2"), number(TWO))})
    other.pull({"x": someone(licence("3"), number(ONE), number(TWO, "old"))})

    assert groups(feed.world) == [{"1", "2", "3"}]
    assert len(listed(feed.world)) == 2


def test_records_of_one_batch_join_among_themselves_in_any_order(feed: FactsFeed) -> None:
    feed.pull(
        {
            "a": someone(licence("1"), number(ONE)),
            "b": someone(licence("2"), number(TWO)),
            "c": someone(licence("3"), number(TWO), number(ONE, "old")),
            "d": someone(licence("4"), number(THREE)),
        }
    )
    assert groups(feed.world) == [{"1", "2", "3"}, {"4"}]


def test_a_number_that_two_people_claim_joins_nobody_else(feed: FactsFeed, other: FactsFeed) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE)), "b": someone(licence("2"), number(TWO))})
    joined = other.pull({"x": someone(licence("3"), number(ONE))})
    unjoin(feed.workshop, listed(feed.world)[0]["join"], "two people, one number")
    assert joined.state == "succeeded"
    third = FactsFeed(feed.world, feed.folder, id="third")
    third.pull({"y": someone(licence("4"), number(ONE))})

    assert groups(feed.world) == [{"1"}, {"2"}, {"3"}, {"4"}]


def test_a_join_undone_gives_both_halves_their_own_history_back(feed: FactsFeed, other: FactsFeed) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE))})
    other.pull({"x": someone(licence("2"), number(TWO))})
    other.pull({"x": someone(licence("2", status="suspended"), number(TWO))})
    apart = history(feed.world)
    with feed.world.engine.connect() as connection:
        addresses = connection.execute(sa.select(t.practitioner.c.id, t.practitioner.c.public_id)).all()

    other.pull({"x": someone(licence("2", status="suspended"), number(TWO), number(ONE, "old"))})
    feed.pull({"a": someone(licence("1", status="lapsed"), number(ONE))})
    assert groups(feed.world) == [{"1", "2"}]
    moved = unjoin(feed.workshop, listed(feed.world)[0]["join"], "the authority mixed up two people")

    assert len(moved) == 1
    assert groups(feed.world) == [{"1"}, {"2"}]
    assert history(feed.world) == apart | {"1": [("active", False), ("lapsed", False)]}
    with feed.world.engine.connect() as connection:
        assert (
            connection.execute(sa.select(t.practitioner.c.id, t.practitioner.c.public_id)).all() == addresses
        )
        assert connection.scalars(sa.select(t.practitioner.c.merged_into_id)).all() == [None, None]
    assert listed(feed.world)[0]["reason"] == "the authority mixed up two people"


def test_what_a_person_has_parted_is_not_joined_again_by_itself(feed: FactsFeed, other: FactsFeed) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE))})
    record = someone(licence("2"), number(TWO), number(ONE, "old"))
    other.pull({"x": record})
    unjoin(feed.workshop, listed(feed.world)[0]["join"], "not the same person")

    other.pull({"x": someone(licence("2", status="lapsed"), number(TWO), number(ONE, "old"))})
    other.pull(reread=True)

    assert groups(feed.world) == [{"1"}, {"2"}]


def test_records_that_came_later_go_with_the_half_whose_number_they_share(
    feed: FactsFeed, other: FactsFeed
) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE))})
    other.pull({"x": someone(licence("2"), number(TWO), number(ONE, "old"))})
    third = FactsFeed(feed.world, feed.folder, id="third")
    third.pull({"y": someone(licence("3"), number(TWO)), "z": someone(licence("4"), number(ONE))})
    assert groups(feed.world) == [{"1", "2", "3", "4"}]

    first = next(j for j in listed(feed.world) if j["key"] == "x")
    unjoin(feed.workshop, first["join"], "two people")

    assert groups(feed.world) == [{"1", "4"}, {"2", "3"}]


def test_a_record_whose_number_is_corrected_goes_alone(feed: FactsFeed, other: FactsFeed) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE)), "b": someone(licence("2"), number(TWO))})
    other.pull({"x": someone(licence("3"), number(ONE))})
    assert groups(feed.world) == [{"1", "3"}, {"2"}]

    other.pull({"x": someone(licence("3"), number(TWO))})

    assert groups(feed.world) == [{"1"}, {"2", "3"}]


def test_a_replaced_npi_joins_the_two_records(feed: FactsFeed) -> None:
    feed.pull({"1": someone(licence("1"), number("1234567893", system=NPI))})
    old = number("1234567893", "old", NPI)
    feed.pull(
        {
            "1": someone(licence("1"), number("1234567893", system=NPI)),
            "2": someone(licence("2"), number("1679576722", system=NPI), old),
        }
    )
    assert groups(feed.world) == [{"1", "2"}]


def test_a_join_that_cant_be_undone_says_why(feed: FactsFeed, other: FactsFeed) -> None:
    feed.pull({"a": someone(licence("1"), number(ONE))})
    other.pull({"x": someone(licence("2"), number(ONE))})
    join = listed(feed.world)[0]["join"]
    with pytest.raises(BadRequestError, match="why"):
        unjoin(feed.workshop, join, "  ")
    with pytest.raises(NotFoundError):
        unjoin(feed.workshop, 999, "no such")
    unjoin(feed.workshop, join, "a mistake, said 19900101-9802")
    with pytest.raises(BadRequestError, match="already"):
        unjoin(feed.workshop, join, "again")
    assert "9802" not in listed(feed.world)[0]["reason"]
