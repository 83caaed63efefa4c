"""Whose evidence something is."""

from dataclasses import replace

from registry.access.caller import Caller
from registry.checks.owner import owner_of
from registry.identifiers import MASK

CALLER = Caller("https://idp.example", "anna", client_id="web", organisation="2021001234")


def test_everyone_of_one_organisation_is_one_owner() -> None:
    assert owner_of(CALLER) == owner_of(replace(CALLER, subject="bo", client_id="system"))
    assert owner_of(CALLER) != owner_of(replace(CALLER, organisation="2021005678"))


def test_without_an_organisation_or_with_a_bare_mark_everyone_owns_only_their_own() -> None:
    for nobody in ("", MASK):
        alone = replace(CALLER, organisation=nobody)
        assert owner_of(alone) != owner_of(replace(alone, subject="bo"))


def test_sole_traders_are_organisations_of_their_own() -> None:
    one, other = (replace(CALLER, organisation=f"{MASK} {digest}") for digest in ("abc", "abd"))
    assert owner_of(one) != owner_of(other)
