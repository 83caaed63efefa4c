"""Several licences of one person taken together."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from registry.records.facts import RestrictionFacts
from registry.records.read import Feed, Licence
from registry.verification.ruleset import Answer
from registry.verification.verdict import verdict
from tests.registry.verification.people import NOW, TODAY, asked, basis, feed, licence, person, restriction

REVOKED = restriction("revoked", "2020-01-01")
PROBATION = restriction("probation", "2024-01-01", "2027-01-01")
NURSE: dict[str, Any] = {"profession": "registered-nurse"}
MIDWIFE: dict[str, Any] = {"profession": "midwife"}
LAPSED: dict[str, Any] = {"status": "lapsed"}
UNREAD: dict[str, Any] = {"profession": "unknown", "raw_profession": "HX"}
AUTHORITY: dict[str, Any] = {"authority": "hosp-authority"}


@dataclass
class Case:
    """Licences, a question, and what must come out: the answer and the first reason's code."""

    name: str
    answer: Answer
    code: str
    licences: tuple[Licence, ...]
    question: dict[str, Any] = field(default_factory=dict)
    on: date = TODAY
    feeds: tuple[Feed, ...] = ()
    person: dict[str, Any] = field(default_factory=dict)


def physician(**rest: object) -> dict[str, Any]:
    return {"profession": "physician", **rest}


def here(licence_id: int, *restrictions: RestrictionFacts, **rest: Any) -> Licence:  # noqa: ANN401 - of any field
    """A licence that holds in Sweden."""
    return licence(licence_id, *restrictions, **{"jurisdiction": "SE", **rest})


