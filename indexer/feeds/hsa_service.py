"""Asking HSA: one question at a time, in SOAP or in the JSON of a proxy.

The person asked about stands in the body of a POST and nowhere else: not in an address, a log or an error.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import orjson
from msgspec.structs import replace

from indexer.feeds import hsa_credentials, hsa_wire
from indexer.feeds.download import TransientAnswerError, Web, body, where
from indexer.feeds.errors import FeedUnavailableError, TruncatedFeedError
from indexer.feeds.hsa_answer import AnswerError, is_empty
from indexer.feeds.sources import WebSource, is_safe_address
from registry.settings import Indexer

DOMAIN = "urn:riv:infrastructure:directory:authorizationmanagement"
_XML, _JSON = "text/xml; charset=UTF-8", "application/json"
_REFUSED = frozenset({401, 403})
# SOAP 1.1 over HTTP: a Fault comes with 500.
_READ = frozenset({500, *_REFUSED})


class HsaSource(WebSource, frozen=True, kw_only=True):
    """HSA's services GetHospLastUpdate and GetHospCredentialsForPerson, or a proxy for them.

    Attributes:
        url: where GetHospCredentialsForPerson is asked.
        last_update_url: where GetHospLastUpdate is asked; "" = `url` with the name of this contract in place of the other's.
        protocol: `soap` (RIV-TA basic profile 2.1) or `json` (POST with the number in the body, GET for the last update).
        logical_address: RIV-TA's addressee: the HSA-id of whoever owns the directory.
        credentials_namespace, last_update_namespace: of the two contracts' requests.
        json_field: the key of a JSON question that holds the number.
        subjects: about whom to ask: `registry` = everyone the registry knows a personal identity number of; else a file
            with one number (12 digits) a line.
        time_zone: of a `lastUpdate` that names none.
        max_update_age_days: a `lastUpdate` older than this ends the run: HSA no longer hears from Socialstyrelsen; 0 = any.
        timeout_s: how long to wait for each answer.
        max_failures: after so many people in a row without an answer the run ends, and nothing of it is kept.
    """

    pause_ms: float = 50.0
    max_fetch_s: float = 86_400.0
    last_update_url: str = ""
    protocol: Literal["soap", "json"] = "soap"
    logical_address: str = "SE165565594230-1000"
    credentials_namespace: str = f"{DOMAIN}:{hsa_wire.CREDENTIALS}Responder:1"
    last_update_namespace: str = f"{DOMAIN}:{hsa_wire.LAST_UPDATE}Responder:1"
    json_field: str = "personId"
    subjects: str = "registry"
    time_zone: str = "Europe/Stockholm"
    max_update_age_days: int = 45
    timeout_s: float = 10.0
    max_failures: int = 5

    def problem(self) -> str:
        """See `Source.problem`."""
        if self.last_update_url and not (
            urlsplit(self.last_update_url).hostname and is_safe_address(self.last_update_url)
        ):
            return "last_update_url must be an https address (http only on this machine), or empty."
        if not self.subjects:
            return 'subjects is empty; write "registry", or the file that holds the numbers to ask about.'
        if self.timeout_s <= 0 or self.max_failures < 1 or self.max_update_age_days < 0:
            return "timeout_s and max_failures are above 0, max_update_age_days is 0 or more."
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            return f'time_zone is {self.time_zone!r}; write one like "Europe/Stockholm".'
        return super().problem()

    @property
    def address_of_last_update(self) -> str:
        """Where GetHospLastUpdate is asked."""
        return self.last_update_url or self.url.replace(hsa_wire.CREDENTIALS, hsa_wire.LAST_UPDATE)


class UnansweredError(Exception):
    """A question got no answer, also after all attempts; `reason` says nothing about the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _UnreadableError(TransientAnswerError):
    """An answer came and is none: a SOAP Fault, an error page. It may be another the next time."""

    def __init__(self, url: str, status: int, reason: str) -> None:
        super().__init__(url, status, None)
        self.reason = reason


def _told(error: Exception) -> str:
    if isinstance(error, _UnreadableError):
        return error.reason
    return f"status {error.status}" if isinstance(error, TransientAnswerError) else type(error).__name__


