"""Files that lie in ordinary ways, in every format that is shipped: through parser, normalizer, guards and loader."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.pull import Report
from registry.records import tables as t
from tests.indexer.lists_of_people import EVERYBODY, FAMILY, SHAPES, One, Shape
from tests.support.shipped import Shipped
from tests.support.world import World

HALF = EVERYBODY[: len(EVERYBODY) // 2]
NEW = One(len(EVERYBODY), "Nyberg")
PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><p>Please log in.</p></body></html>\n"
BY_FEED = pytest.mark.parametrize("shape", SHAPES, ids=[shape.feed for shape in SHAPES])
TEXTS = [shape for shape in SHAPES if shape.feed not in {"skolverket", "nppes-fhir"}]


@pytest.fixture
def office(small_world: World, tmp_path: Path) -> Shipped:
    folder = tmp_path / "files"
    folder.mkdir()
    return Shipped(small_world, folder)


def pull(office: Shipped, shape: Shape, data: bytes | None = None, **more: object) -> Report:
    written = shape.data() if data is None else data
    return office.pull(shape.feed, written, shape.ending, **dict(shape.options), **more)


def standing(office: Shipped) -> int:
    return office.world.count(t.source_record, t.source_record.c.gone_run_id.is_(None))


def cut_mid_record(shape: Shape) -> bytes:
    """Cut within the last record, where a floor of so many removals would not save anyone."""
    data = shape.data()
    return data[: -len(data) // (3 * len(EVERYBODY))]


LIES: dict[str, Callable[[Shape], bytes]] = {
    "no bytes": lambda _: b"",
    "nobody in it": lambda shape: shape.data(()),
    "another kind of file": lambda _: PAGE,
    "cut within a record": cut_mid_record,
    "half its bytes": lambda shape: shape.data()[: len(shape.data()) // 2],
    "half the people": lambda shape: shape.data(HALF),
}


@BY_FEED
@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_removes_nobody(office: Shipped, shape: Shape, lie: str) -> None:
    first = pull(office, shape)
    assert (first.state, first.error, first.counts.added) == ("succeeded", "", len(EVERYBODY))
    versions = office.versions()

    report = pull(office, shape, LIES[lie](shape))

    assert (standing(office), report.counts.removed) == (len(EVERYBODY), 0)
    assert (office.versions(), [one.gone for one in office.licences()].count(True)) == (versions, 0)
    whole_but_less = lie == "half the people" or (not shape.removes and lie == "nobody in it")
    if whole_but_less and not shape.removes:
        assert report.state == "succeeded"
    elif whole_but_less:
        assert (report.state, report.counts.withheld) == ("held", len(EVERYBODY) - len(HALF))
        assert f"{report.counts.withheld} of {len(EVERYBODY)} records are absent" in report.held
    else:
        assert (report.state, bool(report.error)) == ("failed", True)
    # And the right file puts all right again, whatever came between.
    assert pull(office, shape).state in {"succeeded", "unchanged"}
    assert not any(licence.held for licence in office.licences())
    assert office.versions() == versions


@BY_FEED
def test_who_is_new_in_half_a_file_is_taken_in_all_the_same(office: Shipped, shape: Shape) -> None:
    pull(office, shape)
    report = pull(office, shape, shape.data((*HALF, NEW)))
    assert (report.counts.added, report.counts.removed, standing(office)) == (1, 0, len(EVERYBODY) + 1)
    assert "Nyberg" in {person.names[0].family for person in office.people()}


@pytest.mark.parametrize("shape", TEXTS, ids=[shape.feed for shape in TEXTS])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_same_file_in_another_encoding_changes_nothing(office: Shipped, shape: Shape, codec: str) -> None:
    pull(office, shape)
    versions, records = office.versions(), office.world.count(t.source_record_version)
    # XML declares its encoding itself; a byte order mark is one; of other files the feed file tells.
    declared = {"encoding": "cp1252"} if codec == "cp1252" and shape.feed != "hosp" else {}

    report = pull(office, shape, shape.encoded(codec), **declared)

    assert (report.state, report.error) == ("succeeded", "")
    assert report.counts.unchanged == report.counts.read == len(EVERYBODY)
    assert (office.versions(), office.world.count(t.source_record_version)) == (versions, records)
    assert {person.names[0].family for person in office.people()} == {FAMILY}


@pytest.mark.parametrize("shape", TEXTS, ids=[shape.feed for shape in TEXTS])
@pytest.mark.parametrize("end", [b"\r", b"\r\n"], ids=["CR", "CRLF"])
def test_the_same_file_with_other_line_ends_changes_nothing(
    office: Shipped, shape: Shape, end: bytes
) -> None:
    pull(office, shape)
    versions = office.versions()
    report = pull(office, shape, shape.data().replace(b"\r\n", b"\n").replace(b"\n", end))
    assert (report.state in {"succeeded", "unchanged"}, report.error, office.versions()) == (
        True,
        "",
        versions,
    )
    assert report.state == "unchanged" or report.counts.unchanged == len(EVERYBODY)


@BY_FEED
@pytest.mark.parametrize("spoilt", ["Bj\ufffdrk", "BjÃ¶rk"])
def test_a_name_whose_letters_were_lost_goes_to_quarantine_alone(
    office: Shipped, shape: Shape, spoilt: str
) -> None:
    pull(office, shape)
    report = pull(office, shape, shape.data((*EVERYBODY[:7], One(7, spoilt), *EVERYBODY[8:])))
    assert (report.state, report.counts.quarantined, report.counts.removed) == ("succeeded", 1, 0)
    assert {person.names[0].family for person in office.people()} == {FAMILY}
    # What stood of the person still stands, in doubt, until the feed speaks clearly.
    assert [licence.held for licence in office.licences()].count(True) == 1
    with office.world.engine.connect() as connection:
        (row,) = connection.execute(t.quarantined_record.select()).all()
    assert "letters were" in row.reason or "garbled" in row.reason
    pull(office, shape)
    assert not any(licence.held for licence in office.licences())


@pytest.mark.parametrize("mode", ["delta", "query"])
@BY_FEED
def test_absence_from_a_file_of_changes_means_nothing(office: Shipped, shape: Shape, mode: str) -> None:
    """Also where it lacks far more people than the guards would let go."""
    pull(office, shape)
    path = office.folder / f"{shape.feed}{shape.ending}"
    path.write_bytes(shape.data(EVERYBODY[:1]))
    feed = replace(office.feed(shape.feed, shape.ending, **dict(shape.options)), mode=mode)
    report = office.puller.pull(feed)
    assert (report.state, report.counts.removed, report.counts.withheld) == ("succeeded", 0, 0)
    assert standing(office) == len(EVERYBODY)
