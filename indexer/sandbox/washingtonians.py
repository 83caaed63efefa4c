"""The people of Washington's register on the day they come into it."""

from datetime import date, timedelta
from typing import Literal

from indexer.sandbox import american_names
from indexer.sandbox import washington_register as register
from indexer.sandbox.draw import Draw, Shuffle
from indexer.sandbox.identities import WASHINGTON_CAPACITY, WASHINGTON_NUMBER_FROM
from indexer.sandbox.model import Credential, Sex, WashingtonPerson

_PERSON = 2
_STATUS_WORDS = register.STATUSES.options


class Washingtonians:
    """Makes person `i` of Washington's register, as of the day the person came."""

    def __init__(self, seed: int, year: int) -> None:
        self._seed, self._year = seed, year
        self._digits = Shuffle(WASHINGTON_CAPACITY, seed, _PERSON)

    def __getitem__(self, i: int) -> WashingtonPerson:
        draw = Draw(self._seed, _PERSON, i)
        sex = self.sex(i)
        born = self._year - draw.within(21, 84)
        family = american_names.surname(draw)
        extra = american_names.suffix(draw, sex)
        return WashingtonPerson(
            family=f"{family} {extra}" if extra else family,
            given=american_names.given(draw, sex, born),
            middle=american_names.middle(draw, sex, born),
            birth_year=str(born),
            credentials=self._credentials(draw, i, born),
        )

    def sex(self, i: int) -> Sex:
        """Return the sex of person `i`, which the feed does not tell."""
        return "F" if Draw(self._seed, _PERSON, i, 1).chance(0.72) else "M"

    def number(self, i: int, prefix: str) -> str:
        """Return the number of person `i`'s credential with that prefix."""
        return f"{prefix}{WASHINGTON_NUMBER_FROM + self._digits[i]}"

    def _credentials(self, draw: Draw, i: int, born: int) -> tuple[Credential, ...]:
        # The first people have one type or status word each, so that all are there in a small sandbox too.
        types = register.TYPES.options
        kinds = {types[i] if i < len(types) else register.TYPES.pick(draw): None}
        while draw.chance(0.2) and len(kinds) < 3:  # noqa: PLR2004 - more than three are rare
            kinds[register.TYPES.pick(draw)] = None
        status = _STATUS_WORDS[i] if i < len(_STATUS_WORDS) else register.STATUSES.pick(draw)
        found = []
        for name, prefix in kinds:
            found.append(self._credential(draw, name, self.number(i, prefix), status, born))
            status = register.STATUSES.pick(draw)
        return tuple(found)

    def _credential(self, draw: Draw, kind: str, number: str, status: str, born: int) -> Credential:
        action = _action(draw, status)
        if status in register.NEVER_ISSUED:
            return Credential(number=number, type=kind, status=status, action=action)
        last = self._year - 1
        first = min(born + draw.within(20, 45), last - 1)
        # A suspension or revocation leaves the date of expiry as it was.
        runs = status in register.IN_FORCE or (status in register.DISCIPLINED and draw.chance(0.5))
        expires_in = self._year + 1 if runs else draw.within(first + 1, last)
        # Renewed each year on the birthday.
        birthday = timedelta(days=draw.within(0, 364))
        return Credential(
            number=number,
            type=kind,
            status=status,
            first_issued=(date(first, 1, 1) + timedelta(days=draw.within(0, 364))).isoformat(),
            last_issued=(
                date(max(min(expires_in - 2, last), first), 12, 1) + timedelta(days=draw.within(0, 30))
            ).isoformat(),
            expires=(date(expires_in, 1, 1) + birthday).isoformat(),
            action=action,
        )


def _action(draw: Draw, status: str) -> Literal["No", "Yes", "Pending"]:
    if status in register.DISCIPLINED:
        return "Yes"
    roll = draw.random()
    return "Yes" if roll < 0.01 else "Pending" if roll < 0.013 else "No"  # noqa: PLR2004 - shares among the rest
