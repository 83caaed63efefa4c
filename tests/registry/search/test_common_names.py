"""Names that more people bear than are looked at one by one: the same answers, from what the engine counts and orders."""

import random
from typing import Any

import pytest

from registry.search import SearchQuery, tantivy, tantivy_counts, tantivy_rank
from registry.search.tantivy_together import documents_by_clause
from tests.registry.search.people import TODAY, Register, licence, person, restriction

pytestmark = pytest.mark.parametrize("settings", ["tantivy"], indirect=True)
# Not fewer than make it certain that `search.two_typos_below` people are among them.
FEW = 20
QUESTIONS: list[dict[str, Any]] = [
    {"text": word, "page": page, "limit": limit, **more}
    for word in ("lind", "Lindh", "anna", "li", "hanna", "lundh")
    for page, limit in ((1, 5), (2, 5), (3, 3))
    for more in (
        {},
        {"status": ("active",)},
        {"profession": ("midwife",), "status": ("lapsed", "restricted")},
    )
]


@pytest.fixture
def common(register: Register) -> Register:
    """Many people of few names, some with several licences in every state, in an index of several segments."""
    rnd = random.Random(7)

    def some_licence() -> Any:  # noqa: ANN401 - a licence
        limits = [
            restriction(
                kind, rnd.choice([None, "2020-01-01", "2027-01-01"]), rnd.choice([None, "2026-01-01"])
            )
            for kind in rnd.sample(["revoked", "probation", "conditions"], rnd.choice([0, 0, 1, 2]))
        ]
        return licence(
            profession=rnd.choice(["physician", "midwife"]),
            status=rnd.choice(["active", "active", "restricted", "lapsed", "unknown"]),
            valid_from=rnd.choice([None, "2010-01-01", "2026-12-01"]),
            valid_to=rnd.choice([None, "2026-05-19", "2026-05-20"]),
            restrictions=limits,
        )

    people = [
        person(
            f"{rnd.choice(['Anna', 'Hanna', 'Eva'])} {rnd.choice(['Lind', 'Lindh', 'Lundh', 'Lindqvist'])}",
            *(some_licence() for _ in range(rnd.choice([1, 1, 1, 3]))),
            former=["Eva Lind"] if rnd.random() < 0.1 else [],
        )
        for _ in range(150)
    ]
    for start in range(0, len(people), 40):
        register.publish(*people[start : start + 40])
    return register


def test_people_of_a_common_name_come_in_the_same_order_and_are_counted_alike(
    common: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [SearchQuery(**question) for question in QUESTIONS]
    one_by_one = [common.engine.search(query, TODAY) for query in asked]
    for module in (tantivy, tantivy_counts):
        monkeypatch.setattr(module, "FEW", FEW)
    told: list[bool] = []
    tied, together = tantivy_rank._tied, documents_by_clause

    def noted_tied(*given: Any) -> Any:  # noqa: ANN401 - as it is
        told.append((found := tied(*given)) is not None)
        return found

    counted: list[bool] = []

    def noted_together(*given: Any) -> Any:  # noqa: ANN401 - as it is
        counted.append((found := together(*given)) is not None)
        return found

    monkeypatch.setattr(tantivy_rank, "_tied", noted_tied)
    monkeypatch.setattr(tantivy_counts, "documents_by_clause", noted_together)
    for query, wanted in zip(asked, one_by_one, strict=True):
        assert common.engine.search(query, TODAY) == wanted, query
    assert any(told)
    assert any(counted)


def test_where_clauses_hold_too_many_ranges_each_is_asked_by_itself(
    common: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [SearchQuery(**question) for question in QUESTIONS[:9]]
    one_by_one = [common.engine.search(query, TODAY) for query in asked]
    for module in (tantivy, tantivy_counts):
        monkeypatch.setattr(module, "FEW", FEW)
    monkeypatch.setattr("registry.search.tantivy_together._MOST_RANGES", 0)
    for query, wanted in zip(asked, one_by_one, strict=True):
        assert common.engine.search(query, TODAY) == wanted, query
