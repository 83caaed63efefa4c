"""Asking the sandbox's HSA over HTTP: what is asked, when nothing is new, and who is asked about."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedError, GoneRow, Previous, SourceRow, fetch
from indexer.feeds.hsa_service import HsaSource
from indexer.sandbox.hsa import HsaFaults
from indexer.sandbox.people import People
from indexer.sandbox.server import running
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.hsa_asked import (
    DOCTOR,
    NOBODY,
    NURSE,
    PLAN,
    PROTECTED,
    THREE,
    Hsa,
    asking,
    lines,
    previous,
)
from tests.indexer.feeds.source import Answer, Source


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, HsaFaults]]:
    faults = HsaFaults(pause_s=0.5)
    with running(PLAN, tmp_path_factory.mktemp("registers"), hsa_faults=faults) as url:
        yield url, faults


@pytest.fixture
def hsa(served: tuple[str, HsaFaults], settings: Indexer, tmp_path: Path) -> Iterator[Hsa]:
    with asking(served, settings, tmp_path) as found:
        yield found


# ---------------------------------------------------------------- what is asked


def test_the_last_update_is_asked_for_first_and_then_each_person_once(hsa: Hsa) -> None:
    fetched = hsa.fetch(*THREE, NURSE)
    assert hsa.questions == ["update", "person", "person", "person", "update"]
    assert [line["subject"] for line in lines(fetched)] == list(THREE)
    assert fetched.complete is False
    assert not fetched.not_modified
    rows = hsa.rows(fetched)
    assert [(type(row), row.key) for row in rows] == [
        (SourceRow, NURSE),
        (GoneRow, NOBODY),
        (SourceRow, DOCTOR),
    ]


def test_the_receipt_counts_empty_answers_and_says_what_they_do_not_mean(hsa: Hsa) -> None:
    asked, empty = hsa.fetch().notes
    assert asked == "Asked about 3 people."
    assert empty.startswith("HSA has nothing about 1 of them")
    assert "does not mean that they have no licence" in empty
    assert hsa.fetch(source=hsa.json_source()).notes == (asked, empty)


def test_the_stamp_is_the_last_update(hsa: Hsa) -> None:
    stamp = hsa.fetch().stamp
    assert stamp is not None
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(stamp) < timedelta(minutes=10)


def test_soap_and_json_bring_the_same_records(hsa: Hsa) -> None:
    people = [person.number for person in People(PLAN).swedes() if person.number]
    by_soap = hsa.fetch(*people)
    by_json = hsa.fetch(*people, source=hsa.json_source())
    assert hsa.rows(by_soap) == hsa.rows(by_json)
    assert by_soap.stamp == by_json.stamp
    assert len([row for row in hsa.rows(by_soap) if isinstance(row, SourceRow)]) > 20


def test_protected_people_and_strangers_get_an_empty_answer(hsa: Hsa) -> None:
    assert hsa.rows(hsa.fetch(PROTECTED, NOBODY)) == [GoneRow(1, PROTECTED), GoneRow(2, NOBODY)]


def test_two_answers_are_one_record(hsa: Hsa) -> None:
    one = hsa.rows(hsa.fetch(DOCTOR))
    hsa.faults.set("two-answers")
    assert hsa.rows(hsa.fetch(DOCTOR)) == one == hsa.rows(hsa.fetch(DOCTOR, source=hsa.json_source()))


def test_a_pause_stands_between_two_questions(hsa: Hsa) -> None:
    """50 ms is Inera's rule; the shipped feed keeps it."""
    shipped = hsa.feed.source
    assert isinstance(shipped, HsaSource)
    assert shipped.pause_ms == 50
    begun = datetime.now(UTC)
    hsa.fetch(source=hsa.source(pause_ms=50.0))
    assert datetime.now(UTC) - begun >= timedelta(milliseconds=4 * 50)


# ---------------------------------------------------------------- nothing new


def test_nobody_is_asked_about_when_nothing_is_new(hsa: Hsa) -> None:
    first = hsa.fetch()
    hsa.faults.questions.clear()
    again = hsa.fetch(*reversed(THREE), previous=previous(first))
    assert again.not_modified
    assert (again.parts, again.etag, again.digest) == ((), first.etag, first.digest)
    assert hsa.questions == ["update"]


def test_new_people_are_asked_about_although_hsa_has_nothing_new(hsa: Hsa) -> None:
    first = hsa.fetch()
    again = hsa.fetch(*THREE, PROTECTED, previous=previous(first))
    assert len(lines(again)) == 4
    assert again.stamp == first.stamp
    assert again.etag != first.etag


def test_everybody_is_asked_about_when_hsa_has_news(hsa: Hsa) -> None:
    first = hsa.fetch()
    earlier = Previous(first.etag, "other", "2020-01-01T00:00:00Z")
    again = hsa.fetch(previous=earlier)
    assert not again.not_modified
    assert len(lines(again)) == 3


def test_the_same_answers_again_are_not_modified(hsa: Hsa) -> None:
    first = hsa.fetch()
    again = hsa.fetch(previous=Previous(first.etag, first.digest, "2020-01-01T00:00:00Z"))
    assert again.not_modified
    assert len(lines(again)) == 3


def test_a_run_after_one_without_a_stamp_asks_everybody(hsa: Hsa) -> None:
    first = hsa.fetch()
    assert len(lines(hsa.fetch(previous=Previous(first.etag, "other")))) == 3


