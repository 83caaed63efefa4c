"""The people of the FHIR provider directory on the day they come into it.

Some of them also stand in another authority's register. With a Washingtonian they share name and licence
number, but no number of the person: two records that must never be joined on a name. With a Swede they
share the personal identity number, so those records are about one person.
"""

import uuid
from collections.abc import Callable

from indexer.sandbox import american_names
from indexer.sandbox import directory_register as register
from indexer.sandbox.draw import Draw, Shuffle
from indexer.sandbox.identities import NPI_CAPACITY, npi
from indexer.sandbox.model import (
    Provider,
    ProviderName,
    Qualification,
    Sex,
    SwedishPerson,
    WashingtonPerson,
)
from indexer.sandbox.washington_register import IN_FORCE
from indexer.sandbox.washingtonians import Washingtonians

_PERSON = 3
ALSO_WASHINGTON = 0.08
ALSO_SWEDEN = 0.02


class Providers:
    """Makes person `i` of the directory, as of the day the person came.

    Args:
        seed: of the whole sandbox.
        year: that dates are laid around.
        washington: the other register's people, of which the first `washington_people` were there on day 0.
        swede: gives a person of the Swedish register, of which the first `swedish_people` were there on day 0.
    """

    def __init__(  # noqa: PLR0917 - one place calls it
        self,
        seed: int,
        year: int,
        washington: Washingtonians,
        washington_people: int,
        swede: Callable[[int], SwedishPerson],
        swedish_people: int,
    ) -> None:
        self._seed, self._year = seed, year
        self._npis = Shuffle(NPI_CAPACITY, seed, _PERSON)
        self._washington, self._washington_people = washington, washington_people
        self._swede, self._swedish_people = swede, swedish_people

    def __getitem__(self, i: int) -> Provider:
        draw = Draw(self._seed, _PERSON, i)
        roll = draw.random()
        if roll < ALSO_WASHINGTON and self._washington_people:
            other = draw.within(0, self._washington_people - 1)
            return self._washingtonian(draw, i, self._washington[other], self._washington.sex(other))
        if roll < ALSO_WASHINGTON + ALSO_SWEDEN and self._swedish_people:
            return self._from_sweden(draw, i, self._swede(draw.within(0, self._swedish_people - 1)))
        return self._american(draw, i)

    def _american(self, draw: Draw, i: int) -> Provider:
        sex: Sex = "F" if draw.chance(0.6) else "M"
        born = self._year - draw.within(25, 80)
        family = american_names.surname(draw)
        given = american_names.given(draw, sex, born)
        middle = american_names.middle(draw, sex, born)
        name = ProviderName(
            use="official" if draw.chance(0.7) else "usual",
            family=family,
            given=(given, middle) if middle else (given,),
            prefix=draw.one(("DR.", "MS.", "MR.", "", "")),
            suffix=american_names.suffix(draw, sex),
        )
        names = [name]
        if sex == "F" and draw.chance(0.12):
            names.append(
                ProviderName(
                    use="maiden" if draw.chance(0.5) else "old",
                    family=american_names.surname(draw),
                    given=(given,),
                )
            )
        if draw.chance(0.05):
            names.append(ProviderName(use="nickname", family=family, given=(given[:3],)))
        return self._provider(draw, i, tuple(names), sex=sex, born=str(born))

    def _washingtonian(self, draw: Draw, i: int, person: WashingtonPerson, sex: Sex) -> Provider:
        qualifications = []
        for credential in person.credentials:
            code, text = register.BY_PREFIX.get(credential.number[:2], ("", credential.type))
            ended = "" if credential.status in IN_FORCE else credential.expires
            qualifications.append(
                Qualification(
                    number=credential.number,
                    state="WA",
                    taxonomy=code,
                    text=text,
                    issuer=register.WASHINGTON_BOARD,
                    start=credential.first_issued,
                    end=ended,
                )
            )
        given = (person.given, person.middle) if person.middle else (person.given,)
        name = ProviderName(use="official", family=person.family, given=given)
        return self._provider(
            draw, i, (name,), sex=sex, born=person.birth_year, qualifications=tuple(qualifications)
        )

    def _from_sweden(self, draw: Draw, i: int, person: SwedishPerson) -> Provider:
        name = ProviderName(use="official", family=person.family, given=person.given)
        return self._provider(
            draw, i, (name,), sex=person.sex, born=person.born, swedish_number=person.number
        )

    def _provider(
        self,
        draw: Draw,
        i: int,
        names: tuple[ProviderName, ...],
        *,
        sex: Sex,
        born: str,
        qualifications: tuple[Qualification, ...] = (),
        swedish_number: str = "",
    ) -> Provider:
        state, city, postal_code, pattern, board = register.STATES.pick(draw)
        year = int(born[:4])
        # Birth dates are seldom published in full; numbers of another country come with the day.
        known = born if swedish_number else _birth_date(draw, year)
        if not qualifications:
            qualifications = tuple(
                self._qualification(draw, state, pattern, board, year) for _ in range(1 + draw.chance(0.12))
            )
        return Provider(
            id=str(uuid.UUID(int=draw.getrandbits(128), version=4)),
            npi=npi(self._npis[i]),
            swedish_number=swedish_number,
            names=names,
            born=known,
            sex=sex,
            active=draw.chance(0.96),
            city=city,
            state=state,
            postal_code=postal_code,
            qualifications=qualifications,
            quirk=draw.within(0, 99),
        )

    def _qualification(self, draw: Draw, state: str, pattern: str, board: str, born: int) -> Qualification:
        code, text, _ = register.TAXONOMY.pick(draw)
        first = min(born + draw.within(24, 40), self._year - 1)
        start = "" if draw.chance(0.3) else f"{first}-{draw.within(1, 12):02}"
        if start and draw.chance(0.6):
            start = f"{start}-{draw.within(1, 28):02}"
        end = ""
        if draw.chance(0.5):
            year = self._year + draw.within(1, 2) if draw.chance(0.8) else draw.within(first, self._year - 1)
            end = f"{year}-12-31"
        number = "".join(str(draw.within(0, 9)) if letter == "#" else letter for letter in pattern)
        return Qualification(
            number=number, state=state, taxonomy=code, text=text, issuer=board, start=start, end=end
        )


def _birth_date(draw: Draw, year: int) -> str:
    roll = draw.random()
    if roll < 0.45:  # noqa: PLR2004 - share without a birth date
        return ""
    if roll < 0.55:  # noqa: PLR2004 - share with the year only
        return str(year)
    month = f"{year}-{draw.within(1, 12):02}"
    return month if roll < 0.6 else f"{month}-{draw.within(1, 28):02}"  # noqa: PLR2004 - share with year and month
