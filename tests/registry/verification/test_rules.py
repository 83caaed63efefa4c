"""A rule file that is wrong stops the start and says where; the one in use is sound."""

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from registry.errors import NotFoundError, SettingsError
from registry.settings import CONFIG
from registry.verification.rules import load_rules
from registry.verification.soundness import check
from tests.registry.verification.people import rule_book

IN_USE = sorted((CONFIG / "verdict").glob("*.toml"))
Rules = dict[str, Any]


def rule(rules: Rules, rule_id: str) -> Rules:
    found: Rules = next(r for r in (*rules["licence-rules"], *rules["outcomes"]) if r["id"] == rule_id)
    return found


def drop(rule_id: str) -> Callable[[Rules], None]:
    def change(rules: Rules) -> None:
        for table in ("licence-rules", "outcomes"):
            rules[table] = [r for r in rules[table] if r["id"] != rule_id]

    return change


def put(rule_id: str, **values: object) -> Callable[[Rules], None]:
    return lambda rules: rule(rules, rule_id).update({k.replace("_", "-"): v for k, v in values.items()})


def first(**values: object) -> Callable[[Rules], None]:
    """Put a new rule before all others."""
    new = {
        "id": "new",
        "answer": "ask",
        "nature": "uncertain",
        "when": {},
        "sv": "Ny.",
        "en": "New.",
        "source": {"sv": "S", "en": "S"},
    }
    return lambda rules: rules["licence-rules"].insert(0, {**new, **values})


def last_but_valid(**values: object) -> Callable[[Rules], None]:
    """Put a new yes rule before the last one."""
    new = {
        "id": "new",
        "answer": "yes",
        "nature": "valid",
        "sv": "Ny.",
        "en": "New.",
        "source": {"sv": "S", "en": "S"},
        **values,
    }
    return lambda rules: rules["licence-rules"].insert(-1, new)


