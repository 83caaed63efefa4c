"""An identity provider: its discovery document (OpenID Connect Discovery 1.0) and its keys, each fetched when needed."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from registry.access.fetching import get_json, unavailable
from registry.access.keys import KeyCache
from registry.access.remote import Remote
from registry.settings import Tokens
from registry.struct_types import ready

WELL_KNOWN = "/.well-known/openid-configuration"


@ready
class Metadata(msgspec.Struct, frozen=True):
    """The members of a discovery document that are used here; "" for one that is not there."""

    issuer: str
    jwks_uri: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    introspection_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False

    def endpoints(self) -> tuple[str, ...]:
        """Return every address the document gives."""
        given = (
            self.jwks_uri,
            self.authorization_endpoint,
            self.token_endpoint,
            self.userinfo_endpoint,
            self.end_session_endpoint,
            self.introspection_endpoint,
        )
        return tuple(url for url in given if url)


class Provider:
    """One provider.

    Args:
        issuer: its issuer identifier.
        limits: section `[tokens]`, for TTL, cooldown, stale limit and timeout.
        jwks_uri: where its keys are; "" = as the discovery document says.
        allow_http: take addresses without TLS (only in the sandbox).
        clock: monotonic seconds.
    """

    def __init__(
        self,
        issuer: str,
        limits: Tokens,
        *,
        jwks_uri: str = "",
        allow_http: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self.timeout_s = limits.timeout_s
        self._allow_http = allow_http
        self._jwks_uri = jwks_uri
        bounds: dict[str, Any] = {
            "ttl_s": limits.jwks_ttl_s,
            "cooldown_s": limits.jwks_cooldown_s,
            "max_stale_s": limits.jwks_max_stale_s,
            # A fetch of keys may begin with one of the discovery document, and each has its own time.
            "wait_s": 2 * limits.timeout_s + 1,
            "clock": clock,
        }
        self._metadata: Remote[Metadata] = Remote(self._fetch_metadata, **bounds)
        self.keys = KeyCache(self._fetch_keys, **bounds)

    def metadata(self) -> Metadata:
        """Return the discovery document.

        Raises:
            IdentityProviderUnavailableError: it can't be had, or it is not this issuer's.
        """
        return self._metadata.get()

    def _fetch_metadata(self) -> Metadata:
        url = self.issuer.rstrip("/") + WELL_KNOWN
        document = get_json(url, timeout_s=self.timeout_s)
        try:
            metadata = msgspec.convert(document, Metadata)
        except msgspec.ValidationError as error:
            raise unavailable(url, "not a discovery document") from error
        # Discovery 1.0 section 4.3: else another provider's endpoints could be passed off as this one's.
        if metadata.issuer != self.issuer:
            raise unavailable(url, "the document names another issuer")
        for endpoint in metadata.endpoints():
            if not endpoint.startswith(("https://", "http://") if self._allow_http else "https://"):
                raise unavailable(url, "an endpoint is not https")
        return metadata

    def _fetch_keys(self) -> dict[str, Any]:
        url = self._jwks_uri or self.metadata().jwks_uri
        if not url:
            raise unavailable(self.issuer, "the discovery document names no jwks_uri")
        return get_json(url, timeout_s=self.timeout_s)
