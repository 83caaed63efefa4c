"""From a question to a listed answer: which reading counts, who is shown and what is said when nobody is."""

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.errors import BadRequestError, PersonalNumberInUrlError
from registry.records import tables as t
from registry.records.facts import PersonFacts, SpecialtyFacts
from registry.search.query import SearchQuery
from registry.web.finding import Found, find
from tests.registry.web.people import ANNA_NPI, crowd, everyone, hidden
from tests.registry.web.service import Service
from tests.support.world import licence, person


def house_of_words() -> dict[str, PersonFacts]:
    """Everyone, people whose names are words for professions, and some spelt nearly alike."""
    surgery = (SpecialtyFacts(code="1", text="Kirurgi"),)
    return {
        **everyone(),
        "berit": person("Lindkvist", "Berit", licences=[licence("B-1", issued="2010-05-01")]),
        "karin": person(
            "Doktor",
            "Karin",
            county="Skåne län",
            licences=[licence("K-1", profession="midwife", issued="2020", specialties=surgery)],
        ),
        "nils": person("Nurse", "Nils", licences=[licence("N-1", profession="dentist")]),
    }


def _find(service: Service, box: str = "", **query: object) -> Found:
    return find(service.context, SearchQuery(**query), box=box)  # type: ignore[arg-type]


def _names(found: Found) -> list[str]:
    return [one.person.name for one in found.people]


ANNA, KARL, BO, BERIT = "Anna Maria Lindqvist", "Karl Lindqvist", "Bo Holm", "Berit Lindkvist"
KARIN, NILS = "Karin Doktor", "Nils Nurse"
# Text of the box, people in order, codes of remarks. A complaint becomes a row.
ROWS: list[tuple[str, list[str], list[str]]] = [
    ("anna lindqvist", [ANNA], []),
    ("Lindqvist, Anna", [ANNA], []),
    ("lindqvist", [KARL, ANNA, BERIT], []),
    ("lindkvist", [BERIT, KARL, ANNA], []),
    ("anna lindq", [ANNA], []),
    ("anna berg", [ANNA], []),
    # Nobody knows when Berit was born
    ("lindqvist 1955", [KARL, BERIT], []),
    ("anna lindqvist 1980-05-03", [ANNA], []),
    ("anna lindqvist 1981", [], []),
    ("RN-100.1", [ANNA], []),
    ("rn 1001", [ANNA], []),
    ("leg nr RN1001", [ANNA], []),
    (ANNA_NPI, [ANNA], []),
    # The number says who it is; the name is compared, not demanded.
    ("RN-100.1 karl holm", [ANNA], []),
    ("RN-999 anna lindqvist", [ANNA], ["number-unknown"]),
    # Six digits are a number, and where nobody has it a birth date
    ("800503 anna lindqvist", [ANNA], ["number-as-birth-date"]),
    ("800503", [ANNA], ["number-as-birth-date"]),
    ("leg nr 800503 anna lindqvist", [ANNA], ["number-unknown"]),
    ("800504 anna lindqvist", [ANNA], ["number-unknown"]),
    ("800504", [], []),
    ("RN-999", [], []),
    ("ssk lindqvist", [KARL, ANNA, BERIT], []),
    ("läkare", [BO], []),
    ("Physician holm", [BO], []),
    ("barnmorska 1955", [], []),
    # Words that are a name and a profession
    ("doktor", [KARIN], ["name-also-profession"]),
    ("karin doktor", [KARIN], ["profession-as-name"]),
    ("nurse", [NILS], ["name-also-profession"]),
    ('"nurse"', [NILS], []),
    ("nils nurse", [NILS], ["profession-as-name"]),
    # Nobody may be told of Hanna
    ("hanna skyddad", [], []),
    ("RN-66", [], []),
    ("RN-66 skyddad", [], []),
    ("nobody at all", [], []),
]


def test_a_box_finds_whom_it_means_on_either_size(sized: Service) -> None:
    sized.load(house_of_words())
    for box, names, remarks in ROWS:
        found = _find(sized, box)
        assert (_names(found), [one.code for one in found.remarks]) == (names, remarks), box
        assert found.total == len(names), box
        assert (found.empty is None) == bool(names), box