# How the rule set in use is damaged, and what the message must hold.
DAMAGE: list[tuple[Callable[[Rules], None], list[str]]] = [
    # A gap: something that no rule covers.
    (drop("valid"), ["no rule covers", "person alive"]),
    (drop("status-unknown"), ["no rule covers", "status unknown"]),
    (drop("lapsed"), ["no rule covers", "status lapsed"]),
    # A yes where there must not be one.
    (drop("record-gone"), ["'valid'", "never be a yes", "record gone"]),
    (drop("revoked"), ["never be a yes", "restriction revoked in-force"]),
    (drop("restriction-perhaps"), ["never be a yes", "restriction", "perhaps"]),
    (drop("feed-stale"), ["never be a yes", "feed stale"]),
    (drop("feed-never"), ["never be a yes", "feed never"]),
    (drop("deceased"), ["never be a yes", "person deceased"]),
    (drop("learnt-later"), ["never be a yes", "knowledge learnt-later"]),
    (drop("profession-unknown"), ["never be a yes", "profession unknown"]),
    (drop("change-held"), ["never be a yes", "never be a no", "change held"]),
    (put("change-held", when={"change": ["held"], "status": ["active"]}), ["never be a no", "change held"]),
    (
        put("change-held", answer="no", nature="administrative"),
        ["'change-held'", "never be a no: change held"],
    ),
    (drop("ended"), ["never be a yes", "end ended"]),
    (drop("earlier-period"), ["never be a yes", "start earlier-period"]),
    (last_but_valid(when={"status": ["restricted"]}), ["'new'", "never reached"]),
    # A rule that can never be reached.
    (first(), ["'change-held' is never reached"]),
    (put("status-deceased", when={"person": ["deceased"]}), ["'status-deceased' is never reached"]),
    (put("lapsed", when={"status": ["lapsed"], "end": ["ended"]}), ["'lapsed' is never reached"]),
    # Order and nature.
    (put("lapsed", answer="yes", nature="valid"), ["after 'lapsed' says yes"]),
    (put("probation", nature="valid"), ["'probation'", "belongs to a yes"]),
    (put("valid", nature="administrative"), ["'valid'", "belongs to a yes"]),
    (put("feed-stale", answer="no"), ["'feed-stale' says no to something uncertain"]),
    (put("revoked", nature="administrative"), ["'revoked'", "its nature is `sanction`"]),
    (put("status-suspended", nature="death"), ["'status-suspended'", "its nature is `sanction`"]),
    (put("revoked", gives_way=True), ["'revoked' may not give way"]),
    (put("valid", gives_way=True), ["'valid' may not give way"]),
    # Silence: only that the feed does not tell.
    (put("lapsed", silence=True), ["'lapsed' is no silence"]),
    (put("status-unknown", silence=True), ["'status-unknown' is no silence"]),
    (put("change-held", silence=True), ["'change-held' is no silence"]),
    (put("valid", silence=True), ["'valid' is no silence"]),
    (drop("other-authority-differs"), ["'other-authority-differs' is missing"]),
    # Ids and texts.
    (put("lapsed", id="ended"), ["'ended' is used twice"]),
    (put("not-found", id="ambiguous"), ["'ambiguous' is used twice"]),
    (put("lapsed", id=" "), ["has no id"]),
    (put("lapsed", sv=""), ["'lapsed' has no text in `sv`"]),
    (put("lapsed", en="  "), ["'lapsed' has no text in `en`"]),
    (put("lapsed", source={"sv": "", "en": "S"}), ["'lapsed' has no text in `source.sv`"]),
    (put("not-found", en=""), ["'not-found' has no text in `en`"]),
    (put("lapsed", sv="Slut {datum}."), ["'lapsed'", "no 'datum' here", "valid_to"]),
    (put("lapsed", sv="{restriction}"), ["'lapsed'", "no 'restriction' here"]),
    (put("lapsed", sv="{date.year}"), ["no 'date.year' here"]),
    (put("lapsed", sv="{}"), ["no '' here"]),
    (put("lapsed", sv="Slut {date"), ["'lapsed', `sv`"]),
    (put("not-found", sv="{raw_status}"), ["'not-found'", "no 'raw_status' here"]),
    (lambda rules: rules.update(version=" "), ["`version` is empty"]),
    # Outcomes.
    (drop("not-found"), ["'not-found' is missing"]),
    (put("not-found", answer="no"), ["'not-found' may not say no"]),
    (put("ambiguous", answer="no"), ["'ambiguous' may not say no"]),
    (put("ambiguous", answer="remark"), ["'ambiguous'", "remark"]),
    (put("past-date", answer="ask"), ["'past-date'", "remark"]),
    # Words that are not in the language of rules.
    (put("not-found", answer="yes"), ["yes", "outcomes"]),
    (put("lapsed", answer="maybe"), ["maybe", "licence-rules"]),
    (put("lapsed", when={"status": ["laps"]}), ["laps", "licence-rules"]),
    (put("lapsed", when={"statuses": ["lapsed"]}), ["statuses"]),
    (put("revoked", when={"restriction": ["001"]}), ["001"]),
    (put("lapsed", text="x"), ["text"]),
    (lambda rules: rules.pop("in-force-from"), ["in-force-from"]),
]


def damaged(change: Callable[[Rules], None], folder: Path) -> Path:
    rules = tomllib.loads(IN_USE[-1].read_text("utf-8"))
    change(rules)
    write(rules, folder / "rules.toml")
    return folder


def write(rules: Rules, path: Path) -> None:
    """Write the little TOML that rule files use."""
    lines = [f"{k} = {toml(v)}" for k, v in rules.items() if not isinstance(v, list)]
    for table in ("licence-rules", "outcomes"):
        for entry in rules[table]:
            lines += [f"[[{table}]]", *(f"{k} = {toml(v)}" for k, v in entry.items())]
    path.write_text("\n".join(lines), "utf-8")


def toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{k} = {toml(v)}' for k, v in value.items())} }}"
        case _:
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(("change", "parts"), DAMAGE)
def test_a_damaged_rule_set_stops_the_start_and_says_where(
    change: Callable[[Rules], None], parts: list[str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_rules(damaged(change, tmp_path))
    faults = caught.value.detail
    assert faults.startswith("Rule set rules.toml")
    for part in parts:
        assert part in faults


def test_the_rule_sets_in_use_are_sound() -> None:
    assert IN_USE
    for rules in rule_book().sets:
        assert list(check(rules)) == []


def test_writing_a_rule_set_back_changes_nothing(tmp_path: Path) -> None:
    assert load_rules(damaged(lambda _: None, tmp_path)).sets[0] == rule_book().sets[-1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put("probation", answer="no"), id="probation is a no"),
        pytest.param(put("profession-not-held-complete", answer="ask"), id="silence is never a no"),
        pytest.param(put("lapsed", en="Lapsed on an unknown day."), id="another text"),
    ],
)
def test_a_lawyer_may_change_a_rule(change: Callable[[Rules], None], tmp_path: Path) -> None:
    assert load_rules(damaged(change, tmp_path)).sets[0] != rule_book().sets[-1]


