"""A search by licence number, answered from SQL truth: it works while the engine is down and is never behind.

Other words and filters of the same question are applied to the candidates' documents, made on the spot, so that the
answer is the one an up-to-date index would give, but for licences that a feed no longer holds: they are found too, by
their number, because someone holds a paper with it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import msgspec
import sqlalchemy as sa

from registry.identifiers import PUBLIC_SYSTEMS, fold_number
from registry.records.read import Licence, Practitioner, ids_by_licence_number, practitioners
from registry.search.document import documents
from registry.search.in_memory import Body, matches, score, values_of
from registry.search.port import FacetValue, Hit, SearchPage
from registry.search.query import Plan, SearchQuery, plan
from registry.settings import Search


@dataclass(frozen=True, slots=True)
class _Found:
    """The best document of a person."""

    person: Practitioner
    document: str
    score: int
    name_order: str
    issued: int


def search_by_number(
    connection: sa.Connection, query: SearchQuery, limits: Search, today: date
) -> SearchPage:
    """Answer a search that gives a licence number, without an engine.

    Raises:
        BadRequestError: the search is not as it must be.
    """
    asked = plan(query, limits, today)
    if asked.wider is not None:
        asked = asked.widened
    key = fold_number(query.licence_number)
    people = practitioners(connection, ids_by_licence_number(connection, query.licence_number))
    held = {
        person: bodies for person in people.values() if person.listed and (bodies := _documents(person, key))
    }
    found = [best for person, bodies in held.items() if (best := _best(person, bodies, asked))]
    if asked.sort == "name":
        found.sort(key=lambda one: one.name_order)
    elif asked.sort == "issued":
        found.sort(key=lambda one: -one.issued)
    else:
        found.sort(key=lambda one: (-one.score, one.person.id))
    return SearchPage(
        hits=tuple(
            Hit(one.person.id, float(one.score), one.document)
            for one in found[asked.offset : asked.offset + asked.limit]
        ),
        total=len(found),
        total_is_exact=True,
        facets=_facets(held.values(), asked),
        page=asked.page,
        limit=asked.limit,
    )


def _documents(person: Practitioner, key: str) -> dict[str, Body]:
    """Return the documents of the licences that the number is about: one licence's, or for an NPI each of them."""
    everyone = any(
        known.value and known.system in PUBLIC_SYSTEMS and fold_number(known.value) == key
        for known in person.identifiers
    )
    meant = tuple(
        _as_present(licence)
        for licence in person.licences
        if fold_number(licence.facts.number) == key or (everyone and not licence.gone)
    )
    if not meant and not everyone:
        return {}
    made = documents(replace(person, licences=meant))
    # An index may leave a number out that looks like a personal one; SQL knows that it is the one asked for.
    return {operation.id: {**operation.body, "number": [key]} for operation in made if operation.body}


def _as_present(licence: Licence) -> Licence:
    """Let a licence that is gone be found by its number; nobody knows its status now."""
    if not licence.gone:
        return licence
    return replace(licence, gone=False, facts=msgspec.structs.replace(licence.facts, status="unknown"))


def _best(person: Practitioner, bodies: Mapping[str, Body], asked: Plan) -> _Found | None:
    scored = [
        (points, document)
        for document, body in bodies.items()
        if matches(asked.chosen.values(), body) and (points := _points(asked, body)) is not None
    ]
    if not scored:
        return None
    if asked.sort == "issued":
        points, document = max(scored, key=lambda pair: int(bodies[pair[1]]["issued"]))
    else:
        points, document = max(scored, key=lambda pair: pair[0])
    best = bodies[document]
    return _Found(person, document, points, str(best["name_order"]), int(best["issued"]))


def _points(asked: Plan, body: Body) -> int | None:
    if not matches(asked.required, body):
        return None
    return score(asked.scored, body) if asked.scored else 0


def _facets(held: Iterable[Mapping[str, Body]], asked: Plan) -> dict[str, tuple[FacetValue, ...]]:
    """Count practitioners per value, with every filter in use but the facet's own."""
    people = [[body for body in bodies.values() if _points(asked, body) is not None] for bodies in held]
    facets = {}
    for facet in asked.facets:
        others = [node for name, node in asked.chosen.items() if name != facet.name]
        counts: Counter[str] = Counter()
        for bodies in people:
            values: set[str] = set()
            for body in (one for one in bodies if matches(others, one)):
                if facet.clauses is None:
                    values.update(values_of(body, facet.field))
                else:
                    values.update(v for v, node in facet.clauses.items() if score(node, body) is not None)
            counts.update(values)
        facets[facet.name] = tuple(FacetValue(value, count) for value, count in counts.most_common())
    return facets
