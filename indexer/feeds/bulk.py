"""A FHIR Bulk Data export: ask for it, wait until it is ready, read its manifest, download its files.

HL7 FHIR Bulk Data Access (Flat FHIR) 2.0: the kick-off answers 202 with Content-Location, the status address answers
202 until it answers 200 with the manifest, whose `transactionTime` is the moment the data stands for.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin

import httpx
import msgspec

from indexer.feeds.download import (
    TransientAnswerError,
    Web,
    as_stamp,
    body,
    origin,
    read_token,
    retry_after,
    where,
)
from indexer.feeds.errors import NO_JSON, FeedUnavailableError, MalformedFeedError, TruncatedFeedError
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.sources import FhirBulkSource, is_safe_address
from indexer.feeds.spool import Spool
from registry.struct_types import ready

RESOURCE = "Practitioner"


class Output(msgspec.Struct, frozen=True):
    """One file of the manifest."""

    type: str
    url: str
    count: int | None = None


@ready
class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What the finished export holds."""

    transaction_time: datetime
    requires_access_token: bool
    output: list[Output]
    error: list[Output] = []
    link: list[dict[str, str]] = []


def fetch(source: FhirBulkSource, fetching: Fetching) -> Fetched:
    """Run one export into the spool; its stamp is the manifest's `transactionTime`.

    Raises:
        FeedUnavailableError: the server refuses, fails or takes longer than `source.max_wait_s`.
        MalformedFeedError: the manifest is none, lists errors, or comes in several parts.
        TruncatedFeedError: a file has fewer resources than the manifest says.
    """
    token = {"Authorization": f"Bearer {read_token(source.token_file)}"} if source.token_file else {}
    with (
        Web(fetching.settings, source.max_retry_after_s, {}, source=source) as web,
        web.translated(source.url),
    ):
        status_url = _kick_off(web, source, token)
        manifest = _wait(web, source, status_url, token)
        _check(manifest, source)
        for output in manifest.output:
            if output.type == RESOURCE:
                url = _joined(status_url, output.url)
                shown = token if manifest.requires_access_token else {}
                _check_may_see(source, url, shown)
                _download(web, fetching.files, url, output.count, shown)
    return fetching.fetched(as_stamp(manifest.transaction_time))


def _kick_off(web: Web, source: FhirBulkSource, token: Mapping[str, str]) -> str:
    headers = {"Accept": "application/fhir+json", "Prefer": "respond-async", **token}
    status_url = ""
    for attempt in web.attempts():
        with attempt, web.get(source.url, headers) as response:
            location = response.headers.get("content-location", "")
            if response.status_code != httpx.codes.ACCEPTED or not location:
                raise FeedUnavailableError(
                    f"{where(source.url)} does not start an export (it answers {response.status_code}). "
                    'For an address that gives NDJSON at once, write source.transport = "http".'
                )
            status_url = _joined(source.url, location)
    _check_may_see(source, status_url, token)
    return status_url


def _joined(base: str, url: str) -> str:
    """Return the full address of what the server names.

    Raises:
        FeedUnavailableError: it is none that may be followed.
    """
    try:
        full = urljoin(base, url)
    except ValueError:
        full = ""
    if not is_safe_address(full):
        raise FeedUnavailableError(
            f"{where(base)} names {where(full)}, which is no HTTPS address; the export's files must come over HTTPS."
        )
    return full


def _check_may_see(source: FhirBulkSource, url: str, token: Mapping[str, str]) -> None:
    """Send our token to the server itself and to the origins that the feed file names, to nobody else."""
    known = {origin(source.url), *map(origin, source.token_origins)}
    if token and origin(url) not in known:
        raise FeedUnavailableError(
            f"{where(source.url)} sends us on to {origin(url)} with our token; it is not sent there. If that server may "
            "have it, name it in source.token_origins."
        )


def _wait(web: Web, source: FhirBulkSource, status_url: str, token: Mapping[str, str]) -> Manifest:
    """Ask again and again, as slowly as the server wishes, until the manifest is there."""
    headers = {"Accept": "application/json", **token}
    give_up = time.monotonic() + source.max_wait_s
    while True:
        answer, pause = b"", source.poll_s
        for attempt in web.attempts():
            with attempt:
                answer, pause = _ask(web, source, status_url, headers)
        if answer:
            return _manifest(answer, status_url)
        if time.monotonic() + pause > give_up:
            raise FeedUnavailableError(
                f"{where(status_url)} has not finished the export within {source.max_wait_s:g} s. "
                "Pull again later, or raise source.max_wait_s."
            )
        time.sleep(pause)


def _ask(web: Web, source: FhirBulkSource, url: str, headers: Mapping[str, str]) -> tuple[bytes, float]:
    """Ask once: the manifest's bytes when it is ready, else none and how long to wait."""
    try:
        with web.get(url, headers) as response:
            if response.status_code != httpx.codes.ACCEPTED:
                return b"".join(body(response)), 0.0
            pause = retry_after(response.headers, datetime.now(UTC))
    except TransientAnswerError as error:
        if error.status != httpx.codes.TOO_MANY_REQUESTS:
            raise
        pause = error.pause_s
    return b"", min(source.poll_s if pause is None else pause, source.max_retry_after_s)


def _manifest(answer: bytes, url: str) -> Manifest:
    try:
        return msgspec.json.decode(answer, type=Manifest)
    except NO_JSON as error:
        raise MalformedFeedError(f"{where(url)} gives no manifest of an export: {error}") from error


def _check(manifest: Manifest, source: FhirBulkSource) -> None:
    if manifest.error and not source.accept_errors:
        raise MalformedFeedError(
            f"The export lists {len(manifest.error)} files of errors, so resources may be missing. Ask the server's "
            "operator, or set source.accept_errors = true if they are only remarks."
        )
    if any(link.get("relation") == "next" for link in manifest.link):
        raise MalformedFeedError("The export's manifest comes in several parts, which was not asked for.")


def _download(web: Web, files: Spool, url: str, count: int | None, headers: Mapping[str, str]) -> None:
    for attempt in web.attempts():
        with (
            attempt,
            web.get(url, {"Accept": "application/fhir+ndjson", **headers}) as response,
            files.part("practitioner.ndjson") as part,
        ):
            for data in body(response):
                part.write(data)
            if count is not None and part.records < count:
                raise TruncatedFeedError(
                    f"{where(url)} gave {part.records} resources; the manifest says {count}."
                )
