import re
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.errors import SettingsError
from registry.settings import _SECRET, CONFIG, Secret, Settings, load_settings

SANDBOX = {"REGISTRY_SERVICE__SANDBOX": "true"}


def fault(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return caught.value.detail


def test_the_defaults_load_with_nothing_set() -> None:
    settings = load_settings({})
    assert settings.search.default_limit == 20  # DIGG REST profile FNS.09
    assert settings.zone.key == "Europe/Stockholm"
    assert not settings.service.sandbox


def test_no_secret_has_a_default() -> None:
    secrets = dict(_secrets(load_settings({})))
    assert {"privacy.digest_key", "privacy.sealing_key", "login.client_secret"} <= secrets.keys()
    assert not any(secrets.values())


def _secrets(table: msgspec.Struct, path: str = "") -> Iterator[tuple[str, Secret]]:
    for field in msgspec.structs.fields(table):
        value = getattr(table, field.name)
        if isinstance(value, Secret):
            yield f"{path}{field.name}", value
        elif isinstance(value, msgspec.Struct):
            yield from _secrets(value, f"{path}{field.name}.")


def test_every_setting_stands_in_the_default_file_with_a_comment_above_its_block() -> None:
    lines = (CONFIG / "default.toml").read_text("utf-8").splitlines()
    bare = []
    explained = False
    for line in lines:
        if line.startswith("#"):
            explained = True
        elif not line.strip() or line.startswith("["):
            explained = explained and line.startswith("[")
        elif re.match(r"\w+ = ", line):
            # Settings that stand together without an empty line share the comment above them.
            if not explained:
                bare.append(line)
        else:
            raise AssertionError(f"neither comment, section nor setting: {line}")
    assert not bare


def test_settings_are_frozen() -> None:
    settings = load_settings({})
    with pytest.raises(AttributeError):
        settings.service.sandbox = True  # type: ignore[misc]


# What the environment says, and where it must be found.
OVERRIDES: list[tuple[str, str, Any]] = [
    (
        "REGISTRY_DATABASE__URL",
        "postgresql+psycopg://registry@db/registry",
        "postgresql+psycopg://registry@db/registry",
    ),
    ("REGISTRY_DATABASE__POOL_SIZE", "32", 32),
    ("REGISTRY_SEARCH__OPENSEARCH__TIMEOUT_S", "0.5", 0.5),
    ("REGISTRY_SEARCH__OPENSEARCH__TIMEOUT_S", "3", 3.0),
    ("REGISTRY_SERVICE__SANDBOX", "true", True),
    (
        "REGISTRY_SEARCH__OPENSEARCH__URLS",
        '["https://a:9200", "https://b:9200"]',
        ("https://a:9200", "https://b:9200"),
    ),
    ("REGISTRY_INDEXER__MAX_VANISHED_SHARE", "0.5", 0.5),
    ("REGISTRY_CHECKS__QUOTAS__CHECKS_PER_DAY", "5", 5),
]


@pytest.mark.parametrize(("variable", "text", "value"), OVERRIDES)
def test_the_environment_overrides(variable: str, text: str, value: object) -> None:
    found: Any = load_settings({variable: text})
    for part in variable.removeprefix("REGISTRY_").lower().split("__"):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


# An environment that is wrong, and what the message must hold: the key or variable, and the fix.
FAULTS: list[tuple[dict[str, str], list[str]]] = [
    ({"REGISTRY_SEARCH__ENGIN": "tantivy"}, ["REGISTRY_SEARCH__ENGIN", "REGISTRY_SECTION__KEY"]),
    ({"REGISTRY_SEARCH": "x"}, ["REGISTRY_SEARCH", "config/default.toml"]),
    ({"REGISTRY_SERVICE__SANDBOX__DEEP": "x"}, ["REGISTRY_SERVICE__SANDBOX__DEEP"]),
    ({"REGISTRY_DATABASE__POOL_SIZE": "many"}, ["REGISTRY_DATABASE__POOL_SIZE", "as TOML writes it"]),
    ({"REGISTRY_DATABASE__POOL_SIZE": "1.5"}, ["database.pool_size", "int"]),
    ({"REGISTRY_DATABASE__POOL_SIZE": "0"}, ["database.pool_size", "at least 1"]),
    ({"REGISTRY_SEARCH__ENGINE": "solr"}, ["search.engine", "solr"]),
    ({"REGISTRY_TOKENS__ALGORITHMS": '["HS256"]'}, ["tokens.algorithms"]),
    ({"REGISTRY_TOKENS__ALGORITHMS": '["none"]'}, ["tokens.algorithms"]),
    ({"REGISTRY_INDEXER__MAX_VANISHED_SHARE": "1.01"}, ["indexer.max_vanished_share", "between 0 and 1"]),
    (
        {"REGISTRY_INDEXER__MAX_QUARANTINED_SHARE": "-0.1"},
        ["indexer.max_quarantined_share", "between 0 and 1"],
    ),
    ({"REGISTRY_SERVICE__TIME_ZONE": "Stockholm"}, ["service.time_zone", "Europe/Stockholm"]),
    ({"REGISTRY_SERVICE__TIME_ZONE": "../etc/passwd"}, ["service.time_zone"]),
    ({"REGISTRY_SERVICE__TIME_ZONE": ""}, ["service.time_zone"]),
    ({"REGISTRY_DATABASE__URL": "not a url"}, ["database.url", "postgresql+psycopg://"]),
    ({"REGISTRY_DATABASE__URL": ""}, ["database.url"]),
    ({"REGISTRY_DATABASE__URL": "mysql://u@h/d"}, ["database.url", "mysql", "postgresql"]),
    ({"REGISTRY_DATABASE__ACCESS_URL": "oracle://u@h/d"}, ["database.access_url", "oracle"]),
    ({"REGISTRY_TOKENS__ISSUER": "http://issuer.test"}, ["tokens.issuer", "https://"]),
    ({"REGISTRY_TOKENS__JWKS_URI": "http://issuer.test/jwks"}, ["tokens.jwks_uri", "https://"]),
    ({"REGISTRY_LOGIN__ISSUER": "http://issuer.test"}, ["login.issuer", "https://"]),
    ({"REGISTRY_CONFIG_FILE": "no/such/file.toml"}, ["REGISTRY_CONFIG_FILE", "no/such/file.toml"]),
    ({"REGISTRY_PRIVACY__DIGEST_KEY": "file:no/such/key"}, ["no/such/key"]),
]


@pytest.mark.parametrize(("environ", "parts"), FAULTS, ids=lambda each: str(each)[:60])
def test_a_wrong_value_stops_the_start_and_says_what_to_mend(
    environ: dict[str, str], parts: list[str]
) -> None:
    detail = fault(environ)
    for part in parts:
        assert part in detail


def test_plain_http_issuers_are_allowed_in_the_sandbox_only() -> None:
    issuer = "http://127.0.0.1:9000"
    assert load_settings({**SANDBOX, "REGISTRY_TOKENS__ISSUER": issuer}).tokens.issuer == issuer
    assert "service.sandbox" in fault({"REGISTRY_TOKENS__ISSUER": issuer})


def test_a_secret_is_not_repeated_when_another_setting_is_wrong() -> None:
    environ = {"REGISTRY_PRIVACY__DIGEST_KEY": "s3cret", "REGISTRY_DATABASE__POOL_SIZE": "0"}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_the_operators_file_overrides_the_defaults_and_the_environment_overrides_both(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(
        '[database]\npool_size = 3\nlock_timeout_ms = 7\n[access.role_scopes]\nclerk = ["registry:read"]\n'
    )
    settings = load_settings({"REGISTRY_CONFIG_FILE": str(file), "REGISTRY_DATABASE__POOL_SIZE": "4"})
    assert settings.database.pool_size == 4
    assert settings.database.lock_timeout_ms == 7
    assert settings.database.statement_timeout_ms == load_settings({}).database.statement_timeout_ms
    # Roles are the operator's own list: theirs replace ours, nobody keeps a right by accident.
    assert settings.access.role_scopes == {"clerk": ("registry:read",)}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[database\n", "not valid TOML"),
        ("[databse]\npool_size = 3\n", "databse"),
        ("[database]\npoolsize = 3\n", "poolsize"),
        ("database = 3\n", "database"),
        ("[database]\npool_size = '3'\n", "database.pool_size"),
        ("[search]\nopensearch = 3\n", "search.opensearch"),
    ],
)
def test_a_wrong_operators_file_is_named_with_its_fault(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(text)
    assert part in fault({"REGISTRY_CONFIG_FILE": str(file)})


def test_an_operators_file_that_is_not_text_is_a_settings_error(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_bytes(b"\xff\xfe[database]")
    assert "registry.toml" in fault({"REGISTRY_CONFIG_FILE": str(file)})


def test_a_secret_can_stand_in_a_file_and_never_shows_itself(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    secret = load_settings({"REGISTRY_PRIVACY__DIGEST_KEY": f"file:{file}"}).privacy.digest_key
    assert secret.reveal() == "s3cret"
    assert "s3cret" not in f"{secret} {secret!r}"
    assert repr(Secret("")) == "Secret(not set)"


def test_a_secret_file_that_is_no_text_is_named_without_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfes3cret")
    with pytest.raises(SettingsError) as caught:
        load_settings({"REGISTRY_PRIVACY__DIGEST_KEY": f"file:{file}"})
    assert str(file) in caught.value.detail
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_other_variables_with_the_prefix_are_left_alone() -> None:
    environ = {
        "REGISTRY_FEEDS_DIR": "feeds",
        "REGISTRY_SAMPLES": "samples",
        "REGISTRY_REQUIRE_SERVICES": "1",
        "REGISTRY_TEST_DATABASE_URL": "x",
        "REGISTRY_DEMO_PORT": "1",
        "PATH": "/bin",
    }
    assert repr(load_settings(environ)) == repr(load_settings({}))


@pytest.mark.parametrize(
    ("url", "access_url", "expected"),
    [
        ("sqlite:///var/registry.db", "", "sqlite:///var/registry-access.db"),
        ("sqlite:////srv/r.sqlite", "", "sqlite:////srv/r-access.sqlite"),
        ("sqlite:///r", "", "sqlite:///r-access"),
        ("sqlite:///var/registry.db", "sqlite:///log.db", "sqlite:///log.db"),
        ("postgresql+psycopg://u:p@h/d", "", "postgresql+psycopg://u:p@h/d"),
        ("sqlite://", "", "sqlite://"),
    ],
)
def test_where_the_access_log_is_written(url: str, access_url: str, expected: str) -> None:
    settings = load_settings({"REGISTRY_DATABASE__URL": url, "REGISTRY_DATABASE__ACCESS_URL": access_url})
    assert settings.access_database_url == expected


def test_the_default_file_and_the_types_name_the_same_settings() -> None:
    values = tomllib.loads((CONFIG / "default.toml").read_text("utf-8"))
    assert set(_keys(values)) == set(_fields(Settings))


# Tables whose entries the operator names.
_OWN_NAMES = {"access.role_scopes", "access.scope_acr", "access.purposes", "checks.quotas_of", "providers"}


def _keys(table: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict) and f"{path}{key}" not in _OWN_NAMES:
            yield from _keys(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def _fields(kind: type[Any], path: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _fields(field.type, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}"


PURPOSE = """
[access.purposes.inspection]
sv = "Inspektion"
en = "Inspection"
ground_sv = "Lag"
ground_en = "Law"
roles = ["inspector"]
"""


def test_an_operators_purposes_replace_them_all(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(PURPOSE, "utf-8")
    purposes = load_settings({"REGISTRY_CONFIG_FILE": str(own)}).access.purposes
    assert list(purposes) == ["inspection"]
    assert (purposes["inspection"].roles, purposes["inspection"].about) == (("inspector",), "others")


@pytest.mark.parametrize(
    "text",
    [
        'access.purposes = ["recruitment"]',  # as it was written before there were grounds
        PURPOSE.replace("inspection", "In spection"),
        PURPOSE.replace('ground_en = "Law"', ""),
        PURPOSE.replace('roles = ["inspector"]', 'about = "everybody"'),
    ],
)
def test_a_wrong_purpose_is_named(tmp_path: Path, text: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"access\.purposes|not valid TOML"):
        load_settings({"REGISTRY_CONFIG_FILE": str(own)})


def test_quotas_of_one_organisation_are_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[checks.quotas_of.2120000142]\nchecks_per_minute = 1200\n", "utf-8")
    checks = load_settings({"REGISTRY_CONFIG_FILE": str(own)}).checks
    assert checks.quotas_of["2120000142"].checks_per_minute == 1200
    assert checks.quotas_of["2120000142"].checks_per_day is None


WRITTEN_OUT = [
    ('[privacy]\nsealing_key = "c2VjcmV0"', "privacy.sealing_key"),
    ('[privacy]\nopening_keys = ["", "c2VjcmV0"]', "privacy.opening_keys"),
    ('[providers.one]\nissuer = "https://idp.example"\nclient_secret = "x"', "providers.one.client_secret"),
    ('[database]\nurl = "postgresql+psycopg://service:x@db.example/registry"', "database.url"),
    ('[ledger]\nsigning_key = "c2VjcmV0"', "ledger.signing_key"),
]


@pytest.mark.parametrize(("text", "key"), WRITTEN_OUT)
def test_a_file_with_secrets_that_everyone_may_read_stops_the_start(
    text: str, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(text, encoding="utf-8")
    for mode in (0o644, 0o602):
        file.chmod(mode)
        told = fault({"REGISTRY_CONFIG_FILE": str(file)})
        assert told.startswith(f"Setting {key} is a secret")
        assert f"chmod o-rwx {file}" in told
        assert "c2VjcmV0" not in told
    for mode in (0o640, 0o600):
        file.chmod(mode)
        load_settings({"REGISTRY_CONFIG_FILE": str(file)})
    file.chmod(0o644)
    load_settings({"REGISTRY_CONFIG_FILE": str(file), **SANDBOX})


def test_a_file_that_only_names_where_secrets_are_may_be_read_by_everyone(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("c2VjcmV0", encoding="utf-8")
    file = tmp_path / "registry.toml"
    file.write_text(
        f'[privacy]\nsealing_key = "file:{key}"\n[database]\nurl = "postgresql+psycopg://service@db.example/registry"',
        encoding="utf-8",
    )
    file.chmod(0o644)
    assert load_settings({"REGISTRY_CONFIG_FILE": str(file)}).privacy.sealing_key.reveal() == "c2VjcmV0"


def test_every_setting_that_is_a_secret_is_looked_for_in_files() -> None:
    names = {path.rpartition(".")[2] for path, _ in _secrets(load_settings({}))}
    assert names | {"opening_keys"} <= _SECRET
