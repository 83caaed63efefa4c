"""The people of these tests. Synthetic, with numbers from the range that is never given to anyone (serials 980-999)."""

from registry.identifiers import NPI, PERSONAL_IDENTITY_NUMBER
from registry.records.facts import IdentifierFacts, LicenceFacts, NameFacts, PersonFacts, RestrictionFacts
from tests.support.world import licence, person

ANNA_NUMBER = "198005039808"
HIDDEN_NUMBER = "199001019802"
ABSENT_NUMBER = "197512249801"
# A real NPI's form: ten digits that look like a date with four digits, with the NPI's own check digit.
ANNA_NPI = "1003000126"


def personal(number: str) -> IdentifierFacts:
    """A personal identity number."""
    return IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value=number)


def anna() -> PersonFacts:
    """A nurse in good standing who has changed her name."""
    return person(
        "Lindqvist",
        "Anna",
        "Maria",
        birth_date="1980-05-03",
        licences=[licence("RN-100.1", jurisdiction="SE", raw_profession="SJ", valid_from="2005-06-14")],
        identifiers=(personal(ANNA_NUMBER), IdentifierFacts(system=NPI, value=ANNA_NPI)),
        names=(
            NameFacts(family="Lindqvist", given=("Anna", "Maria")),
            NameFacts(use="former", family="Berg", given=("Anna",)),
        ),
    )


def revoked_doctor() -> PersonFacts:
    """A physician whose live licence code stands beside a revocation."""
    revocation = RestrictionFacts(kind="revoked", code="001", text="Återkallad", valid_from="2024-02-01")
    return person(
        "Holm",
        "Bo",
        birth_date="1971-11-30",
        licences=[licence("LK-7", profession="physician", raw_profession="LK", restrictions=(revocation,))],
    )


def ended_nurse() -> PersonFacts:
    """A nurse whose licence ran out; the authority's word is still `active`."""
    return person("Lindqvist", "Karl", birth_date="1955", licences=[licence("RN-2", valid_to="2020-12-31")])


def hidden() -> PersonFacts:
    """A nurse with a protected identity."""
    return person(
        "Skyddad",
        "Hanna",
        birth_date="1990-01-01",
        protected=True,
        licences=[licence("RN-66")],
        identifiers=(personal(HIDDEN_NUMBER),),
    )


def everyone() -> dict[str, PersonFacts]:
    """All of them, by source key."""
    return {"anna": anna(), "bo": revoked_doctor(), "karl": ended_nurse(), "hanna": hidden()}


def crowd(count: int, family: str = "Svensson") -> dict[str, PersonFacts]:
    """Namesakes with numbered licences."""
    return {
        f"crowd-{i}": person(
            family, f"Given{chr(97 + i % 26)}", licences=[_numbered(i)], birth_date=str(1950 + i % 50)
        )
        for i in range(count)
    }


def _numbered(number: int) -> LicenceFacts:
    return licence(f"C-{number}", profession="midwife" if number % 3 == 0 else "registered-nurse")
