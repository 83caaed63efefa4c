"""The sandbox's people: all of them, register by register, as they are on the plan's day.

Nothing is kept in memory: person `i` of a register is a function of the plan, and is made when asked for.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeVar

from indexer.sandbox import changes, fixed
from indexer.sandbox.draw import Draw, mix
from indexer.sandbox.identities import PersonalNumbers
from indexer.sandbox.model import Provider, SwedishPerson, WashingtonPerson
from indexer.sandbox.plan import CHANGED_A_DAY, Plan, Register
from indexer.sandbox.providers import Providers
from indexer.sandbox.swedes import Swedes
from indexer.sandbox.washingtonians import Washingtonians

P = TypeVar("P")
_SWEDEN, _WASHINGTON, _DIRECTORY = 11, 12, 13


class People:
    """The people of one plan.

    Raises:
        SandboxError: see `Plan`.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        seed, year = plan.seed, plan.year
        numbers = PersonalNumbers(plan.hosp.most, fixed.TAKEN, seed)
        self.newborn_swedes = Swedes(seed, year, numbers)
        self.newborn_washingtonians = Washingtonians(seed, year)
        self.newborn_providers = Providers(
            seed,
            year,
            self.newborn_washingtonians,
            self._generated(plan.washington, fixed.washingtonians(year)),
            self.newborn_swedes.__getitem__,
            self._generated(plan.hosp, fixed.swedes(year, 0)),
        )

    def swedes(self) -> Iterator[SwedishPerson]:
        """Give the people of the Swedish register, in the register's order."""
        always = fixed.swedes(self.plan.year, self.plan.day)
        return self._register(self.plan.hosp, always, self.newborn_swedes.__getitem__, changes.swede, _SWEDEN)

    def washingtonians(self) -> Iterator[WashingtonPerson]:
        """Give the people of Washington's register, in the register's order."""
        always = fixed.washingtonians(self.plan.year)
        return self._register(
            self.plan.washington,
            always,
            self.newborn_washingtonians.__getitem__,
            changes.washingtonian,
            _WASHINGTON,
        )

    def providers(self) -> Iterator[Provider]:
        """Give the people of the provider directory, in the directory's order."""
        always = fixed.providers(self.plan.year)
        return self._register(
            self.plan.directory, always, self.newborn_providers.__getitem__, changes.provider, _DIRECTORY
        )

    def _generated(self, register: Register, always: tuple[P, ...]) -> int:
        """Return how many of day 0 are generated; the fixed people count as part of the size."""
        return register.people - len(always) if self.plan.with_fixed else register.people

    def _register(
        self,
        register: Register,
        always: tuple[P, ...],
        newborn: Callable[[int], P],
        change: Callable[[Draw, P, int], P | None],
        purpose: int,
    ) -> Iterator[P]:
        if self.plan.with_fixed:
            yield from always
        # Newcomers keep their index when the number of fixed people changes: they follow after all of day 0.
        first = chain(range(self._generated(register, always)), range(register.people, register.ever))
        for i in first:
            person = self._lived(newborn(i), i, register.came_on(i), change, purpose)
            if person is not None:
                yield person

    def _lived(
        self, person: P, i: int, came_on: int, change: Callable[[Draw, P, int], P | None], purpose: int
    ) -> P | None:
        """Let the days since the person came happen to the person."""
        plan = self.plan
        for day in range(came_on + 1, plan.day + 1):
            chance = mix(plan.seed, purpose, day, i)
            if chance < CHANGED_A_DAY * 2**64:
                changed = change(Draw(chance), person, plan.year)
                if changed is None:
                    return None
                person = changed
        return person


def generate(
    size: int, seed: int = 1, day: int = 0, *, year: int = 0
) -> Iterator[SwedishPerson | WashingtonPerson | Provider]:
    """Give every person of a sandbox: the Swedish register, then Washington's, then the provider directory.

    Args:
        size: people in all three together on day 0.
        seed: another seed, other people.
        day: days the registers have lived on; each day about 2 % are new, changed or gone.
        year: that dates are laid around; this year when 0.

    Raises:
        SandboxError: see `Plan`.
    """
    people = People(Plan(size, seed, day, year))
    return chain(people.swedes(), people.washingtonians(), people.providers())
