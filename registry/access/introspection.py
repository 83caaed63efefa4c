"""Asking an issuer about a token that only it can read (RFC 7662).

Answers are kept for a few seconds, so that a busy client does not double the load on its issuer, and so few of them that
nobody fills our memory with made-up tokens. Without an answer nobody is let in.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog

from registry.access.challenges import InvalidTokenError
from registry.access.client_proof import client_proof
from registry.access.fetching import post_form, unavailable
from registry.access.forking import begin_anew_in_children
from registry.access.providers import Trusted
from registry.errors import IdentityProviderUnavailableError
from registry.settings import Tokens

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the issuer said: claims, or None for a token that is not active; until when it is believed."""

    claims: dict[str, Any] | None
    until: float


class Introspection:
    """Asks one issuer. Safe to use from many threads.

    Args:
        trusted: the provider; its table says who we are there.
        settings: section `[tokens]`, for the limits.
        clock: seconds since 1970.

    Raises:
        SettingsError: there is no proof of who we are, or two, or its key can't be used.
    """

    def __init__(self, trusted: Trusted, settings: Tokens, *, clock: Callable[[], float] = time.time) -> None:
        self._trusted = trusted
        self._settings = settings
        self._clock = clock
        self._prove = client_proof(trusted.settings, f"providers.{trusted.name}")
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._silent_until = 0.0
        begin_anew_in_children(self)

    def after_fork(self) -> None:
        """Take a lock of our own: a thread of the parent may hold the other for ever."""
        self._lock = threading.Lock()

    def claims(self, token: str) -> dict[str, Any]:
        """Return what the issuer tells about an active token; nothing of it is checked here.

        Raises:
            InvalidTokenError: the token is not active, or too long to be asked about.
            IdentityProviderUnavailableError: the issuer does not answer, or did not a moment ago.
        """
        if len(token) > self._settings.max_length:
            raise InvalidTokenError(f"The token is longer than {self._settings.max_length} characters.")
        digest, now = sha256(token.encode("utf-8", "surrogateescape")).digest(), self._clock()
        with self._lock:
            known = self._answers.get(digest)
            if known and now < known.until:
                self._answers.move_to_end(digest)
            elif now < self._silent_until:
                raise IdentityProviderUnavailableError
            else:
                known = None
        claims = known.claims if known else self._ask(token, digest)
        if claims is None:
            raise InvalidTokenError("The token is not active.")
        return dict(claims)

    def _ask(self, token: str, digest: bytes) -> dict[str, Any] | None:
        try:
            claims = self._answer(token)
        except IdentityProviderUnavailableError:
            with self._lock:
                self._silent_until = self._clock() + self._settings.introspection_cooldown_s
            raise
        with self._lock:
            self._answers[digest] = _Answer(claims, self._clock() + self._settings.introspection_ttl_s)
            self._answers.move_to_end(digest)
            while len(self._answers) > self._settings.introspection_remembered:
                self._answers.popitem(last=False)
        return claims

    def _answer(self, token: str) -> dict[str, Any] | None:
        provider = self._trusted.provider
        url = self._trusted.settings.introspection_uri or provider.metadata().introspection_endpoint
        if not url:
            raise unavailable(self._trusted.issuer, "the discovery document names no introspection_endpoint")
        form = urlencode({"token": token, "token_type_hint": "access_token"}, errors="surrogateescape")
        headers, body = self._prove(url, {}, form)
        status, answer = post_form(url, body, timeout_s=provider.timeout_s, headers=headers)
        if status != httpx.codes.OK:
            # Also when it refuses us: that is no word about the token.
            raise unavailable(url, f"status {status}")
        # RFC 7662 section 2.2: a boolean; "true" is not one.
        return answer if answer.get("active") is True else None
