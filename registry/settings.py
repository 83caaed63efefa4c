"""Settings: `config/default.toml`, then the operator's file, then the environment, into one frozen object."""

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from registry.errors import SettingsError
from registry.settings_access import (
    ProviderName,
    ProviderSettings,
    Rates,
    Tokens,
    addresses,
    check_organisations,
    check_providers,
)
from registry.settings_asking import (
    Access,
    Checks,
    Oversight,
    OwnQuotas,
    Purpose,
    Quotas,
    StaffLists,
    Unusual,
)
from registry.settings_base import Positive, Secret, Section
from registry.settings_ledger import LedgerSettings
from registry.settings_pipeline import Index, Indexer, Scheduling

__all__ = [
    "CONFIG",
    "NOT_SETTINGS",
    "NOT_SETTINGS_PREFIXES",
    "PREFIX",
    "ROOT",
    "Access",
    "Checks",
    "Database",
    "Index",
    "Indexer",
    "LedgerSettings",
    "Login",
    "OpenSearchSettings",
    "Oversight",
    "OwnQuotas",
    "Positive",
    "Privacy",
    "ProviderSettings",
    "Purpose",
    "Quotas",
    "Rates",
    "Scheduling",
    "Search",
    "Secret",
    "Service",
    "Settings",
    "StaffLists",
    "TantivySettings",
    "Tokens",
    "Unusual",
    "Web",
    "load_settings",
]
ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"
PREFIX = "REGISTRY_"
# Variables with the prefix that are not settings: where settings and feeds are, and what tests use.
NOT_SETTINGS = ("REGISTRY_CONFIG_FILE", "REGISTRY_FEEDS_DIR", "REGISTRY_REQUIRE_SERVICES", "REGISTRY_SAMPLES")
NOT_SETTINGS_PREFIXES = ("REGISTRY_TEST_", "REGISTRY_SERVICES_", "REGISTRY_BENCH_", "REGISTRY_DEMO_")

# Keys of secrets, and of addresses that may hold one.
_SECRET = frozenset(
    {"digest_key", "sealing_key", "opening_keys", "signing_key", "client_secret", "username", "password"}
)
_ADDRESSES = frozenset({"url", "access_url", "database_url"})
# Tables whose entries are the operator's own: a file that has one replaces the whole, so that an entry can be left out.
_REPLACED = frozenset({"access.role_scopes", "access.purposes"})


class Service(Section, frozen=True):
    """Section `[service]`."""

    sandbox: bool
    base_url: str
    time_zone: str
    default_language: Literal["sv", "en"]


class Database(Section, frozen=True):
    """Section `[database]`."""

    url: str
    access_url: str
    pool_size: int
    pool_timeout_s: float
    statement_timeout_ms: int
    lock_timeout_ms: int
    sqlite_busy_timeout_ms: int


class Privacy(Section, frozen=True):
    """Section `[privacy]`."""

    digest_key: Secret
    sealing_key: Secret
    opening_keys: tuple[Secret, ...] = ()


class TantivySettings(Section, frozen=True):
    """Section `[search.tantivy]`."""

    path: str
    writer_heap_mb: int
    writer_threads: int


class OpenSearchSettings(Section, frozen=True):
    """Section `[search.opensearch]`."""

    urls: tuple[str, ...]
    username: Secret
    password: Secret
    ca_file: str
    client_certificate_file: str
    client_key_file: str
    prefix: str
    pool_maxsize: int
    timeout_s: float
    retries: int
    indexer_timeout_s: float
    indexer_retries: int
    bulk_bytes: int
    shards: Annotated[int, msgspec.Meta(ge=0, le=1024)]
    documents_per_shard: Annotated[int, msgspec.Meta(ge=1)]
    replicas: Annotated[int, msgspec.Meta(ge=0)]
    auto_expand_replicas: Annotated[str, msgspec.Meta(pattern=r"^([0-9]+-([0-9]+|all))?$")]
    replicas_wait_s: Annotated[float, msgspec.Meta(ge=0)]


class Search(Section, frozen=True):
    """Section `[search]`."""

    engine: Literal["tantivy", "opensearch"]
    max_query_length: int
    max_query_terms: int
    default_limit: int
    max_limit: int
    max_window: int
    max_fuzzy_length: int
    two_typos_below: Annotated[int, msgspec.Meta(ge=0, le=500)]
    facet_size: int
    candidate_limit: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    candidate_words: Annotated[int, msgspec.Meta(ge=1)]
    suggest_limit: Annotated[int, msgspec.Meta(ge=1)]
    suggest_tried: Annotated[int, msgspec.Meta(ge=1, le=200)]
    suggest_min_people: Annotated[int, msgspec.Meta(ge=1)]
    name_counts_ttl_s: Positive
    rescored: Annotated[int, msgspec.Meta(ge=1, le=200)]
    feeds_ttl_s: Annotated[float, msgspec.Meta(ge=0)]
    tantivy: TantivySettings
    opensearch: OpenSearchSettings


