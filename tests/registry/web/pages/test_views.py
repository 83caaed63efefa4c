from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from registry.identifiers import NPI
from registry.records.facts import LicenceFacts, NameFacts, RestrictionFacts
from registry.records.read import Feed, KnownIdentifier, Licence, Practitioner
from registry.vocabulary import load_vocabulary
from registry.web.pages.language import Code, language
from registry.web.pages.views import Viewer, inside

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WORDS = load_vocabulary()
FEED = Feed(
    id="hosp",
    authority_id="board",
    authority_name_sv="Styrelsen",
    authority_name_en="The Board",
    name_sv="Registret",
    name_en="The register",
    completeness="full_history",
    mode="snapshot",
    max_age_hours=1200,
    silence_sv="Tyst.",
    silence_en="Silent.",
    last_success_at=None,
    last_success_stamp=None,
    last_run_at=None,
    last_run_state=None,
)
SOMEBODY = Practitioner(
    id=1,
    public_id="x",
    birth_date=None,
    deceased=True,
    deceased_date=None,
    protected=False,
    county="",
    version=1,
    names=(
        NameFacts(family="Ek", given=("Eva",)),
        NameFacts(family="Ek", given=("Eva", "Maria")),
        NameFacts(use="alias", text="Evan Oak"),
        NameFacts(use="former", family="Al", given=("Eva",)),
    ),
    identifiers=(
        KnownIdentifier(NPI, "old", "1003000126", None),
        KnownIdentifier("urn:example", "official", "7", None),
        KnownIdentifier("urn:example", "official", None, b"sealed"),
    ),
    licences=(),
)


def viewer(code: Code = "sv", *feeds: Feed) -> Viewer:
    return Viewer(language(code), ZoneInfo("Europe/Stockholm"), NOW, WORDS, {feed.id: feed for feed in feeds})


def licence(**facts: object) -> Licence:
    given = {"key": "1", "profession": "physician", "status": "active", **facts}
    return Licence(1, LicenceFacts(**given), "hosp", "board", gone=False, known_since=NOW)  # type: ignore[arg-type]


def test_every_name_is_shown_once_in_its_place() -> None:
    shown = viewer().person(SOMEBODY)
    assert (shown.name, shown.aliases, shown.former_names) == (
        "Eva Ek",
        ("Eva Maria Ek", "Evan Oak"),
        ("Eva Al",),
    )


def test_identifiers_that_are_sealed_are_left_out() -> None:
    assert viewer().person(SOMEBODY).identifiers == (
        ("NPI-nummer (tidigare)", "1003000126"),
        ("Annat nummer (urn:example)", "7"),
    )


def test_a_death_without_a_date_is_told_without_one() -> None:
    assert viewer().person(SOMEBODY).deceased == "Ja, datum saknas"
    assert viewer().person(replace(SOMEBODY, deceased=False)).deceased == ""


@pytest.mark.parametrize(
    ("code", "jurisdiction", "place"),
    [
        ("sv", "SE", "Sverige"),
        ("en", "SE", "Sweden"),
        ("sv", "US-WA", "USA (US-WA)"),
        ("en", "US-WA", "United States (US-WA)"),
        ("sv", "Bortom", "Bortom"),
        ("sv", "", ""),
    ],
)
def test_places_are_told_by_name_where_they_have_one(code: Code, jurisdiction: str, place: str) -> None:
    assert viewer(code).licence(licence(jurisdiction=jurisdiction)).jurisdiction == place


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "period"),
    [
        ("2024-03-01", None, "från 1 mars 2024"),
        (None, "2025", "till och med 2025"),
        ("2024-03", "2025-03-01", "från mars 2024 till och med 1 mars 2025"),
        (None, None, ""),
    ],
)
def test_restrictions_tell_their_period_as_given(
    valid_from: str | None, valid_to: str | None, period: str
) -> None:
    facts = RestrictionFacts(kind="probation", code="002", valid_from=valid_from, valid_to=valid_to)
    shown = viewer().licence(licence(restrictions=(facts,))).restrictions[0]
    assert (shown.label, shown.raw, shown.period) == ("Prövotid", "002", period)


def test_a_profession_we_cannot_read_is_told_in_the_authoritys_word() -> None:
    shown = viewer().licence(
        licence(profession="unknown", raw_profession="XX", raw_profession_text="Drömtydare")
    )
    assert (shown.profession, shown.raw_profession) == ("Drömtydare", "XX Drömtydare")
    assert viewer().licence(licence(profession="unknown")).profession == "Okänt yrke"


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("Sjuksköterska", "sjuksköterska"),
        ("Physician assistant", "physician assistant"),
        ("EMT", "EMT"),
        ("", ""),
    ],
)
def test_professions_lose_their_capital_inside_a_sentence(label: str, written: str) -> None:
    assert inside(label) == written


def test_a_feed_that_was_never_read_is_not_fresh() -> None:
    source = viewer("en", FEED).sources()[0]
    assert (source.name, source.authority, source.silence) == ("The register", "The Board", "Silent.")
    assert (source.last_success, source.fresh, source.max_age_hours) == ("", False, "1,200")


def test_a_licence_from_a_feed_that_is_gone_tells_its_ids() -> None:
    source = viewer().source_of(licence())
    assert (source.name, source.authority, source.fresh) == ("hosp", "board", False)
    assert viewer().authority("board") == "board"
    assert viewer("sv", FEED).authority("board") == "Styrelsen"
