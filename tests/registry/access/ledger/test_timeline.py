"""Timelines of a real log, on each database, and `registry log timeline` as an operator runs it."""

import io
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registry.access.ledger.errors import LedgerError
from registry.access.ledger.findings import TimelineReport
from registry.access.ledger.prove import listed
from registry.access.ledger.timeline import Asked, Made, write_timeline
from registry.access.ledger.timeline_check import check_timeline
from registry.access.tables import access_event, access_event_subject, access_refusal
from registry.cli import main
from registry.cli_timeline import stretch
from registry.database import writing
from registry.errors import BadRequestError
from tests.registry.access.ledger.house import CALLER, KEY_TEXT, RING, Log
from tests.support.world import KEYS, World, make_settings

OTHER = "2321000131"
DAY = datetime(2026, 10, 1, tzinfo=UTC)


def put(
    log: Log, moment: datetime, organisation: str = CALLER.organisation, people: tuple[int, ...] = (7,)
) -> int:
    """Write an event as if it had been then."""
    with writing(log.engine).begin() as connection:
        made = connection.execute(
            access_event.insert().values(
                at=moment,
                issuer=CALLER.issuer,
                subject=CALLER.subject,
                organisation=organisation,
                purpose="recruitment",
                action="verify",
                question='{"licenceNumber":"Å-1"}',
                answer="yes",
                request_id="r",
            )
        ).inserted_primary_key
        assert made
        connection.execute(
            access_event_subject.insert(),
            [{"event_id": made[0], "practitioner_id": person} for person in people],
        )
        return int(made[0])


class Written:
    """A timeline and its second file."""

    def __init__(self, log: Log, **asked: Any) -> None:  # noqa: ANN401 - passed on
        file, second = io.BytesIO(), io.BytesIO()
        asked.setdefault("begin", DAY)
        asked.setdefault("end", DAY + timedelta(days=1))
        self.made: Made = write_timeline(
            log.engine, Asked(by="Ö. Sund", **asked), file.write, write_leaf=second.write
        )
        self.data, self.leaves = file.getvalue(), second.getvalue()
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in self.data.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["line"] == kind]

    def check(self, *, whole: bool = False) -> TimelineReport:
        return check_timeline(io.BytesIO(self.data), RING, whole=io.BytesIO(self.leaves) if whole else None)


@pytest.fixture
def sealed(log: Log) -> Log:
    """Seven events, four of them on the day, under three heads."""
    put(log, DAY - timedelta(hours=2))
    put(log, DAY, people=(7, 9))
    log.seal()
    put(log, DAY + timedelta(hours=5), OTHER, people=(0,))
    put(log, DAY + timedelta(days=1))
    log.seal()
    put(log, DAY + timedelta(hours=23), people=(3,))
    put(log, DAY + timedelta(days=1))
    put(log, DAY + timedelta(hours=23), people=(4,))
    log.seal()
    return log


def test_it_holds_the_events_of_the_stretch_and_proves_them(sealed: Log) -> None:
    found = Written(sealed)
    assert [(one["event"]["id"], one["people"]) for one in found.of("event")] == [
        (2, 2),
        (3, 0),
        (5, 1),
        (7, 1),
    ]
    assert [one["position"] for one in found.of("other")] == [0, 3, 5]
    assert found.of("event")[0]["event"] == {
        "action": "verify",
        "answer": "yes",
        "at": "2026-10-01T00:00:00.000000Z",
        "client_id": "",
        "id": 2,
        "issuer": CALLER.issuer,
        "organisation": CALLER.organisation,
        "purpose": "recruitment",
        "request_id": "r",
        "subject": CALLER.subject,
    }
    report = found.check()
    assert report.holds, report.findings
    assert (report.events, report.proven, report.others, report.heads) == (4, 0, 3, 3)
    report = found.check(whole=True)
    assert (report.holds, report.proven, report.others_proven) == (True, 4, 3)
    assert "Å" not in found.data.decode()
    assert found.made.is_closed


def test_what_is_shown_is_asked_for(sealed: Log) -> None:
    found = Written(sealed, questions=True)
    assert all({"question"} == {*one["event"]} & {"question", "people", "nonce"} for one in found.of("event"))
    assert found.check().holds
    found = Written(sealed, people=True)
    assert [one["event"]["people"] for one in found.of("event")] == [[7, 9], [0], [3], [4]]
    assert all("question" not in one["event"] and "nonce" not in one["event"] for one in found.of("event"))
    report = Written(sealed, questions=True, people=True).check()
    assert (report.holds, report.proven) == (True, 4)


