"""Asking a FHIR server page by page, and remembering up to when it has told us everything."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import httpx

from indexer.feeds.download import Web, as_stamp, body, http_date, origin, read_token, where
from indexer.feeds.errors import FeedTooLargeError, FeedUnavailableError, MalformedFeedError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.fhir_bundle import Bundle, Kind, read_bundle, read_instant
from indexer.feeds.fhir_sources import FhirPagedSource
from indexer.feeds.sources import is_safe_address

_ACCEPT = {"Accept": "application/fhir+json, application/json;q=0.8"}


class PagesChangedError(Exception):
    """The register changed while its pages were read, so that they don't make one snapshot."""


@dataclass(frozen=True, slots=True)
class State:
    """What is told the next run through `Fetched.etag`.

    Attributes:
        server: digest of the address: what another server has told is no beginning for this one.
        moment: the server's own time; it has told everything from before.
        full: its time when all resources were last read.
    """

    server: str
    moment: datetime
    full: datetime

    def text(self) -> str:
        """Write it as `Fetched.etag`."""
        return f"{self.server} {_instant(self.moment)} {_instant(self.full)}"

    @staticmethod
    def after(
        source: FhirPagedSource, moment: datetime | None, known: "State | None" = None
    ) -> "State | None":
        """Return the state after an answer of that time, which went on from `known` or gave everything.

        A server that does not tell its time leaves us none: everything must be read again.
        """
        if known is not None:
            return State(known.server, max(moment or known.moment, known.moment), known.full)
        return State(_digest(source.url), moment, moment) if moment else None

    @staticmethod
    def read(fetching: Fetching, source: FhirPagedSource) -> "State | None":
        """Return where to go on; None if all resources must be read: the first time, and each `full_every_h`."""
        words = fetching.previous.etag.split() if fetching.previous else []
        moments = [read_instant(word) for word in words[1:]]
        match moments:
            case [datetime() as moment, datetime() as full] if words[0] == _digest(source.url):
                due = full + timedelta(hours=source.full_every_h)
                return State(words[0], moment, full) if not source.full_every_h or _now() < due else None
        return None

    def since(self, overlap_s: float) -> str:
        """Return from when on to ask."""
        return _instant(self.moment - timedelta(seconds=overlap_s))


def _now() -> datetime:
    return datetime.now(UTC)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def told(fetching: Fetching, state: State | None, *, changes: bool) -> Fetched:
    """Return what lies in the spool: the whole register (as the feed's mode says) or `changes` only."""
    stamp, etag = (as_stamp(state.moment), state.text()) if state else (None, "")
    fetched = fetching.fetched(stamp, etag)
    if not changes:
        return fetched
    # The same bytes mean something else as a whole register, where what is absent is gone.
    digest = hashlib.sha256(b"changes " + fetched.digest.encode()).hexdigest()
    same = fetching.previous is not None and fetching.previous.digest == digest
    return replace(fetched, digest=digest, not_modified=same, complete=False)


class Pages:
    """The answers of one server."""

    def __init__(self, source: FhirPagedSource, web: Web) -> None:
        self._source = source
        self._web = web
        self._secret = bool(source.token_file or source.header_file or source.client_cert_file)
        self.moment: datetime | None = None

    def ask(self, kind: Kind, query: Mapping[str, str]) -> Iterator[Bundle]:
        """Ask for everything that a search or the history gives, page after page; `moment` is when that was.

        Raises:
            PagesChangedError: the server has thrown the rest of the pages away.
            FeedUnavailableError, FeedTooLargeError, TruncatedFeedError, MalformedFeedError: see there.
        """
        address = self._source.url if kind == "searchset" else f"{self._source.url}/_history"
        asked = {"_count": str(self._source.page_size), **query}
        url = str(httpx.URL(address).copy_merge_params(asked))
        seen: set[str] = set()
        while url:
            if url in seen:
                raise MalformedFeedError(
                    f"{where(url)} sends us in a circle: a page names one as the next that was already read."
                )
            if len(seen) >= self._source.max_pages:
                raise FeedTooLargeError(
                    f"{where(url)} gives more than {len(seen)} pages. If that is right, raise source.max_pages."
                )
            bundle = self._page(url, kind, first=not seen)
            seen.add(url)
            yield bundle
            url = self._next(url, bundle)

    def _page(self, url: str, kind: Kind, *, first: bool) -> Bundle:
        for attempt in self._web.attempts():
            with (
                attempt,
                self._web.get(url, _ACCEPT, accept=() if first else (httpx.codes.GONE,)) as response,
            ):
                if response.status_code == httpx.codes.GONE:
                    raise PagesChangedError
                bundle = read_bundle(self._body(response, url), kind, where(url))
                if first:
                    self.moment = _time_of(bundle, response.headers)
                return bundle
        raise AssertionError("the last attempt raises")

    def _body(self, response: httpx.Response, url: str) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for data in body(response):
            size += len(data)
            if size > self._source.max_page_bytes:
                raise FeedTooLargeError(
                    f"{where(url)} gives a page larger than {self._source.max_page_bytes} bytes. Lower "
                    "source.page_size, or raise source.max_page_bytes."
                )
            pieces.append(data)
        return b"".join(pieces)

    def _next(self, url: str, bundle: Bundle) -> str:
        told = bundle.next_url()
        if not told:
            return ""
        try:
            following = str(httpx.URL(urljoin(url, told)))
            other = origin(following) != origin(self._source.url)
        except (ValueError, httpx.InvalidURL) as error:
            raise MalformedFeedError(f"{where(url)} names a next page that is no address.") from error
        if not is_safe_address(following):
            raise FeedUnavailableError(
                f"{where(url)} names {where(following)} as its next page, which is no HTTPS. Ask the server's operator "
                "to set its public base address."
            )
        if self._secret and other:
            raise FeedUnavailableError(
                f"{where(url)} names {where(following)} as its next page, another server, to which our credentials are "
                "not sent. Ask the server's operator to set its public base address."
            )
        return following


@contextmanager
def open_pages(source: FhirPagedSource, fetching: Fetching) -> Iterator[Pages]:
    """Connect to the server."""
    token = {"Authorization": f"Bearer {read_token(source.token_file)}"} if source.token_file else {}
    with (
        Web(fetching.settings, source.max_retry_after_s, token, source=source) as web,
        web.translated(source.url),
    ):
        yield Pages(source, web)


def _time_of(bundle: Bundle, headers: Mapping[str, str]) -> datetime | None:
    """Return the server's time of an answer: of the Bundle, or of the message (whole seconds) if that is earlier."""
    of_bundle = read_instant(bundle.meta.last_updated if bundle.meta else None)
    of_message = http_date(headers.get("date", ""))
    if of_message and (of_bundle is None or of_bundle >= of_message + timedelta(seconds=1)):
        return of_message
    return of_bundle
