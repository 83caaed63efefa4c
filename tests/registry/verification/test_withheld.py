"""Somebody protected, asked about with their agreement, whose source tells nothing: who must be asked is named."""

import pytest

from registry.verification.question import Question
from registry.verification.verify import Verification
from tests.registry.verification.conftest import NUMBER, Desk, anna
from tests.support.world import licence

BY_NUMBER = Question(personal_number=NUMBER)
# As HOSP sends whoever is protected: number, birth date, and whom to ask.
EMPTIED = anna(names=(), licences=(), protected=True)


def codes(found: Verification) -> list[str]:
    return [each.code for each in found.reasons]


def agreed(desk: Desk, question: Question = BY_NUMBER) -> Verification:
    [person] = desk.ask(BY_NUMBER).ids
    return desk.ask_admitted(question, person).verification


@pytest.mark.parametrize("question", [BY_NUMBER, Question(personal_number=NUMBER, profession="physician")])
def test_a_source_that_tells_nothing_of_the_person_is_named(desk: Desk, question: Question) -> None:
    desk.world.describe_feed("other")
    desk.load({"a": EMPTIED})
    found = agreed(desk, question)
    assert (found.outcome, found.answer, codes(found)) == ("found", "ask", ["source-withholds"])
    assert [each.feed.id for each in found.sources] == ["test"], "others' silence is not what is missing"


def test_what_another_source_tells_is_no_yes_beside_it(desk: Desk) -> None:
    desk.load({"a": EMPTIED})
    desk.load({"a": anna()}, feed="other")
    found = agreed(desk)
    assert (found.answer, codes(found)) == ("ask", ["source-withholds", "valid"])


def test_what_was_known_before_says_so_itself(desk: Desk) -> None:
    desk.load({"a": anna()})
    desk.load({"a": EMPTIED})
    found = agreed(desk)
    assert (found.answer, codes(found)[0]) == ("ask", "told-no-more")
    assert "source-withholds" not in codes(found)


def test_a_source_that_goes_on_telling_withholds_nothing(desk: Desk) -> None:
    desk.load({"a": anna(protected=True)})
    assert agreed(desk).answer == "yes"


def test_a_profession_is_not_denied_by_what_was_known_before(desk: Desk) -> None:
    """The feed is complete and fresh, and holds the person; but what it says of them it says no more."""
    desk.load({"a": anna(licences=[licence("1001")])}, completeness="full_history")
    desk.load({"a": EMPTIED}, completeness="full_history")
    found = agreed(desk, Question(personal_number=NUMBER, profession="physician", authority="test-authority"))
    assert (found.answer, codes(found)) == ("ask", ["source-withholds", "profession-not-held"])
