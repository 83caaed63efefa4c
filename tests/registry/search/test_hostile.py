"""Whatever is typed is bounded, harmless, and never read as a query language."""

import pytest

from registry.errors import BadRequestError
from registry.search import SearchQuery
from registry.search.query import plan
from registry.search.tree import Fuzzy, Prefix, Terms, leaves
from registry.settings import load_settings
from tests.registry.search.people import TODAY, Register, licence, person

LIMITS = load_settings({}).search

REFUSED = [
    ("ten thousand characters", "a" * 10_000),
    ("ten thousand words", "a " * 5000),
    ("nine words", "a b c d e f g h i"),
    ("a hyphenated word of many parts", "a-b-c-d-e-f-g-h-i"),
    ("only punctuation", '*?!&|()[]{}^~"\\/:'),
    ("only a wildcard", "*"),
    ("only control characters", "\x00\x01\x1f\x7f"),
    ("only invisible characters", "\u200b\u202e\ufeff"),
    ("a lone surrogate", "\ud800"),
]
HARMLESS = [
    "Ek*",
    "*Ek*",
    "E?",
    "E.*|.*",
    "Ek~2",
    "Ek^9",
    'Ek" OR "1"="1',
    "names:Ek",
    "status:active OR *:*",
    "(Ek",
    "Ek]",
    "_exists_:names",
    "${jndi:x}",
    "<script>Ek",
    "'; drop table licence; --",
    '{"match_all":{}}',
    "Ek\x00Eva",
    "a" * 200,
    "ek" + "\u0301" * 100,
    "é" * 200,
    "㍿" * 50,
    "-'-'-",
    "١٢٣",
    "😀 Ek",
]


@pytest.mark.parametrize("asked", [text for _, text in REFUSED], ids=[case for case, _ in REFUSED])
def test_what_can_not_be_a_search_is_refused_with_words_that_help(asked: str) -> None:
    with pytest.raises(BadRequestError, match=r"write|Write"):
        plan(SearchQuery(text=asked), LIMITS, TODAY)


def test_operators_are_read_as_the_words_between_them(register: Register) -> None:
    ek, other = person("Eva Ek"), person("Bo Active", licence("NAMES1"))
    register.publish(ek, other)
    for asked in HARMLESS:
        try:
            page = register.search(asked)
        except BadRequestError:
            continue
        assert page.total <= 1, asked
    assert register.found("Ek*") == register.found("(Ek") == register.found("Ek\x00Eva") == [ek.id]
    assert register.found("*Ek* OR") == []
    assert register.found("E?") == []
    assert register.found("Ev?") == [ek.id]


@pytest.mark.parametrize(
    "asked",
    [
        {"profession": ("x" * 100,)},
        {"profession": ('nurse" OR "',)},
        {"authority": ("*",)},
        {"status": ("ACTIVE",)},
        {"status": tuple(f"s{n}" for n in range(100))},
        {"licence_number": "-./ "},
        {"licence_number": "1" * 10_000},
        {"county": ("x" * 101,)},
        {"county": ("\ud800",)},
        {"specialty": ("a\x00b",)},
        {"specialty": tuple(f"s{n}" for n in range(51))},
        {"candidates": "everyone"},
        {"birth_date": "1980-13"},
        {"birth_date": "last year"},
        {"sort": "_script"},
        {"limit": 0},
        {"limit": 101},
        {"page": 0},
        {"page": 51, "limit": 20},
        {"page": 10**12},
    ],
    ids=str,
)
def test_values_outside_their_list_or_limit_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(BadRequestError) as caught:
        plan(SearchQuery(text="eva", **asked), LIMITS, TODAY)  # type: ignore[arg-type]
    assert caught.value.detail.endswith(".")


def test_the_engines_refuse_the_same(register: Register) -> None:
    with pytest.raises(BadRequestError):
        register.search("*?")


def test_a_search_never_costs_typo_tolerance_for_endless_words(register: Register) -> None:
    long = "e" * 64
    register.publish(person(f"Eva {long}"))
    assert len(register.found(long)) == 1
    assert register.found("e" * 62 + "xx") == []


WORST = [
    ("the longest words that get typo tolerance", " ".join("äöü" * 6 + letter * 5 for letter in "abcdefgh")),
    ("hyphens", "-".join("ÅäöüÅäöü" + letter for letter in "abcdefgh")),
    ("short ones", "va ki sy zi ck vw ij qk"),
    ("numbers", "1a2 3b4 5c6 7d8 9e0 1f2 3g4 5h6"),
    ("one long word", "ä" * 200),
    ("letters alone", "a b c d e f g h"),
]


@pytest.mark.parametrize("text", [text for _, text in WORST], ids=[case for case, _ in WORST])
@pytest.mark.parametrize("role", ["text", "given_name", "family_name"])
@pytest.mark.parametrize("candidates", ["", "near", "wide"])
def test_the_cost_of_a_question_is_bounded_whatever_is_typed(text: str, role: str, candidates: str) -> None:
    asked: dict[str, object] = {role: text[:200], "candidates": candidates}
    made = plan(SearchQuery(birth_date="1980-05-13", **asked), LIMITS, TODAY)  # type: ignore[arg-type]
    widest = made.wider or made.scored
    assert widest is not None
    used = leaves(widest)
    assert len(used) <= 160
    typos = [leaf for leaf in used if isinstance(leaf, Fuzzy)]
    assert len(typos) <= 3 * LIMITS.max_query_terms
    assert all(len(leaf.value) <= LIMITS.max_fuzzy_length for leaf in typos)
    assert sum(isinstance(leaf, Prefix) for leaf in used) <= 3 * LIMITS.max_query_terms
    assert all(len(leaf.values) <= 64 for leaf in used if isinstance(leaf, Terms))


def test_operators_are_words_for_candidates_too(register: Register) -> None:
    ek = person("Eva Ek", birth_date="1980-05-13")
    register.publish(ek)
    for asked in HARMLESS:
        for candidates in ("near", "wide"):
            try:
                page = register.search(asked, candidates=candidates)
            except BadRequestError:
                continue
            assert page.total <= 1, asked
