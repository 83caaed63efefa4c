"""One person in HOSP, the register itself, and in HSA, which passes on what HOSP said some weeks ago.

They meet on the personal identity number. Neither may outvote the other's bad news: whoever asks is told no, or to ask.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from indexer.feeds import GoneRow, SourceRow, hosp_xml, hsa_credentials
from indexer.feeds.hsa_credentials import HsaOptions
from indexer.feeds.options import HospOptions
from indexer.normalize.hosp import HospNormalizer
from indexer.normalize.hsa import HsaNormalizer
from registry.records.facts import PersonFacts
from registry.search.document import operations
from registry.verification.question import Question
from registry.verification.verify import Verification, Verifier
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds import hosp_xml_text as hosp_text
from tests.indexer.feeds import hsa_text
from tests.registry.verification.people import rule_book
from tests.support.world import World

NUMBER = hosp_text.NUMBER
LICENSED = hosp_text.licence("LK")
LAPSED = hosp_text.licence("LK", valid="false")
REVOKED = hosp_text.licence("LK", more=hosp_text.restriction("001", "Återkallad legitimation"))
PROBATION = hosp_text.licence("LK", more=hosp_text.restriction("002", "Prövotid"))
LISTED = hsa_text.licence("LK", "Läkare")
LISTED_REVOKED = LISTED + hsa_text.restriction("001", "Återkallad legitimation")
LISTED_PROBATION = LISTED + hsa_text.restriction("002", "Prövotid")


def from_hosp(folder: Path, licences: str, more: str = "") -> dict[str, PersonFacts]:
    path = folder / "hosp.xml"
    path.write_text(hosp_text.document(hosp_text.person(licences=licences, more=more)), "utf-8")
    (row,) = hosp_xml.parse([path], HospOptions(vocabulary="hosp"), 100_000)
    assert isinstance(row, SourceRow)
    options = HospOptions(vocabulary="hosp", jurisdiction="SE")
    return {row.key: HospNormalizer(options, load_vocabulary()).facts(row.payload)}


def from_hsa(folder: Path, inner: str) -> dict[str, PersonFacts]:
    path = folder / "hsa.xml"
    path.write_text(hsa_text.envelope(hsa_text.response(NUMBER, inner)), "utf-8")
    options = HsaOptions(vocabulary="hsa", jurisdiction="SE")
    (row,) = hsa_credentials.parse([path], options, 100_000)
    assert isinstance(row, SourceRow)
    return {"digest of the number": HsaNormalizer(options, load_vocabulary()).facts(row.payload)}


def load(world: World, folder: Path, *, hosp: str = "", hsa: str = "", first: str = "hosp") -> None:
    world.describe_feed("hsa", completeness="active_only", mode="query")
    people = {"hosp": from_hosp(folder, hosp) if hosp else {}, "hsa": from_hsa(folder, hsa) if hsa else {}}
    for feed in (first, *(name for name in people if name != first)):
        if people[feed]:
            world.load(people[feed], feed=feed)


def ask(world: World, profession: str | None = "physician", authority: str | None = None) -> Verification:
    def search(*_: object) -> object:
        raise AssertionError("a question by number never asks the engine")

    verifier = Verifier(
        sealer=world.sealer,
        search=search,  # type: ignore[arg-type]
        rules=rule_book(),
        vocabulary=load_vocabulary(),
        zone=world.settings.zone,
        max_candidates=10,
    )
    question = Question(personal_number=NUMBER, profession=profession, authority=authority)
    with world.engine.connect() as connection:
        return verifier.verify(question, connection, datetime.now(UTC)).verification


# What HOSP says, what HSA says, and the answers that are right.
CASES = [
    ("both say yes", LICENSED, LISTED, {"yes"}),
    ("revoked in HOSP, listed in HSA", REVOKED, LISTED, {"no", "ask"}),
    ("revoked in both", REVOKED, LISTED_REVOKED, {"no"}),
    ("lapsed in HOSP, listed in HSA", LAPSED, LISTED, {"no", "ask"}),
    ("on probation in HOSP, listed in HSA", PROBATION, LISTED, {"ask"}),
    ("licensed in HOSP, revoked in HSA", LICENSED, LISTED_REVOKED, {"no", "ask"}),
    ("licensed in HOSP, on probation in HSA", LICENSED, LISTED_PROBATION, {"ask"}),
    ("only HSA, listed", "", LISTED, {"yes"}),
    ("only HSA, revoked", "", LISTED_REVOKED, {"no"}),
]


@pytest.mark.parametrize("first", ["hosp", "hsa"])
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_neither_source_outvotes_the_others_bad_news(
    small_world: World, tmp_path: Path, case: tuple[str, str, str, set[str]], first: str
) -> None:
    _, hosp, hsa, right = case
    load(small_world, tmp_path, hosp=hosp, hsa=hsa, first=first)
    found = ask(small_world)
    assert found.outcome == "found"
    assert found.answer in right
    assert ask(small_world, profession=None).answer in right


def test_on_every_database_both_records_are_one_person(world: World, tmp_path: Path) -> None:
    load(world, tmp_path, hosp=REVOKED, hsa=LISTED)
    found = ask(world)
    assert found.answer in {"no", "ask"}
    assert found.practitioner is not None
    assert found.practitioner.name == "Anna Karin Maria Öberg"
    assert {one.verdict.licence.feed_id for one in found.licences} == {"hosp", "hsa"}
    assert {reason.code for reason in found.reasons} & {"revoked", "status-revoked"}


@pytest.mark.parametrize("authority", ["hosp-authority", "hsa-authority"])
@pytest.mark.parametrize(("hosp", "hsa"), [(REVOKED, LISTED), (LICENSED, LISTED_REVOKED)])
def test_a_revocation_by_one_is_told_also_when_the_other_alone_is_asked_about(
    small_world: World, tmp_path: Path, hosp: str, hsa: str, authority: str
) -> None:
    load(small_world, tmp_path, hosp=hosp, hsa=hsa)
    found = ask(small_world, authority=authority)
    assert found.answer in {"no", "ask"}
    assert {reason.code for reason in found.reasons} & {"revoked", "status-revoked"}


@pytest.mark.parametrize("first", ["hosp", "hsa"])
@pytest.mark.parametrize(
    ("hosp", "code"),
    [(LAPSED, "other-authority-differs"), (REVOKED, "sanction-elsewhere"), (PROBATION, "sanction-elsewhere")],
    ids=["lapsed", "revoked", "on probation"],
)
def test_hsa_alone_asked_about_is_no_yes_while_hosp_says_otherwise(
    small_world: World, tmp_path: Path, hosp: str, code: str, first: str
) -> None:
    load(small_world, tmp_path, hosp=hosp, hsa=LISTED, first=first)
    found = ask(small_world, authority="hsa-authority")
    assert (found.answer, found.reasons[0].code) == ("ask", code)


def test_hsa_alone_asked_about_is_no_yes_when_hosp_no_longer_holds_the_person(
    small_world: World, tmp_path: Path
) -> None:
    load(small_world, tmp_path, hosp=LICENSED, hsa=LISTED)
    assert ask(small_world, authority="hsa-authority").answer == "yes"
    small_world.load([GoneRow(1, key) for key in from_hosp(tmp_path, LICENSED)], feed="hosp", snapshot=False)
    found = ask(small_world, authority="hsa-authority")
    assert (found.answer, found.reasons[0].code) == ("ask", "other-authority-differs")


def test_a_later_revocation_in_hosp_counts_before_hsa_hears_of_it(small_world: World, tmp_path: Path) -> None:
    load(small_world, tmp_path, hosp=LICENSED, hsa=LISTED)
    before = ask(small_world).answer
    load(small_world, tmp_path, hosp=REVOKED)
    assert (before, ask(small_world).answer in {"no", "ask"}) == ("yes", True)


def test_a_restriction_that_hsa_tells_stands_while_hosp_says_nothing_of_it(
    small_world: World, tmp_path: Path
) -> None:
    load(small_world, tmp_path, hsa=LISTED_REVOKED)
    load(small_world, tmp_path, hosp=LICENSED)
    found = ask(small_world)
    assert found.answer in {"no", "ask"}
    kinds = {r.kind for one in found.licences for r in one.verdict.licence.facts.restrictions}
    assert kinds == {"revoked"}


def test_a_person_known_only_from_hsa_has_no_name_and_is_found_by_number(
    small_world: World, tmp_path: Path
) -> None:
    load(small_world, tmp_path, hsa=LISTED)
    found = ask(small_world)
    assert (found.outcome, found.answer) == ("found", "yes")
    assert found.practitioner is not None
    assert (found.practitioner.name, found.practitioner.names) == ("", ())
    bodies = [operation.body for operation in operations(found.practitioner) if operation.body]
    assert [body["name_order"][0] for body in bodies] == ["~"], "sorted after everyone who has a name"


def test_an_identity_protected_in_hosp_is_not_revealed_by_hsa(small_world: World, tmp_path: Path) -> None:
    protected = "<skyddadIdentitet>true</skyddadIdentitet>"
    small_world.load(from_hosp(tmp_path, "", protected), feed="hosp")
    load(small_world, tmp_path, hsa=LISTED)
    assert (ask(small_world).outcome, ask(small_world).licences) == ("notFound", ())


def empty_answer(world: World, folder: Path) -> None:
    """Load what the parser makes of an empty answer, under the key the record has."""
    (record,) = from_hsa(folder, LISTED)
    path = folder / "empty.json"
    path.write_text(f'{{"subject": "{NUMBER}", "json": null}}\n')
    (row,) = hsa_credentials.parse([path], HsaOptions(vocabulary="hsa"), 100_000)
    assert isinstance(row, GoneRow)
    world.load([GoneRow(1, record)], feed="hsa", snapshot=False)


def test_an_empty_answer_makes_a_yes_doubtful_and_is_never_a_no(small_world: World, tmp_path: Path) -> None:
    load(small_world, tmp_path, hsa=LISTED)
    before = ask(small_world)
    empty_answer(small_world, tmp_path)
    after = ask(small_world)
    assert (before.answer, after.answer) == ("yes", "ask")
    assert after.reasons[0].code == "record-gone"
    assert [one.verdict.licence.facts for one in after.licences] == [
        one.verdict.licence.facts for one in before.licences
    ]
    load(small_world, tmp_path, hsa=LISTED)
    assert ask(small_world).answer == "yes"


def test_an_empty_answer_takes_no_revocation_back(small_world: World, tmp_path: Path) -> None:
    load(small_world, tmp_path, hosp=LICENSED, hsa=LISTED_REVOKED)
    empty_answer(small_world, tmp_path)
    assert ask(small_world).answer in {"no", "ask"}


def test_after_an_empty_answer_the_register_itself_still_says_yes(small_world: World, tmp_path: Path) -> None:
    load(small_world, tmp_path, hosp=LICENSED, hsa=LISTED)
    empty_answer(small_world, tmp_path)
    found = ask(small_world)
    assert (found.answer, found.reasons[0].code) == ("ask", "authorities-differ")
    assert ask(small_world, authority="hosp-authority").answer == "yes"


def test_an_empty_answer_about_someone_unknown_changes_nothing(small_world: World, tmp_path: Path) -> None:
    load(small_world, tmp_path, hosp=LICENSED)
    empty_answer(small_world, tmp_path)
    assert ask(small_world).answer == "yes"
