"""Objects in S3 or what speaks like it.

Read piece by piece, each piece under the condition that the object still is the one that was begun with (If-Match): what
is replaced meanwhile can't be mixed with what it was. The client is imported only when such a feed is pulled.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.feeds.credentials import read_secret
from indexer.feeds.errors import FeedUnavailableError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.patterns import as_patterns, literal_prefix, matches
from indexer.feeds.picking import Candidate
from indexer.feeds.sources import ObjectSource
from indexer.feeds.taking import Shelf, take
from indexer.feeds.transfer import ChangedUnderUsError, Deadline, attempts, carry
from indexer.feeds.unpack import Inflow
from registry.errors import SettingsError
from registry.settings import Indexer

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

# Each piece is one request, which has to end within indexer.read_timeout_s.
_PIECE = 8 << 20


_BUSY = (0, 408, 429, 500, 502, 503, 504)
_CHANGED, _GONE = 412, 404


class _SlowError(Exception):
    """The time for the whole fetching is over."""


class _StorageError(Exception):
    """The storage answers with an error; status 0 = the line broke. The client's own errors show whole answers."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}" if status else "the line broke")
        self.status = status


def fetch(source: ObjectSource, fetching: Fetching) -> Fetched:
    """Take the objects that match.

    Raises:
        FeedUnavailableError: the storage refuses us, can't be reached, or has no such bucket or object.
        FeedError: see `taking.take`.
    """
    with _translated(source, fetching.settings), Deadline(source.max_fetch_s) as deadline:
        bucket = _Bucket(source, fetching.settings, deadline)
        listing: list[Candidate] = []
        for attempt in attempts(fetching.settings, bucket.may_try_again):
            with attempt:
                listing = bucket.listing()
        return take(source, fetching, Shelf(files=listing, bring=bucket.bring, now=time.time()))


class _Bucket:
    def __init__(self, source: ObjectSource, settings: Indexer, deadline: Deadline) -> None:
        self._source = source
        self._settings = settings
        self._deadline = deadline
        self._store = _store(source, settings)

    def may_try_again(self, error: Exception) -> bool:
        """Tell whether a fault may pass: the line broke, or the storage is busy."""
        return isinstance(error, _StorageError) and error.status in _BUSY and not self._deadline.passed

    def listing(self) -> list[Candidate]:
        import obstore

        wanted = list(as_patterns(self._source.path))
        if self._source.done_suffix:
            wanted += [path + self._source.done_suffix for path in wanted]
        found: dict[str, ObjectMeta] = {}
        for prefix in {literal_prefix(path) for path in wanted}:
            with _faults():
                for page in obstore.list(self._store, prefix=_whole_folders(prefix) or None):
                    found.update(
                        (entry["path"], entry) for entry in page if matches(entry["path"], tuple(wanted))
                    )
                    self._check_time()
        return [_candidate(entry) for entry in found.values()]

    def bring(self, file: Candidate, inflow: Inflow) -> None:
        """Carry one object; after it was replaced, its new version from the first byte."""
        import obstore

        version = file

        def leg(inflow: Inflow) -> None:
            nonlocal version
            if not inflow.size:
                inflow.begin(encoded=False)
            while inflow.size < version.size:
                self._check_time()
                span = (inflow.size, min(version.size, inflow.size + _PIECE))
                data = self._piece(version, span)
                if len(data) != span[1] - span[0]:
                    with _faults():
                        version = _candidate(obstore.head(self._store, file.name))
                    inflow.begin(encoded=False)
                    raise ChangedUnderUsError
                inflow.write(data)
            inflow.finish()

        carry(leg, inflow, lambda: attempts(self._settings, self.may_try_again), ())

    def _piece(self, version: Candidate, span: tuple[int, int]) -> bytes:
        """Read a piece of this version; empty if there is another by now."""
        import obstore

        options: Any = {"range": span, **({"if_match": version.etag} if version.etag else {})}
        try:
            with _faults():
                return bytes(obstore.get(self._store, version.name, options=options).bytes())
        except _StorageError as error:
            if error.status == _CHANGED:
                return b""
            raise

    def _check_time(self) -> None:
        if self._deadline.passed:
            raise _SlowError


