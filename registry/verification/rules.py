"""Rule sets: dated files in `config/verdict/` that a lawyer can read, loaded once and checked as they are loaded."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from registry.errors import NotFoundError, SettingsError
from registry.settings import CONFIG
from registry.verification.ruleset import RuleSet
from registry.verification.soundness import check


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every rule set.

    Attributes:
        sets: those that decide, oldest first.
        replaced: those that have been put out of use, for recomputing the answers they have given.
    """

    sets: tuple[RuleSet, ...]
    replaced: tuple[RuleSet, ...] = ()

    def on(self, day: date) -> RuleSet:
        """Return the rule set in force on `day`; before the oldest, the oldest (its verdict then asks)."""
        for rules in reversed(self.sets):
            if rules.in_force_from <= day:
                return rules
        return self.sets[0]

    def of_version(self, version: str) -> RuleSet:
        """Return the rule set of a version, also one that is no longer in use.

        Raises:
            NotFoundError: there is no such set.
        """
        for rules in (*self.sets, *self.replaced):
            if rules.version == version:
                return rules
        known = ", ".join(rules.version for rules in (*self.sets, *self.replaced))
        raise NotFoundError(f"There is no rule set {version}; there are: {known}.")


def load_rules(folder: Path = CONFIG / "verdict") -> RuleBook:
    """Load and check every rule set.

    Raises:
        SettingsError: names the file and the rule, and says what to mend.
    """
    every = [read_rules(path) for path in sorted(folder.glob("*.toml"))]
    if not every:
        raise SettingsError(
            f"There is no rule set in {folder}; the registry needs at least one *.toml there."
        )
    sets = [rules for rules in every if not rules.replaced_by]
    replaced = [rules for rules in every if rules.replaced_by]
    _check_together(sets, replaced)
    return RuleBook(
        tuple(sorted(sets, key=lambda rules: rules.in_force_from)),
        tuple(sorted(replaced, key=lambda rules: rules.version)),
    )


def read_rules(path: Path) -> RuleSet:
    """Read one rule set and check it.

    Raises:
        SettingsError: names the file and the rule, and says what to mend.
    """
    rules = _read(path)
    if faults := list(check(rules)):
        raise SettingsError(f"Rule set {path.name}: {' Also: '.join(faults)}")
    return rules


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


def _check_together(sets: list[RuleSet], replaced: list[RuleSet]) -> None:
    versions = [rules.version for rules in (*sets, *replaced)]
    if len(set(versions)) < len(versions):
        raise SettingsError("Two rule sets have the same `version`; an answer must tell which one gave it.")
    if len({rules.in_force_from for rules in sets}) < len(sets):
        raise SettingsError(
            "Two rule sets have the same `in-force-from`; only one can be in force on a day. If one is a corrected copy, "
            "write `replaced-by` with its version in the other."
        )
    for rules in replaced:
        if rules.replaced_by not in versions or rules.replaced_by == rules.version:
            raise SettingsError(
                f"Rule set {rules.version} says that it is replaced by {rules.replaced_by!r}, which is no other set."
            )
    if not sets:
        raise SettingsError("Every rule set is replaced by another; at least one must decide.")
