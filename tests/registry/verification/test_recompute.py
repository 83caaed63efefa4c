"""Old evidence worked out again: facts, feeds and rules have changed since, the answer is the same."""

import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from registry.errors import NotFoundError
from registry.records.facts import LicenceFacts, RestrictionFacts
from registry.settings import CONFIG
from registry.verification.question import Question
from registry.verification.rules import RuleBook, load_rules
from registry.verification.verify import Answered, Verifier
from tests.registry.verification.conftest import BORN, NUMBER, Desk, anna
from tests.registry.verification.people import vocabulary
from tests.registry.verification.test_rules import put, write
from tests.support.world import licence, person

IN_USE = max((CONFIG / "verdict").glob("*.toml"))
VERSION = tomllib.loads(IN_USE.read_text("utf-8"))["version"]


def limited(**dates: str) -> LicenceFacts:
    return licence("1001", restrictions=(RestrictionFacts(kind="probation", **dates),))


def later_rules(folder: Path) -> RuleBook:
    """The rules of then, replaced by others: probation is a no now, and texts are other ones."""
    rules = tomllib.loads(IN_USE.read_text("utf-8"))
    write({**rules, "replaced-by": "mended"}, folder / "then.toml")
    put("probation", answer="no")(rules)
    put("valid", en="Other words.")(rules)
    write({**rules, "version": "mended"}, folder / "now.toml")
    return load_rules(folder)


@dataclass
class Clerk:
    desk: Desk
    rules: RuleBook

    @property
    def verifier(self) -> Verifier:
        settings = self.desk.world.settings
        return Verifier(
            sealer=self.desk.world.sealer,
            search=self.desk.engine.search,
            rules=self.rules,
            vocabulary=vocabulary(),
            zone=settings.zone,
            max_candidates=100,
        )

    def ask(self, question: Question) -> Answered:
        with self.desk.world.engine.connect() as connection:
            return self.verifier.verify(question, connection, datetime.now(UTC))

    def again(self, question: Question, given: Answered) -> Answered:
        then = given.verification
        with self.desk.world.engine.connect() as connection:
            return self.verifier.recompute(question, connection, then.checked_at, then.rule_version)


def told(answered: Answered) -> object:
    """All that an answer says, but for the version that a person's record has by now."""
    found = answered.verification
    licences = [
        replace(each.verdict, licence=replace(each.verdict.licence, learnt_at=None))
        for each in found.licences
    ]
    sources = [
        (each.fresh, each.feed.held, each.feed.last_success_at, each.feed.last_success_stamp)
        for each in found.sources
    ]
    who = found.practitioner and (found.practitioner.id, found.practitioner.name)
    return replace(found, practitioner=None, licences=(), sources=()), licences, sources, who, answered.ids


QUESTIONS = {
    "by number": Question(licence_number="1001"),
    "by personal number": Question(personal_number=NUMBER, profession="registered-nurse"),
    "a profession not held": Question(
        personal_number=NUMBER, profession="physician", authority="test-authority"
    ),
    "by name": Question(name="Anna Maria Andersson", birth_date=BORN),
    "on a past day": Question(licence_number="1001", on_date=date(2020, 1, 1)),
    "somebody else": Question(licence_number="404"),
}
# What has become of the person since.
SINCE: dict[str, dict[str, object]] = {
    "revoked, as of long before": {
        "licences": [
            licence(
                "1001",
                status="revoked",
                restrictions=(RestrictionFacts(kind="revoked", valid_from="2019-01-01"),),
            )
        ]
    },
    "on probation": {"licences": [limited(valid_from="2020-01-01")]},
    "lapsed": {"licences": [licence("1001", status="lapsed", valid_to="2020-01-01")]},
    "dead": {"licences": [licence("1001", status="deceased")], "deceased": True},
    "a physician too": {"licences": [licence("1001"), licence("2002", profession="physician")]},
}


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("asked", QUESTIONS)
def test_an_answer_is_worked_out_again_whatever_has_changed_since(
    desk: Desk, tmp_path: Path, asked: str, since: str
) -> None:
    clerk = Clerk(desk, load_rules())
    desk.load({"a": anna(), "b": person("Ek", "Bo", licences=[licence("77")])})
    given = clerk.ask(QUESTIONS[asked])
    assert given.verification.rule_version == VERSION
    desk.load({"a": anna(**SINCE[since]), "b": person("Ek", "Bo", licences=[licence("77")])})
    clerk.rules = later_rules(tmp_path)
    assert told(clerk.again(QUESTIONS[asked], given)) == told(given)
    now = clerk.ask(QUESTIONS[asked])
    assert now.verification.rule_version == "mended"
    if asked == "by number" and since != "a physician too":
        assert (given.verification.answer, now.verification.answer) == ("yes", "no")


def test_an_answer_about_what_was_gone_held_or_late_is_worked_out_again(desk: Desk, tmp_path: Path) -> None:
    crowd = {f"c{n}": person("Ek", f"Liv{n}", licences=[licence(f"C-{n}")]) for n in range(40)}
    clerk = Clerk(desk, load_rules())
    desk.load(crowd)
    desk.load(dict(list(crowd.items())[:20]))
    held = Question(licence_number="C-39")
    given = [(held, clerk.ask(held))]
    desk.load(crowd)
    desk.load(dict(list(crowd.items())[:39]))
    given.append((held, clerk.ask(held)))
    desk.load(crowd)
    given.append((held, clerk.ask(held)))
    clerk.rules = later_rules(tmp_path)
    answers = [answered.verification.reasons[0].code for _, answered in given]
    assert answers == ["change-held", "record-gone", "valid"]
    for question, answered in given:
        assert told(clerk.again(question, answered)) == told(answered)


def test_an_answer_given_while_the_feed_was_late_stays_one(desk: Desk) -> None:
    clerk = Clerk(desk, load_rules())
    question = Question(licence_number="1001")
    people = {"a": anna()}
    now = datetime.now(UTC)
    desk.world.load(people, finished_at=now - timedelta(hours=100))
    given = clerk.ask(question)
    assert given.verification.reasons[0].code == "feed-stale"
    desk.world.load(people)
    assert clerk.ask(question).verification.answer == "yes"
    assert told(clerk.again(question, given)) == told(given)


def test_rules_that_are_lost_can_decide_nothing_again(desk: Desk) -> None:
    desk.load({"a": anna()})
    clerk = Clerk(desk, load_rules())
    with desk.world.engine.connect() as connection, pytest.raises(NotFoundError, match="no rule set 1999"):
        clerk.verifier.recompute(Question(licence_number="1001"), connection, datetime.now(UTC), "1999")
