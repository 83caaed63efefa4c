"""The status of one licence on a day, as the filter `status` counts it, from the few facts that a list reads."""

from functools import lru_cache

from registry.records.facts import Status
from registry.records.indexed import IndexedLicence, IndexedPerson, IndexedRestriction
from registry.records.listed import ListedLicence, ListedRestriction
from registry.search.document import documents
from registry.search.in_memory import status_on

# Most licences of a register have one of a few hundred combinations of dates.
_REMEMBERED = 16_384


def status_of(licence: ListedLicence, day: int, *, deceased: bool) -> Status:
    """Return the status on a day (yyyymmdd); nobody knows that of a licence that its feed no longer holds."""
    if licence.gone:
        return "unknown"
    facts = (licence.status, licence.valid_from, licence.valid_to, licence.restrictions)
    return _status((day, deceased), facts)


_Facts = tuple[Status, str | None, str | None, tuple[ListedRestriction, ...]]


@lru_cache(maxsize=_REMEMBERED)
def _status(when: tuple[int, bool], facts: _Facts) -> Status:
    day, deceased = when
    status, valid_from, valid_to, restrictions = facts
    # Asked of the very document that the index would hold, so that there is one definition.
    licence = IndexedLicence(
        id=0,
        gone=False,
        restrictions=[IndexedRestriction(*one) for one in restrictions],
        specialties=(),
        number="",
        jurisdiction="",
        profession="",
        authority_id="",
        status=status,
        issued=None,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    person = IndexedPerson(
        id=0,
        version=0,
        listed=True,
        deceased=deceased,
        birth_date=None,
        county="",
        names=(),
        numbers=(),
        licences=(licence,),
    )
    return status_on(day, documents(person)[0].body or {})
