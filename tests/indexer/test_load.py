"""One run of a feed into SQL truth, on both databases."""

from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa

from indexer.feeds import BadRow, SourceRow
from indexer.guard import FeedRejectedError
from registry.identifiers import NPI, PERSONAL_IDENTITY_NUMBER
from registry.records import read
from registry.records import tables as t
from registry.records.facts import (
    IdentifierFacts,
    LicenceFacts,
    PersonFacts,
    RestrictionFacts,
    SpecialtyFacts,
)
from tests.support.world import World, licence, person, source_rows

TOLVAN = IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value="191212121212")


def only_practitioner(world: World) -> read.Practitioner:
    with world.engine.connect() as connection:
        [number] = connection.scalars(sa.select(t.practitioner.c.id))
        return read.practitioners(connection, [number])[number]


def versions(world: World) -> list[LicenceFacts]:
    with world.engine.connect() as connection:
        facts = connection.scalars(sa.select(t.licence_version.c.facts).order_by(t.licence_version.c.id))
        return [msgspec.json.decode(text, type=LicenceFacts) for text in facts]


def test_every_fact_of_a_record_is_read_back(world: World) -> None:
    full = person(
        "Åkesson-Björk",
        "Maja",
        "Lovisa",
        licences=[
            licence(
                "104711",
                jurisdiction="SE",
                raw_profession="SJ",
                raw_profession_text="Sjuksköterska",
                raw_status="giltigLegitimation=true",
                issued="2011-06",
                valid_from="2011",
                valid_to="2031-12-31",
                specialties=(
                    SpecialtyFacts(
                        code="32", system="urn:oid:1.2", text="Klinisk fysiologi", valid_from="2015"
                    ),
                ),
                restrictions=(
                    RestrictionFacts(kind="probation", code="002", text="Prövotid", valid_from="2024-01-01"),
                ),
            )
        ],
        birth_date="1912-12-12",
        identifiers=(TOLVAN, IdentifierFacts(system=NPI, value="1234567893")),
        county="Västra Götaland",
    )
    counts = world.load({"a": full})

    found = only_practitioner(world)
    assert (counts.read, counts.added, counts.changed) == (1, 1, 0)
    assert [(n.family, n.given) for n in found.names] == [("Åkesson-Björk", ("Maja", "Lovisa"))]
    assert [row.facts for row in found.licences] == list(full.licences)
    assert (found.birth_date, found.county, found.protected) == ("1912-12-12", "Västra Götaland", False)
    assert {i.system: i.value for i in found.identifiers} == {
        PERSONAL_IDENTITY_NUMBER: None,
        NPI: "1234567893",
    }


def test_a_personal_identity_number_stands_nowhere_in_plain(world: World) -> None:
    world.load({"a": person("Tolvan", "Test", identifiers=(TOLVAN,))})

    with world.engine.connect() as connection:
        for table in t.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                assert b"191212121212" not in repr(tuple(row)).encode()
        assert len(read.ids_by_personal_number(connection, world.sealer, "191212121212")) == 1


def test_the_same_records_again_write_nothing(world: World) -> None:
    people = {
        "a": person("Ek", "Liv", licences=[licence("1")]),
        "b": person("Alm", "Bo", licences=[licence("2")]),
    }
    world.load(people)
    before = {
        table.name: world.count(table) for table in t.metadata.sorted_tables if table.name != "feed_run"
    }

    counts = world.load(people)

    after = {table.name: world.count(table) for table in t.metadata.sorted_tables if table.name != "feed_run"}
    assert (counts.unchanged, counts.added, counts.changed) == (2, 0, 0)
    assert after == before


def test_a_changed_licence_gets_a_version_and_the_old_one_an_end(world: World) -> None:
    world.load({"a": person("Ek", "Liv", licences=[licence("1")])})
    world.load({"a": person("Ek", "Liv", licences=[licence("1", status="suspended")])})

    with world.engine.connect() as connection:
        rows = connection.execute(sa.select(t.licence_version).order_by(t.licence_version.c.id)).all()
    assert [facts.status for facts in versions(world)] == ["active", "suspended"]
    assert rows[0].known_to_run_id == rows[1].known_from_run_id
    assert rows[1].known_to_run_id is None
    assert only_practitioner(world).licences[0].facts.status == "suspended"


