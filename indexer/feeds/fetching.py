"""What a transport is given, and what it gives back."""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from indexer.feeds.errors import MalformedFeedError
from indexer.feeds.spool import Spool
from registry.settings import Indexer

# Time zones and clocks may be so far apart; a stamp beyond that is a mistake.
_AHEAD = timedelta(days=1)
_OF_THIS_PROCESS = os.urandom(32)


def conceal_for_now(secret: bytes) -> str:
    """Digest with a key that ends with the process: what it tells is never recognised by a later run."""
    return hashlib.blake2b(secret, digest_size=32, key=_OF_THIS_PROCESS).hexdigest()


@dataclass(frozen=True, slots=True)
class Previous:
    """What the last good run knew of the feed.

    Attributes:
        etag: what that run's transport asked to be told next time (`Fetched.etag`).
        digest: of what it fetched.
        stamp: the feed's own "as of" of the newest good run that had one (RFC 3339, UTC).
        name: the source's own name of what that run took (`Fetched.name`).
        undone: that run has been rolled back.
    """

    etag: str
    digest: str
    stamp: str | None = None
    name: str = ""
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A feed as fetched.

    Attributes:
        parts: files in the feed's own order; empty if the source said at once that nothing is new.
        stamp: the feed's own "as of" (RFC 3339, UTC), where it gives one.
        etag: what the transport wants to be told next time, in its own words: so an unchanged feed need not be sent again.
        digest: SHA-256 over all bytes, hexadecimal.
        not_modified: the feed holds what the previous run read, byte for byte; there is nothing to parse.
        complete: whether this is the whole register, so that what is absent is gone; None = as the feed's mode says.
            A feed of monthly full files and weekly deltas tells it from the file at hand.
        name: the source's own name of it, e.g. a file's name; "" if it has none.
        more: the source has further files that come after this one: pull again at once.
        notes: what the receipt should say beside, one English sentence each, e.g. that a file came too late.
    """

    parts: tuple[Path, ...]
    stamp: str | None
    etag: str
    digest: str
    not_modified: bool
    complete: bool | None = None
    name: str = ""
    more: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fetching:
    """What every transport works with.

    Attributes:
        files: where parts are written; knows the size limit and tells progress.
        previous: None on a first pull, and when everything is to be taken again.
        subjects: for feeds that are asked person by person (`mode = "query"`): gives the personal identity numbers
            (12 digits) of everyone the registry knows, in a stable order.
        conceal: a keyed digest (hexadecimal), for what is to be recognised in the next run and holds personal identity
            numbers: from a plain digest they could be found by trying them all.
        deltas: whether the feed's mode says that what it gives is no whole register.
    """

    feed_id: str
    settings: Indexer
    files: Spool
    previous: Previous | None
    subjects: Callable[[], Iterable[str]] = tuple
    conceal: Callable[[bytes], str] = conceal_for_now
    deltas: bool = False

    def fetched(
        self,
        stamp: str | None,
        etag: str = "",
        *,
        complete: bool | None = None,
        name: str = "",
        more: bool = False,
        notes: tuple[str, ...] = (),
    ) -> Fetched:
        """Return what lies in the spool now.

        Raises:
            MalformedFeedError: the stamp lies in the future; every later one would look old beside it.
        """
        if stamp and datetime.fromisoformat(stamp) > datetime.now(UTC) + _AHEAD:
            raise MalformedFeedError(
                f"The feed is stamped {stamp}, which is in the future. Taken, it would make every later one look old: "
                "see the authority's clock, the file's name and source.stamp_pattern."
            )
        digest = self.files.digest.hexdigest()
        same = self.previous is not None and self.previous.digest == digest
        return Fetched(tuple(self.files.parts), stamp, etag, digest, same, complete, name, more, notes)

    def unchanged(self, etag: str | None = None, notes: tuple[str, ...] = ()) -> Fetched:
        """Return that the source itself says that nothing is new; `etag` if the transport has new words for it."""
        assert self.previous is not None, "nothing is unchanged on a first pull"
        return Fetched(
            (),
            None,
            self.previous.etag if etag is None else etag,
            self.previous.digest,
            not_modified=True,
            name=self.previous.name,
            notes=notes,
        )
