"""Profession codes that HOSP replaces by another for one and the same licence.

A licensed sjukgymnast (SG) may become fysioterapeut (FT): Socialstyrelsen decides so (`beslutsdatumFysioterapeut`), the
code changes, and in law it is one profession (patientsäkerhetslagen 2010:659, 4 kap. 1 §). Were it another licence for
us, the old one would look like one that the register has dropped: what restricted it would go on counting against the
person after the register has lifted it.
"""

_NOW: dict[str, str] = {"SG": "FT"}


def licence_code(profession: str) -> str:
    """Return the code that a licence is known by, whichever of its profession's codes it has now."""
    return _NOW.get(profession, profession)
