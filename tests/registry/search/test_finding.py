"""Who is found for which words, and in what order: the same on both engines."""

from datetime import date

from registry.identifiers import HSA_ID, NPI
from registry.records.facts import NameFacts
from registry.search import SearchQuery
from tests.registry.search.people import TODAY, Register, licence, person


def test_exact_comes_before_former_name_before_prefix_before_sound_before_typo(register: Register) -> None:
    one = person("Eva Lindqmist")
    sound = person("Eva Lindkwist")
    prefix = person("Eva Lindqvistsson")
    former = person("Eva Ek", former=["Eva Lindqvist"])
    exact = person("Eva Lindqvist")
    register.publish(one, sound, prefix, former, exact)
    assert register.found("eva lindqvist") == [p.id for p in (exact, former, prefix, sound, one)]


def test_two_typos_are_looked_for_where_hardly_anybody_is_found_otherwise(register: Register) -> None:
    two, one, exact = person("Eva Lindmvirt"), person("Eva Lindqmist"), person("Eva Lindqvist")
    register.publish(two, one, exact)
    assert register.settings.two_typos_below == 3
    page = register.search("eva lindqvist")
    assert [hit.practitioner_id for hit in page.hits] == [exact.id, one.id, two.id]
    assert page.total == sum(value.count for value in page.facets["status"]) == 3
    register.publish(third := person("Eva Lindqvist"))
    page = register.search("eva lindqvist")
    assert [hit.practitioner_id for hit in page.hits] == [exact.id, third.id, one.id]
    assert page.total == sum(value.count for value in page.facets["status"]) == 3


def test_nothing_two_typos_away_is_looked_for_beside_who_is_surely_meant(register: Register) -> None:
    exact = person("Eva Lindqvist", birth_date="1980-05-03")
    two = person("Eva Lindmvirt", birth_date="1980-05-03")
    register.publish(exact, two)
    assert register.found("eva lindqvist") == [exact.id, two.id]
    assert register.found("eva lindqvist", birth_date="1980-05") == [exact.id, two.id]
    assert register.found("eva lindqvist", birth_date="1980-05-03") == [exact.id]
    assert register.found("lindqvist eva", birth_date="19800503") == [exact.id]
    assert register.found("eva lindqvist", birth_date="1980-05-04") == []
    # A beginning, a sound, a typing error, a word that nobody bears: it may be the other who is meant.
    for given, asked, meant in (
        ("Bodil", "bodil lindqvis", "Lindqurs"),
        ("Gertrud", "gertrud lindkvist", "Lindkvurt"),
        ("Maja", "maja lindqvost", "Lindqrast"),
        ("Solveig", "solveig maria lindqvist", "Lindmvirt"),
    ):
        other = person(f"{given} {meant}", birth_date="1980-05-03")
        register.publish(person(f"{given} Lindqvist", birth_date="1980-05-03"), other)
        assert other.id in register.found(asked, birth_date="1980-05-03"), asked
    # Nobody knows when this one was born.
    register.publish(person("Ida Lindqvist"), ida := person("Ida Lindmvirt", birth_date="1980-05-03"))
    assert ida.id in register.found("ida lindqvist", birth_date="1980-05-03")


TYPED = [
    ("Asa Ostlund", "Åsa Östlund"),
    ("Aasa Oestlund", "Åsa Östlund"),
    ("ÅSA ÖSTLUND", "Åsa Östlund"),
    ("Åsa Östlund", "Asa Ostlund"),
    ("Östergaard", "Per Østergård"),
    ("Mueller", "Hans Müller"),
    ("Strasse", "Karl Straße"),
    ("Jose Nunez", "José Núñez"),
    ("Thordur Gudmundsson", "Þórður Guðmundsson"),
    ("Kjaer", "Ida Kjær"),
    ("Ivanov", "Пётр Иванов"),
    ("Anna Karin Ek", "Anna-Karin Ek"),
    ("Annakarin Ek", "Anna-Karin Ek"),
    ("Anna-Karin Ek", "Annakarin Ek"),
    ("Anna-Karin Ek", "Anna Karin Ek"),
    ("OBrien", "Pat O'Brien"),
    ("O’Brien", "Pat O'Brien"),
    ("Pat O Brien", "Pat O'Brien"),
    ("brien", "Pat O'Brien"),
    ("de la Cruz", "Rosa / de la Cruz"),
    ("Lind Åberg", "Eva / Åberg Lind"),
    ("Eva Lindqvst", "Eva Lindqvist"),
    ("Eva Lnidqvist", "Eva Lindqvist"),
    ("Kristoffersson", "Bo Christoffersson"),
]


