"""The file of the policy: a wrong row stops the start and is named, and the one that is shipped says what the docs say."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.access.policy_file import TELLS, load_policy, made, read_tables
from registry.access.policy_prose import explain
from registry.cli_policy import policy as command
from registry.errors import SettingsError
from registry.settings import CONFIG, ROOT, Settings
from tests.support.world import make_settings

PURPOSES = ("audit", "work")
SMALL = """
[masks]
"practitioner.name" = "initials"
[groups.person]
sv = "Person"
en = "Person"
fields = ["practitioner.name", "name.text"]
[groups.licence]
sv = "Legitimation"
en = "Licence"
fields = ["licence.status"]
[roles.clerk]
sv = "Handläggare"
en = "Clerk"
why_sv = "Därför."
why_en = "Because."
claims = ["clerk"]
[roles.clerk.sees]
person = "absent"
licence = "shown"
[roles.clerk.purposes.audit]
person = "shown"
"licence.status" = "absent"
"""
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        return path

    return written


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def test_a_row_about_a_purpose_or_a_field_beats_one_about_all_or_a_group(write: Write) -> None:
    policy = made(read_tables(write(SMALL), PURPOSES), PURPOSES)
    assert dict(policy.audience({"clerk"}, "work").sights) == {"licence.status": "shown"}
    assert dict(policy.audience({"clerk"}, "audit").sights) == {
        "practitioner.name": "shown",
        "name.text": "shown",
    }
    assert dict(policy.audience({"clerk"}, None).sights) == {}


def test_a_masked_group_hides_those_of_its_fields_that_have_no_mask(write: Write) -> None:
    text = SMALL.replace('person = "absent"', 'person = "masked"')
    policy = made(read_tables(write(text), PURPOSES), PURPOSES)
    assert dict(policy.audience({"clerk"}, "work").sights) == {
        "practitioner.name": "masked",
        "licence.status": "shown",
    }


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[masks]", "[masks", "mine.toml is not valid TOML"),
        (
            'licence = "shown"',
            'licence = "visible"',
            r"\[roles\.clerk\.sees\] has licence = 'visible'; write",
        ),
        ("[roles.clerk.sees]", 'because = "x"\n[roles.clerk.sees]', "because"),
        (
            'person = "absent"\n',
            "",
            r'\[roles\.clerk\.sees\] says nothing of person; write person = "absent"',
        ),
        (
            'licence = "shown"',
            'licence = "shown"\nlicense = "shown"',
            r"names license, which is no group and no field",
        ),
        (
            'licence = "shown"',
            'licence = "shown"\n"licence.state" = "shown"',
            r"names licence\.state, which is no",
        ),
        (
            'licence = "shown"',
            'licence = "masked"',
            r"\[roles\.clerk\.sees\] masks licence, which has no mask",
        ),
        (
            "purposes.audit]",
            "purposes.autid]",
            r"\[roles\.clerk\.purposes\.autid\] is no purpose; write one of audit, work",
        ),
        ('["licence.status"]', '["licence.status", "name.text"]', r"name\.text stands in two places"),
        (
            '"practitioner.name" = "initials"',
            '"practitioner.names" = "initials"',
            r"\[masks\] names practitioner\.names",
        ),
        ('= "initials"', '= "rot13"', "rot13"),
        ('claims = ["clerk"]', "claims = []", "length >= 1"),
        (
            '"licence.status" = "absent"',
            '"practitioner.name" = "absent"',
            r"\[roles\.clerk\.purposes\.audit\] has name\.text shown, which tells of practitioner\.name too",
        ),
    ],
)
def test_a_wrong_row_is_named_with_what_to_write(before: str, after: str, told: str, write: Write) -> None:
    assert before in SMALL
    with pytest.raises(
        SettingsError, match=rf"(?s)Policy mine\.toml.*{told}" if "TOML" not in told else told
    ):
        read_tables(write(SMALL.replace(before, after, 1)), PURPOSES)


def test_two_roles_can_not_claim_the_same_name(write: Write) -> None:
    twice = SMALL + SMALL[SMALL.index("[roles.clerk]") :].replace("roles.clerk", "roles.guest")
    with pytest.raises(SettingsError, match=r"\[roles\.clerk\] and \[roles\.guest\] both claim clerk"):
        read_tables(write(twice), PURPOSES)


def test_a_file_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml can't be read"):
        read_tables(tmp_path / "gone.toml", settings.access.purposes)


def test_the_policy_that_is_shipped_shows_employers_and_systems_everything_and_the_others_nobody(
    settings: Settings,
) -> None:
    policy = load_policy(settings)
    for purpose in (*settings.access.purposes, None):
        ours = {name for name in policy.fields if name.startswith(("lookUp.", "subjectRequest."))}
        used = {name for name in policy.fields if name.startswith("oversight.")}
        users = {f"oversight.{name}" for name in ("organisation", "issuer", "client", "caller")}
        who = {"lookUp.issuer", "lookUp.caller", "lookUp.client"}
        for role in ("employer", "system"):
            sights = policy.audience({role}, purpose).sights
            assert dict(sights) == dict.fromkeys(policy.fields - ours - used, "shown")
        for role, theirs in (
            ("staff", ours - who),
            ("privacy_officer", ours | used),
            ("somebody", set[str]()),
        ):
            assert dict(policy.audience({role}, purpose).sights) == dict.fromkeys(theirs, "shown")
        runs = {name for name in policy.fields if name.startswith("feedRun.")}
        assert set(policy.audience({"auditor"}, purpose).sights) == runs | (used - users)
        mending = policy.audience({"registry_administrator"}, purpose)
        assert mending is policy.audience({"administrator"}, purpose)
        assert {mending.sight(name) for name in policy.masks} == {"masked", "absent"}
    assert {*TELLS, *(each for told in TELLS.values() for each in told)} <= policy.fields


def test_the_policy_reads_as_prose_in_both_languages(settings: Settings, write: Write) -> None:
    tables = read_tables(write(SMALL), PURPOSES)
    purposes = {
        name: settings.access.purposes[known]
        for name, known in (("audit", "supervision"), ("work", "employment"))
    }
    policy = made(tables, purposes)
    assert explain(tables, policy, purposes, "en") == (
        "Clerk (clerk)\nBecause.\nIdentity providers call the role: clerk.\n"
        "For every purpose that is not named below:\n  - Person: not shown.\n  - Licence: shown.\n"
        "For the purpose Supervision (audit):\n  - Person: shown.\n  - Licence: not shown.\n"
    )
    assert explain(tables, policy, purposes, "sv", purpose="work").endswith(
        "För ändamålet Kontroll under anställning (work):\n  - Person: visas inte.\n  - Legitimation: visas.\n"
    )


def test_the_command_prints_it_and_names_what_there_is() -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(command, ["explain", *arguments])
        return result.exit_code, result.output

    code, text = run("--lang", "en")
    assert code == 0
    for name in ("employer", "system", "staff", "auditor", "privacy_officer", "registry_administrator"):
        assert f"({name})" in text
    code, text = run("--role", "registry_administrator")
    assert (code, "practitioner.name: maskeras, initialer" in text, "(employer)" in text) == (0, True, False)
    assert "there are: employer, system" in run("--role", "boss")[1]
    assert "there are: recruitment, employment" in run("--purpose", "curiosity")[1]


def test_the_docs_tell_every_role_group_and_mask_as_the_file_has_them(settings: Settings) -> None:
    docs = (ROOT / "docs" / "policy.md").read_text("utf-8")
    tables = read_tables(CONFIG / "policy.toml", settings.access.purposes)
    for role, table in tables.roles.items():
        kinds = [table.sees[group] for group in tables.groups]
        assert f"| `{role}` | {', '.join(f'`{each}`' for each in table.claims)} |" in docs
        rows = [
            line
            for line in docs.splitlines()
            if line.startswith("| ") and line.count("|") == len(tables.roles) + 2
        ]
        heads = [cell.strip(" `") for cell in rows[0].split("|")[2:-1]]
        cells = {row.split("|")[1].strip(" `"): [c.strip() for c in row.split("|")[2:-1]] for row in rows[1:]}
        assert [cells[group][heads.index(role)] for group in tables.groups] == kinds
    for name, mask in tables.masks.items():
        assert f"`{name}`" in docs
        assert f"`{mask}`" in docs
