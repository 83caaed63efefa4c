"""What a search becomes before any engine sees it."""

import msgspec
import pytest

from registry.errors import BadRequestError
from registry.search import SearchQuery
from registry.search.filters import FILTERS
from registry.search.mapping import load_mapping
from registry.search.query import Plan, plan
from registry.search.tree import Fuzzy, Prefix, Term, leaves
from registry.settings import Search, load_settings
from tests.registry.search.people import TODAY

LIMITS = load_settings({}).search


def planned(text: str = "", limits: Search = LIMITS, **rest: object) -> Plan:
    return plan(SearchQuery(text=text, **rest), limits, TODAY)  # type: ignore[arg-type]


def test_a_short_question_stays_a_small_tree() -> None:
    scored = planned("anna lindqvist").scored
    assert scored is not None
    assert len(leaves(scored)) <= 23


def test_the_largest_question_is_bounded() -> None:
    scored = planned("ÅäöÅäöÅäö ÅäöÅäöÅäå ÅäöÅäöÅää ÅäöÅäöÅäx ÅäöÅäöÅäy ÅäöÅäöÅäz ÅäöÅäöÅäq ÅäöÅäöÅäw").scored
    assert scored is not None
    assert len(leaves(scored)) <= 100


@pytest.mark.parametrize(
    ("word", "distances"),
    [
        ("eva", set()),
        ("anna", {1}),
        ("janssen", {1}),
        ("lindqvis", {1, 2}),
        ("a" * 40, {1, 2}),
        ("a" * 41, set()),
    ],
)
def test_typo_tolerance_grows_with_the_word_and_ends(word: str, distances: set[int]) -> None:
    asked = planned(word)
    widest = asked.wider or asked.scored
    assert asked.scored is not None
    assert widest is not None
    assert {leaf.distance for leaf in leaves(widest) if isinstance(leaf, Fuzzy)} == distances
    # Two typos only where few are found without.
    assert {leaf.distance for leaf in leaves(asked.scored) if isinstance(leaf, Fuzzy)} == distances - {2}
    assert (asked.wider is not None) == (2 in distances)
    assert asked.enough == LIMITS.two_typos_below


def test_the_limit_for_typo_tolerance_is_a_setting() -> None:
    scored = planned("lindqvist", msgspec.structs.replace(LIMITS, max_fuzzy_length=5)).scored
    assert scored is not None
    assert not any(isinstance(leaf, Fuzzy) for leaf in leaves(scored))


@pytest.mark.parametrize(("text", "begins"), [("a", False), ("an", True), ("eva a", True), ("王", True)])
def test_one_letter_alone_is_a_whole_name(text: str, begins: bool) -> None:
    scored = planned(text).scored
    assert scored is not None
    assert any(isinstance(leaf, Prefix) for leaf in leaves(scored)) is begins


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("RN 60123456", {"rn60123456", "60123456"}),
        ("60 123.456", {"60123456", "60", "123", "456"}),
        ("Eva Ek 12-34", {"evaek1234", "1234"}),
    ],
)
def test_numbers_in_a_text_are_looked_for_joined_and_apart(text: str, numbers: set[str]) -> None:
    scored = planned(text).scored
    assert scored is not None
    asked = {leaf.value for leaf in leaves(scored) if isinstance(leaf, Term) and leaf.field == "number"}
    assert numbers <= asked


def test_labels_around_a_number_are_no_names() -> None:
    scored = planned("leg nr 60123456").scored
    assert scored is not None
    assert {leaf.field for leaf in leaves(scored)} == {"number"}


def test_pages_are_counted_from_one_and_end_at_the_window() -> None:
    limits = msgspec.structs.replace(LIMITS, max_window=100, default_limit=20, max_limit=50)
    assert (planned("eva", limits).offset, planned("eva", limits).limit) == (0, 20)
    assert planned("eva", limits, page=2, limit=50).offset == 50
    with pytest.raises(BadRequestError, match="100"):
        planned("eva", limits, page=3, limit=50)
    with pytest.raises(BadRequestError, match="between 1 and 50"):
        planned("eva", limits, limit=51)


def test_the_order_is_relevance_where_something_scores_else_name() -> None:
    assert planned("eva").sort == "relevance"
    assert planned(birth_date="1980").sort == planned().sort == "name"
    assert planned(sort="relevance").sort == "relevance"
    assert planned("eva", sort="name").sort == "name"


def test_limits_hold_for_all_names_together() -> None:
    with pytest.raises(BadRequestError, match="too many words"):
        planned(given_name="a b c d e", family_name="f g h i")
    with pytest.raises(BadRequestError, match="too long"):
        planned(family_name="a" * 201)
    assert planned("x" * 200).scored is not None


def test_every_filter_has_what_the_api_and_the_pages_need() -> None:
    assert [f.name for f in FILTERS] == ["profession", "status", "authority", "specialty", "county"]
    for one in FILTERS:
        assert one.parameter
        assert one.label_sv
        assert one.label_en
        assert hasattr(SearchQuery(), one.name)


def test_a_filter_drops_doubles_and_blanks_and_refuses_too_many() -> None:
    profession = FILTERS[0]
    assert profession.parse([" midwife ", "", "midwife"]) == ("midwife",)
    with pytest.raises(BadRequestError, match="at most"):
        profession.parse([f"p{n}" for n in range(51)])


def test_questions_name_only_fields_of_the_mapping() -> None:
    asked = planned("Åsa Lind-Öberg 123", birth_date="1980", status=("active",), profession=("midwife",))
    assert asked.scored is not None
    trees = [asked.scored, *asked.required, *asked.chosen.values()]
    trees += [clause for facet in asked.facets for clause in (facet.clauses or {}).values()]
    for found in ("near", "wide"):
        one = planned("Åsa A Lind-Öberg", birth_date="1980-05-03", candidates=found).scored
        assert one is not None
        trees.append(one)
    used = {leaf.field for tree in trees for leaf in leaves(tree)} | {
        facet.field for facet in asked.facets
    } - {""}
    assert used <= load_mapping().fields.keys()
