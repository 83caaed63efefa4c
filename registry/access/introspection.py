"""Asking an issuer about a token that only it can read (RFC 7662).

Answers are kept for a few seconds, so that a busy client does not double the load on its issuer, and so few of them that
nobody fills our memory with made-up tokens; those about tokens that hold apart from the others, so that made-up ones do not
push them out. Without an answer nobody is let in. What the issuer does not want to read is the fault of that one token; only
an issuer that fails, or refuses us, is left alone for a while.
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
# What a token may be called that is meant for a service: by RFC 6749 section 7.1 and RFC 9449 section 5 (`token_type`), and by
# Keycloak (`typ`), which calls refresh and ID tokens active too.
_ACCESS_TOKEN = frozenset({"bearer", "dpop", "at+jwt"})
# Statuses that refuse what was sent, not who sent it.
_NOT_READ = frozenset({400, 413, 414, 422, 431})


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
        self._active: OrderedDict[bytes, _Answer] = OrderedDict()
        self._inactive: OrderedDict[bytes, _Answer] = OrderedDict()
        self._in_flight = threading.BoundedSemaphore(settings.introspection_in_flight)
        self._silent_until = 0.0
        begin_anew_in_children(self)

    def after_fork(self) -> None:
        """Take locks of our own: a thread of the parent may hold the others for ever."""
        self._lock = threading.Lock()
        self._in_flight = threading.BoundedSemaphore(self._settings.introspection_in_flight)

    def claims(self, token: str) -> dict[str, Any]:
        """Return what the issuer tells about an active token; nothing of it is checked here.

        Raises:
            InvalidTokenError: the token is not active, or too long to be asked about.
            IdentityProviderUnavailableError: the issuer does not answer, or did not a moment ago, or is being asked about as
                many tokens as it may be at a time.
        """
        if len(token) > self._settings.max_length:
            raise InvalidTokenError(f"The token is longer than {self._settings.max_length} characters.")
        digest, now = sha256(token.encode("utf-8", "surrogateescape")).digest(), self._clock()
        with self._lock:
            known = self._known(digest, now)
            if known is None and now < self._silent_until:
                raise IdentityProviderUnavailableError
        claims = known.claims if known else self._ask(token, digest)
        if claims is None:
            raise InvalidTokenError("The token is not active.")
        return dict(claims)

    def _known(self, digest: bytes, now: float) -> _Answer | None:
        for answers in (self._active, self._inactive):
            known = answers.get(digest)
            if known and now < known.until:
                answers.move_to_end(digest)
                return known
        return None

    def _ask(self, token: str, digest: bytes) -> dict[str, Any] | None:
        if not self._in_flight.acquire(timeout=self._trusted.provider.timeout_s):
            raise unavailable(self._trusted.issuer, "it is asked about too many tokens at a time")
        try:
            claims = self._answer(token)
        except IdentityProviderUnavailableError:
            with self._lock:
                self._silent_until = self._clock() + self._settings.introspection_cooldown_s
            raise
        finally:
            self._in_flight.release()
        with self._lock:
            answers, others = (
                (self._inactive, self._active) if claims is None else (self._active, self._inactive)
            )
            others.pop(digest, None)
            answers[digest] = _Answer(claims, self._clock() + self._settings.introspection_ttl_s)
            answers.move_to_end(digest)
            while len(answers) > self._settings.introspection_remembered:
                answers.popitem(last=False)
        return claims

    def _answer(self, token: str) -> dict[str, Any] | None:
        provider = self._trusted.provider
        url = self._trusted.settings.introspection_uri or provider.metadata().introspection_endpoint
        if not url:
            raise unavailable(self._trusted.issuer, "the discovery document names no introspection_endpoint")
        form = urlencode({"token": token, "token_type_hint": "access_token"}, errors="surrogateescape")
        headers, body = self._prove(url, {}, form)
        status, answer = post_form(url, body, timeout_s=provider.timeout_s, headers=headers)
        if status in _NOT_READ:
            return None
        if status != httpx.codes.OK:
            # Also when it refuses us: that is no word about the token.
            raise unavailable(url, f"status {status}")
        # RFC 7662 section 2.2: a boolean; "true" is not one.
        return answer if answer.get("active") is True and _is_access_token(answer) else None


def _is_access_token(answer: dict[str, Any]) -> bool:
    """Tell whether what the issuer calls the token, if anything, is a token to be sent to a service."""
    told = [answer[name] for name in ("token_type", "typ") if name in answer]
    return all(isinstance(one, str) and one.lower() in _ACCESS_TOKEN for one in told)
