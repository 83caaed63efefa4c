"""HTTP for feeds: streamed to the spool, tried again on passing faults, never a piece taken for the whole.

Rules from RFC 9110 (conditional requests, Retry-After) and RFC 6585 (429).
"""

import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import stamina

from indexer.feeds.credentials import read_headers, read_token, tls
from indexer.feeds.errors import FeedError, FeedUnavailableError, MalformedFeedError, TruncatedFeedError
from indexer.feeds.sources import WebSource, is_safe_address
from indexer.feeds.transfer import Deadline, Pace, attempts
from indexer.feeds.unpack import gunzip
from registry.settings import Indexer

__all__ = [
    "APP_TOKEN",
    "TransientAnswerError",
    "Web",
    "as_stamp",
    "body",
    "http_date",
    "is_encoded",
    "origin",
    "read_token",
    "retry_after",
    "where",
]

APP_TOKEN = "X-App-Token"  # noqa: S105 - the name of a header, not a secret
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
# What holds the whole answer. Not 206, which holds a piece of it.
_WHOLE = frozenset({200, 202})
# Answers whose body is what was asked for, or a piece of it.
_WITH_CONTENT = frozenset({200, 206})
_PAGES = ("text/html", "application/xhtml+xml")
_MAX_REDIRECTS = 5
_CHUNK = 1 << 16
# Of an answer's extensions: the limit of `body`.
_MAX_RATIO = "registry.max_expansion_ratio"
# What any server may see; every other header may be a credential and stays with the server that it is meant for.
_HARMLESS = frozenset(
    {
        *(
            "host",
            "user-agent",
            "connection",
            "accept",
            "accept-encoding",
            "accept-language",
            "prefer",
            "range",
        ),
        *("if-range", "if-none-match", "if-modified-since", "content-type", "content-length"),
    }
)


class TransientAnswerError(Exception):
    """An answer that asks to try again later (429, 5xx). `pause_s` is what Retry-After says, if anything."""

    def __init__(self, url: str, status: int, pause_s: float | None) -> None:
        super().__init__(f"{where(url)} answers {status}")
        self.status = status
        self.pause_s = pause_s


