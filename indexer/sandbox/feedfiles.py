"""Feed files that point at a running sandbox: the operator's own, with nothing but the address replaced.

Made from `config/feeds`, so that the sandbox can't drift from what is run against the real authorities.
"""

import re
from pathlib import Path

from msgspec.structs import replace

from indexer.feeds.descriptor import FeedDescriptor, load_feed
from indexer.feeds.sources import FhirBulkSource, SocrataSource
from indexer.sandbox import bulk, hosp, socrata
from indexer.sandbox.errors import SandboxError
from registry.settings import CONFIG

# The feeds whose authorities the sandbox plays.
PLAYED = frozenset({"hosp", "washington", "nppes-fhir"})
_SECTION = re.compile(r"^\[source\][ \t]*(?:#[^\n]*)?\n(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_URL = re.compile(r'^url[ \t]*=[ \t]*"[^"\n]*"', re.MULTILINE)
_SECRET = re.compile(r"^(?:app_)?token_file[ \t]*=[^\n]*\n", re.MULTILINE)


def write_feed_files(folder: Path, base_url: str, feeds: Path = CONFIG / "feeds") -> tuple[Path, ...]:
    """Write every feed file of `feeds` into `folder`, its address on the sandbox at `base_url`.

    Transport and options stay as they are, so a pull from the sandbox takes the same way as one from the
    authority; only a feed that is read from files comes over HTTP, and tokens are left out. So are the feeds of
    authorities that the sandbox does not play.

    Returns:
        The files written.

    Raises:
        SandboxError: a feed file has no source that the sandbox could stand in for.
        SettingsError: a feed file is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in sorted(feeds.glob("*.toml")):
        target = folder / path.name
        feed = load_feed(path)
        if feed.id not in PLAYED:
            continue
        target.write_text(_pointed(path.read_text("utf-8"), feed, base_url.rstrip("/")), "utf-8")
        if replace(load_feed(target), source=feed.source) != feed:
            raise SandboxError(
                f"{path} could not be pointed at the sandbox: write its [source] one key a line."
            )
        written.append(target)
    return tuple(written)


def _pointed(text: str, feed: FeedDescriptor, base_url: str) -> str:
    section = _SECTION.search(text)
    if not section:
        raise SandboxError(f"The feed file of {feed.id} has no [source] section of its own.")
    url = f'url = "{base_url}{_path(feed)}"'
    body, replaced = _URL.subn(lambda _: url, section[1])
    if replaced != 1:
        body = f'transport = "http"\n{url}\n\n'
    return text[: section.start(1)] + _SECRET.sub("", body) + text[section.end(1) :]


def _path(feed: FeedDescriptor) -> str:
    """Return where the sandbox has what the feed asks for."""
    if feed.format == "hosp-person-xml":
        return hosp.PATH
    if isinstance(feed.source, SocrataSource):
        return socrata.ROWS_PATH
    if isinstance(feed.source, FhirBulkSource):
        return f"{bulk.KICK_OFF_PATH}?_type=Practitioner"
    if feed.format == "socrata":
        return socrata.CSV_PATH
    raise SandboxError(
        f"The sandbox has nothing for the feed {feed.id} ({feed.format} over {type(feed.source).__name__})."
    )
