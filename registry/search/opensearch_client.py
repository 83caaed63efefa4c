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
UNREACHABLE = "The search engine can't be reached or was too slow."


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
        options["http_auth"] = (settings.username, settings.password.reveal())
    if _checked_urls(settings.urls):
        options["ssl_context"] = _certificates(settings.ca_file)
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


def _certificates(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise SettingsError(
            "Setting search.opensearch.ca_file must name a file of certificates in PEM form: "
            f"{type(error).__name__}."
        ) from error


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
        missing = error.status_code == _NOT_FOUND
        raise SearchUnavailableError(NO_INDEX if missing else UNREACHABLE) from error
    except (OpenSearchException, ImproperlyConfigured) as error:
        _log.warning("search engine error", doing=doing, kind=type(error).__name__)
        raise SearchUnavailableError(UNREACHABLE) from error


def kind_of(error: Exception) -> str:
    """Return the kind of a client error without anything the request held."""
    told = getattr(error, "error", "")
    return told if isinstance(told, str) and told.isidentifier() else type(error).__name__