def test_names_are_found_as_people_type_them(register: Register) -> None:
    people = {held: person(held) for _, held in TYPED}
    stranger = person("Nils Holgersson")
    register.publish(*people.values(), stranger)
    found = {asked: register.found(asked) for asked, _ in TYPED}
    assert [asked for asked, held in TYPED if people[held].id not in found[asked]] == []
    assert [asked for asked in found if stranger.id in found[asked]] == []


def test_a_name_as_written_comes_before_the_same_letters_without_dots(register: Register) -> None:
    dots, plain = person("Åsa Öberg"), person("Asa Oberg")
    register.publish(plain, dots)
    assert register.found("Åsa Öberg") == [dots.id, plain.id]
    assert register.found("Asa Oberg") == [plain.id, dots.id]


def test_letters_that_people_keep_apart_do_not_meet_by_their_two_letter_spelling(register: Register) -> None:
    register.publish(person("Ulla Ma"))
    assert register.found("Ulla Mä") != []
    assert register.found("Ulla Mae") == []


def test_given_name_and_family_name_may_be_swapped(register: Register) -> None:
    straight, swapped = person("Eva Simon"), person("Simon Eva")
    register.publish(swapped, straight)
    assert register.found("Eva Simon") == [straight.id, swapped.id]
    assert register.found("Simon, Eva") == [straight.id, swapped.id]
    assert register.found(given_name="Eva", family_name="Simon") == [straight.id, swapped.id]


def test_a_former_name_and_an_alias_are_found(register: Register) -> None:
    married = person("Eva Ek", former=["Eva Lindqvist"])
    register.publish(married)
    assert register.found("Eva Lindqvist") == [married.id]
    assert register.found(family_name="Lindqvist") == [married.id]
    assert register.found("Eva Ek") == [married.id]


def test_a_name_known_as_text_only_is_found(register: Register) -> None:
    someone = person(NameFacts(text="Maria da Silva"))
    register.publish(someone)
    assert register.found("silva maria") == [someone.id]
    assert register.found(given_name="Maria", family_name="da Silva") == [someone.id]


def test_every_word_of_two_is_needed_and_one_of_three_may_miss(register: Register) -> None:
    anna = person("Anna Ek")
    register.publish(anna)
    assert register.found("Anna Berg") == []
    assert register.found("Anna Maria Ek") == [anna.id]
    assert register.found("Anna Maria Berg") == []


def test_the_last_word_may_be_a_beginning_the_others_not(register: Register) -> None:
    anna = person("Anna Svensson")
    register.publish(anna)
    assert register.found("Anna Sv") == [anna.id]
    assert register.found("An Svensson") == []
    assert register.found("An", sort="name") == [anna.id]


def test_short_words_get_no_typo_tolerance(register: Register) -> None:
    register.publish(person("Bo Ek"), person("Ali Ek"))
    assert register.found("Bu Ek") == []
    assert register.found("Ale Ek") == []


def test_a_licence_number_is_found_however_it_is_spaced_and_first(register: Register) -> None:
    number = licence("RN60123456")
    wanted = person("Eva Ek", licence(), number)
    register.publish(wanted, person("Eva Berg", licence("RN60123457")))
    ways = ["RN.60-123 456", "rn60123456", "RN 60123456", "leg nr RN60123456", "Eva Berg RN-60123456"]
    first = {asked: register.search(asked).hits[0] for asked in ways}
    assert {(hit.practitioner_id, hit.document) for hit in first.values()} == {(wanted.id, f"l{number.id}")}


def test_a_licence_number_is_never_found_by_its_beginning_or_with_a_typo(register: Register) -> None:
    register.publish(person("Eva Ek", licence("60123456")))
    assert register.found("6012345") == []
    assert register.found("60123457") == []
    assert register.found(licence_number="06 0123456") == []
    assert len(register.found(licence_number="60 12-34.56")) == 1