def test_an_older_last_update_than_the_one_that_stands_ends_the_run(hsa: Hsa) -> None:
    first = hsa.fetch()
    with pytest.raises(FeedError, match="older than the 2199") as caught:
        hsa.fetch(previous=Previous(first.etag, first.digest, "2199-01-01T00:00:00Z"))
    assert caught.value.detail.startswith("http")
    assert hsa.questions[-1:] == ["update"]


def test_data_that_is_older_than_hsa_promises_ends_the_run(hsa: Hsa, source: Source) -> None:
    moment = datetime.now(UTC) - timedelta(days=50)
    url = source.gives("/update", Answer(orjson.dumps({"lastUpdate": moment.isoformat()})))
    with pytest.raises(FeedError, match="more than 45 days ago"):
        hsa.fetch(source=hsa.json_source(last_update_url=url))
    any_age = hsa.json_source(last_update_url=url, max_update_age_days=0)
    assert len(lines(hsa.fetch(source=any_age))) == 3


def test_the_stamp_is_the_first_one_when_news_come_during_the_run(hsa: Hsa) -> None:
    hsa.faults.set("moving")
    first = hsa.fetch()
    second = hsa.fetch(previous=previous(first))
    assert first.stamp is not None
    assert second.stamp is not None
    assert first.notes[-1].startswith("HSA had news while it was asked")
    assert datetime.fromisoformat(second.stamp) - datetime.fromisoformat(first.stamp) == timedelta(minutes=2)
    assert len(lines(second)) == 3


def test_a_last_update_that_goes_back_during_the_run_ends_it(hsa: Hsa) -> None:
    hsa.faults.set("going-back")
    with pytest.raises(FeedError, match="went back to older data"):
        hsa.fetch()


@pytest.mark.parametrize(
    ("written", "stamp"),
    [
        ("2026-11-01T10:00:00", "2026-11-01T09:00:00Z"),
        ("2026-07-01T10:00:00.123", "2026-07-01T08:00:00Z"),
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
        ("2026-11-01T10:00:00+05:00", "2026-11-01T05:00:00Z"),
    ],
)
def test_a_last_update_without_a_zone_is_swedish_time(
    hsa: Hsa, source: Source, written: str, stamp: str
) -> None:
    url = source.gives("/update", Answer(orjson.dumps({"lastUpdate": written})))
    assert hsa.fetch(source=hsa.json_source(last_update_url=url, max_update_age_days=0)).stamp == stamp


@pytest.mark.parametrize("told", [b'{"lastUpdate": "yesterday"}', b'{"lastUpdate": null}', b"[]", b"", b"{"])
def test_a_last_update_that_is_none_ends_the_run(hsa: Hsa, source: Source, told: bytes) -> None:
    url = source.gives("/update", Answer(told))
    with pytest.raises(FeedError, match="does not say when HSA last had data"):
        hsa.fetch(source=hsa.json_source(last_update_url=url))


# ---------------------------------------------------------------- who is asked about


def test_the_people_may_stand_in_a_file(hsa: Hsa) -> None:
    path = hsa.folder / "people"
    path.write_text(f"\ufeff# ours\n{NURSE}\r\n\n {DOCTOR[:8]}-{DOCTOR[8:]} \n{NURSE}\n")
    fetched = hsa.fetch(source=hsa.source(subjects=str(path)))
    assert [line["subject"] for line in lines(fetched)] == [NURSE, DOCTOR]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no number"),
        ("# nobody\n", "holds no number"),
        (f"{NURSE}\n{NURSE[2:]}\n", "line 2: .*twelve digits"),
        (f"{NURSE[:-1]}{(int(NURSE[-1]) + 1) % 10}\n", "line 1: the check digit"),
        ("abc\n", "line 1: "),
    ],
)
def test_a_file_with_anything_else_is_refused_before_anybody_is_asked(hsa: Hsa, text: str, said: str) -> None:
    path = hsa.folder / "people"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        hsa.fetch(source=hsa.source(subjects=str(path)))
    assert NURSE[2:10] not in str(caught.value)
    assert hsa.questions == []


def test_a_file_that_cannot_be_read_is_told_of(hsa: Hsa) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        hsa.fetch(source=hsa.source(subjects=str(hsa.folder / "absent")))
    (hsa.folder / "latin").write_bytes(b"\xc5sa\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        hsa.fetch(source=hsa.source(subjects=str(hsa.folder / "latin")))


def test_a_registry_without_people_asks_nothing(hsa: Hsa) -> None:
    feed = replace(hsa.feed, source=hsa.source())
    fetched = fetch(feed, hsa.settings, hsa.folder / "a", None, lambda _: None)
    assert hsa.questions == ["update"]
    assert hsa.rows(fetched) == []


# ---------------------------------------------------------------- the feed file


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"last_update_url": "http://example.org/"}, "last_update_url"),
        ({"subjects": ""}, "subjects is empty"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"max_failures": 0}, "max_failures"),
        ({"max_update_age_days": -1}, "max_update_age_days"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"url": "http://example.org/"}, "url"),
    ],
)
def test_a_wrong_key_of_the_source_is_told_of(hsa: Hsa, change: dict[str, object], said: str) -> None:
    assert said in hsa.source(**change).problem()
    assert hsa.source().problem() == ""


def test_the_shipped_feed_finds_the_last_update_beside_the_credentials(hsa: Hsa) -> None:
    shipped = hsa.feed.source
    assert isinstance(shipped, HsaSource)
    assert shipped.address_of_last_update.endswith("/authorizationmanagement/GetHospLastUpdate/1/rivtabp21")
    assert (
        replace(shipped, last_update_url="https://a.example/").address_of_last_update == "https://a.example/"
    )
    assert hsa.feed.mode == "query"
    assert hsa.feed.completeness == "active_only"
