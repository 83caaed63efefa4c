"""A plan as Tantivy's queries, and the mapping as its schema."""

from tantivy import FieldType, Occur, Query, Schema, SchemaBuilder

from registry.search.mapping import Mapping
from registry.search.query import Plan
from registry.search.tantivy_columns import coded_fields, joined_fields
from registry.search.tree import Best, Fuzzy, Leaf, Node, Prefix, Range, Sum, Term, Terms

_MOST_APART = 8


def build_schema(mapping: Mapping) -> Schema:
    """Return the schema that the mapping means. Everything is stored too, so that a document can be read back whole."""
    builder = SchemaBuilder()
    for field in mapping.fields.values():
        match field.type:
            case "keyword":
                builder.add_text_field(
                    field.name, stored=True, fast=field.columnar, tokenizer_name="raw", index_option="basic"
                )
            case "boolean":
                builder.add_boolean_field(field.name, stored=True, indexed=True, fast=field.columnar)
            case "long":
                builder.add_integer_field(field.name, stored=True, indexed=field.indexed, fast=True)
            case "integer":
                # Days are only asked for by range, which reads the column; an index of them would double the build.
                builder.add_integer_field(field.name, stored=True, indexed=False, fast=True)
    for name in coded_fields(mapping).values():
        builder.add_integer_field(name, indexed=False, fast=True)
    for name in joined_fields(mapping).values():
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def build_query(node: Node, schema: Schema) -> Query:
    """Return the scoring query for a tree."""
    match node:
        case Best(children):
            return Query.disjunction_max_query([build_query(child, schema) for child in children], 0.0)
        case Sum(children, minimum, bonus, excluded):
            found = [(Occur.Must, build_query(child, schema)) for child in children]
            if minimum < len(children):
                optional = [(Occur.Should, query) for _, query in found]
                found = [(Occur.Must, Query.boolean_query(optional, minimum))]
            if not children:
                found = [(Occur.Must, unscored(Query.all_query()))]
            found += [(Occur.Should, build_query(child, schema)) for child in bonus]
            found += [(Occur.MustNot, build_query(child, schema)) for child in excluded]
            return Query.boolean_query(found)
        case _:
            return Query.const_score_query(_leaf(node, schema), float(node.weight))


def _leaf(node: Leaf, schema: Schema) -> Query:
    match node:
        case Term(field, value):
            return Query.term_query(schema, field, value, "basic")
        case Terms(field, values) if len(values) > _MOST_APART:
            return Query.term_set_query(schema, field, list(values))
        case Terms(field, values):
            # A set of terms walks the dictionary, which takes longer than to look a few of them up.
            return Query.boolean_query(
                [(Occur.Should, Query.term_query(schema, field, value, "basic")) for value in values]
            )
        case Prefix(field, value):
            # Distance 0 with a free end is a prefix; unlike a regular expression it needs no escaping.
            return Query.fuzzy_term_query(schema, field, value, 0, prefix=True)
        case Fuzzy(field, value, distance):
            return Query.fuzzy_term_query(schema, field, value, distance)
        case Range(field, low, high):
            return Query.range_query(schema, field, FieldType.Integer, low, high)


def unscored(query: Query) -> Query:
    """Return the same documents with a score of 0."""
    return Query.const_score_query(query, 0.0)


def page_query(plan: Plan, schema: Schema, *, without: str = "") -> Query:
    """Return what must be found: words, required conditions, and every filter but the one named."""
    needed = [(Occur.Must, unscored(build_query(node, schema))) for node in plan.required]
    needed += [
        (Occur.Must, unscored(build_query(node, schema)))
        for name, node in plan.chosen.items()
        if name != without
    ]
    if plan.scored is not None:
        needed.append((Occur.Must, build_query(plan.scored, schema)))
    return needed[0][1] if len(needed) == 1 else Query.boolean_query(needed)
