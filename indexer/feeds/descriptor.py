"""A feed as its file in `config/feeds` describes it.

Adding a feed of a known format takes one such file and, where its words are new, one in `config/vocabulary`.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from indexer.feeds.formats import FORMATS
from indexer.feeds.options import FormatOptions
from indexer.feeds.sources import Source
from indexer.feeds.transports import TRANSPORTS
from registry.errors import SettingsError
from registry.settings import CONFIG

FEEDS_DIR_VARIABLE = "REGISTRY_FEEDS_DIR"
Completeness = Literal["full_history", "current_and_lapsed", "active_only"]
Mode = Literal["snapshot", "delta", "query"]

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z", re.ASCII)
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
T = TypeVar("T")


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who issues the licences. `jurisdiction` is an ISO 3166 code ("SE", "US-WA"), or "" for several."""

    id: str
    name_sv: str
    name_en: str
    jurisdiction: str = ""
    url: str = ""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of a feed may change in one run before it is held (see `indexer.guard`); -1 = as `[indexer]` says.

    Attributes:
        vanished_share, changed_share, quarantined_share: of the records that stand, 0 to 1.
        floor: fewer records than this never hold a run.
    """

    vanished_share: float = -1
    changed_share: float = -1
    quarantined_share: float = -1
    floor: int = -1

    def problem(self) -> str:
        """Return what types alone can't check, as "key ...: what to do", or ""."""
        for key in ("vanished_share", "changed_share", "quarantined_share"):
            share = getattr(self, key)
            if share != -1 and not 0 <= share <= 1:
                return f"{key} is {share:g}; write a share from 0 to 1, or leave it out."
        return "floor is negative; write a number of records, or leave it out." if self.floor < -1 else ""


AS_CONFIGURED = Limits()


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When `indexer run` pulls a feed.

    Attributes:
        every_minutes: the time between two pulls; 0 = never, only when asked.
        at: "HH:MM" in service.time_zone, from which the pulls are counted each day; "" = from the last pull.
        jitter_minutes: at most so much later, by chance, so that not everyone asks an authority at once.
    """

    every_minutes: int = 0
    at: str = ""
    jitter_minutes: float = 5

    def problem(self) -> str:
        """Return what types alone can't check, as "key ...: what to do", or ""."""
        if self.every_minutes < 0 or self.jitter_minutes < 0:
            return "every_minutes and jitter_minutes are 0 or more."
        if self.at and not _CLOCK.match(self.at):
            return f'at is {self.at!r}; write a time of day as "03:15".'
        return ""


class FeedDescriptor(msgspec.Struct, frozen=True, kw_only=True):
    """One source of an authority.

    Attributes:
        id: short name, used on the command line and in SQL; never changes.
        completeness: what the feed holds, and so what its silence means.
        mode: `snapshot` (what it no longer holds has been removed), `delta` or `query` (absence says nothing).
        max_age_hours: the promise: an older last successful run is told to everyone who asks.
        silence_sv, silence_en: what "not found" means for this feed, for an employer to read.
        source: where the feed is and how it is fetched.
        options: how its format is read.
        limits: how much may change in one run.
        schedule: when `indexer run` pulls it.
    """

    id: str
    authority: Authority
    name_sv: str
    name_en: str
    format: str
    completeness: Completeness
    mode: Mode
    max_age_hours: int
    silence_sv: str
    silence_en: str
    source: Source
    options: FormatOptions
    limits: Limits = AS_CONFIGURED
    schedule: Schedule = Schedule()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file's own shape; `options` waits for `format` to say which it is, `source` for its `transport`."""

    id: str
    authority: Authority
    name_sv: str
    name_en: str
    format: str
    completeness: Completeness
    mode: Mode
    max_age_hours: int
    silence_sv: str
    silence_en: str
    source: dict[str, Any]
    options: dict[str, Any] = {}
    limits: Limits = AS_CONFIGURED
    schedule: Schedule = Schedule()


def feeds_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of feed files: `config/feeds`, or what the variable REGISTRY_FEEDS_DIR names."""
    named = (os.environ if environ is None else environ).get(FEEDS_DIR_VARIABLE)
    return Path(named) if named else CONFIG / "feeds"


def load_feeds(directory: Path | None = None) -> dict[str, FeedDescriptor]:
    """Load and check every feed file of a folder, by feed id.

    Raises:
        SettingsError: names the file, the key and the fix.
    """
    directory = feeds_directory() if directory is None else directory
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        raise SettingsError(
            f"{directory} holds no feed file (*.toml). Set {FEEDS_DIR_VARIABLE} to the folder that does, or unset it."
        )
    feeds: dict[str, FeedDescriptor] = {}
    for path in paths:
        feed = load_feed(path)
        if feed.id in feeds:
            raise SettingsError(
                f'{path}: id = "{feed.id}" stands in another file too; give this one its own.'
            )
        _check_same_authority(feed, feeds, path)
        feeds[feed.id] = feed
    return feeds


def load_feed(path: Path) -> FeedDescriptor:
    """Load and check one feed file.

    Raises:
        SettingsError: names the file, the key and the fix.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    file = _convert(values, _File, path)
    known = {
        name: getattr(file, name) for name in _File.__struct_fields__ if name not in ("options", "source")
    }
    form = _one_of(FORMATS, file.format, "format", path)
    transport = _one_of(TRANSPORTS, file.source.get("transport"), "source.transport", path)
    source = {key: value for key, value in file.source.items() if key != "transport"}
    feed = FeedDescriptor(
        **known,
        options=_convert(file.options, form.options, path, "options."),
        source=_convert(source, transport.source, path, "source."),
    )
    _check(feed, path)
    return feed


def _one_of(known: Mapping[str, T], name: object, key: str, path: Path) -> T:
    found = known.get(name) if isinstance(name, str) else None
    if found is None:
        raise SettingsError(f"{path}: {key} is {name!r}; write one of {', '.join(sorted(known))}.")
    return found


def _convert(values: dict[str, Any], kind: type[T], path: Path, prefix: str = "") -> T:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        key = prefix + where.strip("`").removeprefix("$").removeprefix(".")
        raise SettingsError(
            f"{path}: {key.rstrip('.') or '(top level)'}: {message}. config/feeds/washington.toml shows every key."
        ) from error


def _check(feed: FeedDescriptor, path: Path) -> None:
    for key, text in (("id", feed.id), ("authority.id", feed.authority.id)):
        if not _ID.match(text):
            raise SettingsError(f"{path}: {key} is {text!r}; use lower-case letters, digits and hyphens.")
    for key in ("name_sv", "name_en", "silence_sv", "silence_en"):
        if not getattr(feed, key).strip():
            raise SettingsError(f"{path}: {key} is empty; write it for the people who will read it.")
    if feed.max_age_hours < 1:
        raise SettingsError(f"{path}: max_age_hours is {feed.max_age_hours}; it must be at least 1.")
    for section in ("source", "options", "limits", "schedule"):
        if problem := getattr(feed, section).problem():
            raise SettingsError(f"{path}: {section}.{problem}")


def _check_same_authority(feed: FeedDescriptor, others: Mapping[str, FeedDescriptor], path: Path) -> None:
    for other in others.values():
        if other.authority.id == feed.authority.id and other.authority != feed.authority:
            raise SettingsError(
                f'{path}: authority "{feed.authority.id}" is described otherwise by the feed {other.id}; '
                "write the same [authority] in both."
            )
