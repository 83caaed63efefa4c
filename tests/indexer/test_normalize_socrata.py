import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import load_feed
from indexer.feeds.options import SocrataOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.of_feed import Normalizer
from registry.records.facts import LicenceFacts, PersonFacts
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary

FEED = load_feed(CONFIG / "feeds" / "washington.toml")
NORMALIZER = Normalizer(FEED, load_vocabulary())
RECORD = {
    "actiontaken": "No",
    "birthyear": "1980",
    "credentialnumber": "SC60000001",
    "credentialtype": "Social Worker Independent Clinical License",
    "expirationdate": "2027-12-31",
    "firstissuedate": "2005-06-03",
    "firstname": "Anna Maria",
    "lastissuedate": "2025-01-01",
    "lastname": "Oberg",
    "middlename": "K",
    "status": "Active",
}


def read(**changes: str | None) -> PersonFacts:
    record = {name: value for name, value in (RECORD | changes).items() if value is not None}
    return NORMALIZER.facts(orjson.dumps(record))


def the_licence(**changes: str | None) -> LicenceFacts:
    (found,) = read(**changes).licences
    return found


def test_a_row_is_one_person_with_one_licence() -> None:
    facts = read()
    (name,) = facts.names
    assert (name.family, name.given, name.middle) == ("Oberg", ("Anna", "Maria"), "K")
    assert (facts.birth_date, facts.identifiers, facts.protected) == ("1980", (), False)
    assert the_licence() == LicenceFacts(
        key="SC60000001",
        number="SC60000001",
        jurisdiction="US-WA",
        profession="social-worker",
        raw_profession="Social Worker Independent Clinical License",
        status="active",
        raw_status="Active",
        issued="2005-06-03",
        valid_from="2025-01-01",
        valid_to="2027-12-31",
    )


def test_unknown_words_are_kept_and_ask_a_human() -> None:
    found = the_licence(credentialtype="Beekeeper License", status="Buzzing")
    assert (found.profession, found.raw_profession) == ("unknown", "Beekeeper License")
    assert (found.status, found.raw_status) == ("unknown", "Buzzing")


def test_absent_columns_are_empty_not_wrong() -> None:
    found = the_licence(
        status=None,
        expirationdate=None,
        firstissuedate=None,
        lastissuedate=None,
        actiontaken=None,
        credentialtype=None,
    )
    assert (found.status, found.raw_status, found.profession) == ("unknown", "", "unknown")
    assert (found.issued, found.valid_from, found.valid_to, found.restrictions) == (None, None, None, ())
    assert read(birthyear=None).birth_date is None


@pytest.mark.parametrize("action", ["No", "no", "NO "])
def test_no_action_is_no_restriction(action: str) -> None:
    assert the_licence(actiontaken=action).restrictions == ()


@pytest.mark.parametrize("action", ["Yes", "Pending", "See order"])
@pytest.mark.parametrize("status", ["Active", "Expired", "Revoked"])
def test_any_other_action_is_told_beside_every_status(action: str, status: str) -> None:
    (found,) = the_licence(actiontaken=action, status=status).restrictions
    assert (found.kind, found.code, found.text) == ("unknown", action, f"actiontaken: {action}")
    assert (found.valid_from, found.valid_to) == (None, None)


def test_the_authority_s_own_word_for_no_action_can_be_another() -> None:
    assert isinstance(FEED.options, SocrataOptions)
    feed = replace(FEED, options=replace(FEED.options, no_action=("None on record",)))
    facts = Normalizer(feed, load_vocabulary()).facts(
        orjson.dumps(RECORD | {"actiontaken": "none on record"})
    )
    assert facts.licences[0].restrictions == ()


def test_a_year_that_stands_for_no_end_is_no_end() -> None:
    assert the_licence(expirationdate="9999-12-31").valid_to is None


def test_a_deceased_holder_is_deceased() -> None:
    assert read(status="Deceased").deceased
    assert not read(status="Revoked").deceased


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("expirationdate", "2026-02-31", "no such day"),
        ("firstissuedate", "someday", "expected a date"),
        ("lastissuedate", "2025-13-01", "no such month"),
        ("birthyear", "unknown", "expected a date"),
        ("lastname", "\ufffdberg", "letters were lost"),
    ],
)
def test_a_field_that_can_not_be_read_is_named(field: str, value: str, reason: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        read(**{field: value})
    assert caught.value.field == field
    assert reason in caught.value.reason


def test_a_record_without_any_name_is_refused() -> None:
    with pytest.raises(BadRecordError, match="no name at all"):
        read(lastname=None, firstname=None)


@pytest.mark.parametrize("status", ["Revoked", "Suspended", "Voluntary Surrender", "Expired"])
@pytest.mark.parametrize("field", ["expirationdate", "firstissuedate", "birthyear"])
def test_bad_news_is_not_held_back_by_a_bad_date(status: str, field: str) -> None:
    found = the_licence(**{"status": status, field: "someday"})
    assert found.status in {"revoked", "suspended", "surrendered", "lapsed"}
