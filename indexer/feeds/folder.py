"""The folder of feed files as a long-lived process sees it: read again when it changes, never for the worse."""

from dataclasses import dataclass, field
from pathlib import Path

import structlog

from indexer.feeds.descriptor import FeedDescriptor, load_feeds
from registry.errors import SettingsError

log = structlog.get_logger()
_Signature = tuple[tuple[str, int, int, int], ...]


@dataclass
class FeedFolder:
    """The feeds of a folder.

    The files are one configuration: when one of them can't be used, all stay as they were, and the log says why.
    """

    directory: Path
    feeds: dict[str, FeedDescriptor] = field(init=False)
    _read: _Signature = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the folder.

        Raises:
            SettingsError: a file is wrong; at the start that is a reason to stop.
        """
        self._read = self._signature()
        self.feeds = load_feeds(self.directory)

    def refresh(self) -> None:
        """Read the files again if any has changed."""
        signature = self._signature()
        if signature == self._read:
            return
        self._read = signature
        try:
            self.feeds = load_feeds(self.directory)
        except SettingsError as error:
            log.error(  # noqa: TRY400 - the reason says it all
                "feed files can't be used; the feeds stay as they were", reason=error.detail
            )
        else:
            log.info("feed files read again", feeds=list(self.feeds))

    def _signature(self) -> _Signature:
        found = []
        for path in sorted(self.directory.glob("*.toml")):
            try:
                stat = path.stat()
            except OSError:  # removed at this moment
                continue
            found.append((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)