@pytest.fixture(scope="module")
def words(full: Service) -> Service:
    """A service that knows the house of words; nothing changes it."""
    full.load(house_of_words())
    return full


def test_every_person_compared_says_how_well_they_agree(words: Service) -> None:
    found = _find(words, "anna lindkvist 1980-05-03")
    match = found.people[0].match
    assert match is not None
    assert match.level in {"strong", "possible"}
    assert "family-sound" in {note.code for note in match.notes}
    assert found.people[0].licences[0].number == "RN-100.1"


def test_a_number_whose_holder_has_another_name_says_both(words: Service) -> None:
    match = _find(words, "RN-100.1 karl holm").people[0].match
    assert match is not None
    assert match.level == "none"
    assert "number-same" in {note.code for note in match.notes}


def test_without_name_or_number_nobody_is_compared(words: Service) -> None:
    found = _find(words, status=("active",))
    assert found.people
    assert all(one.match is None for one in found.people)


def test_a_chosen_order_stays_and_people_are_compared_all_the_same(words: Service) -> None:
    found = _find(words, "lindqvist", sort="name")
    assert _names(found) == [BERIT, ANNA, KARL]
    assert all(one.match for one in found.people)
    assert _names(_find(words, profession=("midwife", "registered-nurse"), sort="issued"))[:2] == [
        KARIN,
        BERIT,
    ]


def test_what_is_given_apart_counts_beside_the_box(words: Service) -> None:
    assert _names(_find(words, "karl lindqvist", birth_date="1955")) == [KARL]
    assert _names(_find(words, "karl lindqvist 1980", birth_date="1955")) == [KARL]
    assert _names(_find(words, "lindqvist", given_name="anna")) == [ANNA]
    assert _names(_find(words, "anna", licence_number="RN-100.1")) == [ANNA]
    assert _names(_find(words, "karl", licence_number="RN-100.1")) == []
    assert _names(_find(words, "läkare lindqvist", profession=("registered-nurse",))) == [KARL, ANNA, BERIT]
    assert _names(_find(words, county=("Skåne län",), specialty=("Kirurgi",))) == [KARIN]


def test_what_was_understood_is_told(words: Service) -> None:
    found = _find(words, "ssk anna 1980")
    assert found.understood is not None
    assert (found.understood.name, found.understood.professions) == ("anna", ("registered-nurse",))
    assert _find(words, text="anna").understood is None


def test_an_empty_answer_says_what_was_searched_and_what_to_try(words: Service) -> None:
    found = _find(words, "läkare xerxes andersson 1980-05-03", status=("active",), county=("Skåne län",))
    assert found.empty is not None
    assert {note.code: note.en for note in found.empty.searched} == {
        "name": "Name: xerxes andersson.",
        "birth-date": "Born: 1980-05-03.",
        "profession": "Profession: Physician.",
        "status": "Status: Active.",
        "county": "County: Skåne län.",
    }
    assert [one.code for one in found.empty.advice] == [
        *("without-birth-date", "as-name", "without-filters", "fewer-words", "former-name", "check-by-number")
    ]
    assert found.empty.advice[1].q == '"läkare xerxes andersson 1980-05-03"'
    assert found.empty.stale == ()
    by_number = _find(words, "RN-999").empty
    assert by_number is not None
    assert [note.code for note in by_number.searched] == ["number"]
    assert "check-number" in [one.code for one in by_number.advice]
    either = _find(words, "800504").empty
    assert either is not None
    assert [note.en for note in either.searched] == ["Licence number: 800504.", "Or born: 1980-05-04."]
    apart = _find(words, given_name="xerxes", family_name="andersson").empty
    assert apart is not None
    assert [note.code for note in apart.searched] == ["given-name", "family-name"]


def test_a_feed_that_is_older_than_its_promise_is_told(service: Service) -> None:
    service.load(everyone())
    with writing(service.world.engine).begin() as connection:
        connection.execute(sa.update(t.feed).values(max_age_hours=0))
    empty = _find(service, "nobody").empty
    assert empty is not None
    assert [feed.id for feed in empty.stale] == ["test"]