def test_limited_prescribing_may_be_made_a_yes_but_only_among_the_last_rules(tmp_path: Path) -> None:
    def change(rules: Rules) -> None:
        drop("limited-prescribing")(rules)

    # Without its rule the situation falls through to the yes at the end: allowed, as the file says who may decide it.
    assert "limited-prescribing" not in [
        r.id for r in load_rules(damaged(change, tmp_path)).sets[0].licence_rules
    ]


# ---------------------------------------------------------------- several sets


def dated(folder: Path, name: str, version: str, since: date) -> None:
    rules = tomllib.loads(IN_USE[-1].read_text("utf-8"))
    rules.update({"version": version, "in-force-from": since})
    write(rules, folder / name)


def test_the_set_in_force_on_the_day_asked_about_answers(tmp_path: Path) -> None:
    dated(tmp_path, "a.toml", "new", date(2027, 1, 1))
    dated(tmp_path, "b.toml", "old", date(2011, 1, 1))
    book = load_rules(tmp_path)
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2011, 1, 1), date(2010, 12, 31)]
    assert [book.on(day).version for day in days] == ["old", "new", "old", "old"]


@pytest.mark.parametrize(
    ("version", "since", "part"),
    [("same", date(2027, 1, 1), "same `version`"), ("other", date(2011, 1, 1), "same `in-force-from`")],
)
def test_two_sets_that_claim_the_same_are_refused(
    version: str, since: date, part: str, tmp_path: Path
) -> None:
    dated(tmp_path, "a.toml", "same", date(2011, 1, 1))
    dated(tmp_path, "b.toml", version, since)
    with pytest.raises(SettingsError, match=part):
        load_rules(tmp_path)


def replaced(folder: Path, name: str, version: str, by: str, since: date = date(2011, 1, 1)) -> None:
    rules = tomllib.loads(IN_USE[-1].read_text("utf-8"))
    rules.update({"version": version, "in-force-from": since, "replaced-by": by})
    write(rules, folder / name)


def test_a_set_that_was_replaced_decides_nothing_and_is_found_by_its_version(tmp_path: Path) -> None:
    dated(tmp_path, "a.toml", "mended", date(2011, 1, 1))
    replaced(tmp_path, "b.toml", "mistaken", by="mended")
    book = load_rules(tmp_path)
    assert [rules.version for rules in book.sets] == ["mended"]
    assert {book.on(day).version for day in (date(2010, 1, 1), date(2026, 1, 1))} == {"mended"}
    assert book.of_version("mistaken").replaced_by == "mended"
    with pytest.raises(NotFoundError, match="There is no rule set lost; there are: mended, mistaken"):
        book.of_version("lost")


@pytest.mark.parametrize(
    ("version", "by", "part"),
    [("old", "lost", "no other set"), ("old", "old", "no other set"), ("new", "new", "same `version`")],
)
def test_a_set_can_only_be_replaced_by_one_that_is_there(
    version: str, by: str, part: str, tmp_path: Path
) -> None:
    dated(tmp_path, "a.toml", "new", date(2011, 1, 1))
    replaced(tmp_path, "b.toml", version, by)
    with pytest.raises(SettingsError, match=part):
        load_rules(tmp_path)


def test_not_every_set_can_be_replaced(tmp_path: Path) -> None:
    replaced(tmp_path, "a.toml", "one", by="two")
    replaced(tmp_path, "b.toml", "two", by="one")
    with pytest.raises(SettingsError, match="at least one must decide"):
        load_rules(tmp_path)


def test_a_folder_without_rules_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no rule set"):
        load_rules(tmp_path)


@pytest.mark.parametrize("content", [b"version = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"broken\.toml is not valid TOML"):
        load_rules(tmp_path)


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsError, match=r"folder\.toml can't be read"):
        load_rules(tmp_path)


def test_every_rule_names_its_source_and_every_sanction_of_hosp_its_law() -> None:
    rules = rule_book().sets[-1]
    by_id = {each.id: each for each in rules.licence_rules}
    for rule_id, code in (("revoked", "001"), ("probation", "002"), ("limited-prescribing", "003")):
        assert "2010:659" in by_id[rule_id].source.sv
        assert code in by_id[rule_id].source.sv
