"""A snapshot put back is an older index: searched at once, and brought up to date from SQL."""

from datetime import date

import pytest

from registry.errors import SearchUnavailableError
from registry.search import SearchQuery
from tests.cluster.houses import ClusterHouse
from tests.indexer.faults.houses import people
from tests.support.world import licence, person

TODAY = date(2026, 6, 1)
PEOPLE = 40
# Whom a search finds since then, and whom it does not find any more.
SINCE = ("Siv Alm", "Ada Alm", "100007")
NAMED = {"$(date +%Y-%m-%d)": "before"}


def total(house: ClusterHouse, text: str = "") -> int:
    house.index.refresh()
    return house.service.search(SearchQuery(text=text), TODAY).total


@pytest.mark.parametrize("rebuilt", [False, True], ids=["the same index", "an index of before a rebuild"])
def test_a_restored_snapshot_is_searched_at_once_and_healed_by_compare(
    house: ClusterHouse, rebuilt: bool
) -> None:
    there = house.there
    administrator = there.cluster.administrator
    house.load(people(PEOPLE))
    made = house.publish().made
    there.run("snapshot repository")
    there.run("snapshot", NAMED)
    try:
        # Since then: changed, new, and somebody whose identity is protected now.
        changed = person("Alm", "Siv", licences=[licence("100003")])
        hidden = person("Alm", "Liv", protected=True, licences=[licence("100007")])
        new = person("Alm", "Ada", licences=[licence("200000")])
        house.load({**people(10, "Siv"), "3": changed, "7": hidden, "new": new})
        house.publish()
        if rebuilt:
            house.rebuild()
        for index in house.index.indices():
            administrator.delete(f"{there.url}/{index}").raise_for_status()
        with pytest.raises(SearchUnavailableError, match="no search index"):
            house.service.search(SearchQuery(), TODAY)

        there.run("restore", {"2026-06-01": "before"})
        there.cluster.wait_for("green")

        assert house.index.current_index() == made
        assert [total(house, text) for text in ("", *SINCE)] == [PEOPLE, 0, 0, 1]
        told = house.compare(repair=True)
        assert told.differs
        assert told.mended
        house.publish()
        assert [total(house, text) for text in ("", *SINCE)] == [PEOPLE, 1, 1, 0]
        house.equal(PEOPLE)
    finally:
        administrator.delete(f"{there.url}/_snapshot/registry/before")
        administrator.delete(f"{there.url}/_snapshot/registry")