def test_a_new_name_alone_writes_no_licence_version(world: World) -> None:
    world.load({"a": person("Ek", "Liv", licences=[licence("1")])})
    version = only_practitioner(world).version
    counts = world.load({"a": person("Ekman", "Liv", licences=[licence("1")])})

    found = only_practitioner(world)
    assert counts.changed == 1
    assert world.count(t.licence_version) == 1
    assert found.names[0].family == "Ekman"
    assert found.version > version


def test_a_licence_that_a_record_drops_is_kept_as_gone_and_comes_back(world: World) -> None:
    nurse, midwife = licence("1", key="SJ"), licence("1", key="BM", profession="midwife")
    world.load({"a": person("Ek", "Liv", licences=[nurse, midwife])})
    world.load({"a": person("Ek", "Liv", licences=[nurse])})
    gone = {row.facts.key: row.gone for row in only_practitioner(world).licences}
    world.load({"a": person("Ek", "Liv", licences=[nurse, midwife])})

    assert gone == {"SJ": False, "BM": True}
    assert {row.facts.key: row.gone for row in only_practitioner(world).licences} == {
        "SJ": False,
        "BM": False,
    }
    assert world.count(t.licence_version) == 4


def test_a_record_absent_from_a_snapshot_is_gone_but_from_a_delta_it_is_not(world: World) -> None:
    people = {str(n): person("Ek", f"Liv{n}", licences=[licence(str(n))]) for n in range(30)}
    world.load(people)
    one_less = {key: facts for key, facts in people.items() if key != "7"}

    assert world.load(one_less, snapshot=False).removed == 0
    assert world.load(one_less).removed == 1
    assert world.count(t.licence, t.licence.c.gone_run_id.is_not(None)) == 1


def test_a_removed_record_that_returns_stands_again(world: World) -> None:
    people = {
        "a": person("Ek", "Liv", licences=[licence("1")]),
        "b": person("Alm", "Bo", licences=[licence("2")]),
    }
    world.load(people)
    world.load({"a": people["a"]})
    counts = world.load(people)

    assert counts.added == 1
    assert world.count(t.licence, t.licence.c.gone_run_id.is_not(None)) == 0
    assert world.count(t.source_record, t.source_record.c.gone_run_id.is_not(None)) == 0


def test_a_bad_row_is_kept_apart_and_the_good_rows_go_on(world: World) -> None:
    good = source_rows({str(n): person("Ek", f"Liv{n}") for n in range(30)})
    bad = BadRow(row=31, key="x", field="fodelsedatum", reason="no date", echo="19121212-1212 Tolvan")
    unreadable = SourceRow(row=32, key="y", raw=b'{"names": 1}')
    counts = world.load([*good, bad, unreadable])

    with world.engine.connect() as connection:
        rows = connection.execute(
            sa.select(t.quarantined_record).order_by(t.quarantined_record.c.row_number)
        ).all()
    assert (counts.added, counts.quarantined) == (30, 2)
    assert [(row.row_number, row.key, row.field) for row in rows] == [
        (31, "x", "fodelsedatum"),
        (32, "y", "payload"),
    ]
    assert "1212" not in rows[0].echo


def test_a_record_whose_row_turns_bad_keeps_its_last_good_state(world: World) -> None:
    people = {"a": person("Ek", "Liv", licences=[licence("1")])}
    world.load(people)
    padding = source_rows({str(n): person("Ek", f"Liv{n}") for n in range(30)})
    counts = world.load([*padding, BadRow(row=31, key="a", field="status", reason="no word", echo="")])

    assert (counts.removed, counts.withheld) == (0, 0)
    assert world.count(t.licence, t.licence.c.gone_run_id.is_(None)) == 1


def test_a_feed_with_too_many_bad_rows_changes_nothing(world: World) -> None:
    world.load({"a": person("Ek", "Liv")})
    good = source_rows({str(n): person("Ek", f"Liv{n}") for n in range(20)})
    bad = [BadRow(row=n, key=f"bad{n}", field="", reason="no", echo="") for n in range(20)]

    with pytest.raises(FeedRejectedError, match="20 of 40 rows"):
        world.load([*good, *bad])

    assert world.count(t.practitioner) == 1


def test_a_repeated_key_counts_once_and_a_conflicting_one_is_not_believed(world: World) -> None:
    rows = source_rows({str(n): person("Ek", f"Liv{n}") for n in range(30)})
    same = SourceRow(row=98, key="3", raw=rows[3].payload)
    other = SourceRow(row=99, key="3", raw=rows[4].payload)
    counts = world.load([*rows, same, other])

    assert (counts.added, counts.duplicates, counts.quarantined) == (30, 1, 1)