class Service:
    """The two services. Use as a context manager.

    Raises:
        SettingsError: a certificate or header file can't be read.
    """

    def __init__(self, source: HsaSource, settings: Indexer) -> None:
        self._source = source
        self._limit = settings.max_record_bytes
        self._attempts = settings.retries + 1
        self._web = Web(
            replace(settings, read_timeout_s=source.timeout_s), source.max_retry_after_s, {}, source=source
        )

    def __enter__(self) -> Self:
        self._web.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.__exit__(kind, error, trace)

    def last_update(self) -> datetime:
        """Return when HSA last had data from Socialstyrelsen (UTC).

        Raises:
            FeedUnavailableError: it does not tell.
        """
        source, url = self._source, self._source.address_of_last_update
        try:
            if source.protocol == "json":
                data = self._ask(url, hsa_wire.json_last_update, None)
                return self._moment(hsa_wire.json_last_update(data))
            question = hsa_wire.envelope(
                hsa_wire.LAST_UPDATE, source.last_update_namespace, source.logical_address
            )
            action = f"{source.last_update_namespace}:{hsa_wire.LAST_UPDATE}"
            data = self._ask(url, hsa_wire.soap_last_update, question, action)
            return self._moment(hsa_wire.soap_last_update(data))
        except (UnansweredError, AnswerError) as error:
            raise FeedUnavailableError(
                f"{where(url)} does not say when HSA last had data from Socialstyrelsen: {error.reason}. Pull again later."
            ) from error

    def credentials(self, number: str) -> tuple[dict[str, object], bool]:
        """Ask about one person and return the line for the spool, and whether the answer is empty.

        Raises:
            UnansweredError: there is no answer.
            FeedUnavailableError: the service does not let us ask at all.
        """
        source = self._source
        line: dict[str, object] = {hsa_credentials.SUBJECT: number}
        if source.protocol == "json":
            data = self._ask(source.url, hsa_wire.json_answers, orjson.dumps({source.json_field: number}))
            answers = hsa_wire.json_answers(data)
            written = data.removeprefix(b"\xef\xbb\xbf").strip()
            line |= {hsa_credentials.JSON: orjson.loads(written) if written else None}
        else:
            question = hsa_wire.envelope(
                hsa_wire.CREDENTIALS, source.credentials_namespace, source.logical_address, number
            )
            action = f"{source.credentials_namespace}:{hsa_wire.CREDENTIALS}"
            data = self._ask(source.url, hsa_wire.soap_answers, question, action)
            answers = hsa_wire.soap_answers(data)
            line |= {hsa_credentials.SOAP: hsa_wire.soap_text(data)}
        return line, all(map(is_empty, answers))

    def _ask(
        self, url: str, check: Callable[[bytes], object], question: bytes | None, action: str = ""
    ) -> bytes:
        """Ask until there is an answer that `check` takes, and return it.

        Raises:
            UnansweredError: there is none after all attempts.
            FeedUnavailableError: asking again won't help.
        """
        data = b""
        try:
            for attempt in self._web.attempts():
                self._check_time(url)
                with attempt, self._sent(url, question, action) as response:
                    data = self._read(response, url, check)
        except (TransientAnswerError, TruncatedFeedError, httpx.TransportError) as error:
            self._check_time(url)
            raise UnansweredError(f"{_told(error)}, also after {self._attempts} attempts") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FeedUnavailableError(
                f"{where(url)} gives an answer that is no proper HTTP ({type(error).__name__})."
            ) from error
        return data

    def _check_time(self, url: str) -> None:
        if self._web.deadline.passed:
            raise FeedUnavailableError(
                f"{where(url)} has not answered all questions within {self._source.max_fetch_s:g} s. If there are so many "
                "people to ask about, raise source.max_fetch_s."
            )

    @contextmanager
    def _sent(self, url: str, question: bytes | None, action: str) -> Iterator[httpx.Response]:
        if question is None:
            with self._web.get(url, {"Accept": _JSON}, accept=_READ) as response:
                yield response
            return
        headers = {"Content-Type": _JSON, "Accept": _JSON}
        if self._source.protocol == "soap":
            headers = {"Content-Type": _XML, "Accept": "text/xml", "SOAPAction": f'"{action}"'}
        with self._web.post(url, question, headers, accept={*_READ, httpx.codes.NO_CONTENT}) as response:
            yield response

    def _read(self, response: httpx.Response, url: str, check: Callable[[bytes], object]) -> bytes:
        if response.status_code in _REFUSED:
            raise FeedUnavailableError(
                f"{where(url)} answers {response.status_code}: our certificate may not ask this service. See "
                "source.client_cert_file and source.logical_address, and the agreement with Inera."
            )
        collected = bytearray()
        for chunk in body(response):
            collected += chunk
            if len(collected) > self._limit:
                raise _UnreadableError(
                    url, response.status_code, f"the answer is larger than {self._limit} bytes"
                )
        data = bytes(collected)
        try:
            check(data)
        except AnswerError as error:
            raise _UnreadableError(url, response.status_code, error.reason) from error
        if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            raise _UnreadableError(url, response.status_code, "status 500")
        return data

    def _moment(self, text: str) -> datetime:
        """Read an xs:dateTime; one without a zone is of `time_zone`.

        Raises:
            AnswerError: it is none.
        """
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise AnswerError("lastUpdate", "lastUpdate is no date and time") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(self._source.time_zone))
        return moment.astimezone(UTC).replace(microsecond=0)
