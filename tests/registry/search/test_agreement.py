"""Random registers and random questions: each engine answers as the meaning of the question says.

The meaning is `registry.search.in_memory`, which reads a question's tree on plain documents, a document at a time.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from registry.records.read import Practitioner
from registry.search import IndexEngine, SearchPage, SearchQuery, tantivy, tantivy_counts
from registry.search.document import documents
from registry.search.in_memory import Body, matches, score, values_of
from registry.search.query import plan
from registry.search.tree import Node
from registry.settings import Search
from tests.registry.search.people import TODAY, Register, licence, person, restriction

GIVEN = ["Anna", "Åsa", "Asa", "Hanna", "Anne-Marie", "Eva", "Ewa", "Karl", "Carl", "Li", "Berg"]
FAMILY = [
    "Lind",
    "Lindh",
    "Lindqvist",
    "Lindkvist",
    "Lindqvist-Ek",
    "Öberg",
    "Oberg",
    "O'Brien",
    "Ek",
    "Eva",
    "Berg",
]
STATUSES = ["active", "active", "active", "restricted", "lapsed", "revoked", "unknown"]
PROFESSIONS = ["physician", "midwife", "dentist"]
SPECIALTIES = ["Kirurgi", "Urologi", "Allmänmedicin"]
COUNTIES = ["", "Skåne län", "03"]
AUTHORITIES = ["board", "other"]
DATES = [None, "2019", "2026-05", "2026-05-19", "2026-05-20", "2026-05-21", "2030-01-01"]
FILTERED = {
    "profession": PROFESSIONS,
    "status": STATUSES,
    "authority": AUTHORITIES,
    "specialty": SPECIALTIES,
    "county": COUNTIES[1:],
}
KINDS = ["revoked", "suspended", "probation", "conditions"]
QUESTIONS = 100


def some_people(rnd: random.Random, count: int) -> list[Practitioner]:
    return [some_person(rnd, number) for number in range(count)]


def some_person(rnd: random.Random, number: int) -> Practitioner:
    def some_name() -> str:
        return f"{' '.join(rnd.sample(GIVEN, rnd.choice([1, 1, 2])))} / {rnd.choice(FAMILY)}"

    licences = [
        licence(
            f"N{number}{position}",
            profession=rnd.choice(PROFESSIONS),
            authority=rnd.choice(AUTHORITIES),
            issued=rnd.choice(DATES),
            specialties=[
                {"code": "", "text": text} for text in rnd.sample(SPECIALTIES, rnd.choice([0, 0, 1, 2]))
            ],
            status=rnd.choice(STATUSES),
            valid_from=rnd.choice(DATES) if rnd.random() < 0.4 else None,
            valid_to=rnd.choice(DATES),
            restrictions=[restriction(rnd.choice(KINDS), rnd.choice(DATES), rnd.choice(DATES))]
            if rnd.random() < 0.2
            else [],
        )
        for position in range(rnd.choice([0, 1, 1, 1, 2, 3]))
    ]
    former = [some_name().replace(" / ", " ")] if rnd.random() < 0.3 else []
    born = rnd.choice([None, "1980", "1980-05", "1980-05-03", "1981-05-03"])
    where = rnd.choice(COUNTIES)
    return person(some_name(), former=former, birth_date=born, county=where, licences=tuple(licences))


def some_question(rnd: random.Random) -> SearchQuery:
    words = [rnd.choice(GIVEN + FAMILY) for _ in range(rnd.choice([0, 1, 1, 2, 2, 3]))]
    if words and rnd.random() < 0.4:
        cut = rnd.randrange(len(words))
        words[cut] = misspelt(rnd, words[cut])
    asked: dict[str, object] = {}
    if rnd.random() < 0.7:
        asked["text"] = " ".join(words)
    else:
        asked["given_name"], asked["family_name"] = rnd.choice(["", *GIVEN]), rnd.choice(["", *FAMILY])
    if rnd.random() < 0.1:
        asked["text"] = f"N{rnd.randrange(60)}0"
    if rnd.random() < 0.3:
        asked["birth_date"] = rnd.choice(["1980", "1980-05-03", "1981"])
    for name, values in FILTERED.items():
        if rnd.random() < 0.25:
            asked[name] = tuple(rnd.sample(values, rnd.choice([1, 2])))
    if rnd.random() < 0.2:
        asked["sort"] = rnd.choice(["name", "issued"])
    asked |= {"limit": rnd.choice([5, 100]), "page": rnd.choice([1, 1, 2])}
    return SearchQuery(**asked)  # type: ignore[arg-type]


def misspelt(rnd: random.Random, word: str) -> str:
    at = rnd.randrange(1, len(word))
    return rnd.choice(
        [word[:at], word[:at] + word[at + 1 :], word[:at] + "x" + word[at:], word[:at] + word[at:][::-1]]
    )


@dataclass
class Meaning:
    """The answer that a question means, worked out one document at a time."""

    bodies: dict[str, Body] = field(default_factory=dict)

    def answer(
        self, query: SearchQuery, limits: Search
    ) -> tuple[list[tuple[int, float]], int, dict[str, dict[str, int]]]:
        asked = plan(query, limits, TODAY)
        if asked.wider is not None:
            met = list(self._met(asked.required, asked.scored, asked.chosen.values()))
            best = 0
            if asked.sort == "relevance" and asked.scored is not None:
                best = max((score(asked.scored, body) or 0 for body in met), default=0)
            if not asked.does(len({body["practitioner_id"] for body in met}), best):
                asked = asked.widened
        scores: dict[int, int] = {}
        order: dict[int, str] = {}
        newest: dict[int, int] = {}
        for body in self._met(asked.required, asked.scored, asked.chosen.values()):
            points = 0 if asked.scored is None else score(asked.scored, body)
            assert points is not None
            who = body["practitioner_id"]
            scores[who] = max(points, scores.get(who, 0))
            order[who] = body["name_order"]
            newest[who] = max(body["issued"], newest.get(who, 0))
        if asked.sort == "name":
            people = sorted(scores, key=lambda who: order[who])
        elif asked.sort == "issued":
            people = sorted(scores, key=lambda who: -newest[who])
        else:
            people = sorted(scores, key=lambda who: (-scores[who], who))
        facets = {}
        for facet in asked.facets:
            others = [node for name, node in asked.chosen.items() if name != facet.name]
            pairs = set()
            for body in self._met(asked.required, asked.scored, others):
                if facet.clauses is None:
                    values = values_of(body, facet.field)
                else:
                    values = [value for value, node in facet.clauses.items() if matches([node], body)]
                pairs |= {(value, body["practitioner_id"]) for value in values}
            facets[facet.name] = dict(Counter(value for value, _ in pairs))
        page = people[asked.offset : asked.offset + asked.limit]
        return [(who, scores[who] if asked.sort == "relevance" else 0) for who in page], len(people), facets

    def _met(self, required: tuple[Node, ...], scored: Node | None, filters: object) -> Iterator[Body]:
        needed = [*required, *([scored] if scored else []), *filters]  # type: ignore[misc]
        yield from (body for body in self.bodies.values() if matches(needed, body))


def told(
    page: SearchPage, query: SearchQuery
) -> tuple[list[tuple[int, float]], int, dict[str, dict[str, int]]]:
    facets = {name: {v.value: v.count for v in values} for name, values in page.facets.items()}
    hits = [(hit.practitioner_id, 0 if query.sort else hit.score) for hit in page.hits]
    return hits, page.total, facets


@pytest.fixture
def filled(engine: IndexEngine, settings: Search) -> tuple[Register, Meaning]:
    rnd = random.Random(20260520)
    register = Register(engine, settings)
    people = some_people(rnd, 60)
    register.publish(*people)
    # Every second person changes, so that the index has deleted documents and several segments.
    people = [some_person(rnd, n) if n % 2 else one for n, one in enumerate(people)] + people[1::2]
    register.publish(*people)
    return register, Meaning({op.id: op.body or {} for one in people for op in documents(one)})


def test_answers_are_what_the_question_means(filled: tuple[Register, Meaning]) -> None:
    register, meaning = filled
    rnd = random.Random(1)
    found_somebody = 0
    for _ in range(QUESTIONS):
        query = some_question(rnd)
        page = register.engine.search(query, TODAY)
        assert told(page, query) == meaning.answer(query, register.settings), query
        assert page.total_is_exact
        found_somebody += bool(page.hits)
    assert found_somebody > QUESTIONS / 3


def test_candidates_are_the_best_that_the_question_means(filled: tuple[Register, Meaning]) -> None:
    register, meaning = filled
    rnd = random.Random(2)
    found_somebody = 0
    for _ in range(QUESTIONS):
        given, family = rnd.choice(GIVEN), rnd.choice(FAMILY)
        query = SearchQuery(
            text=rnd.choice(["", f"{given} {misspelt(rnd, family)}"]),
            given_name=given,
            family_name=misspelt(rnd, family),
            birth_date=rnd.choice(
                ["", "1980", "1980-05", "1980-05-03", "1980-03-05", "1980-05-30", "1981-06-03"]
            ),
            profession=rnd.choice([(), ("midwife",)]),
            candidates=rnd.choice(["near", "wide"]),
            limit=rnd.choice([3, 100]),
        )
        page = register.engine.search(query, TODAY)
        wanted, _, _ = meaning.answer(query, register.settings)
        assert [(hit.practitioner_id, hit.score) for hit in page.hits] == wanted, query
        assert page.facets == {}
        assert page.total == len(wanted)
        found_somebody += bool(wanted)
    assert found_somebody > QUESTIONS / 2


@pytest.mark.parametrize("settings", ["tantivy"], indirect=True)
def test_many_documents_are_counted_and_ranked_as_few_are(
    filled: tuple[Register, Meaning], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tantivy, tantivy_counts):
        # Not fewer than make it certain that `search.two_typos_below` people are among them.
        monkeypatch.setattr(module, "FEW", 30)
    test_answers_are_what_the_question_means(filled)


@pytest.mark.parametrize("settings", ["tantivy"], indirect=True)
def test_where_people_with_several_licences_are_many_they_are_estimated_and_said_to_be(
    filled: tuple[Register, Meaning], monkeypatch: pytest.MonkeyPatch
) -> None:
    register, meaning = filled
    monkeypatch.setattr(tantivy_counts, "FEW", 4)
    monkeypatch.setattr(tantivy_counts, "COUNTED_EXACTLY", 4)
    monkeypatch.setattr(tantivy, "FEW", 4)
    query = SearchQuery(status=("active", "lapsed"), limit=100)
    page = register.engine.search(query, TODAY)
    assert not page.total_is_exact
    # An estimate of so few is exact.
    assert told(page, query) == meaning.answer(query, register.settings)
