"""The status that a list shows is the one that the index counts."""

from datetime import UTC, datetime
from itertools import product
from typing import get_args

import pytest

from registry.records.facts import LicenceFacts, RestrictionFacts, RestrictionKind, Status
from registry.records.listed import ListedLicence, ListedRestriction
from registry.records.read import Licence, Practitioner
from registry.search.document import documents
from registry.search.in_memory import status_on
from registry.search.standing import status_of

DAY = 20261122
DATES = (None, "2020", "2026-11-22", "2030-01")


def _both(status: Status, valid: tuple[str | None, str | None], limits: tuple[RestrictionFacts, ...], *, deceased: bool) -> tuple[Status, Status]:  # fmt: skip
    facts = LicenceFacts(
        key="a", profession="physician", status=status, valid_from=valid[0], valid_to=valid[1], restrictions=limits
    )  # fmt: skip
    licence = Licence(1, facts, "feed", "authority", gone=False, known_since=datetime(2026, 1, 1, tzinfo=UTC))
    person = Practitioner(1, "p", None, deceased, None, False, "", 1, (), (), (licence,))
    shown = ListedLicence(
        1, "", "", "physician", "", "", status, "", None, *valid, "feed", "authority", False,
        tuple(ListedRestriction(one.kind, one.valid_from, one.valid_to) for one in limits),
    )  # fmt: skip
    (document,) = documents(person)
    return status_of(shown, DAY, deceased=deceased), status_on(DAY, document.body or {})


@pytest.mark.parametrize("status", get_args(Status))
def test_it_is_the_one_of_the_document(status: Status) -> None:
    kinds: tuple[RestrictionKind | None, ...] = (None, *get_args(RestrictionKind))
    for start, end, kind, deceased in product(DATES, DATES, kinds, (False, True)):
        limits = (RestrictionFacts(kind=kind, valid_from="2024"),) if kind else ()
        mine, documented = _both(status, (start, end), limits, deceased=deceased)
        assert mine == documented, (start, end, kind, deceased)


def test_nobody_knows_the_status_of_a_licence_that_is_gone() -> None:
    gone = ListedLicence(
        1, "", "", "physician", "", "", "active", "", None, None, None, "feed", "authority", True, ()
    )  # fmt: skip
    assert status_of(gone, DAY, deceased=False) == "unknown"
