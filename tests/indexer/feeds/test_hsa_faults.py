"""HSA answers badly, or would let others see whom we ask about."""

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import BadRow, FeedError, GoneRow, SourceRow, fetch
from indexer.sandbox import hsa as sandbox
from indexer.sandbox.hsa import HsaFaults
from indexer.sandbox.people import People
from indexer.sandbox.server import running
from registry.settings import Indexer
from tests.indexer.feeds.certificates import authority
from tests.indexer.feeds.hsa_asked import (
    NOBODY,
    NURSE,
    PLAN,
    THREE,
    Hsa,
    asking,
    lines,
    previous,
)
from tests.indexer.feeds.source import Answer, Source
from tests.indexer.feeds.source import running as source_running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, HsaFaults]]:
    faults = HsaFaults(pause_s=0.5)
    with running(PLAN, tmp_path_factory.mktemp("registers"), hsa_faults=faults) as url:
        yield url, faults


@pytest.fixture
def hsa(served: tuple[str, HsaFaults], settings: Indexer, tmp_path: Path) -> Iterator[Hsa]:
    with asking(served, settings, tmp_path) as found:
        yield found


# ---------------------------------------------------------------- faults


def test_forbidden_ends_the_run_at_once_and_says_what_to_do(hsa: Hsa) -> None:
    hsa.faults.set("forbidden")
    with pytest.raises(FeedError, match=r"answers 403.*source\.client_cert_file"):
        hsa.fetch()
    assert hsa.questions == ["update"]


def test_a_passing_fault_is_tried_again(hsa: Hsa) -> None:
    hsa.faults.set("flaky")
    fetched = hsa.fetch()
    assert [type(row) for row in hsa.rows(fetched)] == [SourceRow, GoneRow, SourceRow]
    assert len(hsa.questions) == 10


@pytest.mark.parametrize("fault", ["unavailable", "undated"])
def test_a_service_that_does_not_answer_ends_the_run(hsa: Hsa, fault: str) -> None:
    hsa.faults.set(fault)
    with pytest.raises(FeedError, match=r"also after 3 attempts"):
        hsa.fetch()
    assert hsa.questions == ["update"] * 3


def test_a_service_that_hangs_is_not_waited_for(hsa: Hsa) -> None:
    hsa.faults.set("hanging")
    with pytest.raises(FeedError, match="ReadTimeout, also after 3 attempts"):
        hsa.fetch(source=hsa.source(timeout_s=0.05))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("soap-fault", r"SOAP fault \(Server\)"),
        ("soap-fault-200", r"SOAP fault \(Server\)"),
        ("garbage", "the XML ends in the middle"),
        ("cut", "no well-formed XML|ends in the middle"),
    ],
)
def test_too_many_people_in_a_row_without_an_answer_end_the_run(hsa: Hsa, fault: str, said: str) -> None:
    hsa.faults.set(fault)
    with pytest.raises(
        FeedError, match=rf"no answer about 2 people in a row \(.*{said}.*also after 3 attempts"
    ):
        hsa.fetch(*[person.number for person in People(PLAN).swedes()][:4], source=hsa.source(max_failures=2))
    assert hsa.questions == ["update"] + ["person"] * 6


def test_a_page_instead_of_an_answer_ends_the_run(hsa: Hsa) -> None:
    hsa.faults.set("page")
    with pytest.raises(FeedError, match="text/html"):
        hsa.fetch(source=hsa.source(max_failures=1))


def test_one_person_without_an_answer_is_put_aside_and_asked_about_again_next_time(
    hsa: Hsa, source: Source
) -> None:
    good, bad = Answer(orjson.dumps({})), Answer(b'{"error": "x"}', status=500)
    url = source.gives("/person", good, bad, bad, bad, good)
    fetched = hsa.fetch(source=hsa.json_source(url=url))
    gone, put_aside, _ = hsa.rows(fetched)
    assert isinstance(gone, GoneRow)
    assert isinstance(put_aside, BadRow)
    assert put_aside.key == NOBODY
    assert "There was no answer about 1 of them; they are asked about again next time." in fetched.notes
    assert put_aside.reason.startswith(
        "the service gave no answer about this person: nothing of an answer to "
    )
    assert put_aside.reason.endswith(", also after 3 attempts")
    again = hsa.fetch(source=hsa.json_source(url=url), previous=previous(fetched))
    assert len(lines(again)) == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"{}", status=500), "status 500"),
        (Answer(b"{}", status=429, headers={"Retry-After": "1000"}), "status 429"),
        (Answer(b'{"a": "' + b"x" * 2_000_000 + b'"}'), "larger than 1048576 bytes"),
        (Answer(b"{}", cut=0, headers={"Content-Length": "5"}, length=False), "RemoteProtocolError"),
    ],
)
def test_an_answer_that_is_none_is_no_empty_answer(
    hsa: Hsa, source: Source, answer: Answer, said: str
) -> None:
    url = source.gives("/person", answer)
    with pytest.raises(FeedError, match=said):
        hsa.fetch(source=hsa.json_source(url=url, max_failures=1))


