"""Reading `config/policy.toml`: every row is checked, so that a misspelt one stops the start instead of showing or hiding a field."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from registry.access.masks import MaskName
from registry.access.policy import ORDER, Policy, Role, Sight
from registry.errors import SettingsError
from registry.settings import CONFIG, Settings
from registry.settings_base import Section

FieldName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$")]
TableName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]*$")]
# What tells of something else: who is shown the first must be shown the others too, or reads them there.
TELLS: Mapping[str, tuple[str, ...]] = {
    "name.text": ("practitioner.name",),
    "match.notes": ("practitioner.name",),
    "suggestion.text": ("practitioner.name",),
    "search.didYouMean": ("practitioner.name",),
    "search.empty": ("practitioner.name",),
    "search.remarks": ("practitioner.name",),
    "practitioner.birthDate": ("practitioner.birthYear",),
    "practitioner.deceasedDate": ("practitioner.deceased",),
    "practitioner.links": ("practitioner.id",),
    "licence.reasons": ("licence.status", "licence.restrictions"),
    "licence.verdict": ("licence.status",),
    "verification.reasons": ("licence.status", "licence.restrictions"),
    "listRow.reasons": ("licence.status", "licence.restrictions"),
    "change.licence": ("licence.number",),
    "change.before": ("practitioner.name", "licence.number", "licence.status", "licence.restrictions"),
    "change.after": ("practitioner.name", "licence.number", "licence.status", "licence.restrictions"),
    "change.text": ("practitioner.name", "licence.number", "licence.status", "licence.restrictions"),
}


class GroupTable(Section, frozen=True):
    """Table `[groups.<name>]`: fields that are decided together, with what they are in words."""

    sv: str
    en: str
    fields: tuple[FieldName, ...]


class RoleTable(Section, frozen=True):
    """Table `[roles.<name>]`: who has it, what they see, and why in words."""

    sv: str
    en: str
    why_sv: str
    why_en: str
    claims: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)]
    sees: dict[str, Sight]
    purposes: dict[str, dict[str, Sight]] = msgspec.field(default_factory=dict)


class PolicyTables(Section, frozen=True):
    """The whole file."""

    masks: dict[FieldName, MaskName]
    groups: dict[TableName, GroupTable]
    roles: dict[TableName, RoleTable]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field, in the order of the file."""
        return tuple(name for group in self.groups.values() for name in group.fields)


def policy_path(settings: Settings) -> Path:
    """Return the file that is in use (`access.policy_file`)."""
    return Path(settings.access.policy_file) if settings.access.policy_file else CONFIG / "policy.toml"


def load_policy(settings: Settings) -> Policy:
    """Read and check the policy in use.

    Raises:
        SettingsError: names the file, the table and the key, and says what to write.
    """
    return made(read_tables(policy_path(settings), settings.access.purposes), settings.access.purposes)


