"""One person in two feeds, such as HOSP itself and HSA's copy of it: what one tells, the other's silence does not undo."""

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.records.facts import LicenceFacts, RestrictionFacts
from tests.registry.verification.conftest import NUMBER, Desk, anna
from tests.support.world import licence, person


def physician(*kinds: str, status: str = "active", **dates: str | None) -> LicenceFacts:
    restrictions = tuple(RestrictionFacts(kind=kind, **dates) for kind in kinds)  # type: ignore[arg-type]
    return licence(key="LK", profession="physician", status=status, restrictions=restrictions)


TOLD: dict[str, LicenceFacts] = {
    "revoked": physician("revoked"),
    "revoked some day this year": physician("revoked", valid_from="2026"),
    "suspended": physician("suspended"),
    "on probation": physician("probation", valid_from="2024-01-01"),
    "limited prescribing": physician("limited-prescribing"),
    "conditions": physician("conditions"),
    "a restriction nobody can read": physician("unknown"),
    "revoked by status": physician(status="revoked"),
    "suspended by status": physician(status="suspended"),
    "restricted by status": physician(status="restricted"),
    "given up": physician(status="surrendered"),
}
QUESTIONS: dict[str, dict[str, str]] = {
    "the person": {"personal_number": NUMBER},
    "the profession": {"personal_number": NUMBER, "profession": "physician"},
    "the other authority": {"personal_number": NUMBER, "authority": "hsa-authority"},
    "the other authority's licence": {"licence_number": "HSA-1", "authority": "hsa-authority"},
    "the other authority's profession": {
        "personal_number": NUMBER,
        "authority": "hsa-authority",
        "profession": "physician",
    },
}


def both(desk: Desk, told: LicenceFacts, *, one_authority: bool) -> None:
    silent = licence("HSA-1", key="LK", profession="physician")
    desk.load({"a": anna(licences=[told])}, feed="hosp")
    desk.load({"a": anna(licences=[silent])}, feed="hsa")
    assert desk.world.count(t.practitioner) == 1
    if one_authority:
        with writing(desk.world.engine).begin() as connection:
            for table in (t.licence, t.feed):
                connection.execute(sa.update(table).values(authority_id="hsa-authority"))


@pytest.mark.parametrize("one_authority", [False, True], ids=["two authorities", "one authority"])
@pytest.mark.parametrize("told", TOLD)
def test_never_yes_when_one_feed_tells_a_restriction_and_the_other_says_active(
    desk: Desk, told: str, one_authority: bool
) -> None:
    both(desk, TOLD[told], one_authority=one_authority)
    for name, fields in QUESTIONS.items():
        assert desk.answer(**fields).answer != "yes", name


@pytest.mark.parametrize("told", TOLD)
def test_never_yes_when_the_feed_that_told_a_restriction_has_fallen_silent(desk: Desk, told: str) -> None:
    both(desk, TOLD[told], one_authority=False)
    desk.load({"a": anna(licences=())}, feed="hosp")  # the record without its licence
    for name, fields in QUESTIONS.items():
        assert desk.answer(**fields).answer != "yes", name
    desk.load({"b": person("Ek", "Bo")}, feed="hosp")  # not even the record
    for name, fields in QUESTIONS.items():
        assert desk.answer(**fields).answer != "yes", name


def test_the_same_record_sent_again_does_not_erase_what_another_feed_told(desk: Desk) -> None:
    both(desk, TOLD["suspended"], one_authority=False)
    before = desk.answer(personal_number=NUMBER)
    desk.load({"a": anna(licences=[licence("HSA-1", key="LK", profession="physician")])}, feed="hsa")
    after = desk.answer(personal_number=NUMBER)
    assert (before.answer, before.reasons) == (after.answer, after.reasons)
    assert after.answer == "ask"


def test_two_feeds_that_agree_give_a_yes(desk: Desk) -> None:
    both(desk, physician(), one_authority=False)
    for name, fields in QUESTIONS.items():
        assert desk.answer(**fields).answer == "yes", name