def where(url: str) -> str:
    """Return an address without query, fragment and user, fit for a message."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(no address)"
    return urlunsplit((parts.scheme, f"{host}:{port}" if port else host, parts.path, "", ""))


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
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def as_stamp(moment: datetime | None) -> str | None:
    """Write a moment as the run's stamp (RFC 3339, UTC, seconds)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def origin(url: str) -> str:
    """Return scheme, host and port of an address, in one spelling."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname or ''}:{port}"


class Web:
    """One feed's connection: its headers, limits and rules for trying again.

    Use as a context manager. Raises `FeedUnavailableError` when the source does not give what is asked for.

    Args:
        settings: timeouts and attempts.
        max_retry_after_s: longest pause that the source may ask for.
        headers: sent with every request to the origin that is asked first; other origins get no credentials of ours.
        source: the feed's source, for the keys that all of `WebSource` share: certificates, header file, pace, expected
            content types, time limit. Without it they don't apply.
    """

    def __init__(
        self,
        settings: Indexer,
        max_retry_after_s: float,
        headers: Mapping[str, str],
        *,
        source: WebSource | None = None,
    ) -> None:
        self._settings = settings
        self._max_retry_after_s = max_retry_after_s
        self._expect = source.expect if source else ()
        self._certified = bool(source and source.client_cert_file)
        self._pace = Pace(source.requests_per_second, source.pause_ms) if source else Pace()
        self.deadline = Deadline(source.max_fetch_s if source else 0)
        secret = read_headers(source.header_file) if source and source.header_file else {}
        self._client = httpx.Client(
            timeout=httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            verify=tls(source),
            headers={
                "User-Agent": "welfare-licence-registry",
                "Accept-Encoding": "gzip",
                **headers,
                **secret,
            },
            event_hooks={"request": [self._check_request]},
        )
        # The origin that was asked first, the one that is asked now, and what is sent only now.
        self._home = ""
        self._asked = ""
        self._given: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        self._client.__enter__()
        self.deadline.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.deadline.__exit__()
        self._client.close()

    def _check_request(self, request: httpx.Request) -> None:
        """Follow no redirect to where others could change the answer, and take no credentials to strangers."""
        url = str(request.url)
        if not is_safe_address(url):
            raise FeedUnavailableError(
                f"{where(url)} is plain HTTP; the feed redirects there. Use an address that stays on HTTPS."
            )
        redirected = origin(url) != self._asked
        if redirected and self._certified:
            raise FeedUnavailableError(
                f"The source redirects to {origin(url)}; our certificate is not shown there. Use the final address."
            )
        if redirected or self._asked != self._home:
            kept = _HARMLESS if redirected else _HARMLESS | self._given
            for name in [name for name in request.headers if name.lower() not in kept]:
                del request.headers[name]

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the line that is in use, so that it can be cut when the time is over."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            line = info["return_value"].get_extra_info("socket")
            self.deadline.line(lambda: _cut(line))

    def attempts(self) -> Iterator[stamina.Attempt]:
        """Iterate over attempts; use each as a context manager around one whole request."""
        return attempts(self._settings, self._pause_after)

    def _pause_after(self, error: Exception) -> bool | float:
        """Tell whether to try again: no, yes, or after this many seconds."""
        if self.deadline.passed:
            return False
        if isinstance(error, TransientAnswerError) and error.pause_s is not None:
            allowed = error.pause_s <= self._max_retry_after_s and self.deadline.allows(error.pause_s)
            return error.pause_s if allowed else False
        return isinstance(error, httpx.TransportError | TransientAnswerError | TruncatedFeedError)

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, accept: Collection[int] = ()
    ) -> Iterator[httpx.Response]:
        """Ask once and give the answer, its body unread: 200 or 202, or 304 where that was asked for.

        Args:
            url: https, or http on this machine.
            headers: beside those of the feed.
            accept: further status codes whose answer is wanted.

        Raises:
            FeedUnavailableError: an answer that trying again won't mend.
            TransientAnswerError, httpx.TransportError: one that it may.
        """
        conditional = any(name.lower() in ("if-none-match", "if-modified-since") for name in headers or {})
        wanted = {*_WHOLE, *accept} | ({304} if conditional else set())
        with self._ask("GET", url, headers, None, wanted) as response:
            yield response

    @contextmanager
    def post(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        accept: Collection[int] = (),
    ) -> Iterator[httpx.Response]:
        """Send `content` once and give the answer, as `get` does. No redirect is followed: what is sent may be secret.

        Args:
            url: https, or http on this machine.
            content: the request's body; name its Content-Type in `headers`.
            headers: beside those of the feed.
            accept: further status codes whose answer is wanted, e.g. 500, with which SOAP tells its faults.

        Raises:
            FeedUnavailableError, TransientAnswerError, httpx.TransportError: see `get`.
        """
        with self._ask("POST", url, headers, content, {*_WHOLE, *accept}) as response:
            yield response

    @contextmanager
    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        wanted: Collection[int],
    ) -> Iterator[httpx.Response]:
        self._asked = origin(url)
        self._home = self._home or self._asked
        self._given = frozenset(name.lower() for name in headers or {})
        with (
            self._pace.request(),
            self._client.stream(
                method,
                url,
                headers=dict(headers or {}),
                content=content,
                follow_redirects=content is None,
                extensions={"trace": self._trace},
            ) as response,
        ):
            if response.status_code in wanted:
                response.extensions[_MAX_RATIO] = self._settings.max_expansion_ratio
                if response.status_code in _WITH_CONTENT:
                    self._check_type(response)
                yield response
                return
            if response.status_code in _TRANSIENT:
                raise TransientAnswerError(
                    url, response.status_code, retry_after(response.headers, datetime.now(UTC))
                )
            raise FeedUnavailableError(f"{where(url)} answers {response.status_code}.{_advice(response)}")

    def _check_type(self, response: httpx.Response) -> None:
        """Refuse what comes as another type than the feed's: a login or error page comes with status 200 too."""
        told = response.headers.get("content-type", "").partition(";")[0].strip().casefold()
        if told not in _PAGES if not self._expect else any(fnmatchcase(told, want) for want in self._expect):
            return
        raise MalformedFeedError(
            f"{where(str(response.url))} gives {told or 'no content type'} instead of the feed"
            f"{', a web page, as a login or an error' if told in _PAGES else ''}. Open the address in a browser to see "
            "what it says; if it is right, name the type in source.expect."
        )

    @contextmanager
    def translated(self, url: str) -> Iterator[None]:
        """Turn what is left after the last attempt into the feed's own errors."""
        tried = f", also after {self._settings.retries + 1} attempts. Pull again later."
        try:
            yield
        except FeedError:
            raise
        except (TransientAnswerError, httpx.TransportError) as error:
            if self.deadline.passed:
                raise FeedUnavailableError(
                    f"{where(url)} has not given the feed within {self.deadline.seconds:g} s. If that is how slow it is, "
                    "raise source.max_fetch_s."
                ) from error
            if isinstance(error, TransientAnswerError):
                raise FeedUnavailableError(f"{error}{tried}") from error
            raise FeedUnavailableError(
                f"{where(url)} can't be reached or broke off ({type(error).__name__}){tried}"
            ) from error
        except httpx.TooManyRedirects as error:
            raise FeedUnavailableError(
                f"{where(url)} redirects more than {_MAX_REDIRECTS} times. Open it in a browser to see where to."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FeedUnavailableError(
                f"{where(url)} gives an answer that is no proper HTTP ({type(error).__name__})."
            ) from error


def _cut(line: socket.socket) -> None:
    """End a connection under whoever reads from it."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _advice(response: httpx.Response) -> str:
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return (
            " What we show it may be missing, wrong or expired: look at the files that the feed file names for it "
            "(source.token_file, app_token_file, header_file, client_cert_file). They are read anew at each pull."
        )
    if response.status_code == httpx.codes.NOT_FOUND:
        return " The address may have changed: see source.url in the feed file."
    return ""


def is_encoded(response: httpx.Response) -> bool:
    """Tell whether the line is compressed.

    Raises:
        FeedUnavailableError: in a way that was not asked for.
    """
    encoding: str = response.headers.get("content-encoding", "identity").strip().casefold()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise FeedUnavailableError(
            f"{where(str(response.url))} sends the encoding {encoding!r}, which was not asked for."
        )
    return encoding != "identity"


def body(response: httpx.Response, *, compressed: bool = False) -> Iterator[bytes]:
    """Give the body's bytes, decompressed, and make sure that it is whole.

    httpx checks Content-Length and the last chunk; the end of a gzip stream is checked here.

    Raises:
        TruncatedFeedError: the compressed body ends in the middle.
        FeedTooLargeError: it grows too much.
        FeedUnavailableError: an encoding that was not asked for.
    """
    raw = response.iter_raw(_CHUNK)
    ratio = float(response.extensions.get(_MAX_RATIO, 0))
    if is_encoded(response):
        raw = gunzip(raw, ratio)
    return gunzip(raw, ratio) if compressed else raw
