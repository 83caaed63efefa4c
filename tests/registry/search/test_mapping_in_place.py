"""What a cluster's index may become without a rebuild, and how little it costs to know that it fits."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from registry.errors import SearchUnavailableError
from registry.search.document import Operation, documents, operations
from registry.search.mapping import load_mapping
from registry.search.port import FEWER_FIELDS, NO_INDEX, OTHER_MAPPING
from tests.registry.search.people import Register, person
from tests.registry.search.versions_of_mapping import MUNICIPALITY, Open, changed, engine_of, refusal

pytestmark = pytest.mark.parametrize("settings", ["opensearch"], indirect=True)


def with_municipality(operation: Operation) -> Operation:
    assert operation.body is not None
    return Operation(operation.key, operation.version, {**operation.body, "municipality": "01"})


def test_added_fields_count_only_when_all_documents_have_been_written_again(
    register: Register, opened: Open, tmp_path: Path
) -> None:
    someone = person("Eva Ek")
    register.publish(someone)
    later = opened(changed(tmp_path, more=MUNICIPALITY))
    later.engine.add_fields(register.index)
    # Killed here, nobody has been told of a field that is empty.
    assert later.engine.fit(register.index) == "fewer"
    assert refusal(later) == FEWER_FIELDS
    assert refusal(register) == ""
    later.engine.add_fields(register.index)  # a second start
    outcomes = later.engine.bulk([with_municipality(one) for one in documents(someone)], register.index)
    assert {outcome.state for outcome in outcomes} == {"done"}
    later.engine.finish_index(register.index)
    assert later.engine.fit(register.index) == "same"
    again = opened(later.engine._mapping)  # type: ignore[attr-defined]
    assert refusal(again) == ""
    assert again.engine.stored([one.key for one in documents(someone)]).popitem()[1]["municipality"] == "01"
    outcomes = again.engine.bulk([with_municipality(one) for one in documents(person("Bo Ek"))])
    assert {outcome.state for outcome in outcomes} == {"done"}


def test_an_earlier_version_goes_on_searching_an_index_with_more_fields_but_does_not_write_it(
    register: Register, opened: Open, tmp_path: Path
) -> None:
    register.publish(person("Eva Ek"))
    later = opened(changed(tmp_path, more=MUNICIPALITY))
    made = later.engine.create_index()
    later.engine.bulk([with_municipality(one) for one in documents(person("Eva Berg"))], made)
    later.engine.finish_index(made)
    later.engine.swap(made, replacing=register.index)
    earlier = opened(load_mapping())
    assert refusal(earlier) == refusal(later) == ""
    assert earlier.engine.health().ok
    assert earlier.engine.fit(made) == "other"
    outcomes = earlier.engine.bulk(operations(person("Bo Ek")))
    assert {(outcome.state, outcome.reason) for outcome in outcomes} == {("retry", OTHER_MAPPING)}


def test_a_version_between_does_not_search_what_is_being_changed_from_an_earlier_to_a_later_one(
    register: Register, opened: Open, tmp_path: Path
) -> None:
    register.publish(person("Eva Ek"))
    latest = opened(changed(tmp_path, more={**MUNICIPALITY, "note": {"type": "long"}}))
    latest.engine.add_fields(register.index)
    between = opened(changed(tmp_path, more=MUNICIPALITY))
    assert refusal(between) == OTHER_MAPPING
    assert refusal(register) == ""


def _client(register: Register) -> Any:  # noqa: ANN401 - the package's own
    return register.engine._client  # type: ignore[attr-defined]


def test_an_index_whose_fields_are_not_what_its_name_says_is_found_out(register: Register) -> None:
    told = load_mapping()
    alias = told.alias(register.settings.opensearch.prefix)
    less = {name: one for name, one in told.new["properties"].items() if name != "names"}
    lies = [
        {**told.new, "properties": less},
        {**told.new, "properties": {**told.new["properties"], "key": {"type": "integer"}}},
        {**told.new, "dynamic": "true"},
        {**told.new, "_meta": {}},
        told.body,
        {},
    ]
    for number, lie in enumerate(lies):
        name = f"{alias}-{told.digest}-{number:020}"
        _client(register).indices.create(index=name, body={"mappings": lie})
        assert register.engine.fit(name) != "same", lie
        with pytest.raises(ValueError, match="can't be put in use"):
            register.engine.swap(name, replacing=register.index)
        _client(register).indices.update_aliases(
            body={
                "actions": [
                    {"remove": {"index": f"{alias}-*", "alias": alias}},
                    {"add": {"index": name, "alias": alias}},
                ]
            }
        )
        fresh = engine_of(register.settings, told)
        assert fresh.health().problem in {OTHER_MAPPING, FEWER_FIELDS}
        fresh.close()


def test_sorting_by_a_field_that_an_index_has_not_got_says_so_and_not_that_the_engine_is_away(
    register: Register,
) -> None:
    told = load_mapping()
    alias = told.alias(register.settings.opensearch.prefix)
    name = f"{alias}-{told.digest}-{1:020}"
    _client(register).indices.create(
        index=name, body={"mappings": {"properties": {"siblings": {"type": "boolean"}}}}
    )
    _client(register).indices.update_aliases(
        body={
            "actions": [{"remove": {"index": "*", "alias": alias}}, {"add": {"index": name, "alias": alias}}]
        }
    )
    with pytest.raises(SearchUnavailableError) as caught:
        register.search("eva", sort="name")
    assert caught.value.detail == OTHER_MAPPING


class Asked:
    """Counts what an engine asks of its register."""

    def __init__(self, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        transport = _client(register).transport
        perform = transport.perform_request

        def counted(method: str, url: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - passed on
            self.paths.append(f"{method} {url}")
            return perform(method, url, *rest, **more)

        monkeypatch.setattr(transport, "perform_request", counted)

    def count(self, word: str) -> int:
        return sum(word in path for path in self.paths)


def test_an_index_is_looked_at_once_and_not_at_every_search(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.publish(person("Eva Ek"))
    asked = Asked(register, monkeypatch)
    for _ in range(10):
        assert register.search("eva").total == 1
    assert (asked.count("_search"), asked.count("_mapping"), len(asked.paths)) == (10, 1, 11)


def test_an_index_that_does_not_fit_is_looked_at_and_complained_of_once_in_a_while_only(
    register: Register, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.publish(person("Eva Ek"))
    later = opened(changed(tmp_path, more=MUNICIPALITY))
    asked = Asked(later, monkeypatch)
    with capture_logs() as logged:
        for _ in range(10):
            assert refusal(later) == FEWER_FIELDS
    assert asked.count("_mapping") == 1
    (said,) = [line for line in logged if line["log_level"] == "error"]
    assert (said["index"], said["why"], said["do"]) == (register.index, "lacks municipality", FEWER_FIELDS)


def test_an_alias_that_moves_to_another_versions_index_never_looks_like_nobody_found(
    register: Register, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.publish(person("Eva Ek"))
    assert register.found("eva")
    other = opened(changed(tmp_path, documents=99))
    made = other.engine.create_index()
    other.engine.bulk(documents(person("Eva Berg")), made)
    other.engine.finish_index(made)
    other.engine.swap(made, replacing=register.index)
    # At once when something is found, and within a second when nothing is.
    monkeypatch.setattr("registry.search.opensearch_check._READ_AGAIN_S", 0.0)
    assert refusal(register) == OTHER_MAPPING


def test_an_index_that_is_gone_is_no_index_and_no_mismatch(register: Register) -> None:
    engine = engine_of(register.settings, load_mapping())
    _client(register).indices.delete(index=register.index)
    assert engine.health().problem == NO_INDEX
    engine.close()
