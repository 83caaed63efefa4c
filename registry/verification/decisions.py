"""Which rules of a set hold for a situation: worked out once for each kind of situation, then remembered.

Few kinds of situation come up in a register, so that a list of a hundred thousand people tries each rule some hundred times.
"""

from registry.verification.ruleset import LicenceRule, RuleSet
from registry.verification.situation import FEATURES, Situation

# A rule that holds, and the places of the restrictions that it is about; None: it is about the licence itself.
Holding = tuple[LicenceRule, tuple[int, ...] | None]
# There are some 260,000 situations with one restriction; what a register holds is some hundred.
_REMEMBERED = 4096


class Decisions:
    """The rules of one set, ready to be asked."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._known: dict[tuple[object, ...], tuple[Holding, ...]] = {}

    def holding(self, there: Situation) -> tuple[Holding, ...]:
        """Return the rules that hold: the first decides, each further one speaks against the licence too."""
        key = (
            there.person,
            there.record,
            there.status,
            there.start,
            there.end,
            there.feed,
            there.knowledge,
            there.change,
            there.profession,
            *[(each.facts.kind, each.time) for each in there.restrictions],
        )
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._tried(there)
        return found

    def _tried(self, there: Situation) -> tuple[Holding, ...]:
        holding: list[Holding] = []
        for rule in self.rules.licence_rules:
            if not rule.when.hold(there) or (holding and rule.answer == "yes"):
                continue
            if not rule.when.of_restrictions:
                holding.append((rule, None))
            elif about := rule.when.matching(there.restrictions):
                places = tuple(i for i, each in enumerate(there.restrictions) if each in about)
                holding.append((rule, places))
        return tuple(holding)


# A key above names every feature; one more would have to stand there too.
assert len(FEATURES) == 9  # noqa: PLR2004 - see above

_MADE: dict[int, Decisions] = {}
# As many sets as a registry keeps for old evidence, and more than any test makes at once.
_MOST_SETS = 64


def decisions_of(rules: RuleSet) -> Decisions:
    """Return what decides by a rule set; made on first use, by the very object."""
    made = _MADE.get(id(rules))
    if made is None:
        if len(_MADE) >= _MOST_SETS:
            _MADE.clear()
        # It keeps the rules, so that no other object can have their id.
        made = _MADE[id(rules)] = Decisions(rules)
    return made
