"""The policy of who may see what as prose, in Swedish or English, for those who answer for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from registry.access.masks import MaskName
from registry.access.policy import Policy, Sight
from registry.access.policy_file import PolicyTables, RoleTable
from registry.errors import SettingsError
from registry.settings import Purpose
from registry.vocabulary import Language

_SIGHTS: Mapping[Language, Mapping[Sight, str]] = {
    "sv": {"shown": "visas", "masked": "maskeras", "absent": "visas inte"},
    "en": {"shown": "shown", "masked": "masked", "absent": "not shown"},
}
_MASKED: Mapping[Language, Mapping[MaskName, str]] = {
    "sv": {"initials": "initialer", "year": "bara årtalet", "end": "bara de tre sista tecknen"},
    "en": {"initials": "initials", "year": "the year only", "end": "the last three characters only"},
}
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "sv": {
        "claims": "Rollen heter hos identitetsleverantörerna: {}.",
        "usual": "För varje ändamål som inte nämns nedan:",
        "any": "För varje ändamål:",
        "under": "För ändamålet {}:",
        "partly": "delvis",
    },
    "en": {
        "claims": "Identity providers call the role: {}.",
        "usual": "For every purpose that is not named below:",
        "any": "For every purpose:",
        "under": "For the purpose {}:",
        "partly": "in part",
    },
}


def explain(
    tables: PolicyTables,
    policy: Policy,
    purposes: Mapping[str, Purpose],
    language: Language,
    *,
    role: str = "",
    purpose: str = "",
) -> str:
    """Return the policy in words, as it is applied.

    Args:
        tables: the file.
        policy: made of it.
        purposes: of the settings.
        language: of the words.
        role: only this one, by its name in the file; "" = every one.
        purpose: only this one; "" = every one that differs.

    Raises:
        SettingsError: there is no such role or purpose; names those there are.
    """
    _known("role", role, tables.roles)
    _known("purpose", purpose, purposes)
    prose = _Prose(tables, policy, purposes, language)
    lines: list[str] = []
    for name, table in tables.roles.items():
        if not role or role == name:
            lines += [*prose.role(name, table), *prose.purposes_of(name, table, purpose), ""]
    return "\n".join(lines)


def _known(kind: str, name: str, names: Mapping[str, object]) -> None:
    if name and name not in names:
        raise SettingsError(f"There is no {kind} {name}; there are: {', '.join(names)}.")


@dataclass(frozen=True, slots=True)
class _Prose:
    tables: PolicyTables
    policy: Policy
    purposes: Mapping[str, Purpose]
    language: Language

    def role(self, name: str, table: RoleTable) -> Iterator[str]:
        swedish = self.language == "sv"
        yield f"{table.sv if swedish else table.en} ({name})"
        yield table.why_sv if swedish else table.why_en
        yield _WORDS[self.language]["claims"].format(", ".join(table.claims))

    def purposes_of(self, name: str, table: RoleTable, only: str) -> Iterator[str]:
        words, role = _WORDS[self.language], self.policy.roles[name]
        if not only:
            yield words["usual" if table.purposes else "any"]
            yield from self._groups(role.usual)
        for code in [only] if only else table.purposes:
            label = self.purposes[code].sv if self.language == "sv" else self.purposes[code].en
            yield words["under"].format(f"{label} ({code})")
            yield from self._groups(role.under.get(code, role.usual))

    def _groups(self, sights: Mapping[str, Sight]) -> Iterator[str]:
        for group in self.tables.groups.values():
            label = group.sv if self.language == "sv" else group.en
            said = {self._said(name, sights[name]) for name in group.fields}
            if len(said) == 1:
                yield f"  - {label}: {said.pop()}."
                continue
            yield f"  - {label}: {_WORDS[self.language]['partly']}."
            for name in group.fields:
                yield f"      {name}: {self._said(name, sights[name])}"

    def _said(self, name: str, sight: Sight) -> str:
        word = _SIGHTS[self.language][sight]
        return f"{word}, {_MASKED[self.language][self.tables.masks[name]]}" if sight == "masked" else word