class Login(Section, frozen=True):
    """Section `[login]`."""

    issuer: str
    client_id: str
    client_secret: Secret
    private_key_file: str
    scopes: tuple[str, ...]
    personal_identity_number_claim: str
    organisation_claim: str
    roles_claim: str
    session_idle_minutes: int
    session_max_minutes: int
    flow_timeout_s: int
    max_flows: Annotated[int, msgspec.Meta(ge=1, le=20)]
    leeway_s: int
    id_token_max_s: Annotated[int, msgspec.Meta(ge=1)]


class Web(Section, frozen=True):
    """Section `[web]`."""

    max_body_bytes: int
    max_form_parts: Annotated[int, msgspec.Meta(ge=10)]
    trusted_proxies: int
    retry_after_s: int
    index_lag_warning_s: int
    metrics: bool


class Settings(Section, frozen=True):
    """All settings. Load with `load_settings()`; never changed afterwards."""

    service: Service
    database: Database
    privacy: Privacy
    search: Search
    tokens: Tokens
    rates: Rates
    login: Login
    providers: dict[ProviderName, ProviderSettings]
    access: Access
    checks: Checks
    ledger: LedgerSettings
    web: Web
    indexer: Indexer
    index: Index
    schedule: Scheduling

    @property
    def access_database_url(self) -> str:
        """Address of the database for access events and sessions (see `database.access_url`)."""
        if self.database.access_url:
            return self.database.access_url
        url = make_url(self.database.url)
        if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
            return self.database.url
        path = Path(url.database)
        return url.set(database=str(path.with_name(f"{path.stem}-access{path.suffix}"))).render_as_string(
            hide_password=False
        )

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which "today" is decided."""
        return ZoneInfo(self.service.time_zone)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Load, check and freeze the settings.

    Args:
        environ: the environment to read; the process's own when left out.

    Raises:
        SettingsError: names the key and says how to mend it.
    """
    environ = os.environ if environ is None else environ
    values = tomllib.loads((CONFIG / "default.toml").read_text("utf-8"))
    if name := environ.get("REGISTRY_CONFIG_FILE"):
        own = _operator_file(Path(name))
        _merge(values, own)
    else:
        own = {}
    for variable, text in sorted(environ.items()):
        if variable.startswith(PREFIX) and not _is_other(variable):
            _set(values, variable, text)
    settings = _convert(values)
    if settings.service.sandbox:
        settings = _in_sandbox(settings)
    else:
        _check_readers(Path(name or ""), own)
    _check(settings)
    return settings


def _in_sandbox(settings: Settings) -> Settings:
    # Its people are exactly those that a real registry refuses.
    indexer = msgspec.structs.replace(settings.indexer, refuse_test_people=False)
    settings = msgspec.structs.replace(settings, indexer=indexer)
    if settings.tokens.bound_in_sandbox:
        return settings
    tokens = msgspec.structs.replace(settings.tokens, bound_scopes=(), bound_bulk=False)
    return msgspec.structs.replace(settings, tokens=tokens)


def _is_other(variable: str) -> bool:
    return variable in NOT_SETTINGS or variable.startswith(NOT_SETTINGS_PREFIXES)