@pytest.mark.parametrize("answer", [Answer(b"", status=204), Answer(b"\xef\xbb\xbfnull"), Answer(b"")])
def test_no_content_is_an_empty_answer(hsa: Hsa, source: Source, answer: Answer) -> None:
    url = source.gives("/person", answer)
    assert {type(row) for row in hsa.rows(hsa.fetch(source=hsa.json_source(url=url)))} == {GoneRow}


@pytest.mark.parametrize(("status", "said"), [(404, "answers 404"), (302, "answers 302")])
def test_a_wrong_address_ends_the_run_and_no_question_follows_a_redirect(
    hsa: Hsa, source: Source, status: int, said: str
) -> None:
    elsewhere = source.gives("/elsewhere", Answer(b"{}"))
    url = source.gives("/person", Answer(status=status, headers={"Location": elsewhere}))
    with pytest.raises(FeedError, match=said):
        hsa.fetch(source=hsa.json_source(url=url))
    assert source.paths() == ["/person"]


def test_an_answer_about_somebody_else_is_refused(hsa: Hsa) -> None:
    hsa.faults.set("other-person")
    nurse, nobody, doctor = hsa.rows(hsa.fetch())
    assert isinstance(nurse, BadRow)
    assert isinstance(doctor, BadRow)
    assert isinstance(nobody, GoneRow)
    assert (nurse.key, nurse.field) == (NURSE, "personalIdentityNumber")
    assert sandbox.FEIGNED_NUMBER not in f"{nurse} {doctor}"


def test_the_whole_run_ends_when_its_time_is_over(hsa: Hsa) -> None:
    hsa.faults.set("hanging")
    with pytest.raises(FeedError, match=r"within 0\.2 s.*max_fetch_s"):
        hsa.fetch(source=hsa.source(max_fetch_s=0.2))


# ---------------------------------------------------------------- secrets


def test_no_number_is_in_an_address_a_log_or_an_error(hsa: Hsa, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fetched = hsa.fetch()
    for fault in ("soap-fault", "unavailable", "cut"):
        hsa.faults.set(fault)
        with pytest.raises(FeedError) as caught:
            hsa.fetch(source=hsa.source(max_failures=1))
        assert not any(number in str(caught.value) for number in THREE)
    told = caplog.text + " ".join(hsa.faults.questions) + f"{fetched}"
    assert "/hsa/" in told
    assert not any(number in told or number[2:] in told for number in THREE)


def test_what_is_remembered_of_the_people_needs_a_key(hsa: Hsa) -> None:
    """A plain digest of a list of one number is the number: there are only some forty million."""
    keyed = [hsa.fetch(conceal=lambda data, key=key: f"{key}{hash(data)}") for key in "ab"]  # type: ignore[misc]
    assert {fetched.etag[0] for fetched in keyed} == {"a", "b"}
    assert {fetched.digest[0] for fetched in keyed} == {"a", "b"}


def test_without_a_key_nothing_is_recognised_in_another_process(hsa: Hsa) -> None:
    feed = replace(hsa.feed, source=hsa.source())
    fetched = fetch(feed, hsa.settings, hsa.folder / "a", None, lambda _: None, subjects=lambda: THREE)
    assert len(fetched.etag) == len(fetched.digest) == 64

    plain = hashlib.sha256("\n".join(sorted(THREE)).encode()).hexdigest()
    assert plain not in (fetched.etag, fetched.digest)


# ---------------------------------------------------------------- certificates


def test_hsa_is_shown_our_certificate_and_must_show_its_own(hsa: Hsa, tmp_path: Path) -> None:
    own = authority(tmp_path / "ours")
    cert, key = own.issue("registry")
    with source_running(own.server(asks_for_clients=True)) as server:
        update = server.gives("/update", Answer(orjson.dumps({"lastUpdate": datetime.now(UTC).isoformat()})))
        person = server.gives("/person", Answer(orjson.dumps({})))
        asked = hsa.json_source(url=person, last_update_url=update, ca_file=str(own.ca))
        certified = replace(asked, client_cert_file=str(cert), client_key_file=str(key))
        assert {type(row) for row in hsa.rows(hsa.fetch(source=certified))} == {GoneRow}
        with pytest.raises(FeedError, match="does not say when HSA last had data"):
            hsa.fetch(source=asked)
        with pytest.raises(FeedError, match="does not say when HSA last had data"):
            hsa.fetch(source=replace(certified, ca_file=""))
