"""One licence, one day: the table. A complaint about a verdict becomes a row here."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from registry.records.facts import RestrictionFacts, RestrictionKind
from registry.records.read import Feed
from registry.verification.ruleset import Answer
from registry.verification.verdict import licence_verdict
from tests.registry.verification.people import TODAY, asked, basis, licence, person, restriction
from tests.registry.verification.people import feed as fresh_feed

LEARNT_LAST_WEEK = datetime(2026, 11, 15, 3, 0, tzinfo=UTC)


@dataclass
class Case:
    """What is known, what is asked, what must come out. `codes` are all reasons in order; the first decided."""

    name: str
    answer: Answer
    codes: list[str]
    facts: dict[str, Any] = field(default_factory=dict)
    restrictions: tuple[RestrictionFacts, ...] = ()
    on: date = TODAY
    person: dict[str, Any] = field(default_factory=dict)
    feed: Feed = field(default_factory=fresh_feed)


def status(word: str, answer: Answer, code: str) -> Case:
    return Case(f"status {word}", answer, [code], facts={"status": word})


def limit(
    kind: RestrictionKind,
    answer: Answer,
    codes: list[str],
    *dates: str | None,
    on: date = TODAY,
    feed: Feed | None = None,
) -> Case:
    """An active licence under one restriction, with its first and last day where given."""
    name = f"{kind} {dates} on {on}{' by a late feed' if feed else ''}"
    return Case(name, answer, codes, {}, (restriction(kind, *dates),), on, {}, feed or fresh_feed())


STALE = fresh_feed(pulled_hours_ago=49)
NEVER = fresh_feed(pulled_hours_ago=None)
D = date

CASES = [
    # Our status terms, each alone.
    status("active", "yes", "valid"),
    status("restricted", "ask", "restricted"),
    status("suspended", "no", "status-suspended"),
    status("revoked", "no", "status-revoked"),
    status("lapsed", "no", "lapsed"),
    status("surrendered", "no", "surrendered"),
    status("deceased", "no", "status-deceased"),
    status("unknown", "ask", "status-unknown"),
    # HOSP: the code LK beside restriction 001, 002, 003 (an active code says nothing by itself).
    limit("revoked", "no", ["revoked"], "2024-03-01"),
    limit("revoked", "no", ["revoked"]),
    limit("probation", "ask", ["probation"], "2024-03-01", "2027-03-01"),
    limit("limited-prescribing", "ask", ["limited-prescribing"], "2024-03-01"),
    limit("conditions", "ask", ["conditions"], "2024"),
    limit("unknown", "ask", ["restriction-unknown"]),
    limit("suspended", "no", ["suspended"], "2026-11-22", "2026-12-01"),
    Case(
        "probation and limited prescribing at once",
        "ask",
        ["probation", "limited-prescribing", "restricted"],
        facts={"status": "restricted"},
        restrictions=(restriction("limited-prescribing"), restriction("probation", "2024", "2027")),
    ),
    Case(
        "revoked while on probation",
        "no",
        ["revoked", "status-revoked", "probation"],
        facts={"status": "revoked"},
        restrictions=(restriction("probation", "2024", "2027"), restriction("revoked", "2025-02-01")),
    ),
    # The authority's own word stays, also when the only limit it lists is over.
    Case(
        "restricted by the authority, the listed probation over",
        "ask",
        ["restricted"],
        facts={"status": "restricted"},
        restrictions=(restriction("probation", "2020-01-01", "2023-01-01"),),
    ),
    # Restrictions that are over, not begun, or ended today; end dates are inclusive.
    limit("probation", "yes", ["valid"], "2020-01-01", "2023-01-01"),
    limit("revoked", "yes", ["valid"], "2020-01-01", "2023-01-01"),
    limit("probation", "ask", ["probation"], "2024-01-01", "2026-11-22"),
    limit("probation", "yes", ["valid"], "2024-01-01", "2026-11-21"),
    limit("revoked", "yes", ["restriction-later"], "2026-11-23"),
    limit("revoked", "no", ["revoked"], "2026-11-22"),
    # Partial dates that leave the day open.
    limit("revoked", "ask", ["restriction-perhaps"], "2026-11"),
    limit("revoked", "ask", ["restriction-perhaps"], "2026"),
    limit("revoked", "no", ["revoked"], "2026-10"),
    limit("revoked", "yes", ["restriction-later"], "2027"),
    limit("probation", "ask", ["restriction-perhaps"], "2023", "2026-11"),
    limit("probation", "yes", ["valid"], "2023", "2026-10"),
    # The licence's own term.
    Case("ends today", "yes", ["valid"], facts={"valid_to": "2026-11-22"}),
    Case("ended yesterday", "no", ["ended"], facts={"valid_to": "2026-11-21"}),
    Case("ended last month, day unknown", "no", ["ended"], facts={"valid_to": "2026-10"}),
    Case("ends some day this month", "ask", ["end-perhaps"], facts={"valid_to": "2026-11"}),
    Case("ends some day this year", "ask", ["end-perhaps"], facts={"valid_to": "2026"}),
    Case("ends next year", "yes", ["valid"], facts={"valid_to": "2027"}),
    Case("first day of the month it may end in", "yes", ["valid"], facts={"valid_to": "2026-10"}, on=D(2026, 10, 1)),
    Case("issued tomorrow", "no", ["not-begun"], facts={"issued": "2026-11-23"}),
    Case("issued today", "yes", ["valid"], facts={"issued": "2026-11-22"}),
    Case("issued some day this month", "ask", ["start-perhaps"], facts={"issued": "2026-11"}),
    Case("no dates at all", "yes", ["valid"], facts={"issued": None}),
    Case("renewed from tomorrow", "ask", ["earlier-period"], facts={"valid_from": "2026-11-23"}),
    Case("begins tomorrow, issue unknown", "no", ["not-begun"], facts={"issued": None, "valid_from": "2026-11-23"}),
    Case("begins some day this year", "ask", ["start-perhaps"], facts={"issued": None, "valid_from": "2026"}),
    Case("lapsed and ended", "no", ["ended", "lapsed"], facts={"status": "lapsed", "valid_to": "2026-05-31"}),
    Case("ended while suspended", "no", ["status-suspended", "ended"], facts={"status": "suspended", "valid_to": "2025"}),
    # The person.
    Case("deceased", "no", ["deceased"], person={"deceased": True}),
    Case("deceased on the day", "no", ["deceased"], person={"deceased": True, "deceased_date": "2026-11-22"}),
    Case("deceased this month", "ask", ["deceased-perhaps"], person={"deceased": True, "deceased_date": "2026-11"}),
    Case("alive then", "yes", ["valid"], person={"deceased_date": "2026-06-01"}, on=D(2026, 5, 31)),
    Case("deceased, day unknown, asked of the past", "ask", ["deceased-perhaps"], person={"deceased": True}, on=D(2026, 5, 1)),
    # The record and the feed: sanctions stay, all else is asked.
    Case("gone from the feed", "ask", ["record-gone"], facts={"gone": True}),
    Case("gone and revoked", "ask", ["record-gone", "status-revoked"], facts={"gone": True, "status": "revoked"}),
    Case("gone and deceased", "no", ["deceased", "record-gone"], facts={"gone": True}, person={"deceased": True}),
    Case("stale feed, active", "ask", ["feed-stale"], feed=STALE),
    Case("stale feed, revoked", "no", ["status-revoked", "feed-stale"], facts={"status": "revoked"}, feed=STALE),
    limit("revoked", "no", ["revoked", "feed-stale"], "2020", feed=STALE),
    Case("stale feed, lapsed", "ask", ["feed-stale", "lapsed"], facts={"status": "lapsed"}, feed=STALE),
    Case("stale feed, ended", "ask", ["feed-stale", "ended"], facts={"valid_to": "2026-11-21"}, feed=STALE),
    Case("stale feed, a day it still proves", "yes", ["valid"], feed=STALE, on=D(2026, 11, 19)),
    Case("stale feed, the day of its last pull", "ask", ["feed-stale"], feed=STALE, on=D(2026, 11, 20)),
    Case("never pulled in full", "ask", ["feed-never"], feed=NEVER),
    Case("never pulled in full, suspended", "no", ["status-suspended", "feed-never"], facts={"status": "suspended"}, feed=NEVER),
    Case("a feed nobody describes any more", "ask", ["feed-never"], feed=fresh_feed("other")),
    Case("on the edge of the promise", "yes", ["valid"], feed=fresh_feed(pulled_hours_ago=48)),
    # Words we can't read.
    Case("profession unknown", "ask", ["profession-unknown"], facts={"profession": "unknown", "raw_profession": "HX"}),
    Case(
        "profession unknown and lapsed",
        "no",
        ["lapsed", "profession-unknown"],
        facts={"profession": "unknown", "status": "lapsed"},
    ),
    # Past days: dated facts prove, undated ones only since we have known them.
    Case("a day since we knew", "yes", ["valid"], on=D(2026, 1, 10)),
    Case("the day before we knew", "ask", ["learnt-later"], on=D(2026, 1, 9)),
    Case("revoked now, asked of before we knew", "ask", ["learnt-later", "status-revoked"], facts={"status": "revoked"}, on=D(2025, 5, 1)),
    limit("revoked", "no", ["revoked", "learnt-later"], "2020-02-01", on=D(2025, 5, 1)),
    limit("revoked", "ask", ["learnt-later", "restriction-perhaps"], on=D(2025, 5, 1)),
    limit("revoked", "ask", ["learnt-later"], "2025-06-01", on=D(2025, 5, 1)),
    Case("before it was issued", "no", ["not-begun", "learnt-later"], on=D(2010, 5, 31)),
    Case(
        "before the first known term",
        "ask",
        ["learnt-later", "earlier-period"],
        facts={"issued": None, "valid_from": "2024-01-01"},
        on=D(2023, 12, 31),
    ),
    Case("after it ended, learnt later", "no", ["ended"], facts={"valid_to": "2019-12-31"}, on=D(2020, 6, 1)),
    Case("today is known today", "yes", ["valid"], facts={"known_since": datetime(2026, 11, 22, 8, 59, tzinfo=UTC)}),
    Case(
        "yesterday, learnt today",
        "ask",
        ["learnt-later"],
        facts={"known_since": datetime(2026, 11, 22, 1, 0, tzinfo=UTC)},
        on=D(2026, 11, 21),
    ),
    Case(
        "the day of learning is counted in Stockholm, not in UTC",
        "ask",
        ["learnt-later"],
        facts={"known_since": datetime(2026, 11, 20, 23, 30, tzinfo=UTC)},
        on=D(2026, 11, 20),
    ),
    # What waits for review gives neither yes nor no, whatever is shown; every reason against the licence is still told.
    Case("held", "ask", ["change-held"], facts={"held": True}),
    Case("held while suspended", "ask", ["change-held", "status-suspended"], facts={"held": True, "status": "suspended"}),
    Case("held while revoked", "ask", ["change-held", "status-revoked"], facts={"held": True, "status": "revoked"}),
    Case("held while lapsed", "ask", ["change-held", "ended", "lapsed"], facts={"held": True, "status": "lapsed", "valid_to": "2025"}),
    Case("held and deceased", "ask", ["change-held", "deceased"], facts={"held": True}, person={"deceased": True}),
    Case("held and gone", "ask", ["change-held", "record-gone"], facts={"held": True, "gone": True}),
    Case("held by a late feed", "ask", ["change-held", "feed-stale"], facts={"held": True}, feed=STALE),
    Case("held, asked of the past", "ask", ["change-held"], facts={"held": True}, on=D(2026, 5, 1)),
    Case("held, before it was issued", "ask", ["change-held", "not-begun", "learnt-later"], facts={"held": True}, on=D(2010, 5, 31)),
    Case(
        "held under a revocation",
        "ask",
        ["change-held", "revoked"],
        facts={"held": True},
        restrictions=(restriction("revoked", "2024-03-01"),),
    ),
    # What a protected person's feed tells no more is from before: neither yes nor no.
    Case("untold", "ask", ["told-no-more"], facts={"untold": True}),
    Case("untold while revoked", "ask", ["told-no-more", "status-revoked"], facts={"untold": True, "status": "revoked"}),
    Case("untold and waiting", "ask", ["change-held"], facts={"held": True, "untold": True}),
    Case("a held feed says nothing about a licence that does not wait", "yes", ["valid"], feed=fresh_feed(held=True)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_licence(case: Case) -> None:
    one = licence(1, *case.restrictions, **case.facts)
    found = licence_verdict(
        person(one, **case.person), one, asked(case.on).moment, basis(case.feed, on_date=case.on)
    )
    assert (found.answer, [reason.code for reason in found.reasons]) == (case.answer, case.codes)
    assert found.reasons[0].answer == found.answer


def test_no_two_cases_have_the_same_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("word", "nature"),
    [
        ("lapsed", "administrative"),
        ("revoked", "sanction"),
        ("suspended", "sanction"),
        ("surrendered", "surrender"),
        ("deceased", "death"),
    ],
)
def test_an_unpaid_fee_is_told_apart_from_a_sanction(word: str, nature: str) -> None:
    one = licence(status=word)
    found = licence_verdict(person(one), one, asked().moment, basis())
    assert [reason.nature for reason in found.reasons] == [nature]


def test_the_texts_name_the_restriction_its_code_and_dates_and_the_authority() -> None:
    one = licence(1, restriction("probation", "2024-03", "2027-02-28", code="002", text="Treårig prövotid"))
    reason = licence_verdict(person(one), one, asked().moment, basis()).reasons[0]
    assert "Treårig prövotid (kod 002, från 2024-03, till och med 2027-02-28)" in reason.sv
    assert "Treårig prövotid (code 002, from 2024-03, to and including 2027-02-28)" in reason.en
    assert reason.licence_id == 1
    assert "8 kap." in reason.source_sv


def test_a_restriction_without_words_of_its_own_gets_ours() -> None:
    one = licence(1, restriction("limited-prescribing"))
    reason = licence_verdict(person(one), one, asked().moment, basis()).reasons[0]
    assert "Begränsad förskrivningsrätt" in reason.sv
    assert "(" not in reason.en.split(":", 1)[1].split(".")[0]


def test_what_waits_is_told_with_its_source_and_whom_to_ask() -> None:
    one = licence(held=True)
    reason = licence_verdict(person(one), one, asked().moment, basis()).reasons[0]
    assert (reason.code, reason.answer, reason.nature) == ("change-held", "ask", "uncertain")
    assert reason.sv.startswith("Registret hosp har lämnat en nyare uppgift om legitimationen som läkare")
    assert "väntar på granskning" in reason.sv
    assert reason.sv.endswith("Kontakta Myndigheten hosp.")
    assert "waits for review. Contact The hosp authority." in reason.en
    assert "artikel 5.1 d" in reason.source_sv


def test_braces_in_an_authoritys_word_are_only_braces() -> None:
    one = licence(status="unknown", raw_status="{date} {0} {{")
    reason = licence_verdict(person(one), one, asked().moment, basis()).reasons[0]
    assert '"{date} {0} {{"' in reason.sv


def test_the_time_of_the_last_pull_is_told_in_the_services_zone() -> None:
    one = licence()
    reason = licence_verdict(person(one), one, asked().moment, basis(STALE)).reasons[0]
    assert "2026-11-20 09:00" in reason.sv
    assert "48 timmar" in reason.sv
    never = licence_verdict(person(one), one, asked().moment, basis(NEVER)).reasons[0]
    assert "Registret hosp" in never.sv


def test_a_profession_is_written_small_in_a_sentence_but_an_abbreviation_is_not() -> None:
    one = licence()
    assert "som läkare från" in licence_verdict(person(one), one, asked().moment, basis()).reasons[0].sv
    other = licence(profession="ABC nurse")  # a code the vocabulary does not have is its own label
    assert "as ABC nurse from" in licence_verdict(person(other), other, asked().moment, basis()).reasons[0].en