def test_public_numbers_find_a_person_others_do_not(register: Register) -> None:
    someone = person(
        "Eva Ek",
        identifiers=[
            (NPI, "1205839123"),
            (HSA_ID, "SE2321000016-1003"),
            ("urn:oid:2.16.578.1.12.4.1.4.1", "13116900216"),
        ],
    )
    register.publish(someone)
    assert register.found("1205839123") == [someone.id]
    assert register.found(licence_number="SE2321000016-1003") == [someone.id]
    assert register.found("13116900216") == []


def test_a_birth_date_leaves_out_whom_it_cannot_be_and_lifts_whom_it_can(register: Register) -> None:
    unknown = person("Eva Ek")
    year = person("Eva Ek", birth_date="1980")
    other = person("Eva Ek", birth_date="1980-05-04")
    day = person("Eva Ek", birth_date="1980-05-03")
    register.publish(unknown, year, other, day)
    assert register.found("Eva Ek", birth_date="1980-05-03") == [year.id, day.id, unknown.id]
    assert register.found("Eva Ek", birth_date="19800503") == [year.id, day.id, unknown.id]
    assert register.found("Eva Ek", birth_date="1980-06") == [year.id, unknown.id]
    assert register.found(birth_date="1980") == [year.id, other.id, day.id]


def test_a_person_without_licences_is_found_by_name(register: Register) -> None:
    someone = person("Eva Ek", licences=())
    register.publish(someone)
    (hit,) = register.search("eva ek").hits
    assert hit.document == f"p{someone.id}"


def test_a_person_with_several_licences_is_one_answer(register: Register) -> None:
    someone = person("Eva Ek", licence("A1"), licence("A2"), licence("A3"))
    register.publish(someone, person("Eva Ek"))
    page = register.search("Eva Ek")
    assert (len(page.hits), page.total, page.total_is_exact) == (2, 2, True)


def test_names_are_ordered_by_the_swedish_alphabet(register: Register) -> None:
    people = [
        person(n)
        for n in ("Bo Öberg", "Bo Ärlig", "Bo Åberg", "Bo Zorn", "Bo / Lind Berg", "Bo Lind", "Al Lind")
    ]
    register.publish(*people)
    assert register.found("bo", sort="name") == [p.id for p in (people[5], *people[4::-1])]
    assert register.found()[:2] == [people[6].id, people[5].id]


def test_paging_gives_everyone_once_in_one_order(register: Register) -> None:
    people = [person(f"Eva Ek{'a' * (n % 3)}", *[licence() for _ in range(1 + n % 3)]) for n in range(25)]
    register.publish(*people)
    for sort in ("relevance", "name"):
        seen: list[int] = []
        for page in range(1, 6):
            answer = register.search("eva ek", sort=sort, page=page, limit=6)
            assert answer.total == 25
            seen += [hit.practitioner_id for hit in answer.hits]
        assert len(seen) == len(set(seen)) == 25
        assert seen == register.found("eva ek", sort=sort, limit=100)


def test_equal_matches_keep_their_order_when_other_people_change(register: Register) -> None:
    people = [person("Eva Ek") for _ in range(12)]
    register.publish(*people)
    before = register.found("eva ek")
    for one in people[::2]:
        register.publish(person("Other Name"), one)
    assert register.found("eva ek") == before == [p.id for p in people]


def test_an_answer_with_nobody_in_it_is_empty(register: Register) -> None:
    page = register.search("nobody")
    assert (page.hits, page.total) == ((), 0)
    assert all(values == () for values in page.facets.values())


def test_facets_can_be_left_out(register: Register) -> None:
    register.publish(person("Eva Ek"))
    page = register.engine.search(SearchQuery(text="eva", facets=False), TODAY)
    assert (page.total, page.facets) == (1, {})


def test_the_day_of_the_question_decides_not_the_day_of_indexing(register: Register) -> None:
    someone = person("Eva Ek", licence(valid_to="2026-05-31"))
    register.publish(someone)
    assert register.found("eva", status=("active",), today=date(2026, 5, 31)) == [someone.id]
    assert register.found("eva", status=("active",), today=date(2026, 6, 1)) == []