def test_of_one_organisation_the_rest_stays_proven(sealed: Log) -> None:
    found = Written(sealed, organisation=OTHER)
    assert [one["event"]["id"] for one in found.of("event")] == [3]
    assert [one["why"] for one in found.of("other")].count("other-organisation") == 3
    report = found.check(whole=True)
    assert (report.holds, report.proven, report.others_proven) == (True, 1, 6)
    assert CALLER.organisation not in found.data.decode()


def test_it_begins_and_ends_with_the_heads_around_the_stretch(log: Log) -> None:
    for count in (3, 4, 2, 5):
        log.write(count)
        log.seal()
    every = listed(log.engine, limit=9)
    second, third = (datetime.fromisoformat(one.head.sealed_at) for one in every[1:3])
    found = Written(log, begin=second, end=third, margin_s=0)
    opening = found.lines[0]
    assert (opening["first"], opening["last"], opening["before"]) == (3, 9, every[0].text)
    assert [one["event"]["id"] for one in found.of("event")] == [8, 9]
    report = found.check(whole=True)
    assert report.holds, report.findings
    assert (report.proven, report.others_proven, report.heads) == (2, 4, 2)


def test_a_late_commit_is_in_it_though_its_head_came_long_after(log: Log) -> None:
    log.write(2)
    log.seal()
    log.write(1)
    log.seal()
    first, second = (datetime.fromisoformat(one.head.sealed_at) for one in listed(log.engine, limit=9))
    late = put(log, first + (second - first) / 2)
    log.write(1)
    log.seal()
    found = Written(log, begin=first, end=second, margin_s=0)
    assert late in [one["event"]["id"] for one in found.of("event")]
    assert found.lines[0]["last"] == 5
    assert found.check(whole=True).holds


def test_what_is_not_sealed_yet_is_told_and_leaves_the_stretch_open(log: Log) -> None:
    with pytest.raises(LedgerError, match="Nothing is sealed"):
        Written(log)
    log.write(2)
    log.seal()
    log.write(3)
    now = datetime.now(UTC)
    found = Written(log, begin=now - timedelta(days=1), end=now + timedelta(days=1))
    assert (found.made.events, found.made.not_sealed_yet, found.made.is_closed) == (2, 3, False)
    report = found.check()
    assert [one.kind for one in report.findings] == ["open"]
    assert report.not_sealed_yet == 3


def test_a_stretch_after_all_that_is_sealed_is_empty_and_open(sealed: Log) -> None:
    now = datetime.now(UTC)
    found = Written(sealed, begin=now + timedelta(days=1), end=now + timedelta(days=2))
    report = found.check()
    assert (report.events, report.others, report.heads) == (0, 0, 0)
    assert [one.kind for one in report.findings] == ["open"]


def test_who_was_refused_on_its_days_is_told_but_not_proven(sealed: Log) -> None:
    for day, organisation in ((0, OTHER), (1, OTHER), (0, CALLER.organisation), (-1, OTHER), (2, OTHER)):
        with writing(sealed.engine).begin() as connection:
            connection.execute(
                access_refusal.insert().values(
                    day=(DAY + timedelta(days=day)).date(),
                    kind="insufficient-scope",
                    organisation=organisation,
                    issuer=CALLER.issuer,
                    client_id="c",
                    count=3,
                )
            )
    found = Written(sealed, end=DAY + timedelta(days=1, hours=1))
    assert [(one["day"], one["organisation"], one["count"]) for one in found.of("refused")] == [
        ("2026-10-01", CALLER.organisation, 3),
        ("2026-10-01", OTHER, 3),
        ("2026-10-02", OTHER, 3),
    ]
    report = found.check(whole=True)
    assert (report.holds, report.refused) == (True, 3)
    one = Written(sealed, organisation=OTHER)
    assert [line["day"] for line in one.of("refused")] == ["2026-10-01"]
    one.data = one.data.replace(b'"line":"refused"', b'"line":"other"')
    assert not one.check().holds


@pytest.mark.parametrize(
    ("statements", "kind", "position"),
    [
        (["UPDATE access_event SET answer = 'no' WHERE id = 3"], "event-changed", 2),
        (["UPDATE access_event SET organisation = 'x' WHERE id = 2"], "event-changed", 1),
        (["DELETE FROM access_event_subject WHERE event_id = 2 AND practitioner_id = 9"], "event-changed", 1),
        (
            [
                "DELETE FROM access_event_subject WHERE event_id = 5",
                "DELETE FROM access_event WHERE id = 5",
            ],
            "event-removed",
            4,
        ),
        (["DELETE FROM access_ledger_leaf WHERE position = 2"], "entry-missing", 2),
        (["UPDATE access_ledger_leaf SET hash = nonce || nonce WHERE position = 3"], "event-changed", 3),
    ],
)
def test_a_changed_log_gives_a_timeline_that_says_so(
    statements: list[str], kind: str, position: int, sealed: Log
) -> None:
    sealed.tamper(*statements)
    found = Written(sealed, organisation=CALLER.organisation)
    assert found.made.damaged == 1
    for whole in (False, True):
        findings = found.check(whole=whole).findings
        assert (kind, position) in [(one.kind, one.position) for one in findings]