@pytest.mark.parametrize("box", ["1980-05-03-9808", "198005.03.9808", "19-80-05-03-98-08"])
def test_a_personal_number_in_disguise_is_refused(words: Service, box: str) -> None:
    with pytest.raises(PersonalNumberInUrlError):
        _find(words, box)


def test_a_box_that_is_too_long_is_refused(words: Service) -> None:
    with pytest.raises(BadRequestError, match="at most 200 characters"):
        _find(words, "a" * 201)


@pytest.mark.parametrize("box", ["", "RN-100.1", "anna"])
def test_a_birth_date_that_is_none_is_refused_whatever_stands_beside_it(words: Service, box: str) -> None:
    with pytest.raises(BadRequestError, match="birth date"):
        _find(words, box, birth_date="yesterday")


@pytest.mark.parametrize(("limit", "page"), [(0, 1), (101, 1), (20, 0), (20, 60)])
def test_wrong_pages_are_refused(words: Service, limit: int, page: int) -> None:
    with pytest.raises(BadRequestError):
        _find(words, "lindqvist", limit=limit, page=page)


@pytest.mark.parametrize(("rescored", "limit"), [(50, 20), (50, 7), (1, 20), (10, 20), (50, 50), (30, 100)])
def test_pages_hold_everyone_once_however_many_are_compared(
    make_service: object, rescored: int, limit: int
) -> None:
    service: Service = make_service(REGISTRY_SEARCH__RESCORED=str(rescored))  # type: ignore[operator]
    service.load({**crowd(60), **crowd(5, family="Svenson")})
    service.load(
        {**crowd(60), **{f"other-{key}": facts for key, facts in crowd(30, family="Svenson").items()}}
    )
    seen: list[int] = []
    for page in range(1, 90 // limit + 2):
        found = _find(service, "svensson", limit=limit, page=page)
        assert (found.total, found.page, found.limit) == (90, page, limit)
        seen += [one.person.id for one in found.people]
    assert len(seen) == len(set(seen)) == 90


def test_spelt_so_comes_before_sounding_so_across_pages(service: Service) -> None:
    service.load({f"a{key}": facts for key, facts in crowd(12, family="Svenzon").items()} | crowd(12))
    names = [name for page in (1, 2, 3) for name in _names(_find(service, "svensson", limit=8, page=page))]
    assert [name.split()[1] for name in names] == ["Svensson"] * 12 + ["Svenzon"] * 12


def test_whoever_was_protected_merged_or_lost_since_the_index_was_written_counts_nowhere(
    sized: Service,
) -> None:
    people = {
        key: person("Ek", given) for key, given in (("a", "Hanna"), ("b", "Bo"), ("c", "Cai"), ("d", "Di"))
    }
    sized.load(people)
    ids = {key: sized.internal_id(key) for key in people}
    sized.world.load({**people, "a": hidden()})
    with writing(sized.world.engine).begin() as connection:
        connection.execute(
            sa.update(t.practitioner).where(t.practitioner.c.id == ids["b"]).values(merged_into_id=ids["d"])
        )
    for query in ({"box": "ek"}, {"box": "ek", "sort": "name"}, {"status": ()}):
        found = _find(sized, **query)
        assert ({one.person.id for one in found.people}, found.total) == ({ids["c"], ids["d"]}, 2)
        assert found.facets == {}
    for page in (2, 3, 7):
        past = _find(sized, "hanna", page=page)
        assert (past.people, past.total, past.facets) == ((), 0, {})
        assert _find(sized, "ek", page=page).total == 2


def test_another_spelling_is_offered_when_several_bear_it(service: Service) -> None:
    many = {f"n{i}": person("Lindqvist", "Anna", birth_date=str(1950 + i)) for i in range(3)}
    service.load({**many, "one": person("Zetterholm", "Åsa")})
    assert _find(service, "anna linqvist").did_you_mean == "Anna Lindqvist"
    assert _find(service, "anna lindqvist").did_you_mean == ""
    # The answer shows her; a suggestion of her name alone would show her to whoever types a part of it.
    assert _find(service, "åsa zeterholm").did_you_mean == ""