def read_tables(path: Path, purposes: Collection[str]) -> PolicyTables:
    """Read and check a policy.

    Args:
        path: of the file.
        purposes: those of the settings.

    Raises:
        SettingsError: names the file, the table and the key, and says what to write.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        if wrong := list(_no_sights(raw)):
            raise SettingsError(f"Policy {path.name}: {' Also: '.join(wrong)}")
        tables = msgspec.convert(raw, PolicyTables)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"Policy {path.name} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"Policy {path.name}: {error}. The head of config/policy.toml lists what may be written."
        ) from error
    except OSError as error:
        raise SettingsError(f"Policy {path.name} can't be read: {error.strerror}.") from error
    if faults := list(_faults(tables, purposes)):
        raise SettingsError(f"Policy {path.name}: {' Also: '.join(faults)}")
    return tables


def _no_sights(raw: Mapping[str, Any]) -> Iterator[str]:
    """Name each row whose value is none that there is, with its table, which reading by type does not tell."""
    roles = raw.get("roles")
    for role, table in roles.items() if isinstance(roles, dict) else ():
        rows = {"sees": table.get("sees")} if isinstance(table, dict) else {}
        differing = table.get("purposes") if rows else None
        rows |= (
            {f"purposes.{each}": some for each, some in differing.items()}
            if isinstance(differing, dict)
            else {}
        )
        for where, some in rows.items():
            for name, sight in some.items() if isinstance(some, dict) else ():
                if sight not in ORDER:
                    yield f'[roles.{role}.{where}] has {name} = {sight!r}; write "shown", "masked" or "absent".'


def made(tables: PolicyTables, purposes: Collection[str]) -> Policy:
    """Return the policy that checked tables say."""
    roles = {
        name: Role(
            frozenset(table.claims),
            _sights(tables, table.sees),
            {purpose: _sights(tables, table.sees, rows) for purpose, rows in table.purposes.items()},
        )
        for name, table in tables.roles.items()
    }
    return Policy(roles, frozenset(tables.fields), tables.masks, frozenset(purposes))


def _sights(tables: PolicyTables, *rows: Mapping[str, Sight]) -> dict[str, Sight]:
    """Return each field: a later row beats an earlier one, and one about a field beats one about its group in the same rows."""
    sights: dict[str, Sight] = {}
    for some in rows:
        for group, table in tables.groups.items():
            if group in some:
                sights |= {name: _maskable(tables, name, some[group]) for name in table.fields}
        sights |= {name: sight for name, sight in some.items() if name not in tables.groups}
    return sights


def _maskable(tables: PolicyTables, name: str, sight: Sight) -> Sight:
    """Return what a group's row makes of a field: one that has no mask is absent where its group is masked."""
    return "absent" if sight == "masked" and name not in tables.masks else sight


def _faults(tables: PolicyTables, purposes: Collection[str]) -> Iterator[str]:
    fields = tables.fields
    for name in sorted({each for each in fields if fields.count(each) > 1}):
        yield f"{name} stands in two places of [groups.*]; leave it in one."
    for name in tables.masks:
        if name not in fields:
            yield f"[masks] names {name}, which stands in no group; write a field of [groups.*]."
    claimed: dict[str, str] = {}
    for role, table in tables.roles.items():
        for claim in table.claims:
            if claim in claimed:
                yield f"[roles.{claimed[claim]}] and [roles.{role}] both claim {claim}; leave it in one."
            claimed[claim] = role
        yield from _faults_of_role(role, table, tables, purposes)


def _faults_of_role(
    role: str, table: RoleTable, tables: PolicyTables, purposes: Collection[str]
) -> Iterator[str]:
    for group in tables.groups:
        if group not in table.sees:
            yield f'[roles.{role}.sees] says nothing of {group}; write {group} = "absent" if the role is to see nothing of it.'
    for purpose in table.purposes:
        if purpose not in purposes:
            yield f"[roles.{role}.purposes.{purpose}] is no purpose; write one of {', '.join(sorted(purposes))}."
    named = {f"roles.{role}.sees": table.sees} | {
        f"roles.{role}.purposes.{purpose}": rows for purpose, rows in table.purposes.items()
    }
    for where, rows in named.items():
        for name, sight in rows.items():
            if name not in tables.groups and name not in tables.fields:
                yield f"[{where}] names {name}, which is no group and no field; write one of [groups.*]."
            elif sight == "masked" and not _has_mask(name, tables):
                yield f'[{where}] masks {name}, which has no mask; write "absent", or give it one in [masks].'
        sights = _sights(tables, table.sees) if rows is table.sees else _sights(tables, table.sees, rows)
        yield from _tellings(where, sights)


def _tellings(where: str, sights: Mapping[str, Sight]) -> Iterator[str]:
    for name, told in TELLS.items():
        telling = ORDER[sights.get(name, "absent")]
        if hidden := [each for each in told if ORDER[sights.get(each, "absent")] < telling]:
            yield (
                f"[{where}] has {name} {sights[name]}, which tells of {', '.join(hidden)} too; write the same for these, or less "
                "for it."
            )


def _has_mask(name: str, tables: PolicyTables) -> bool:
    fields = tables.groups[name].fields if name in tables.groups else (name,)
    return any(each in tables.masks for each in fields)
