"""HTTP for feeds: streamed to the spool, tried again on passing faults, never a piece taken for the whole.

Rules from RFC 9110 (conditional requests, Retry-After) and RFC 6585 (429).
"""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import stamina

from indexer.feeds.errors import FeedError, FeedUnavailableError, TruncatedFeedError
from indexer.feeds.sources import is_safe_address
from registry.errors import SettingsError
from registry.settings import Indexer

APP_TOKEN = "X-App-Token"  # noqa: S105 - the name of a header, not a secret
_GZIP = 16 + zlib.MAX_WBITS
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
# What holds the whole answer. Not 206, which holds a piece of it.
_WHOLE = frozenset({200, 202})
_WHOLE_OR_SAME = frozenset({200, 202, 304})
# Pauses between attempts when the source names none: half a second, growing to a minute, with jitter.
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_CHUNK = 1 << 16


class TransientAnswerError(Exception):
    """An answer that asks to try again later (429, 5xx). `pause_s` is what Retry-After says, if anything."""

    def __init__(self, url: str, status: int, pause_s: float | None) -> None:
        super().__init__(f"{where(url)} answers {status}")
        self.status = status
        self.pause_s = pause_s


def where(url: str) -> str:
    """Return an address without query, fragment and user, fit for a message."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that Retry-After asks for (a number or a date, RFC 9110 10.2.3), or None."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = http_date(text)
    return max(0.0, (moment - now).total_seconds()) if moment else None


def http_date(text: str) -> datetime | None:
    """Read an HTTP date; None if it is absent or none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def as_stamp(moment: datetime | None) -> str | None:
    """Write a moment as the run's stamp (RFC 3339, UTC, seconds)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def read_token(path: str) -> str:
    """Read a token file.

    Raises:
        SettingsError: it can't be read or holds nothing.
    """
    try:
        token = Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"source.token_file {path} can't be read: {error.strerror}.") from error
    if not token:
        raise SettingsError(f"source.token_file {path} is empty; put the token in it.")
    return token


class Web:
    """One feed's connection: its headers, limits and rules for trying again.

    Use as a context manager. Raises `FeedUnavailableError` when the source does not give what is asked for.
    """

    def __init__(self, settings: Indexer, max_retry_after_s: float, headers: Mapping[str, str]) -> None:
        self._attempts = settings.retries + 1
        self._max_retry_after_s = max_retry_after_s
        self._client = httpx.Client(
            timeout=httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
            follow_redirects=True,
            headers={"User-Agent": "welfare-licence-registry", "Accept-Encoding": "gzip", **headers},
            event_hooks={"request": [self._check_request]},
        )
        self._home = ""

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _check_request(self, request: httpx.Request) -> None:
        """Follow no redirect to where others could change the answer, and take no token to strangers."""
        if not is_safe_address(str(request.url)):
            raise FeedUnavailableError(
                f"{where(str(request.url))} is plain HTTP; the feed redirects there. Use an address that stays on HTTPS."
            )
        if request.url.host != self._home:
            request.headers.pop(APP_TOKEN, None)

    def attempts(self) -> Iterator[stamina.Attempt]:
        """Iterate over attempts; use each as a context manager around one whole request."""
        return iter(
            stamina.retry_context(
                on=self._pause_after,
                attempts=self._attempts,
                timeout=None,
                wait_initial=_FIRST_PAUSE_S,
                wait_max=_LONGEST_PAUSE_S,
            )
        )

    def _pause_after(self, error: Exception) -> bool | float:
        """Tell whether to try again: no, yes, or after this many seconds."""
        if isinstance(error, TransientAnswerError) and error.pause_s is not None:
            return error.pause_s if error.pause_s <= self._max_retry_after_s else False
        return isinstance(error, httpx.TransportError | TransientAnswerError | TruncatedFeedError)

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
        """Ask once and give the answer, its body unread: 200 or 202, or 304 where that was asked for.

        Raises:
            FeedUnavailableError: an answer that trying again won't mend.
            TransientAnswerError, httpx.TransportError: one that it may.
        """
        self._home = urlsplit(url).hostname or ""
        with self._client.stream("GET", url, headers=dict(headers or {})) as response:
            if response.status_code in _TRANSIENT:
                raise TransientAnswerError(
                    url, response.status_code, retry_after(response.headers, datetime.now(UTC))
                )
            if response.status_code not in (
                _WHOLE if "If-None-Match" not in (headers or {}) else _WHOLE_OR_SAME
            ):
                raise FeedUnavailableError(f"{where(url)} answers {response.status_code}.{_advice(response)}")
            yield response

    @contextmanager
    def translated(self, url: str) -> Iterator[None]:
        """Turn what is left after the last attempt into the feed's own errors."""
        try:
            yield
        except FeedError:
            raise
        except TransientAnswerError as error:
            raise FeedUnavailableError(
                f"{error}, also after {self._attempts} attempts. Pull again later."
            ) from error
        except httpx.TransportError as error:
            raise FeedUnavailableError(
                f"{where(url)} can't be reached or broke off ({type(error).__name__}), "
                f"also after {self._attempts} attempts. Pull again later."
            ) from error


def _advice(response: httpx.Response) -> str:
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return " The source wants a valid token: see source.token_file in the feed file."
    if response.status_code == httpx.codes.NOT_FOUND:
        return " The address may have changed: see source.url in the feed file."
    return ""


def body(response: httpx.Response, *, compressed: bool = False) -> Iterator[bytes]:
    """Give the body's bytes, decompressed, and make sure that it is whole.

    httpx checks Content-Length and the last chunk; the end of a gzip stream is checked here.

    Raises:
        TruncatedFeedError: the compressed body ends in the middle.
        FeedUnavailableError: an encoding that was not asked for.
    """
    raw = response.iter_raw(_CHUNK)
    encoding = response.headers.get("content-encoding", "identity").strip().casefold()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise FeedUnavailableError(
            f"{where(str(response.url))} sends the encoding {encoding!r}, which was not asked for."
        )
    if encoding != "identity":
        raw = gunzip(raw)
    return gunzip(raw) if compressed else raw


def gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress a gzip stream, also of several members, piece by piece.

    Raises:
        TruncatedFeedError: it ends in the middle or is no gzip.
    """
    stream = zlib.decompressobj(_GZIP)
    begun = False
    try:
        for chunk in chunks:
            data = chunk
            while data:
                if stream.eof:
                    stream = zlib.decompressobj(_GZIP)
                begun = True
                # A bounded piece at a time: a small bomb must not become one huge string.
                yield stream.decompress(data, _CHUNK)
                data = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise TruncatedFeedError("The compressed feed is damaged or no gzip at all.") from error
    if begun and not stream.eof:
        raise TruncatedFeedError("The compressed feed ends in the middle.")