def _store(source: ObjectSource, settings: Indexer) -> "S3Store":
    from obstore.store import S3Store

    client: Any = {
        "allow_http": source.endpoint_url.startswith("http:"),
        "connect_timeout": timedelta(seconds=settings.connect_timeout_s),
        "timeout": timedelta(seconds=settings.read_timeout_s),
    }
    if source.ca_file:
        client["root_certificate"] = read_secret(source.ca_file, "ca_file")
    # Never what the environment or the machine's own identity would give: only what the feed file names.
    options: Any = {"skip_signature": True}
    if source.access_key_file:
        names = ("access_key_id", "secret_access_key", "session_token")
        options = dict(zip(names, _keys(source.access_key_file), strict=False))
    if source.endpoint_url:
        options["endpoint"] = source.endpoint_url.rstrip("/")
    return S3Store(
        source.bucket,
        region=source.region,
        virtual_hosted_style_request=source.virtual_hosts,
        client_options=client,
        retry_config={"max_retries": 0},
        **options,
    )


def _keys(path: str) -> list[str]:
    lines = [line.strip() for line in read_secret(path, "access_key_file").splitlines() if line.strip()]
    if len(lines) not in (2, 3):
        raise SettingsError(
            f"source.access_key_file {Path(path)} must hold the access key's id on its first line and the secret on its "
            "second (and a session token on a third, if there is one)."
        )
    return lines


def _whole_folders(prefix: str) -> str:
    """Return the folder of a prefix: the client lists by whole folders."""
    return prefix.rpartition("/")[0]


def _candidate(entry: "ObjectMeta") -> Candidate:
    return Candidate(entry["path"], entry["size"], entry["last_modified"].timestamp(), entry["e_tag"] or "")


@contextmanager
def _faults() -> Iterator[None]:
    """Take the status out of the client's errors, which also hold addresses and answers, and leave the rest behind."""
    from obstore.exceptions import BaseError, PreconditionError

    try:
        yield
    except PreconditionError:
        raise _StorageError(_CHANGED) from None
    except FileNotFoundError:
        raise _StorageError(_GONE) from None
    except BaseError as error:
        raise _StorageError(_status(str(error))) from None


def _status(text: str) -> int:
    """Return the HTTP status that an error of the client tells of; 0 = none: the line broke."""
    if "redirect without LOCATION" in text:
        return 301
    _, found, rest = text.partition("non-2xx status code: ")
    return int(rest[:3]) if found and rest[:3].isdigit() else 0


@contextmanager
def _translated(source: ObjectSource, settings: Indexer) -> Iterator[None]:
    """Turn what is left after the last attempt into the feed's own errors."""
    where = f"{source.endpoint_url or 'S3'}, bucket {source.bucket}"
    try:
        yield
    except _SlowError:
        raise FeedUnavailableError(
            f"{where} has not given the feed within {source.max_fetch_s:g} s. If that is how slow it is, raise "
            "source.max_fetch_s."
        ) from None
    except _StorageError as error:
        raise FeedUnavailableError(f"{where} {_advice(error.status, settings)}.") from None


def _advice(status: int, settings: Indexer) -> str:
    if status in (401, 403):
        return "does not let us in: see source.access_key_file and what the key may read"
    if status == _GONE:
        return "does not exist, or the object has been removed: see source.bucket, source.endpoint_url and source.path"
    if status not in _BUSY:
        return f"answers {status}: see source.region, source.bucket and source.endpoint_url"
    told = f"answers {status}" if status else "can't be reached or broke off"
    return f"{told}, also after {settings.retries + 1} attempts. Pull again later"