def _operator_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(
            f"REGISTRY_CONFIG_FILE names {path}, which can't be read: {error.strerror}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _check_readers(path: Path, own: dict[str, Any]) -> None:
    """Refuse a file of settings that others may read and that holds a secret itself."""
    if (written := next(_secrets(own), "")) and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SettingsError(
            f"Setting {written} is a secret, and everyone on this machine may read {path}, where it stands. Take that right away "
            f'(chmod o-rwx {path}), or write "file:PATH" and keep the secret in a file of its own.'
        )


def _secrets(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """Give the keys whose values are secrets written out: not in a file of their own."""
    for key, value in values.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            yield from _secrets(value, f"{name}.")
            continue
        texts = [
            one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one
        ]
        secret = any(not one.startswith("file:") for one in texts) and key in _SECRET
        if secret or any(_has_password(one) for one in texts if key in _ADDRESSES):
            yield name


def _has_password(url: str) -> bool:
    try:
        return make_url(url).password is not None
    except ArgumentError:
        return False


def _merge(base: dict[str, Any], over: dict[str, Any], path: str = "") -> None:
    for key, value in over.items():
        where = f"{path}{key}"
        if isinstance(base.get(key), dict) and isinstance(value, dict) and where not in _REPLACED:
            _merge(base[key], value, f"{where}.")
        else:
            base[key] = value


def _set(values: dict[str, Any], variable: str, text: str) -> None:
    *sections, key = variable.removeprefix(PREFIX).lower().split("__")
    table: Any = values
    for section in sections:
        table = table.get(section) if isinstance(table, dict) else None
    if not sections or not isinstance(table, dict) or key not in table:
        raise SettingsError(
            f"The environment variable {variable} matches no setting. "
            "Write REGISTRY_SECTION__KEY as in config/default.toml, or unset it."
        )
    table[key] = _typed(variable, text, table[key])


def _typed(variable: str, text: str, default: Any) -> Any:  # noqa: ANN401 - a TOML value
    """Read `text` as the type of the default: strings as they are, everything else as TOML writes it."""
    if isinstance(default, str):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"The environment variable {variable} must be written as TOML writes it, e.g. {default!r}."
        ) from error


def _convert(values: dict[str, Any]) -> Settings:
    try:
        return msgspec.convert(values, Settings, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$.") or "(top level)"
        raise SettingsError(f"Setting {key}: {message}. See config/default.toml for its meaning.") from error


def _decode_secret(kind: type, value: object) -> object:
    # A ValueError becomes an error that names the setting.
    if kind is not Secret or not isinstance(value, str):
        raise ValueError('Expected text, the secret itself or "file:PATH"')
    if not value.startswith("file:"):
        return Secret(value)
    path = Path(value.removeprefix("file:"))
    try:
        return Secret(path.read_text("utf-8").strip())
    except OSError as error:
        raise ValueError(f"A secret is to be read from {path}, which fails: {error.strerror}") from error
    except UnicodeDecodeError:
        # Without its cause: the error would carry the file's bytes.
        raise ValueError(f"A secret is to be read from {path}, which is not UTF-8 text") from None


def _check(settings: Settings) -> None:
    """Check what types alone can't."""
    positive = {
        "database.pool_size": settings.database.pool_size,
        "search.max_limit": settings.search.max_limit,
        "search.max_window": settings.search.max_window,
        "tokens.jwks_ttl_s": settings.tokens.jwks_ttl_s,
        "tokens.jwks_cooldown_s": settings.tokens.jwks_cooldown_s,
        "search.default_limit": settings.search.default_limit,
        "search.opensearch.bulk_bytes": settings.search.opensearch.bulk_bytes,
        "indexer.batch_rows": settings.indexer.batch_rows,
        "indexer.publish_batch": settings.indexer.publish_batch,
        "indexer.publish_attempts": settings.indexer.publish_attempts,
    }
    for key, value in positive.items():
        if value < 1:
            raise SettingsError(f"Setting {key} is {value}; it must be at least 1.")
    for key in ("rejected_share", "max_vanished_share", "max_changed_share", "max_quarantined_share"):
        if not 0 <= (share := getattr(settings.indexer, key)) <= 1:
            raise SettingsError(f"Setting indexer.{key} is {share}; it must be between 0 and 1.")
    if settings.indexer.lease_timeout_s < 3 * settings.indexer.lease_heartbeat_s:
        raise SettingsError("Setting indexer.lease_timeout_s must be at least three times lease_heartbeat_s.")
    if settings.checks.lists.lease_timeout_s < 3 * settings.checks.lists.lease_heartbeat_s:
        raise SettingsError(
            "Setting checks.lists.lease_timeout_s must be at least three times lease_heartbeat_s."
        )
    for key, url in (
        ("database.url", settings.database.url),
        ("database.access_url", settings.database.access_url),
    ):
        _check_database_url(key, url)
    try:
        _ = settings.zone
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"Setting service.time_zone is {settings.service.time_zone!r}, which is no IANA zone; "
            'write e.g. "Europe/Stockholm".'
        ) from error
    check_organisations("checks.quotas_of", settings.checks.quotas_of)
    check_providers(settings.providers, single=settings.tokens.issuer or settings.login.issuer)
    if not settings.service.sandbox:
        _check_https(settings)


def _check_database_url(key: str, url: str) -> None:
    if not url and key == "database.access_url":
        return
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError as error:
        raise SettingsError(
            f"Setting {key} is no database address; write e.g. postgresql+psycopg://user@host/name."
        ) from error
    if backend not in {"sqlite", "postgresql"}:
        raise SettingsError(f"Setting {key} names {backend}; only sqlite and postgresql are supported.")


def _check_https(settings: Settings) -> None:
    for key, url in (
        ("tokens.issuer", settings.tokens.issuer),
        ("tokens.jwks_uri", settings.tokens.jwks_uri),
        ("login.issuer", settings.login.issuer),
        *addresses(settings.providers),
    ):
        if url and not url.startswith("https://"):
            raise SettingsError(
                f"Setting {key} must start with https:// (plain HTTP only with service.sandbox)."
            )
