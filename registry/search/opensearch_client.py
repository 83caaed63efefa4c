"""The OpenSearch client: how long it waits, how often it tries, and its errors in our words."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import structlog

from registry.errors import SearchUnavailableError, SettingsError
from registry.search.port import NO_INDEX

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from registry.settings import OpenSearchSettings

_log = structlog.get_logger(__name__)
# A node that failed is left alone for so long, doubled per failure in a row up to eight times. The client's own
# default of one to thirty minutes would keep a restarted node idle.
_DEAD_NODE_S, _DEAD_NODE_DOUBLINGS = 5, 3
_NOT_FOUND = 404
_UNAUTHORIZED = 401
# What the disk monitor sets when a disk is too full. Other blocks may be an operator's own.
_NO_NEW_INDICES = "index_create_block_exception"
UNREACHABLE = "The search engine can't be reached or was too slow."
FULL = "The search engine makes no new indices: a disk of it is too full, or was until some minutes ago. Make room and try again."
REFUSED = (
    "The search engine refuses the user of search.opensearch, or what this user wants (docs/cluster.md)."
)


def open_client(settings: "OpenSearchSettings", *, indexer: bool) -> "OpenSearch":
    """Return a client; it connects at the first request, so that a process may fork before.

    Raises:
        SettingsError: an address or the certificate file can't be used.
    """
    # Imported here: it takes a third of a second, which the embedded engine's users need not wait.
    from opensearchpy import OpenSearch
    from opensearchpy.exceptions import SerializationError
    from opensearchpy.serializer import JSONSerializer

    class FastSerializer(JSONSerializer):
        """Uses orjson, which is several times faster in both directions."""

        def dumps(self, data: Any) -> str | bytes:  # noqa: ANN401 - any JSON
            return data if isinstance(data, str | bytes) else orjson.dumps(data)

        def loads(self, s: str) -> Any:  # noqa: ANN401 - any JSON
            try:
                return orjson.loads(s)
            except ValueError as error:
                raise SerializationError("not JSON") from error

    options: dict[str, Any] = {
        "serializer": FastSerializer(),
        "pool_maxsize": settings.pool_maxsize,
        "timeout": settings.indexer_timeout_s if indexer else settings.timeout_s,
        # The indexer tries every node once; what takes longer to mend is waited for, with pauses, in `send`.
        "max_retries": len(settings.urls) - 1 if indexer else settings.retries,
        "retry_on_timeout": True,
        "dead_timeout": _DEAD_NODE_S,
        "timeout_cutoff": _DEAD_NODE_DOUBLINGS,
    }
    # Below WARNING the client writes whole requests, and those hold names.
    for name in ("opensearch", "opensearchpy.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if settings.username:
        options["http_auth"] = (settings.username.reveal(), settings.password.reveal())
    if _checked_urls(settings.urls):
        options["ssl_context"] = _certificates(settings)
    elif settings.client_certificate_file:
        raise SettingsError(
            "Setting search.opensearch.client_certificate_file needs urls that start with https://."
        )
    if settings.client_key_file and not settings.client_certificate_file:
        raise SettingsError("Setting search.opensearch.client_key_file needs client_certificate_file.")
    return OpenSearch(list(settings.urls), **options)


def _checked_urls(urls: tuple[str, ...]) -> bool:
    """Check the addresses and tell whether they use TLS."""
    schemes = {urlsplit(url).scheme for url in urls}
    if schemes not in ({"http"}, {"https"}):
        raise SettingsError(
            "Setting search.opensearch.urls must name at least one node, all as https://host:9200 "
            "(or all as http:// where nobody else is on the network)."
        )
    return schemes == {"https"}


def _certificates(settings: "OpenSearchSettings") -> ssl.SSLContext:
    """Return whom we trust, and who we are where the cluster asks for a certificate."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        raise SettingsError(
            "Setting search.opensearch.ca_file must name a file of certificates in PEM form: "
            f"{type(error).__name__}."
        ) from error
    if settings.client_certificate_file:
        try:
            # The empty passphrase: a key with one must stop the start, not ask at a terminal.
            context.load_cert_chain(
                settings.client_certificate_file, settings.client_key_file or None, password=""
            )
        except OSError as error:
            raise SettingsError(
                "Settings search.opensearch.client_certificate_file and client_key_file must name files in PEM form "
                f"that belong together, the key without a passphrase: {type(error).__name__}."
            ) from error
    return context


@contextmanager
def our_errors(doing: str) -> Iterator[None]:
    """Turn the client's errors into ours; what the engine said is logged by kind only, it may repeat names.

    Raises:
        SearchUnavailableError: for whatever went wrong.
    """
    from opensearchpy.exceptions import ImproperlyConfigured, OpenSearchException, TransportError

    try:
        yield
    except TransportError as error:
        _log.warning("search engine error", doing=doing, status=error.status_code, kind=kind_of(error))
        raise SearchUnavailableError(explained(error.status_code, kind_of(error))) from error
    except (OpenSearchException, ImproperlyConfigured) as error:
        _log.warning("search engine error", doing=doing, kind=type(error).__name__)
        raise SearchUnavailableError(UNREACHABLE) from error


def explained(status: int | str, kind: str) -> str:
    """Return what to say of an error, by the status and the kind that the cluster gives it."""
    if status == _NOT_FOUND:
        return NO_INDEX
    if kind == _NO_NEW_INDICES:
        return FULL
    # Not every 403: blocks are answered so too.
    return REFUSED if status == _UNAUTHORIZED or kind == "security_exception" else UNREACHABLE


def status_of(error: SearchUnavailableError) -> int | None:
    """Return what the cluster answered, None if it did not answer."""
    status = getattr(error.__cause__, "status_code", None)
    return status if isinstance(status, int) else None


def kind_of(error: Exception) -> str:
    """Return the kind of a client error without anything the request held."""
    told = getattr(error, "error", "")
    return told if isinstance(told, str) and told.isidentifier() else type(error).__name__
