"""The words of an answer, made from the plain answer alone."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from registry.verification.question import Question
from registry.verification.rules import load_rules
from registry.vocabulary import load_vocabulary
from registry.web.api.verification_examples import ANSWER
from registry.web.pages.answer_view import AnswerReader
from registry.web.pages.answer_words import Words
from registry.web.pages.language import Code, language
from registry.web.pages.next_steps import Contact, steps
from registry.web.pages.result import ResultView, result_view
from registry.web.pages.views import Viewer
from tests.registry.web.pages.test_views import NOW

WORDS = load_vocabulary()
GIVEN: dict[str, Any] = dict(ANSWER)


def viewer(code: Code = "sv") -> Viewer:
    return Viewer(language(code), ZoneInfo("Europe/Stockholm"), NOW, WORDS, {})


def reason(code: str, answer: str | None = "ask", **rest: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any kind
    told = {"code": code, "answer": answer, "nature": "uncertain", "licence": None, **rest}
    return {**told, "text": {"sv": code, "en": code}, "source": {"sv": "", "en": ""}}


def answer(**rest: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any kind
    return {**GIVEN, **rest}


def licence(**rest: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any kind
    given: dict[str, Any] = GIVEN["licences"][0]
    return {**given, **rest}


def shown(plain: dict[str, Any], code: Code = "sv", **question: Any) -> ResultView:  # noqa: ANN401 - fields of a question
    asked = Question(**(question or {"licence_number": "1"}))
    return result_view(plain, asked, viewer(code), person_url="/p", urls={"other": "https://other.example/"})


def test_an_answer_is_written_in_either_language() -> None:
    assert shown(answer()).headline == "Ja, gällande legitimation som sjuksköterska"
    english = shown(answer(), "en")
    assert english.headline == "Yes, there is a licence in force as registered nurse"
    assert english.person
    assert (english.person.name, english.person.birth_year, english.person.url) == (
        "Anna Lindqvist",
        "1980",
        "/p",
    )
    assert english.match
    assert english.match.mark == "exact"


def test_a_person_without_a_name_is_said_to_be_so() -> None:
    person = shown(answer(practitioner={**GIVEN["practitioner"], "name": "", "birthYear": None})).person
    assert person
    assert (person.name, person.birth_year) == ("Namn saknas i källan", "")


def test_an_answer_about_nobody_shows_nobody() -> None:
    result = shown(answer(practitioner=None, licences=[], verdict="ask", reasons=[reason("not-found")]))
    assert (result.person, result.match, result.licences) == (None, None, ())
    assert len(result.sources) == len(GIVEN["sources"])
    assert result.steps == (language("sv").text("step.not-found"),)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, ""),
        (
            {"onDate": "2026-03-01"},
            "Svaret gäller den 1 mars 2026, med det som registret vet nu (22 november 2026 kl.\u00a010.15).",
        ),
        (
            {"onDate": "2026-03-01", "knownAt": "2026-03-02T22:59:59Z"},
            language("sv").text("times.known-at", date="1 mars 2026", known="2 mars 2026 kl.\u00a023.59"),
        ),
        # Just after midnight it is the next day here, and the day before in UTC.
        (
            {"onDate": "2026-11-23", "knownAt": "2026-11-22T23:30:00Z", "checkedAt": "2026-11-22T23:30:00Z"},
            "",
        ),
    ],
)
def test_both_times_are_said_where_they_are_not_now(times: dict[str, str], said: str) -> None:
    assert shown(answer(**times)).times == said


def test_a_licence_tells_when_it_was_known_and_from_where() -> None:
    known = {
        "feed": "hosp",
        "run": 7,
        "stamp": "2026-01-02",
        "knownSince": "2026-01-02T03:04:05Z",
        "knownTo": "2026-02-02T03:04:05Z",
        "learntAt": "2026-01-20T03:04:05Z",
    }
    (one,) = shown(answer(licences=[licence(provenance=known)])).licences
    assert (one.run, one.stamp) == ("7", "2026-01-02")
    assert one.known_since == "2 januari 2026 kl.\u00a004.04"
    assert one.known_to == "2 februari 2026 kl.\u00a004.04"
    assert one.learnt_at == "20 januari 2026 kl.\u00a004.04"
    (plain,) = shown(answer()).licences
    assert (plain.known_to, plain.learnt_at) == ("", "")
    assert plain.stamp == "22 november 2026 kl.\u00a002.00"


def test_a_licence_of_a_feed_that_is_no_longer_described_is_shown_all_the_same() -> None:
    unknown = {"code": "unknown", "name": {"sv": "Okänt yrke", "en": "Unknown profession"}}
    other = licence(feed="gone", profession=unknown, rawProfession={"code": "XX", "text": "Drömtydare"})
    (one,) = shown(answer(licences=[other])).licences
    assert (one.source.name, one.source.last_success, one.profession) == ("gone", "", "Drömtydare")


def test_reasons_that_stand_above_are_not_said_twice() -> None:
    own = reason("conditions", licence=0)
    told = [GIVEN["licences"][0]["reasons"][0]]
    (one,) = shown(answer(reasons=told, licences=[licence(reasons=[*told, own])])).licences
    assert [each.text for each in one.reasons] == ["conditions"]


def test_every_kind_of_reason_has_its_step_and_each_is_said_once() -> None:
    codes = ("feed-stale", "feed-never", "probation", "ambiguous", "revoked")
    plain = answer(verdict="ask", reasons=[reason(code) for code in codes])
    text = language("sv").text
    assert steps(AnswerReader(plain, viewer())) == tuple(
        text(f"step.{step}") for step in ("stale", "limits", "more", "sanction")
    )


def test_rules_and_outcomes_that_are_not_a_yes_have_a_step_or_the_advice_of_their_verdict() -> None:
    """A rule that is added is looked at: either its reason needs a step of its own, or it stands here."""
    rules = load_rules().on(NOW.date())
    codes = {rule.id for rule in rules.licence_rules if rule.answer != "yes"}
    codes |= {outcome.id for outcome in rules.outcomes}
    without = {
        code
        for code in codes
        if not steps(AnswerReader(answer(verdict="ask", reasons=[reason(code)]), viewer()))
    }
    assert without == {"deceased", "status-deceased"}


def test_who_is_to_be_asked_is_the_authority_that_made_it_doubtful() -> None:
    other = {"id": "other", "name": {"sv": "Andra", "en": "Other"}}
    doubtful = licence(verdict="ask", authority=other)
    asked = answer(
        verdict="ask", licences=[licence(), doubtful], reasons=[reason("licences-differ", licence=1)]
    )
    assert shown(asked).contacts == (Contact("Andra", "https://other.example/"),)
    assert "kontakta Andra" in shown(asked).sentence
    assert shown(answer()).contacts == ()
    # Where a fuller question may be answered, nobody is asked yet.
    assert shown(answer(verdict="ask", reasons=[reason("ambiguous")])).contacts == ()


def test_silence_of_many_authorities_is_no_list_of_whom_to_ask() -> None:
    (feed,) = GIVEN["sources"][:1]
    many = [
        {**feed, "authority": {"id": each, "name": {"sv": each, "en": each}}}
        for each in ("a", "b", "c", "d", "e")
    ]
    silent = answer(verdict="ask", practitioner=None, licences=[], reasons=[reason("not-found")])
    assert shown({**silent, "sources": many}).contacts == ()
    assert len(shown({**silent, "sources": many[:4]}).contacts) == 4


def test_only_web_addresses_become_links() -> None:
    plain = answer(verdict="no")
    view = viewer()
    for url, link in (("javascript:alert(1)", ""), ("https://a.example/", "https://a.example/")):
        urls = {plain["licences"][0]["authority"]["id"]: url}
        result = result_view(plain, Question(licence_number="1"), view, person_url="", urls=urls)
        assert [each.url for each in result.contacts] == [link]


@pytest.mark.parametrize("number", ["198507099805", "19850709-9805", "850709-9805"])
def test_a_personal_identity_number_is_shown_without_its_last_digits(number: str) -> None:
    ((_, value),) = shown(answer(), personal_number=number).asked
    assert value.endswith("850709-••••")
    assert "9805" not in value


def test_everything_asked_is_shown() -> None:
    asked = dict(
        shown(
            answer(),
            name="Anna Lindqvist",
            birth_date="19800503",
            profession="sjuksköterska",
            authority="hosp-authority",
        ).asked
    )
    assert asked == {
        "Namn": "Anna Lindqvist",
        "Födelsedatum": "3 maj 1980",
        "Yrke": "Sjuksköterska",
        "Myndighet": "hosp-authority",
    }


def test_a_death_is_nothing_to_talk_about() -> None:
    died = answer(verdict="no", reasons=[reason("deceased", "no", nature="death")])
    assert Words(AnswerReader(died, viewer())).next == "death"