def test_repeats_are_found_across_batches(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.support.world import make_settings

    world = World(make_settings(tmp_path_factory.mktemp("small"), REGISTRY_INDEXER__BATCH_ROWS="7"))
    rows = source_rows({str(n): person("Ek", f"Liv{n}") for n in range(30)})
    counts = world.load([*rows, SourceRow(row=98, key="3", raw=rows[3].payload)])
    world.close()

    assert (counts.added, counts.duplicates) == (30, 1)


def test_two_records_with_one_personal_number_are_one_person(world: World) -> None:
    world.load({"a": person("Tolvan", "Test", licences=[licence("1")], identifiers=(TOLVAN,))})
    world.load(
        {
            "z": person(
                "Tolvan",
                "T",
                licences=[licence("9", profession="midwife")],
                identifiers=(TOLVAN,),
                birth_date="1912",
            )
        },
        feed="other",
    )

    found = only_practitioner(world)
    assert {row.feed_id for row in found.licences} == {"test", "other"}
    assert found.birth_date == "1912"


def test_two_records_of_one_batch_can_be_one_person(world: World) -> None:
    world.load(
        {
            "a": person("Tolvan", "Test", licences=[licence("1")], identifiers=(TOLVAN,)),
            "b": person("Tolvan", "Test", licences=[licence("2")], identifiers=(TOLVAN,), deceased=True),
        }
    )

    assert only_practitioner(world).deceased
    assert len(only_practitioner(world).licences) == 2


def test_the_same_name_and_birth_date_join_nobody(world: World) -> None:
    twin = person("Ek", "Liv", birth_date="1980-01-01", licences=[licence("1")])
    world.load({"a": twin, "b": twin})

    assert world.count(t.practitioner) == 2


def test_an_emptied_protected_record_hides_but_erases_nothing(world: World) -> None:
    world.load({"a": person("Ek", "Liv", licences=[licence("1")], identifiers=(TOLVAN,))})
    world.load({"a": person("", identifiers=(TOLVAN,), protected=True, names=())})

    found = only_practitioner(world)
    assert found.protected
    assert [row.gone for row in found.licences] == [False]
    assert found.names[0].family == "Ek"
    assert world.count(t.licence_version) == 1


def test_a_protected_record_without_its_key_hides_the_person_all_the_same(world: World) -> None:
    padding = {str(n): person("Alm", f"Bo{n}") for n in range(30)}
    known = person("Ek", "Liv", licences=[licence("1")], identifiers=(TOLVAN,))
    world.load({"a": known, **padding})
    emptied = msgspec.json.encode(PersonFacts(identifiers=(TOLVAN,), protected=True))
    keyless = BadRow(row=31, key="", field="hospId", reason="no hospId", echo="", protected=emptied)
    counts = world.load([*source_rows(padding), keyless])
    protected = world.count(t.practitioner, t.practitioner.c.protected)
    world.load({"a": known, **padding})

    assert (counts.quarantined, counts.removed) == (1, 0)
    assert protected == 1
    assert world.count(t.practitioner, t.practitioner.c.protected) == 0


def test_every_change_stands_in_the_outbox(world: World) -> None:
    world.load({"a": person("Ek", "Liv", licences=[licence("1")])})
    world.load({"a": person("Ek", "Liv", licences=[licence("1", status="revoked")])})

    with world.engine.connect() as connection:
        people = connection.scalars(sa.select(t.outbox.c.practitioner_id)).all()
    assert people == [only_practitioner(world).id] * 2


def test_a_reread_normalizes_every_record_but_keeps_unchanged_history(world: World) -> None:
    people = {"a": person("Ek", "Liv", licences=[licence("1")])}
    world.load(people)
    counts = world.load(people, reread=True)

    assert (counts.reread, counts.changed, counts.unchanged) == (0, 0, 1)
    assert world.count(t.licence_version) == 1
    assert world.count(t.source_record_version) == 1


def test_a_practitioner_tells_since_when_a_fact_is_known(world: World) -> None:
    long_ago = datetime(2025, 3, 1, 12, tzinfo=UTC)
    world.load({"a": person("Ek", "Liv", licences=[licence("1")])}, finished_at=long_ago)
    world.load({"a": person("Ekman", "Liv", licences=[licence("1")])})

    assert only_practitioner(world).licences[0].known_since == long_ago