def test_an_event_changed_together_with_its_entry_does_not_fit_the_head(sealed: Log) -> None:
    """Whoever knows how leaves are hashed can make the two fit; the signed head stays as it was."""
    from registry.access.ledger import leaves
    from registry.access.ledger.hashing import leaf_hash

    sealed.tamper("UPDATE access_event SET answer = 'no' WHERE id = 3")
    with sealed.engine.connect() as connection:
        (leaf,) = leaves.sealed(connection, 2, 3)
    assert leaf.data
    value = leaf_hash(leaf.data).hex()
    literal = f"x'{value}'" if sealed.is_sqlite else f"'\\x{value}'::bytea"
    sealed.tamper(f"UPDATE access_ledger_leaf SET hash = {literal} WHERE position = 2")
    found = Written(sealed)
    assert found.made.damaged == 0
    assert [(one.kind, one.head) for one in found.check(whole=True).findings] == [("root", 2)]


# The command


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    for name, value in {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": f"sqlite:///{tmp_path / 'registry.db'}",
        "REGISTRY_SEARCH__TANTIVY__PATH": str(tmp_path / "index"),
        "REGISTRY_LEDGER__SIGNING_KEY": KEY_TEXT,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    world = World(make_settings(tmp_path))
    log = Log(world.access_engine)
    put(log, DAY)
    put(log, DAY + timedelta(hours=23), OTHER)
    put(log, DAY + timedelta(days=1))
    log.seal()
    yield log
    world.close()


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["log", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_a_timeline_is_made_and_checked(house: Log, tmp_path: Path) -> None:
    made = run(
        *("timeline", "--from", "2026-10-01", "--to", "2026-10-01"),
        *("--out", "timeline.jsonl", "--leaves", "leaves.jsonl", "--by", "Ö. Sund"),
    )
    assert "2 events, 1 other entries, 1 heads." in made.stderr
    assert made.stdout == ""
    for name in ("timeline.jsonl", "leaves.jsonl"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    text = run("verify", "--timeline", "timeline.jsonl").stdout
    assert "The timeline holds." in text
    assert "by Ö. Sund" in text
    assert "proven of 0 events" in text
    report = json.loads(
        run("verify", "--timeline", "timeline.jsonl", "--leaves", "leaves.jsonl", "--json").stdout
    )
    assert (report["holds"], report["proven"], report["othersProven"]) == (True, 2, 1)


def test_one_that_tells_of_people_is_in_the_log_before_it_is_made(house: Log, tmp_path: Path) -> None:
    said = ("timeline", "--from", "2026-10-01", "--to", "2026-10-02T08:00:00+02:00")
    events = "SELECT count(*) FROM access_event WHERE action = 'timeline'"
    run(*said, "--out", "plain")
    assert house.scalar(events) == 0
    for number, more in enumerate((("--questions",), ("--people",), ("--leaves", "leaves")), start=1):
        run(*said, "--out", f"t{number}", *more, "--organisation", OTHER)
        assert house.scalar(events) == number
        told = json.loads(str(house.scalar("SELECT question FROM access_event ORDER BY id DESC LIMIT 1")))
        assert told == {
            "from": "2026-10-01T00:00:00+00:00",
            "to": "2026-10-02T06:00:00+00:00",
            "organisation": OTHER,
            "tells": [more[0].removeprefix("--")],
        }
    house.seal()
    assert "The timeline holds." in run("verify", "--timeline", "t1").stdout


def test_a_log_that_cant_be_written_hands_out_nobody(house: Log, tmp_path: Path) -> None:
    said = ("timeline", "--from", "2026-10-01", "--to", "2026-10-01")
    house.tamper("CREATE TRIGGER full BEFORE INSERT ON access_event BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert "access event could not be written" in run(*said, "--out", "t", "--people", code=1).stderr
    assert not (tmp_path / "t").exists()
    run(*said, "--out", "t")
    assert (tmp_path / "t").exists()


def test_a_timeline_that_was_changed_ends_with_1(house: Log, tmp_path: Path) -> None:
    assert house.scalar("SELECT count(*) FROM access_ledger_head") == 1
    run("timeline", "--from", "2026-10-01", "--to", "2026-10-01", "--out", "t", "--questions", "--people")
    path = tmp_path / "t"
    path.write_bytes(path.read_bytes().replace(b'"answer":"yes"', b'"answer":"no"', 1))
    text = run("verify", "--timeline", "t", code=1).stdout
    assert "Entry 0, event 1, is not what was sealed" in text
    assert "does NOT hold" in text


def test_a_witness_has_the_last_word_on_a_timeline(house: Log, tmp_path: Path) -> None:
    (tmp_path / "heads").write_text(run("heads", "--json").stdout)
    (tmp_path / "keys").write_text(run("keys").stdout)
    printed = run("timeline", "--from", "2026-10-01", "--to", "2026-10-02")
    (tmp_path / "t").write_text(printed.stdout)
    text = run("verify", "--timeline", "t", "--heads", "heads", "--keys", "keys").stdout
    assert "1 heads kept elsewhere are in it as they were." in text
    house.tamper("DELETE FROM access_ledger_head", "DELETE FROM access_ledger_leaf")
    house.seal()
    (tmp_path / "t").write_text(run("timeline", "--from", "2026-10-01", "--to", "2026-10-02").stdout)
    assert "another than the one" in run("verify", "--timeline", "t", "--heads", "heads", code=1).stdout


def test_a_changed_log_is_told_when_a_timeline_is_made(house: Log, tmp_path: Path) -> None:
    house.tamper("UPDATE access_event SET answer = 'no' WHERE id = 2")
    made = run("timeline", "--from", "2026-10-01", "--to", "2026-10-01", "--out", "t", code=1)
    assert "1 entries are NOT as they were sealed" in made.stderr
    assert (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "yesterday", "--to", "2026-10-01"), "--from can't be read"),
        (("--from", "2026-10-01", "--to", "2026-10-01T08:00:00"), "--to can't be read"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "has to be after"),
        (("--from", "2026-01-01", "--to", "2026-10-01"), "ledger.timeline_days"),
        (("--from", "2026-10-01", "--to", "2026-10-01", "--organisation", " "), "is empty"),
        (("--from", "2026-10-01", "--to", "2026-10-01", "--organisation", "900101-0017"), "sole trader"),
    ],
)
def test_what_is_asked_wrongly_is_told(words: tuple[str, ...], told: str, house: Log) -> None:
    assert told in run("timeline", *words, code=1).stderr
    assert house.scalar("SELECT count(*) FROM access_event") == 3


def test_a_file_that_is_there_is_not_written_over(house: Log, tmp_path: Path) -> None:
    assert house.scalar("SELECT count(*) FROM access_event") == 3
    (tmp_path / "t").write_text("mine")
    made = run("timeline", "--from", "2026-10-01", "--to", "2026-10-01", "--out", "t", code=1)
    assert "is there already" in made.stderr
    assert (tmp_path / "t").read_text() == "mine"
    assert not [*tmp_path.glob(".timeline-*")]


def test_an_organisation_is_found_however_it_is_written(house: Log) -> None:
    assert house.scalar("SELECT count(*) FROM access_event") == 3
    for written in (OTHER, "232100-0131", "16232100-0131"):
        made = run("timeline", "--from", "2026-10-01", "--to", "2026-10-01", "--organisation", written)
        assert "1 events, 2 other entries" in made.stderr


def test_moments_have_a_time_zone_and_days_are_whole() -> None:
    assert stretch("2026-10-01", "2026-10-01", 1) == (DAY, DAY + timedelta(days=1))
    assert stretch("2026-10-01T02:00:00+02:00", "2026-10-01T00:00:01Z", 1) == (
        DAY,
        DAY + timedelta(seconds=1),
    )
    with pytest.raises(BadRequestError, match="1 days at most"):
        stretch("2026-10-01", "2026-10-02T00:00:01Z", 1)
    for wrong in ("0001-01-01", "9999-12-31", "9999-12-31T23:59:59-23:59", "2026-13-01", "1", ""):
        with pytest.raises(BadRequestError, match="can't be read"):
            stretch(wrong, "2026-10-01", 1)


def test_proof_and_timeline_are_not_checked_together(house: Log, tmp_path: Path) -> None:
    assert house.scalar("SELECT count(*) FROM access_event") == 3
    (tmp_path / "t").write_text("")
    assert "not both" in run("verify", "--timeline", "t", "--proof", "t", code=2).stderr
    assert "belongs to --timeline" in run("verify", "--leaves", "t", code=2).stderr
    assert "no timeline" in run("verify", "--timeline", "t", code=1).stderr
