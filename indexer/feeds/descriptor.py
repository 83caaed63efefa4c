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

from indexer.feeds.options import FORMAT_OPTIONS, FeedFormat, FormatOptions
from indexer.feeds.sources import Source, check_source
from registry.errors import SettingsError
from registry.settings import CONFIG

FEEDS_DIR_VARIABLE = "REGISTRY_FEEDS_DIR"
Completeness = Literal["full_history", "current_and_lapsed", "active_only"]
Mode = Literal["snapshot", "delta", "query"]

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
T = TypeVar("T")


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who issues the licences. `jurisdiction` is an ISO 3166 code ("SE", "US-WA"), or "" for several."""

    id: str
    name_sv: str
    name_en: str
    jurisdiction: str = ""
    url: str = ""


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
    """

    id: str
    authority: Authority
    name_sv: str
    name_en: str
    format: FeedFormat
    completeness: Completeness
    mode: Mode
    max_age_hours: int
    silence_sv: str
    silence_en: str
    source: Source
    options: FormatOptions


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file's own shape; `options` waits for `format` to say which it is."""

    id: str
    authority: Authority
    name_sv: str
    name_en: str
    format: FeedFormat
    completeness: Completeness
    mode: Mode
    max_age_hours: int
    silence_sv: str
    silence_en: str
    source: Source
    options: dict[str, Any] = {}


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
    options = _convert(file.options, FORMAT_OPTIONS[file.format], path, "options.")
    feed = FeedDescriptor(
        **{name: getattr(file, name) for name in _File.__struct_fields__ if name != "options"},
        options=options,
    )
    _check(feed, path)
    return feed


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
    check_source(feed.source, path)
    if problem := feed.options.problem():
        raise SettingsError(f"{path}: options.{problem}")


def _check_same_authority(feed: FeedDescriptor, others: Mapping[str, FeedDescriptor], path: Path) -> None:
    for other in others.values():
        if other.authority.id == feed.authority.id and other.authority != feed.authority:
            raise SettingsError(
                f'{path}: authority "{feed.authority.id}" is described otherwise by the feed {other.id}; '
                "write the same [authority] in both."
            )
