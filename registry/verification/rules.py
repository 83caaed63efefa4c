"""Rule sets: dated files in `config/verdict/` that a lawyer can read, loaded once and checked as they are loaded."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from registry.errors import SettingsError
from registry.settings import CONFIG
from registry.verification.ruleset import RuleSet
from registry.verification.soundness import check


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every rule set, oldest first."""

    sets: tuple[RuleSet, ...]

    def on(self, day: date) -> RuleSet:
        """Return the rule set in force on `day`; before the oldest, the oldest (its verdict then asks)."""
        in_force = [rules for rules in self.sets if rules.in_force_from <= day]
        return in_force[-1] if in_force else self.sets[0]


def load_rules(folder: Path = CONFIG / "verdict") -> RuleBook:
    """Load and check every rule set.

    Raises:
        SettingsError: names the file and the rule, and says what to mend.
    """
    sets = []
    for path in sorted(folder.glob("*.toml")):
        rules = _read(path)
        if faults := list(check(rules)):
            raise SettingsError(f"Rule set {path.name}: {' Also: '.join(faults)}")
        sets.append(rules)
    if not sets:
        raise SettingsError(
            f"There is no rule set in {folder}; the registry needs at least one *.toml there."
        )
    sets.sort(key=lambda rules: rules.in_force_from)
    _check_together(sets)
    return RuleBook(tuple(sets))


def _read(path: Path) -> RuleSet:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), RuleSet)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"Rule set {path.name} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"Rule set {path.name}: {error}. The file's head lists every word that may be used."
        ) from error
    except OSError as error:
        raise SettingsError(f"Rule set {path.name} can't be read: {error.strerror}.") from error


def _check_together(sets: list[RuleSet]) -> None:
    if len({rules.version for rules in sets}) < len(sets):
        raise SettingsError("Two rule sets have the same `version`; an answer must tell which one gave it.")
    if len({rules.in_force_from for rules in sets}) < len(sets):
        raise SettingsError("Two rule sets have the same `in-force-from`; only one can be in force on a day.")