OTHER = "other-authority-differs"
WITHHELD = "source-withholds"
HOSP_WITHHELD: dict[str, Any] = {"withheld": ("hosp",)}
COPY: dict[str, Any] = {"authority": "wa-authority"}
LIST = feed("wa", completeness="active_only", mode="query")
LATE_LIST = feed("wa", completeness="active_only", mode="query", pulled_hours_ago=72)
one = licence
CASES = [
    # One licence.
    Case("asked for what is held", "yes", "valid", (one(),), physician()),
    Case("asked for no profession", "yes", "valid", (one(),)),
    Case("naprapath, code NA", "yes", "valid", (one(profession="naprapath", raw_profession="NA"),), {"profession": "naprapath"}),
    Case("LK beside 001", "no", "revoked", (one(1, REVOKED),), physician()),
    # Several professions.
    Case("all of several professions valid", "yes", "valid", (one(1, **NURSE), one(2, **MIDWIFE))),
    Case("one of several lapsed", "ask", "professions-differ", (one(1, **NURSE), one(2, **MIDWIFE, **LAPSED))),
    Case("the lapsed one asked for", "no", "lapsed", (one(1, **NURSE), one(2, **MIDWIFE, **LAPSED)), {"profession": "midwife"}),
    Case("the valid one asked for", "yes", "valid", (one(1, **NURSE), one(2, **MIDWIFE, **LAPSED)), {"profession": "registered-nurse"}),
    Case("all of several professions revoked", "no", "revoked", (one(1, REVOKED, **NURSE), one(2, REVOKED, **MIDWIFE))),
    Case("revoked for another profession", "ask", "sanction-elsewhere", (one(1, **NURSE), one(2, REVOKED, **MIDWIFE)), {"profession": "registered-nurse"}),
    Case("probation for another profession", "ask", "sanction-elsewhere", (one(1, **NURSE), one(2, PROBATION, **MIDWIFE)), {"profession": "registered-nurse"}),
    Case("a valid and an unread one", "ask", "professions-differ", (one(1), one(2, **UNREAD))),
    # Several licences for one profession from one authority.
    Case("old number lapsed beside a new one", "yes", "valid", (one(1, **LAPSED), one(2)), physician()),
    Case("old number gone beside a new one", "yes", "valid", (one(1, gone=True), one(2)), physician()),
    Case("old number ended beside a new one", "yes", "valid", (one(1, valid_to="2019"), one(2)), physician()),
    Case("old number revoked beside a new one", "ask", "licences-differ", (one(1, REVOKED), one(2)), physician()),
    Case("gone and last known revoked beside a new one", "ask", "licences-differ", (one(1, REVOKED, gone=True), one(2)), physician()),
    Case("probation beside an unrestricted one", "ask", "licences-differ", (one(1, PROBATION), one(2)), physician()),
    Case("lapsed beside a revoked one", "no", "revoked", (one(1, **LAPSED), one(2, REVOKED)), physician()),
    Case("lapsed twice", "no", "lapsed", (one(1, **LAPSED), one(2, **LAPSED)), physician()),
    Case("lapsed beside one that is gone", "ask", "licences-differ", (one(1, **LAPSED), one(2, gone=True)), physician()),
    Case("lapsed beside an unknown status", "ask", "status-unknown", (one(1, **LAPSED), one(2, status="unknown")), physician()),
    # A profession renamed to a word we can't read yet is no absence and no lapse.
    Case("lapsed title beside an unread one", "ask", "profession-unknown", (one(1, **LAPSED), one(2, **UNREAD)), physician()),
    Case("valid title beside an unread one", "yes", "valid", (one(1), one(2, **UNREAD)), physician()),
    Case("revoked title beside an unread one", "no", "revoked", (one(1, REVOKED), one(2, **UNREAD)), physician()),
    Case("only an unread one", "ask", "profession-unknown", (one(1, **UNREAD),), physician()),
    # Several authorities.
    Case("valid with both", "yes", "valid", (one(1), one(2, feed_id="wa")), physician()),
    Case("sanction at one, valid at the other", "ask", "authorities-differ", (one(1, REVOKED), one(2, feed_id="wa")), physician()),
    Case("lapsed at one, valid at the other", "ask", "authorities-differ", (one(1, **LAPSED), one(2, feed_id="wa")), physician()),
    Case("revoked at both", "no", "revoked", (one(1, REVOKED), one(2, REVOKED, feed_id="wa")), physician()),
    Case("authority named, lapsed at another", "yes", "valid", (one(1), one(2, feed_id="wa", **LAPSED)), physician(**AUTHORITY)),
    Case("authority named, sanction at another", "ask", "sanction-elsewhere", (one(1), one(2, REVOKED, feed_id="wa")), physician(**AUTHORITY)),
    Case("authority named, surrendered at another", "ask", "sanction-elsewhere", (one(1), one(2, feed_id="wa", status="surrendered")), physician(**AUTHORITY)),
    Case("authority named, restriction over at another", "yes", "valid", (one(1), one(2, restriction("revoked", "2010", "2012"), feed_id="wa")), physician(**AUTHORITY)),
    Case("authority named, the sanctioned one", "no", "revoked", (one(1, REVOKED), one(2, feed_id="wa")), physician(**AUTHORITY)),
    Case("authority named that has none of the licences", "ask", "no-licence", (one(1, feed_id="wa"),), physician(**AUTHORITY)),
    Case("two jurisdictions of one authority", "ask", "authorities-differ", (one(1, jurisdiction="US-WA"), one(2, jurisdiction="US-OR", **LAPSED)), physician()),
    Case("professions and authorities differ", "ask", "professions-differ", (one(1), one(2, feed_id="wa", **LAPSED), one(3, **NURSE))),
    # Another authority of the same jurisdiction: one may be a late copy of the other.
    Case("copy named, lapsed in the register", "ask", OTHER, (here(1, **LAPSED), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, ended in the register", "ask", OTHER, (here(1, valid_to="2026-11-21"), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, not begun in the register", "ask", OTHER, (here(1, issued="2027"), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, gone from the register", "ask", OTHER, (here(1, gone=True), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, unknown status in the register", "ask", OTHER, (here(1, status="unknown"), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, the register has news that wait", "ask", OTHER, (here(1, held=True), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, the register is late", "ask", OTHER, (here(1), here(2, feed_id="wa")), physician(**COPY), feeds=(feed(pulled_hours_ago=72), LIST)),
    Case("copy named, the register was never pulled", "ask", OTHER, (here(1), here(2, feed_id="wa")), physician(**COPY), feeds=(feed(pulled_hours_ago=None), LIST)),
    Case("copy named, the register is no longer described", "ask", OTHER, (here(1), here(2, feed_id="wa")), physician(**COPY), feeds=(LIST,)),
    Case("copy named without a profession, lapsed in the register", "ask", OTHER, (here(1, **LAPSED), here(2, feed_id="wa")), COPY),
    Case("the copy's number, lapsed in the register", "ask", OTHER, (here(1, **LAPSED), here(2, feed_id="wa")), {"number": "N2"}),
    Case("copy named, revoked in the register", "ask", "sanction-elsewhere", (here(1, REVOKED), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, both valid", "yes", "valid", (here(1), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, an old number lapsed beside a new one", "yes", "valid", (here(1, **LAPSED), here(3), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, an old number gone beside a lapsed one", "ask", OTHER, (here(1, gone=True), here(3, **LAPSED), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, another profession lapsed", "yes", "valid", (here(1, **LAPSED, **NURSE), here(2, feed_id="wa")), physician(**COPY)),
    Case("copy named, lapsed in another state", "yes", "valid", (here(1, jurisdiction="US-OR", **LAPSED), here(2, feed_id="wa", jurisdiction="US-WA")), physician(**COPY)),
    Case("copy named, lapsed where no state is told", "yes", "valid", (one(1, **LAPSED), here(2, feed_id="wa")), physician(**COPY)),
    Case("register named, lapsed in the copy", "ask", OTHER, (here(1), here(2, feed_id="wa", **LAPSED)), physician(**AUTHORITY)),
    Case("register named, both lapsed", "no", "lapsed", (here(1, **LAPSED), here(2, feed_id="wa", **LAPSED)), physician(**AUTHORITY)),
    # The silence of a list of active licences is not held against a register that reports ended ones too.
    Case("register named, gone from a list", "yes", "valid", (here(1), here(2, feed_id="wa", gone=True)), physician(**AUTHORITY), feeds=(feed(), LIST)),
    Case("register named, gone from and lapsed in a list", "ask", OTHER, (here(1), here(2, feed_id="wa", gone=True, **LAPSED)), physician(**AUTHORITY), feeds=(feed(), LIST)),
    Case("register named, the list is late", "yes", "valid", (here(1), here(2, feed_id="wa")), physician(**AUTHORITY), feeds=(feed(), LATE_LIST)),
    Case("register named, late and lapsed in the list", "ask", OTHER, (here(1), here(2, feed_id="wa", **LAPSED)), physician(**AUTHORITY), feeds=(feed(), LATE_LIST)),
    Case("register named, the list learnt it later", "yes", "valid", (here(1), here(2, feed_id="wa", known_since=NOW)), physician(**AUTHORITY), on=date(2026, 6, 1), feeds=(feed(), LIST)),
    Case("register named, gone from another register", "ask", OTHER, (here(1), here(2, feed_id="wa", gone=True)), physician(**AUTHORITY)),
    Case("list named, gone from another list", "ask", OTHER, (here(1, gone=True), here(2, feed_id="wa")), physician(**COPY), feeds=(feed(completeness="active_only"), LIST)),
    # By licence number: that licence is meant.
    Case("the number's licence is valid, another profession lapsed", "yes", "valid", (one(1, **NURSE), one(2, **MIDWIFE, **LAPSED)), {"number": "N1"}),
    Case("the number's licence is lapsed, a newer one valid", "yes", "valid", (one(1, **LAPSED), one(2)), {"number": "n-1"}),
    Case("the number's licence is lapsed, valid elsewhere", "no", "lapsed", (one(1, **LAPSED), one(2, feed_id="wa")), {"number": "N1"}),
    Case("the number's licence is valid, sanction elsewhere", "ask", "sanction-elsewhere", (one(1), one(2, REVOKED, feed_id="wa")), {"number": "N1"}),
    Case("the number belongs to another profession", "ask", "number-for-other-profession", (one(1, **NURSE), one(2)), physician(number="N1")),
    Case("the number belongs to another profession, none held", "ask", "number-for-other-profession", (one(1, **NURSE),), physician(number="N1")),
    Case("the number belongs to a profession we can't read", "ask", "profession-unknown", (one(1, **UNREAD),), physician(number="N1")),
    Case("an unread one beside the number's", "yes", "valid", (one(1), one(2, **UNREAD)), physician(number="N1")),
    Case("the number is the person's, not a licence's", "yes", "valid", (one(1),), {"number": "1234567893"}),
    # A profession the person does not hold.
    Case("not held", "ask", "profession-not-held", (one(1, **NURSE),), physician()),
    Case("not held, authority named, complete feed", "no", "profession-not-held-complete", (one(1, **NURSE),), physician(**AUTHORITY)),
    Case("not held, identified by name only", "ask", "profession-not-held", (one(1, **NURSE),), physician(certain=False, **AUTHORITY)),
    Case("not held, asked of the past", "ask", "profession-not-held", (one(1, **NURSE),), physician(**AUTHORITY), on=date(2026, 6, 1)),
    Case("not held, stale feed", "ask", "profession-not-held", (one(1, **NURSE),), physician(**AUTHORITY), feeds=(feed(pulled_hours_ago=72),)),
    Case("not held, active-only feed", "ask", "profession-not-held", (one(1, **NURSE),), physician(**AUTHORITY), feeds=(feed(completeness="active_only"),)),
    Case("not held, the person is gone from the feed", "ask", "profession-not-held", (one(1, gone=True, **NURSE),), physician(**AUTHORITY)),
    Case(
        "not held, a second feed of the authority does not hold the person",
        "ask",
        "profession-not-held",
        (one(1, **NURSE),),
        physician(**AUTHORITY),
        feeds=(feed(), feed("second", authority_id="hosp-authority")),
    ),
    Case("not held and deceased", "no", "deceased", (one(1, **NURSE),), physician(), person={"deceased": True}),
    Case("no licence at all", "ask", "no-licence", ()),
    # Somebody protected, asked about by consent: what a source withholds is neither a yes nor a no.
    Case("all withheld", "ask", WITHHELD, (), person=HOSP_WITHHELD),
    Case("all withheld, that authority named", "ask", WITHHELD, (), physician(**AUTHORITY), person=HOSP_WITHHELD),
    Case("all withheld, another authority named", "ask", "no-licence", (), physician(**COPY), person=HOSP_WITHHELD),
    Case("withheld beside a valid one elsewhere", "ask", WITHHELD, (one(1, feed_id="wa"),), physician(), person=HOSP_WITHHELD),
    Case("withheld beside a valid one of the authority named", "ask", WITHHELD, (one(1, feed_id="wa"),), physician(**COPY), person=HOSP_WITHHELD),
    Case("withheld beside a revoked one elsewhere", "ask", WITHHELD, (one(1, REVOKED, feed_id="wa"),), physician(), person=HOSP_WITHHELD),
    Case("withheld beside a revoked one of the authority named", "no", "revoked", (one(1, REVOKED, feed_id="wa"),), physician(**COPY), person=HOSP_WITHHELD),
    Case("withheld, not held elsewhere", "ask", WITHHELD, (one(1, feed_id="wa", **NURSE),), physician(), person=HOSP_WITHHELD),
    Case("withheld after it was known", "ask", "told-no-more", (one(1, untold=True),), physician(), person=HOSP_WITHHELD),
    Case("withheld, known for another profession", "ask", WITHHELD, (one(1, untold=True, **NURSE),), physician(**AUTHORITY), person=HOSP_WITHHELD),
    Case("asked of a query feed that is asked no more", "ask", "profession-not-held", (one(1, untold=True, **NURSE),), physician(**AUTHORITY)),
    Case("withheld and deceased", "no", "deceased", (one(1, feed_id="wa", **NURSE),), physician(), person={"deceased": True, **HOSP_WITHHELD}),
    Case("withheld by a feed that is not described", "ask", WITHHELD, (one(1, REVOKED, feed_id="wa"),), physician(**COPY), person={"withheld": ("gone",)}),
    # Dates before the rules.
    Case("before the oldest rules", "ask", "before-rules", (one(1, issued="2000"),), physician(), on=date(2010, 12, 31)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_person(case: Case) -> None:
    found = verdict(
        person(*case.licences, **case.person),
        asked(case.on, **case.question),
        basis(*case.feeds, on_date=case.on),
    )
    assert (found.answer, found.reasons[0].code) == (case.answer, case.code)
    assert all(
        reason.sv.strip() and reason.en.strip() and reason.source_sv.strip() and reason.source_en.strip()
        for reason in found.reasons
    )
    assert [each.licence.id for each in found.licences] == sorted(each.id for each in case.licences)


def test_a_differing_answer_names_the_choices_and_still_tells_each_licences_reasons() -> None:
    found = verdict(person(one(1), one(2, feed_id="wa", **LAPSED), one(3, **NURSE)), asked(), basis())
    codes = [reason.code for reason in found.reasons]
    assert codes == ["professions-differ", "authorities-differ", "valid", "lapsed", "valid"]
    assert "läkare" in found.reasons[0].sv.casefold()
    assert "sjuksköterska" in found.reasons[0].sv.casefold()
    assert "The hosp authority, The wa authority" in found.reasons[1].en


def test_who_withholds_is_named_and_nothing_says_that_there_is_no_licence() -> None:
    found = verdict(person(withheld=("hosp",)), asked(), basis())
    assert [each.code for each in found.reasons] == [WITHHELD]
    assert "The hosp authority" in found.reasons[0].en
    assert "Myndigheten hosp" in found.reasons[0].sv


def test_whose_register_tells_otherwise_is_named_and_asked() -> None:
    someone = person(here(1, **LAPSED), here(2, feed_id="wa"), here(3, PROBATION, feed_id="wa", **NURSE))
    found = verdict(someone, asked(profession="physician", **COPY), basis())
    assert [reason.code for reason in found.reasons] == [
        "sanction-elsewhere", OTHER, "valid", "probation", "lapsed",
    ]  # fmt: skip
    differs = found.reasons[1]
    assert "läkare" in differs.sv
    assert "Fråga Myndigheten hosp" in differs.sv
    assert "Ask The hosp authority" in differs.en
    assert [each.licence.id for each in found.licences if each.relevant] == [2]


def test_licences_the_question_is_not_about_are_marked_so() -> None:
    found = verdict(person(one(1, **NURSE), one(2, **MIDWIFE)), asked(profession="midwife"), basis())
    assert [(each.licence.id, each.relevant, each.answer) for each in found.licences] == [
        (1, False, "yes"),
        (2, True, "yes"),
    ]


def test_an_answer_about_a_past_day_says_what_it_rests_on() -> None:
    past = verdict(person(one()), asked(date(2026, 6, 1)), basis())
    assert [reason.code for reason in past.reasons] == ["valid", "past-date"]
    assert past.reasons[1].answer is None
    assert "past-date" not in [reason.code for reason in verdict(person(one()), asked(), basis()).reasons]


def test_the_verdict_tells_the_rule_version() -> None:
    assert verdict(person(one()), asked(), basis()).rule_version == basis().rules.version
